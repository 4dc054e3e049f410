"""A batched rasterizer with level-set clipping, for training pictures: float32, several views in one call.

Where the level interpolated over a triangle is not positive the surface does not exist, so shells end exactly at their
hems. The product's rasterizer is exact and crack-free; here an error of a subpixel sample is harmless and speed counts.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from neural_core.camera import Camera

_EMPTY = 0x7FFFFFFFFFFFFFFF


@dataclass(frozen=True)
class Hits:
    """Covered pixels of all views: view, row, column (m,), triangle (m,) and perspective-correct barycentric (m, 3)."""

    view: Tensor
    row: Tensor
    column: Tensor
    triangle: Tensor
    barycentric: Tensor


@torch.no_grad()
def draw(vertices: Tensor, faces: Tensor, level: Tensor, cameras: list[Camera], near: float = 0.05) -> Hits:
    """Nearest existing surface per pixel of B pinhole cameras of one size.

    Args:
        vertices: (B, N, 3) world, metres. faces: (F, 3). level: (N,), the surface exists where it is positive.
    """
    height, width = cameras[0].height, cameras[0].width
    device = vertices.device
    R = torch.stack([c.R for c in cameras]).to(device)
    t = torch.stack([c.t for c in cameras]).to(device)
    K = torch.stack([c.K for c in cameras]).to(device)
    points = vertices @ R.transpose(1, 2) + t[:, None]
    depth = points[..., 2]
    focal, centre = torch.stack([K[:, 0, 0], K[:, 1, 1]], 1), K[:, :2, 2]
    pixels = points[..., :2] / depth.clamp(min=near)[..., None] * focal[:, None] + centre[:, None]

    corner, z = pixels[:, faces], depth[:, faces]  # (B, F, 3, 2), (B, F, 3)
    low = torch.ceil(corner.amin(2) - 0.5).clamp(min=0)
    high = torch.floor(corner.amax(2) - 0.5)
    high = torch.minimum(high, high.new_tensor([width - 1.0, height - 1.0]))
    extent = (high - low + 1).clamp(min=0).long()
    count = extent[..., 0] * extent[..., 1] * (z.amin(2) > near) * (level[faces].amax(1) > 0)
    keep = torch.nonzero(count.reshape(-1)).squeeze(1)
    view = torch.div(keep, len(faces), rounding_mode="floor")
    face = keep - view * len(faces)
    counts = count.reshape(-1)[keep]
    a, b, c = corner.reshape(-1, 3, 2)[keep].unbind(1)
    area = (b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (c[:, 0] - a[:, 0]) * (b[:, 1] - a[:, 1])
    inverse = torch.where(area.abs() > 1e-9, 1 / area, torch.full_like(area, float("nan")))
    # Edge functions as planes over the picture, normalised to barycentrics: weight = x * px + y * py + d.
    plane_a = _plane(b, c, inverse)
    plane_b = _plane(c, a, inverse)
    over_z = 1 / z.reshape(-1, 3)[keep].clamp(min=near)
    first = low.reshape(-1, 2)[keep].long()

    t_index = torch.repeat_interleave(torch.arange(len(keep), device=device), counts)
    start = torch.cumsum(counts, 0) - counts
    local = torch.arange(len(t_index), device=device) - start[t_index]
    columns = extent.reshape(-1, 2)[keep, 0][t_index]
    down = torch.div(local, columns, rounding_mode="floor")
    px = first[t_index, 0] + local - down * columns
    py = first[t_index, 1] + down
    weights = _weights(plane_a, plane_b, t_index, px, py)
    inside = torch.nonzero(weights.amin(1) >= -1e-4).squeeze(1)
    t_index, px, py = t_index[inside], px[inside], py[inside]
    perspective = weights[inside] * over_z[t_index]
    exists = (perspective * level[faces][face[t_index]]).sum(1) > 0
    t_index, px, py, perspective = t_index[exists], px[exists], py[exists], perspective[exists]
    z_hit = 1 / perspective.sum(1)
    packed = (z_hit.view(torch.int32).long() << 32) | t_index
    buffer = torch.full((len(cameras) * height * width,), _EMPTY, dtype=torch.int64, device=device)
    buffer.scatter_reduce_(0, (view[t_index] * height + py) * width + px, packed, "amin")

    place = torch.nonzero(buffer != _EMPTY).squeeze(1)
    t_index = buffer[place] & 0xFFFFFFFF
    column, rest = place % width, torch.div(place, width, rounding_mode="floor")
    row, seen_from = rest % height, torch.div(rest, height, rounding_mode="floor")
    perspective = _weights(plane_a, plane_b, t_index, column, row).clamp(min=0) * over_z[t_index]
    barycentric = perspective / perspective.sum(1, keepdim=True)
    return Hits(seen_from, row, column, face[t_index], barycentric)


def _plane(b: Tensor, c: Tensor, inverse: Tensor) -> Tensor:
    """(n, 3) coefficients of the weight of the corner opposite to edge b-c."""
    x = (b[:, 1] - c[:, 1]) * inverse
    y = (c[:, 0] - b[:, 0]) * inverse
    # Anchored at b, which keeps float32 exact enough far from the picture's origin.
    return torch.stack([x, y, -(x * b[:, 0] + y * b[:, 1])], 1)


def _weights(plane_a: Tensor, plane_b: Tensor, t: Tensor, px: Tensor, py: Tensor) -> Tensor:
    x, y = px + 0.5, py + 0.5
    a, b = plane_a[t], plane_b[t]
    wa = a[:, 0] * x + a[:, 1] * y + a[:, 2]
    wb = b[:, 0] * x + b[:, 1] * y + b[:, 2]
    return torch.stack([wa, wb, 1 - wa - wb], 1)
