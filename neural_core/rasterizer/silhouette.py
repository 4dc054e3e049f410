"""Differentiable coverage: every silhouette edge is walked over the pixel rows (or columns) that it crosses.

The idea is the analytic antialiasing of Laine et al. 2020 ("Modular primitives", section 3.5): there a pixel pair asks
its triangle for the edge between them. A body is denser than the pixels of a fit, so most silhouette edges belong to
triangles that cover no pixel centre and the pair rule loses two thirds of the gradient; walking the edges keeps it
(measured: ../shared/facts/rasterizer.md).
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from neural_core.camera import Camera
from neural_core.rasterizer.fragments import Fragments

_NEAR = 0.01  # metres; edges that reach closer to the eye have no usable projection


@dataclass(frozen=True)
class Topology:
    """The edges of a mesh, computed once per mesh.

    Attributes:
        edges: (E, 2) long, the vertices of every edge, each edge once, the smaller index first.
        opposite: (E, 2) long, the third vertices of the two triangles beside the edge.
        open: (E,) bool, True for edges that always belong to the outline: of one triangle only, or of more than two.
    """

    edges: Tensor
    opposite: Tensor
    open: Tensor

    @staticmethod
    def of(faces: Tensor) -> "Topology":
        """The topology of faces (F, 3) long, on the same device."""
        corners = torch.cat([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]).sort(1).values
        third = torch.cat([faces[:, 2], faces[:, 0], faces[:, 1]])
        size = int(faces.max()) + 1 if len(faces) else 1
        keys, edge_of, count = torch.unique(
            corners[:, 0] * size + corners[:, 1], return_inverse=True, return_counts=True
        )
        first = torch.cumsum(count, 0) - count
        grouped = third[torch.argsort(edge_of, stable=True)]
        second = first + (count > 1).long()
        edges = torch.stack([torch.div(keys, size, rounding_mode="floor"), keys % size], 1)
        return Topology(edges, torch.stack([grouped[first], grouped[second]], 1), count != 2)


@dataclass(frozen=True)
class OutlinePoints:
    """Points of the outline, one where it crosses between the centres of a covered and an empty pixel.

    Attributes:
        edge: (m, 2) long, the vertices of the crossed edge. fraction: (m,) in [0, 1] along it, on the screen.
        pixel: (m, 2) x, y.
    """

    edge: Tensor
    fraction: Tensor
    pixel: Tensor


def soft_mask(vertices: Tensor, topology: Topology, camera: Camera, fragments: Fragments) -> Tensor:
    """Share of each pixel that the mesh covers, with gradients to the vertices that make the outline.

    Between a covered pixel and an empty neighbour the outermost silhouette edge tells how far the surface reaches: at
    half way the two pixels keep 1 and 0, beyond it the empty one gains, short of it the covered one loses.
    Surfaces thinner than a pixel that cover no pixel centre stay invisible, as in `fragments`.

    Args:
        vertices: (V, 3) world, metres, may require gradients. fragments: what `rasterize` returned for them.

    Returns:
        (H, W) coverage in [0, 1]; the clamp to that range does not stop gradients.
    """
    rows, columns = _crossings(vertices, topology, camera, fragments.mask)
    covered = fragments.mask
    mask = covered.to(vertices.dtype)
    mask = mask + _transfer(rows, covered, vertices.dtype) + _transfer(columns, covered.T, vertices.dtype).T
    return mask + (mask.clamp(0, 1) - mask).detach()


@torch.no_grad()
def outline_points(vertices: Tensor, topology: Topology, camera: Camera, fragments: Fragments) -> OutlinePoints:
    """Where the outline of the mesh runs: about one point for each pixel of its length."""
    rows, columns = _crossings(vertices, topology, camera, fragments.mask)
    return OutlinePoints(
        torch.cat([rows.edge, columns.edge]),
        torch.cat([rows.fraction, columns.fraction]),
        torch.cat([rows.pixel, columns.pixel.flip(1)]),
    )


@dataclass(frozen=True)
class _Crossings:
    """Outline edges between pixel centres of one row: edge (m, 2), fraction (m,) along it, pixel (m, 2),
    inner and outer (m,) the flat indices of the covered and the empty pixel, reach (m,) from the one to the other."""

    edge: Tensor
    fraction: Tensor
    pixel: Tensor
    inner: Tensor
    outer: Tensor
    reach: Tensor


def _crossings(vertices: Tensor, topology: Topology, camera: Camera, covered: Tensor) -> tuple[_Crossings, _Crossings]:
    """Crossings within rows, and within columns; the latter as the rows of the transposed picture."""
    points = camera.to_camera(vertices)
    homogeneous = camera.homogeneous(points)
    pixels = homogeneous[:, :2] / homogeneous[:, 2:].clamp(min=_NEAR) * camera.K.diagonal()[:2] + camera.K[:2, 2]
    with torch.no_grad():
        side, edges = _outline(homogeneous, topology, points[:, 2] > _NEAR)
    # Transposing swaps the hand of the surface's side.
    return _walk(pixels, edges, side, covered), _walk(pixels.flip(1), edges, -side, covered.T, strict=True)


def _outline(points: Tensor, topology: Topology, in_front: Tensor) -> tuple[Tensor, Tensor]:
    """Edges (n, 2) where the surface turns away from the eye, and on which side (n,) of them it lies."""
    edges = topology.edges
    usable = torch.nonzero(in_front[edges].all(1)).squeeze(1)
    edges, opposite = edges[usable], topology.opposite[usable]
    plane = torch.linalg.cross(points[edges[:, 0]], points[edges[:, 1]])  # through the eye and the edge
    side = (plane[:, None] * points[opposite]).sum(-1)  # (n, 2)
    outline = torch.nonzero((side[:, 0] * side[:, 1] > 0) | topology.open[usable]).squeeze(1)
    return side[outline, 0].sign(), edges[outline]


def _walk(pixels: Tensor, edges: Tensor, side: Tensor, covered: Tensor, strict: bool = False) -> _Crossings:
    """Crossings of outline edges with the rows of pixel centres, for the edges steeper than 45 degrees."""
    H, W = covered.shape
    with torch.no_grad():
        a, b = pixels[edges[:, 0]], pixels[edges[:, 1]]
        d = b - a
        lean, rise = d[:, 0].abs(), d[:, 1].abs()
        steep = lean < rise if strict else (lean <= rise) & (rise > 0)  # each edge is walked along one axis only
        first = torch.ceil(torch.minimum(a[:, 1], b[:, 1]) - 0.5).clamp(min=0, max=H)  # half open: first .. last - 1
        last = torch.ceil(torch.maximum(a[:, 1], b[:, 1]) - 0.5).clamp(min=0, max=H)
        count = torch.where(steep, last - first, 0).long()
        edge = torch.repeat_interleave(torch.arange(len(edges), device=edges.device), count)
        row = first.long()[edge] + torch.arange(len(edge), device=edges.device) - (torch.cumsum(count, 0) - count)[edge]
        x = a[edge, 0] + (row + 0.5 - a[edge, 1]) / d[edge, 1] * d[edge, 0]
        left = torch.floor(x - 0.5)
        inside = torch.nonzero((left >= 0) & (left + 1 < W)).squeeze(1)
        edge, row, left = edge[inside], row[inside], left[inside].long()
        to_right = -side[edge] * d[edge, 1] > 0  # the surface lies towards larger columns
        outer = row * W + left + (~to_right).long()
        inner = row * W + left + to_right.long()
        flat = covered.reshape(-1)
        boundary = torch.nonzero(flat[inner] & ~flat[outer]).squeeze(1)
        edge, row, left = edge[boundary], row[boundary], left[boundary]
        inner, outer, to_right = inner[boundary], outer[boundary], to_right[boundary]
    a, b = pixels[edges[edge, 0]], pixels[edges[edge, 1]]
    fraction = (row + 0.5 - a[:, 1]) / (b[:, 1] - a[:, 1])
    x = a[:, 0] + fraction * (b[:, 0] - a[:, 0])
    reach = torch.where(to_right, left + 1.5 - x, x - (left + 0.5))
    keep = _outermost(inner * 2 + to_right.long(), reach.detach())
    pixel = torch.stack([x, (row + 0.5).to(x.dtype)], 1)
    return _Crossings(edges[edge[keep]], fraction[keep], pixel[keep], inner[keep], outer[keep], reach[keep])


def _outermost(pair: Tensor, reach: Tensor) -> Tensor:
    """Of the crossings of each pixel pair (m,), the index of the one that reaches farthest."""
    order = torch.argsort(reach, descending=True, stable=True)
    order = order[torch.argsort(pair[order], stable=True)]
    pair = pair[order]
    new = torch.ones_like(pair, dtype=torch.bool)
    new[1:] = pair[1:] != pair[:-1]
    return order[new]


def _transfer(crossings: _Crossings, covered: Tensor, dtype: torch.dtype) -> Tensor:
    """What the crossings add to the binary coverage, (H, W)."""
    gain = crossings.reach - 0.5
    target = torch.where(gain.detach() > 0, crossings.outer, crossings.inner)
    change = torch.zeros(covered.numel(), dtype=dtype, device=covered.device)
    return change.index_add(0, target, gain).view(covered.shape)
