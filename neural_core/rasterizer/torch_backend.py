"""The reference rasterizer in plain torch, on CPU and CUDA: no cracks, deterministic ties, safe at the near plane.

Homogeneous edge functions in float64 (Olano and Greer 1997): for a shared edge they are exact negatives of each other,
so the inclusive inside test leaves no crack. Ties go to the nearer depth, then to the lower triangle id.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from neural_core.camera import Camera
from neural_core.rasterizer.fragments import Fragments

_EMPTY = 0x7FFFFFFFFFFFFFFF  # larger than any packed (depth, id)
_INFINITY_BITS = 0x7F800000
_CANDIDATES_PER_CHUNK = 4_000_000  # bounds memory at about 500 MB


@torch.no_grad()
def rasterize(
    vertices: Tensor, faces: Tensor, camera: Camera, near: float = 0.01, cull_backfaces: bool = False
) -> Fragments:
    """Visible triangle, barycentrics and depth of every pixel.

    Args:
        vertices: (V, 3) world, metres. faces: (F, 3) long, counter-clockwise seen from outside.
        near: metres, closer surface is cut off per pixel.
        cull_backfaces: leave out triangles seen from behind: a third of the time where the mesh is closed.
    """
    W, H = camera.width, camera.height
    triangles = _set_up(vertices, faces, camera, near, cull_backfaces)
    box = triangles.box
    widths = box[:, 2] - box[:, 0] + 1
    counts = widths * (box[:, 3] - box[:, 1] + 1)
    ends = torch.cumsum(counts, 0)
    buffer = torch.full((H * W,), _EMPTY, dtype=torch.int64, device=vertices.device)
    first, done = 0, 0
    while first < len(counts):
        limit = torch.tensor(done + _CANDIDATES_PER_CHUNK, device=vertices.device)
        last = max(first + 1, int(torch.searchsorted(ends, limit, right=True)))
        # Every pixel of every box is a candidate.
        t = torch.repeat_interleave(torch.arange(first, last, device=vertices.device), counts[first:last])
        within = torch.arange(done, done + len(t), device=vertices.device) - (ends - counts)[t]
        row = torch.div(within, widths[t], rounding_mode="floor")
        column = box[t, 0] + within - row * widths[t]
        row = row + box[t, 1]
        e0, e1, e2 = triangles.edge_functions(t, column, row)
        inside = torch.nonzero(torch.minimum(torch.minimum(e0, e1), e2) >= 0).squeeze(1)
        t, pixel = t[inside], row[inside] * W + column[inside]
        depth, total = triangles.depth(t, e0[inside], e1[inside], e2[inside])
        hit = torch.nonzero((total > 0) & (depth >= near)).squeeze(1)
        packed = (depth[hit].float().view(torch.int32).long() << 32) | triangles.id[t[hit]]
        buffer.scatter_reduce_(0, pixel[hit], packed, "amin", include_self=True)
        done, first = int(ends[last - 1]), last
    return _resolve(buffer, triangles, len(faces), W, H)


@dataclass(frozen=True)
class _Triangles:
    """The n triangles whose box holds a pixel.

    Attributes:
        id: (n,) long, their rows in the faces. box: (n, 4) long: left, top, right, bottom pixel, inclusive.
        edges: (n, 9) double, a, b, c of three edge functions a column + b row + c, positive inside;
        corner_depth: (n, 3) double, metres.
    """

    id: Tensor
    box: Tensor
    edges: Tensor
    corner_depth: Tensor

    def edge_functions(self, t: Tensor, column: Tensor, row: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Of triangles t (m,) at the centres of pixels (m,); over their sum they are perspective-correct weights."""
        c = self.edges[t]
        a0, b0, c0, a1, b1, c1, a2, b2, c2 = c.unbind(1)
        column, row = column.double(), row.double()
        return a0 * column + b0 * row + c0, a1 * column + b1 * row + c1, a2 * column + b2 * row + c2

    def depth(self, t: Tensor, e0: Tensor, e1: Tensor, e2: Tensor) -> tuple[Tensor, Tensor]:
        """Depth (m,), metres, where the edge functions (m,) were taken, and the sum (m,) of those."""
        z0, z1, z2 = self.corner_depth[t].unbind(1)
        total = e0 + e1 + e2
        return (e0 * z0 + e1 * z1 + e2 * z2) / total, total


def _set_up(vertices: Tensor, faces: Tensor, camera: Camera, near: float, cull_backfaces: bool) -> _Triangles:
    points = camera.to_camera(vertices).double()
    homogeneous = camera.homogeneous(points)
    K = camera.K.double()
    depth = points[:, 2][faces]  # (F, 3)
    box, visible = _bounding_boxes(points, homogeneous, faces, depth > near, K, camera, near)
    id = torch.nonzero(visible).squeeze(1)
    v0, v1, v2 = homogeneous[faces[id]].unbind(1)
    edges = torch.stack([torch.linalg.cross(v1, v2), torch.linalg.cross(v2, v0), torch.linalg.cross(v0, v1)], 1)
    determinant = (v0 * edges[:, 0]).sum(-1)
    # With y down, a triangle that is counter-clockwise from outside has a negative determinant when seen from there.
    facing = (determinant < 0) if cull_backfaces else (determinant != 0)
    keep = torch.nonzero(facing & torch.isfinite(determinant)).squeeze(1)
    id, edges = id[keep], edges[keep] * determinant[keep].sign()[:, None, None]
    # From camera rays to pixel indices. Odd in the edges: shared edges stay exact negatives.
    a, b = edges[..., 0] / K[0, 0], edges[..., 1] / K[1, 1]
    c = edges[..., 2] + a * (0.5 - K[0, 2]) + b * (0.5 - K[1, 2])
    return _Triangles(id, box[id], torch.stack([a, b, c], -1).reshape(-1, 9), depth[id])


def _resolve(buffer: Tensor, triangles: _Triangles, count: int, W: int, H: int) -> Fragments:
    """Unpack the nearest (depth, id) of each pixel and weigh its corners."""
    covered = buffer != _EMPTY
    triangle = torch.where(covered, buffer & 0xFFFFFFFF, -1)
    depth = torch.where(covered, buffer >> 32, _INFINITY_BITS).int().view(torch.float32)
    pixels = torch.nonzero(covered).squeeze(1)
    place = torch.zeros(count, dtype=torch.int64, device=buffer.device)
    place[triangles.id] = torch.arange(len(triangles.id), device=buffer.device)
    row = torch.div(pixels, W, rounding_mode="floor")
    weights = torch.stack(triangles.edge_functions(place[triangle[pixels]], pixels - row * W, row), 1)
    barycentric = torch.zeros(H * W, 3, device=buffer.device)
    barycentric[pixels] = (weights / weights.sum(1, keepdim=True)).float()
    return Fragments(triangle.view(H, W), barycentric.view(H, W, 3), depth.view(H, W))


def _bounding_boxes(
    points: Tensor, homogeneous: Tensor, faces: Tensor, in_front: Tensor, K: Tensor, camera: Camera, near: float
) -> tuple[Tensor, Tensor]:
    """Pixel boxes (F, 4) left, top, right, bottom, inclusive, and which are not empty (F,)."""
    some, every = in_front.any(1), in_front.all(1)
    focal, centre = torch.stack([K[0, 0], K[1, 1]]), K[:2, 2]
    w = homogeneous[:, 2:] if camera.orthographic else homogeneous[:, 2:].clamp(min=near)
    pixels = (homogeneous[:, :2] / w * focal + centre)[faces]  # (F, 3, 2)
    low, high = pixels.amin(1), pixels.amax(1)
    crossing = torch.nonzero(some & ~every).squeeze(1)
    if len(crossing):  # only the part in front counts, which ends where edges meet the near plane
        low[crossing] = torch.where(in_front[crossing, :, None], pixels[crossing], torch.inf).amin(1)
        high[crossing] = torch.where(in_front[crossing, :, None], pixels[crossing], -torch.inf).amax(1)
    for k in range(3) if len(crossing) else ():
        a, b = points[faces[crossing, k]], points[faces[crossing, (k + 1) % 3]]
        cut = (a[:, 2] > near) != (b[:, 2] > near)
        s = torch.where(cut, (near - a[:, 2]) / (b[:, 2] - a[:, 2]), torch.zeros_like(a[:, 2]))
        point = a + s[:, None] * (b - a)
        pixel = point[:, :2] / (1.0 if camera.orthographic else near) * focal + centre
        low[crossing] = torch.where(cut[:, None], torch.minimum(low[crossing], pixel), low[crossing])
        high[crossing] = torch.where(cut[:, None], torch.maximum(high[crossing], pixel), high[crossing])
    size = torch.tensor([camera.width, camera.height], device=points.device, dtype=points.dtype)
    finite = torch.isfinite(low + high).all(1)
    # Clamped before the conversion to integers, which huge values would overflow; a thousandth of slack for rounding.
    first = torch.ceil(torch.nan_to_num(low).clamp(min=-1.0).minimum(size + 1) - 0.501).clamp(min=0).long()
    last = torch.floor(torch.nan_to_num(high).clamp(min=-1.0).minimum(size + 1) - 0.499).minimum(size - 1).long()
    return torch.cat([first, last], 1), some & finite & (last >= first).all(1)
