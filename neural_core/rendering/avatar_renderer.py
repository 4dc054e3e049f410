"""Posed vertices, a camera and a neural texture become a picture (DINAR eq. 4)."""

import math
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor
from torch.nn import functional as F

from neural_core.body.model import BodyModel
from neural_core.camera import Camera
from neural_core.networks import RendererNetwork
from neural_core.networks.renderer import spread_colours
from neural_core.rasterizer import Rasterizer, interpolate, rasterize
from neural_core.rendering.detail import draw_texture
from neural_core.rendering.frame import Frame
from neural_core.rendering.mouth import Mouth
from neural_core.rendering.silhouette import crisp_alpha, grow_depth
from neural_core.rendering.window import Window, person_window
from neural_core.texture.atlas import lookup, texels_per_metre

_FINE = 560.0  # samples per metre, the density of a 1024 x 1024 atlas; coarser pictures are supersampled towards it
_MOST_SAMPLES = 4  # per pixel and axis


class Texture(Protocol):
    """What is read of a NeuralTexture: data (C, R, R), its layout, detail (3, 1024, 1024)."""

    @property
    def data(self) -> Tensor: ...

    @property
    def layout(self) -> Any: ...

    @property
    def detail(self) -> Tensor: ...


@dataclass(frozen=True)
class Drawing:
    """What the network drew of a window, at its own scale.

    Attributes:
        rgb: (3, h, w). logits: (1, h, w). coarse: (3, h, w) what of the detail texture the network was shown.
    """

    rgb: Tensor
    logits: Tensor
    coarse: Tensor


@dataclass(frozen=True)
class NetworkView:
    """What the network sees of a posed body: uv (h, w, 2) and mask (1, h, w) in its window."""

    window: Window
    uv: Tensor
    mask: Tensor


class AvatarRenderer:
    """Draws avatars of one body model with one network, on the network's device.

    The network looks at the person at the scale of its training; the picture takes silhouette and base colours from
    it, and from the detail texture what is finer than the network's pixels: the network copies what was seen, and of
    the unseen it was shown smooth colours and draws no cloth.
    """

    def __init__(self, body: BodyModel, network: RendererNetwork, rasterizer: Rasterizer = rasterize):
        self.device = next(network.parameters()).device
        self.body = body.to(self.device)
        self.network = network.eval()
        self.rasterize = rasterizer
        self.mouth = Mouth.of(self.body)

    @torch.no_grad()
    def render(self, vertices: Tensor, camera: Camera, texture: Texture, quality: str = "final") -> Frame:
        """Draw one avatar.

        Args:
            vertices: (V, 3) world, metres. camera: its size is the picture's.
            quality: "final"; "plain", one sample per pixel and a coarser look; "draft", plain at half the size.
        """
        if quality not in ("final", "plain", "draft"):
            raise ValueError(f"quality is 'final', 'plain' or 'draft', not {quality!r}")
        vertices, camera = vertices.to(self.device, torch.float32), camera.to(self.device)
        if quality == "draft":
            small = camera.resize(math.ceil(camera.width / 2), math.ceil(camera.height / 2))
            return _enlarge(self._render(vertices, small, texture, plain=True), camera.height, camera.width)
        return self._render(vertices, camera, texture, plain=quality == "plain")

    def _render(self, vertices: Tensor, camera: Camera, texture: Texture, plain: bool) -> Frame:
        frame = Frame.empty(camera.height, camera.width, self.device)
        config = self.network.config
        least = config.pixels_per_metre / 2 if plain else None
        window = person_window(vertices, camera, config.pixels_per_metre, config.multiple, least)
        if window is None:
            return frame
        left, top, width, height = window.inside(camera)
        if not width or not height:
            return frame
        samples = 1 if plain else min(max(round(_FINE / window.pixels_per_metre), 1), _MOST_SAMPLES)
        drawing = self._draw(self._look(vertices, window, camera), texture)
        fine = camera.crop(left, top, width, height).resize(width * samples, height * samples)
        rgb, alpha, depth = self._refine(vertices, fine, texture, drawing, window, (left, top), samples)

        part = (slice(top, top + height), slice(left, left + width))
        covered = F.avg_pool2d(alpha[None], samples)[0]
        colour = F.avg_pool2d((rgb * alpha)[None], samples)[0] / covered.clamp(min=1e-6)
        nearest = -F.max_pool2d(-depth[None, None], samples)[0, 0]
        frame.rgb[:, part[0], part[1]] = colour.clamp(0, 1)
        frame.alpha[part] = covered[0]
        frame.depth[part] = grow_depth(nearest, covered[0])
        return frame

    @torch.no_grad()
    def network_view(self, vertices: Tensor, camera: Camera) -> NetworkView | None:
        """How the network sees vertices (V, 3) through a camera; None when they are not in the picture."""
        vertices, camera = vertices.to(self.device, torch.float32), camera.to(self.device)
        window = person_window(vertices, camera, self.network.config.pixels_per_metre, self.network.config.multiple)
        return self._look(vertices, window, camera) if window else None

    def draw_view(self, view: NetworkView, texture: Texture) -> tuple[Tensor, Tensor]:
        """The network's own picture: rgb (3, h, w) and mask logits (1, h, w), differentiable in the texture."""
        raster = lookup(self._channels(texture), view.uv) * view.mask
        rgb, logits = self.network(raster[None], view.uv.permute(2, 0, 1)[None], view.mask[None])
        return rgb[0], logits[0]

    def _look(self, vertices: Tensor, window: Window, camera: Camera) -> NetworkView:
        fragments = self.rasterize(vertices, self.body.faces, window.network_camera(camera))
        uv = interpolate(fragments, self.body.face_uv, self.body.uv)  # (h, w, 2)
        return NetworkView(window, uv, fragments.mask[None].float())

    def _draw(self, view: NetworkView, texture: Texture) -> Drawing:
        """The network's picture of its window: the same operations as in training."""
        uv, mask = view.uv, view.mask
        channels = self._channels(texture)
        raster = lookup(channels, uv) * mask
        rgb, logits = self.network(raster[None], uv.permute(2, 0, 1)[None], mask[None])
        detail, sampled = texture.detail.to(self.device), channels[3:4]
        reduced = F.avg_pool2d(detail[None], max(detail.shape[-1] // texture.data.shape[-1], 1))[0]
        # Fabric of the unseen lies in the detail texture alone (inpainting.fabric): what it adds to rgb is all finer.
        shown = lookup(torch.lerp(channels[:3], reduced, sampled), uv) * mask
        return Drawing(rgb[0], logits[0], spread_colours(shown[None], mask[None])[0])

    def _refine(
        self,
        vertices: Tensor,
        camera: Camera,
        texture: Texture,
        drawing: Drawing,
        window: Window,
        corner: tuple[int, int],
        samples: int,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """rgb (3, H, W), alpha (1, H, W), depth (H, W) at the samples of `camera`, which begins at `corner`."""
        fragments = self.rasterize(vertices, self.body.faces, camera)
        detail = texture.detail.to(self.device)
        density = texels_per_metre(self.body, vertices, detail.shape[-1])
        sharp = draw_texture(detail, fragments, self.body, density / (window.pixels_per_metre * samples))

        scale = window.scale / samples  # network pixels per sample
        x = (torch.arange(camera.width, device=self.device) + 0.5) * scale + (corner[0] - window.left) * window.scale
        y = (torch.arange(camera.height, device=self.device) + 0.5) * scale + (corner[1] - window.top) * window.scale
        grid = torch.stack(torch.meshgrid(x * 2 / window.width - 1, y * 2 / window.height - 1, indexing="xy"), -1)

        def enlarge(picture: Tensor, mode: str = "bilinear") -> Tensor:
            return F.grid_sample(picture[None], grid[None], mode=mode, padding_mode="border", align_corners=False)[0]

        rgb = (enlarge(drawing.rgb) + fragments.mask * (sharp - enlarge(drawing.coarse))).clamp(0, 1)
        if self.mouth is not None:
            inside = self.mouth.shown(vertices, camera, fragments, self.rasterize)
            rgb = torch.where(inside, self.mouth.colour(detail, vertices)[..., None], rgb)
        alpha = crisp_alpha(enlarge(drawing.logits, "bicubic")[0])
        return rgb, alpha[None], fragments.depth

    def _channels(self, texture: Texture) -> Tensor:
        """(6 or more, R, R) as in training: rgb, sampled, filled, garment hint (without one the body fits), latent."""
        layout, data = texture.layout, texture.data.to(self.device)
        hint = data[layout["garment_hint"]] if layout.garment_hint else torch.zeros_like(data[:1])
        return torch.cat([data[layout.rgb], data[layout.sampled], data[layout.filled], hint, data[layout["latent"]]])


def _enlarge(frame: Frame, height: int, width: int) -> Frame:
    """A draft at full size: colours and coverage bilinear, depth from the nearest pixel."""
    layers = torch.cat([frame.rgb * frame.alpha, frame.alpha[None]])
    layers = F.interpolate(layers[None], (height, width), mode="bilinear", align_corners=False)[0]
    alpha = layers[3]
    depth = F.interpolate(frame.depth[None, None], (height, width), mode="nearest")[0, 0]
    return Frame((layers[:3] / alpha.clamp(min=1e-6)).clamp(0, 1), alpha, grow_depth(depth, alpha))
