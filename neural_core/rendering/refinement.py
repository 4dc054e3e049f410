"""Some optimisation steps of the RGB texture, so that the render agrees with the photo (DINAR, appendix B).

The sampled texture is already exact where the renderer copies it. What is left is what the renderer adds: its colours
at hair, hems and the rims of what was seen, and the blur of the half-size trunk. Gradients come from the renderer, from
the photo's own view; only texels the photo showed move, the more frontal the more.
"""

from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn import functional as F

from neural_core.camera import Camera
from neural_core.progress import Progress
from neural_core.rendering.avatar_renderer import AvatarRenderer
from neural_core.rendering.window import Window
from neural_core.texture.neural_texture import NeuralTexture


@dataclass(frozen=True)
class RefinementConfig:
    steps: int = 64  # appendix B
    learning_rate: float = 0.005  # sRGB units a step at most: 64 steps may move a texel by a third of the range
    gradient: float = 0.3  # weight of edges beside the squared colours, whose optimum alone is a blur
    facing: tuple[float, float] = (0.3, 0.6)  # cosine below which a texel stays, and from which it moves in full


def refine(
    texture: NeuralTexture,
    facing: Tensor,
    image: Tensor,
    mask: Tensor,
    vertices: Tensor,
    camera: Camera,
    renderer: AvatarRenderer,
    config: RefinementConfig = RefinementConfig(),
    progress: Progress | None = None,
) -> NeuralTexture:
    """The texture with refined rgb; everything else of it, the detail texture too, is kept.

    Args:
        facing: (R, R) cosine between normal and ray in the photo, at the resolution of `texture.data`.
        image: (3, H, W) sRGB photo. mask: (H, W) person. camera: the photo's.
        vertices: (V, 3) the clothed body in the photo, world.
        progress: told every step; may cancel.
    """
    progress = progress or Progress()
    view = renderer.network_view(vertices, camera)
    if view is None or config.steps < 1:
        return texture
    device = renderer.device
    wanted, person = _through(view.window, torch.cat([image, mask[None]]).to(device))
    inside = person * view.mask
    if not bool((inside > 0).any()):
        return texture

    low, high = config.facing
    seen = texture.channel("sampled").to(device)
    weight = seen * ((facing.to(device) - low) / (high - low)).clamp(0, 1)
    data = texture.data.to(device)
    start = data[texture.layout.rgb]
    change = torch.zeros_like(start, requires_grad=True)
    optimiser = torch.optim.Adam([change], lr=config.learning_rate, betas=(0.0, 0.99))  # as DINAR's generator
    for step in range(config.steps):
        progress.update(step / config.steps, "Refining the texture")
        rgb, _ = renderer.draw_view(view, _with_rgb(texture, data, start + weight * change))
        loss = _difference(rgb, wanted, inside, config)
        (change.grad,) = torch.autograd.grad(loss, change)
        optimiser.step()
    refined = (start + weight * change.detach()).clamp(0, 1)
    return replace(texture, data=_with_rgb(texture, data, refined).data.to(texture.data.device))


def _with_rgb(texture: NeuralTexture, data: Tensor, rgb: Tensor) -> NeuralTexture:
    layout = texture.layout.rgb
    return replace(texture, data=torch.cat([data[: layout.start], rgb, data[layout.stop :]]))


def _difference(a: Tensor, b: Tensor, inside: Tensor, config: RefinementConfig) -> Tensor:
    """Squared colours and absolute edges (appendix B has LPIPS, whose weights cannot ship), mean inside."""
    total = 3 * inside.sum()
    error = (a - b) * inside
    across = (error[..., 1:] - error[..., :-1]).abs().sum() + (error[..., 1:, :] - error[..., :-1, :]).abs().sum()
    return (error.square().sum() + config.gradient * across) / total


def _through(window: Window, picture: Tensor) -> tuple[Tensor, Tensor]:
    """The photo (3, h, w) and mask (1, h, w) through the network's window; mask 0 beyond the photo."""
    height, width = round(window.height / window.scale), round(window.width / window.scale)
    x0, y0 = max(-window.left, 0), max(-window.top, 0)
    cut = picture[:, max(window.top, 0) : window.top + height, max(window.left, 0) : window.left + width]
    beyond = (x0, width - x0 - cut.shape[2], y0, height - y0 - cut.shape[1])
    cut = F.pad(cut, beyond)  # grey where the photo ends; the mask is zero there
    small = F.interpolate(cut[None], (window.height, window.width), mode="bilinear", antialias=True)[0]
    return small[:3], small[3:]
