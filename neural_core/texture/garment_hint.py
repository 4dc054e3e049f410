"""How far the clothes reach beyond the fitted body, as a texture: what tells a skirt from trousers, loose from tight.

At the body's outline the photo shows it: the distance from there to the person's own outline. Every visible point of
the body takes the value of the nearest point of its outline, and the texture carries it to any other pose and view.
"""

import numpy as np
import torch
from scipy import ndimage
from torch import Tensor
from torch.nn import functional as F

from neural_core.body.model import BodyModel
from neural_core.camera import Camera
from neural_core.rasterizer import interpolate, rasterize
from neural_core.texture.atlas import uv_to_texel
from neural_core.texture.push_pull import push_pull

HINT_RESOLUTION = 128  # the hint is smooth; a picture 256 pixels high has no more to say
_REACH = 0.15  # of the square root of the body's area, about 11 cm: where the hint saturates
_WORK_HEIGHT = 230  # pixels of a standing person, as in the synthetic people


def outline_excess(mask: Tensor, body_mask: Tensor) -> Tensor:
    """Reach of the person beyond the body's outline, carried to every pixel of the body: (H, W) in [-1, 1], 0 outside.

    Args:
        mask: (H, W) person, [0, 1]. body_mask: (H, W) bool. Positive where clothes reach beyond the body, negative
        where the body reaches beyond the person.
    """
    person, body = (mask > 0.5).cpu().numpy(), body_mask.cpu().numpy()
    if not person.any() or not body.any():
        return torch.zeros_like(mask, dtype=torch.float32)
    within = np.asarray(ndimage.distance_transform_edt(np.pad(person, 1)), np.float64)[1:-1, 1:-1]
    signed = within - np.asarray(ndimage.distance_transform_edt(~person), np.float64)
    # The outline: body pixels beside a pixel that is not body.
    outline = body & ~np.asarray(ndimage.binary_erosion(body, border_value=1), bool)
    if not outline.any():
        return torch.zeros_like(mask, dtype=torch.float32)
    at = np.asarray(ndimage.distance_transform_edt(~outline, return_distances=False, return_indices=True))
    # A body that fits exactly has its last pixel at distance 1 from the outside.
    excess = (signed[at[0], at[1]] - 1) / (_REACH * np.sqrt(body.sum()))
    return torch.from_numpy((np.clip(excess, -1, 1) * body).astype(np.float32)).to(mask.device)


def scatter_hint(excess: Tensor, body_mask: Tensor, uv: Tensor) -> tuple[Tensor, Tensor]:
    """Pictures (B, H, W) with uv (B, H, W, 2) to textures: mean (B, 1, R, R) and known (B, 1, R, R), R = 128."""
    B, R = len(excess), HINT_RESOLUTION
    texel = uv_to_texel(uv.float(), R).floor().long().clamp(0, R - 1)
    index = (torch.arange(B, device=uv.device)[:, None, None] * R + texel[..., 0]) * R + texel[..., 1]
    total = torch.zeros(2, B * R * R, device=excess.device)
    chosen = index[body_mask]
    total[0].index_add_(0, chosen, excess[body_mask])
    total[1].index_add_(0, chosen, torch.ones_like(excess[body_mask]))
    mean, known = (total[0] / total[1].clamp(min=1)).view(B, 1, R, R), (total[1] > 0).float().view(B, 1, R, R)
    return mean, known


def fill_hint(mean: Tensor, known: Tensor, resolution: int) -> Tensor:
    """Unseen texels from the nearest seen ones, by a pyramid; (B, 1, R, R) to (B, 1, resolution, resolution)."""
    return F.interpolate(push_pull(mean, known, levels=5), (resolution, resolution), mode="bilinear")


@torch.no_grad()
def garment_hint(mask: Tensor, vertices: Tensor, body: BodyModel, camera: Camera, resolution: int = 256) -> Tensor:
    """The hint of a photo (1, resolution, resolution).

    Args:
        mask: (H, W) person, [0, 1]. vertices: (V, 3) fitted, clothed body in the photo's world. camera: the photo's.
    """
    _, depth = camera.project(vertices)
    front = depth > 0.05
    if not bool(front.any()):
        return torch.zeros(1, resolution, resolution, device=vertices.device)
    metre = float(camera.K[1, 1]) / (1.0 if camera.orthographic else float(depth[front].mean()))
    scale = min(_WORK_HEIGHT / 1.75 / metre, 1.0)
    size = max(round(camera.height * scale), 1), max(round(camera.width * scale), 1)
    small = F.interpolate(mask[None, None].float(), size, mode="area")[0, 0]
    fragments = rasterize(vertices, body.faces, camera.resize(size[1], size[0]))
    uv = interpolate(fragments, body.face_uv, body.uv)
    excess = outline_excess(small, fragments.mask)
    mean, known = scatter_hint(excess[None], fragments.mask[None], uv[None])
    return fill_hint(mean, known, resolution)[0]
