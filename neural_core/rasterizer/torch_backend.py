"""The reference rasterizer in plain torch, on CPU and CUDA: no cracks, deterministic ties, safe at the near plane.

Homogeneous edge functions in float64 (Olano and Greer 1997): for a shared edge they are exact negatives of each other,
so the inclusive inside test leaves no crack. Ties go to the nearer depth, then to the lower triangle id.
"""

import torch
from torch import Tensor

from neural_core.camera import Camera
from neural_core.rasterizer.fragments import Fragments

_EMPTY = 0x7FFFFFFFFFFFFFFF  # larger than any packed (depth, id)
_INFINITY_BITS = 0x7F800000
_CANDIDATES_PER_CHUNK = 4_000_000  # bounds memory at about 400 MB


@torch.no_grad()
def rasterize(vertices: Tensor, faces: Tensor, camera: Camera, near: float = 0.01) -> Fragments:
    """Visible triangle, barycentrics and depth of every pixel.

    Args:
        vertices: (V, 3) world, metres. faces: (F, 3) long. near: metres, closer surface is cut off per pixel.
    """
    W, H = camera.width, camera.height
    points = camera.to_camera(vertices).double()
    corners, homogeneous = points[faces], camera.homogeneous(points)[faces]  # (F, 3, 3)
    K = camera.K.double()
    box, visible = _bounding_boxes(corners, homogeneous, K, W, H, near, camera.orthographic)

    v0, v1, v2 = homogeneous.unbind(1)
    edges = torch.stack([torch.linalg.cross(v1, v2), torch.linalg.cross(v2, v0), torch.linalg.cross(v0, v1)], 1)
    determinant = (v0 * edges[:, 0]).sum(-1)
    keep = torch.nonzero(visible & (determinant != 0) & torch.isfinite(determinant)).squeeze(1)
    edges = edges[keep] * determinant[keep].sign()[:, None, None]
    z_corners, box = corners[keep, :, 2], box[keep]
    w_corners = homogeneous[keep, :, 2]
    widths, heights = box[:, 2] - box[:, 0] + 1, box[:, 3] - box[:, 1] + 1
    counts = widths * heights
    ends = torch.cumsum(counts, 0)

    buffer = torch.full((H * W,), _EMPTY, dtype=torch.int64, device=vertices.device)
    first, done = 0, 0
    while first < len(keep):
        limit = torch.tensor(done + _CANDIDATES_PER_CHUNK, device=vertices.device)
        last = max(first + 1, int(torch.searchsorted(ends, limit, right=True)))
        t = torch.repeat_interleave(torch.arange(first, last, device=vertices.device), counts[first:last])
        local = torch.arange(len(t), device=vertices.device) - (ends[t] - counts[t] - done)
        row = torch.div(local, widths[t], rounding_mode="floor")
        column = box[t, 0] + local - row * widths[t]
        row = row + box[t, 1]
        e, total, depth = _evaluate(edges, z_corners, w_corners, t, column, row, K, camera.orthographic)
        hit = torch.nonzero((e.amin(1) >= 0) & (total > 0) & (depth >= near)).squeeze(1)
        packed = (depth[hit].float().view(torch.int32).long() << 32) | keep[t[hit]]
        buffer.scatter_reduce_(0, row[hit] * W + column[hit], packed, "amin", include_self=True)
        done, first = int(ends[last - 1]), last

    covered = buffer != _EMPTY
    triangle = torch.where(covered, buffer & 0xFFFFFFFF, -1).view(H, W)
    bits = torch.where(covered, (buffer >> 32).int(), torch.full_like(buffer, _INFINITY_BITS).int())
    depth = bits.view(torch.float32).view(H, W)
    barycentric = torch.zeros(H, W, 3, device=vertices.device)
    rows, columns = torch.nonzero(triangle >= 0, as_tuple=True)
    where = torch.full((faces.shape[0],), -1, dtype=torch.int64, device=vertices.device)
    where[keep] = torch.arange(len(keep), device=vertices.device)
    at = where[triangle[rows, columns]]
    e, total, _ = _evaluate(edges, z_corners, w_corners, at, columns, rows, K, camera.orthographic)
    barycentric[rows, columns] = (e / total[:, None]).float()
    return Fragments(triangle, barycentric, depth)


def _evaluate(edges, z_corners, w_corners, t, column, row, K, orthographic):
    """Edge functions (n, 3), their sum and the depth of triangles t (n,) at pixel centres."""
    x = (column + 0.5 - K[0, 2]) / K[0, 0]
    y = (row + 0.5 - K[1, 2]) / K[1, 1]
    c = edges[t]
    e = c[..., 0] * x[:, None] + (c[..., 1] * y[:, None] + c[..., 2])
    total = e.sum(1)
    # e/total are barycentrics in camera space in both projections: sum(b * z) is the depth of the surface there.
    depth = (e * z_corners[t]).sum(1) / total
    return e, total, depth


def _bounding_boxes(corners, homogeneous, K, W, H, near, orthographic):
    """Pixel boxes (F, 4) left, top, right, bottom, inclusive, and which are not empty (F,)."""
    in_front = corners[..., 2] > near
    some, every = in_front.any(1), in_front.all(1)
    focal, centre = torch.stack([K[0, 0], K[1, 1]]), K[:2, 2]
    w = homogeneous[..., 2:].clamp(min=near) if not orthographic else homogeneous[..., 2:]
    pixels = homogeneous[..., :2] / w * focal + centre
    huge = 1e30
    low = torch.where(in_front[..., None], pixels, huge).amin(1)
    high = torch.where(in_front[..., None], pixels, -huge).amax(1)
    crossing = torch.nonzero(some & ~every).squeeze(1)
    for k in range(3) if len(crossing) else ():
        a, b = corners[crossing, k], corners[crossing, (k + 1) % 3]
        cut = (a[:, 2] > near) != (b[:, 2] > near)
        s = torch.where(cut, (near - a[:, 2]) / (b[:, 2] - a[:, 2]), torch.zeros_like(a[:, 2]))
        point = a + s[:, None] * (b - a)
        pixel = point[:, :2] / (1.0 if orthographic else near) * focal + centre
        low[crossing] = torch.where(cut[:, None], torch.minimum(low[crossing], pixel), low[crossing])
        high[crossing] = torch.where(cut[:, None], torch.maximum(high[crossing], pixel), high[crossing])
    size = torch.tensor([W, H], device=corners.device, dtype=corners.dtype)
    finite = torch.isfinite(low).all(1) & torch.isfinite(high).all(1)
    low = torch.where(finite[:, None], low, torch.zeros_like(low)).clamp(min=-1.0)
    high = torch.where(finite[:, None], high, -torch.ones_like(high))
    low, high = torch.minimum(low, size + 1), torch.minimum(high.clamp(min=-1.0), size + 1)
    first = torch.ceil(low - 0.501).clamp(min=0).long()
    last = torch.minimum(torch.floor(high - 0.499), size - 1).long()
    visible = some & finite & (last >= first).all(1)
    return torch.cat([first, last], 1), visible
