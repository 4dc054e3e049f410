"""A batched rasterizer with level-set clipping, for training pictures: float32, several views in one call.

Where the level interpolated over a triangle is not positive the surface does not exist, so shells end exactly at their
hems. The product's rasterizer is exact and crack-free; here an error of a subpixel sample is harmless and speed counts.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from neural_core.camera import Camera
from neural_core.training.people.noise import noise

_EMPTY = 0x7FFFFFFFFFFFFFFF
_NOTHING = 0x7F800000 << 32  # depth inf: beyond a hem


@dataclass(frozen=True)
class Hits:
    """Covered pixels of all views: view, row, column (m,), triangle (m,) and perspective-correct barycentric (m, 3)."""

    view: Tensor
    row: Tensor
    column: Tensor
    triangle: Tensor
    barycentric: Tensor


@torch.no_grad()
def draw(
    vertices: Tensor,
    faces: Tensor,
    level: Tensor,
    cameras: list[Camera],
    one_sided: Tensor | None = None,
    near: float = 0.05,
    fringe: tuple[Tensor, Tensor] | None = None,
) -> Hits:
    """Nearest existing surface per pixel of B pinhole cameras of one size.

    Args:
        vertices: (B, N, 3) world, metres. faces: (F, 3). level: (N,), the surface exists where it is positive.
        one_sided: (F,) bool, faces that are never seen from behind (closed surfaces): dropped early.
        fringe: edges frayed like hair: (F,) metres by which the level is moved to and fro, and (N, 3) coordinates of
            the strands, in features.
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

    # index_select copies rows and is several times faster than indexing with a tensor.
    seen = torch.cat([pixels, depth[..., None]], 2).index_select(1, faces.reshape(-1)).unflatten(1, (-1, 3))
    corner, z = seen[..., :2], seen[..., 2]  # (B, F, 3, 2), (B, F, 3)
    a, b, c = corner.unbind(2)
    area = (b[..., 0] - a[..., 0]) * (c[..., 1] - a[..., 1]) - (c[..., 0] - a[..., 0]) * (b[..., 1] - a[..., 1])
    face_level = level.index_select(0, faces.reshape(-1)).view(-1, 3)
    drawn = (z.amin(2) > near) & (face_level.amax(1) > 0) & (area.abs() > 1e-9)
    if one_sided is not None:
        drawn &= (area < 0) | ~one_sided  # counter-clockwise from outside is clockwise in a picture with y down
    low = torch.ceil(corner.amin(2) - 0.5).clamp(min=0)
    high = torch.floor(corner.amax(2) - 0.5)
    high = torch.minimum(high, high.new_tensor([width - 1.0, height - 1.0]))
    extent = (high - low + 1).clamp(min=0).long()
    count = extent[..., 0] * extent[..., 1] * drawn
    keep = torch.nonzero(count.reshape(-1)).squeeze(1)
    view = torch.div(keep, len(faces), rounding_mode="floor")
    face = keep - view * len(faces)
    counts = count.reshape(-1).index_select(0, keep)
    kept = seen.reshape(-1, 9).index_select(0, keep).view(-1, 3, 3)
    a, b, c = kept[..., :2].unbind(1)
    inverse = 1 / area.reshape(-1).index_select(0, keep)
    # Edge functions as planes over the picture, normalised to barycentrics: weight = x * px + y * py + d.
    planes = torch.cat([_plane(b, c, inverse), _plane(c, a, inverse)], 1)
    over_z = 1 / kept[..., 2]
    box = torch.cat([low.long(), extent], 2).reshape(-1, 4).index_select(0, keep)

    t_index = torch.repeat_interleave(torch.arange(len(keep), device=device), counts)
    start = torch.cumsum(counts, 0) - counts
    left, top, columns, start = torch.cat([box[:, :3], start[:, None]], 1).index_select(0, t_index).unbind(1)
    local = torch.arange(len(t_index), device=device) - start
    down = torch.div(local, columns, rounding_mode="floor")
    px = left + local - down * columns
    py = top + down
    weights = _weights(planes, t_index, px, py)
    inside = torch.nonzero(weights.amin(1) >= -1e-4).squeeze(1)
    t_index, px, py = (x.index_select(0, inside) for x in (t_index, px, py))
    perspective = weights.index_select(0, inside) * over_z.index_select(0, t_index)
    depth_hit = 1 / perspective.sum(1)
    hit_level = (perspective * face_level.index_select(0, face.index_select(0, t_index))).sum(1) * depth_hit
    if fringe is not None:
        hit_level = _fray(hit_level, perspective * depth_hit[:, None], face.index_select(0, t_index), faces, *fringe)
    z_hit = torch.where(hit_level > 0, depth_hit, float("inf"))
    packed = (z_hit.view(torch.int32).long() << 32) | t_index
    buffer = torch.full((len(cameras) * height * width,), _EMPTY, dtype=torch.int64, device=device)
    buffer.scatter_reduce_(0, (view.index_select(0, t_index) * height + py) * width + px, packed, "amin")

    place = torch.nonzero(buffer < _NOTHING).squeeze(1)
    t_index = buffer[place] & 0xFFFFFFFF
    column, rest = place % width, torch.div(place, width, rounding_mode="floor")
    row, seen_from = rest % height, torch.div(rest, height, rounding_mode="floor")
    perspective = _weights(planes, t_index, column, row).clamp(min=0) * over_z.index_select(0, t_index)
    barycentric = perspective / perspective.sum(1, keepdim=True)
    return Hits(seen_from, row, column, face[t_index], barycentric)


def _fray(level: Tensor, weights: Tensor, face: Tensor, faces: Tensor, reach: Tensor, strands: Tensor) -> Tensor:
    """Levels (m,) of fragments, moved by noise along the strands where their face has a reach and its hem is near."""
    far = reach.index_select(0, face)
    at = torch.nonzero((far > 0) & (level.abs() < 2.5 * far)).squeeze(1)
    corners = faces.index_select(0, face.index_select(0, at))
    points = strands.index_select(0, corners.reshape(-1)).view(-1, 3, 3)
    wave = noise((points * weights.index_select(0, at)[..., None]).sum(1))
    return level.index_add(0, at, far.index_select(0, at) * wave)


def _plane(b: Tensor, c: Tensor, inverse: Tensor) -> Tensor:
    """(n, 3) coefficients of the weight of the corner opposite to edge b-c."""
    x = (b[:, 1] - c[:, 1]) * inverse
    y = (c[:, 0] - b[:, 0]) * inverse
    # Anchored at b, which keeps float32 exact enough far from the picture's origin.
    return torch.stack([x, y, -(x * b[:, 0] + y * b[:, 1])], 1)


def _weights(planes: Tensor, t: Tensor, px: Tensor, py: Tensor) -> Tensor:
    """(m, 3) screen-space barycentrics of triangles t (m,) at pixel centres."""
    x, y = px + 0.5, py + 0.5
    p = planes.index_select(0, t).T
    wa = p[0] * x + p[1] * y + p[2]
    wb = p[3] * x + p[4] * y + p[5]
    return torch.stack([wa, wb, 1 - wa - wb], 1)
