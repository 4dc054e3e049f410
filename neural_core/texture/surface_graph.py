"""Which texels are neighbours on the body's surface: inside charts, across their borders, and left to right."""

import numpy as np
import torch
from torch import Tensor

from neural_core.body.model import BodyModel
from neural_core.texture.atlas import Atlas

# Grid neighbours farther apart on the body than this many times the median are the two lips of a slit, not neighbours.
_SLIT = 6.0


def mirror_texels(atlas: Atlas, body: BodyModel) -> Tensor:
    """Row in `atlas.texels` (n,) of the texel on the other side of the body, -1 where the body knows no mirror.

    The mirrored triangle is found by its three mirrored corners, so this holds for any layout of the charts.
    """
    n = len(atlas.texels)
    if body.mirror is None:
        return torch.full((n,), -1, dtype=torch.int64, device=atlas.uv.device)
    faces, V = body.faces, body.num_vertices
    ordered = faces.sort(1)
    mirrored = body.mirror[faces].sort(1)
    key, mirrored_key = (_key(s.values, V) for s in (ordered, mirrored))
    key, order = key.sort()
    at = torch.searchsorted(key, mirrored_key).clamp(max=len(key) - 1)
    found = key[at] == mirrored_key
    partner = order[at]  # (F,) the triangle on the other side

    # Corner k of triangle f, mirrored, is corner slot[f, k] of its partner: both are ranked by vertex id.
    rank = mirrored.indices.argsort(1)
    slot = ordered.indices[partner].gather(1, rank)
    triangle = atlas.triangle.reshape(-1)[atlas.texels]
    corner_uv = atlas.uv[atlas.face_uv[partner]].gather(1, slot[..., None].expand(-1, -1, 2))  # (F, 3, 2)
    uv = (corner_uv[triangle] * atlas.barycentric.reshape(-1, 3)[atlas.texels][..., None]).sum(1)
    rows = atlas.texel_of(uv, atlas.face_chart[partner][triangle])
    return torch.where(found[triangle], rows, -1)


def seam_neighbours(atlas: Atlas, body: BodyModel) -> Tensor:
    """Pairs (m, 2) of rows in `atlas.texels`, on both sides of a chart border, that touch on the surface."""
    faces, face_uv = body.faces, atlas.face_uv
    corner = torch.tensor([[0, 1], [1, 2], [2, 0]], device=faces.device)
    ends, uv_ends = faces[:, corner].reshape(-1, 2), face_uv[:, corner].reshape(-1, 2)  # (3F, 2) half edges
    face = torch.arange(len(faces), device=faces.device).repeat_interleave(3)
    swap = ends[:, 0] > ends[:, 1]
    ends = torch.where(swap[:, None], ends.flip(1), ends)
    uv_ends = torch.where(swap[:, None], uv_ends.flip(1), uv_ends)
    key = ends[:, 0] * body.num_vertices + ends[:, 1]
    order = key.argsort(stable=True)
    a, b = order[:-1], order[1:]
    pair = (key[a] == key[b]) & (uv_ends[a] != uv_ends[b]).any(1)
    a, b = a[pair], b[pair]

    length = (atlas.uv[uv_ends[:, 0]] - atlas.uv[uv_ends[:, 1]]).norm(dim=1) * atlas.resolution
    steps = int(torch.maximum(length[a], length[b]).max().ceil().clamp(min=1, max=64)) if len(a) else 1
    s = (torch.arange(steps, device=faces.device) + 0.5) / steps
    sides = []
    for side in (a, b):
        edge = atlas.uv[uv_ends[side]]  # (m, 2, 2)
        points = edge[:, :1] * (1 - s)[None, :, None] + edge[:, 1:] * s[None, :, None]  # (m, steps, 2)
        centre = atlas.uv[face_uv[face[side]]].mean(1, keepdim=True)
        inward = torch.nn.functional.normalize(centre - points, dim=-1) * 0.5 / atlas.resolution
        chart = atlas.face_chart[face[side]][:, None].expand(-1, steps)
        sides.append(atlas.texel_of((points + inward).reshape(-1, 2), chart.reshape(-1)))
    pairs = torch.stack(sides, 1)
    pairs = pairs[(pairs >= 0).all(1) & (pairs[:, 0] != pairs[:, 1])]
    return pairs.sort(1).values.unique(dim=0)


def surface_edges(atlas: Atlas, body: BodyModel) -> tuple[np.ndarray, np.ndarray]:
    """The graph of the texels: pairs (e, 2) of rows in `atlas.texels`, and weights (e,) near one.

    A weight is (median spacing / spacing)^2 on the rest body, so that the graph Laplacian approximates the surface's
    and not the stretched atlas's. Pairs that touch in the atlas but not on the body are left out.
    """
    R = atlas.resolution
    rows = torch.full((R, R), -1, dtype=torch.int64, device=atlas.uv.device)
    rows.view(-1)[atlas.texels] = torch.arange(len(atlas.texels), device=atlas.uv.device)
    chart = torch.where(atlas.covered, atlas.chart, -1)
    inside = []
    for first, second in ((np.s_[:, :-1], np.s_[:, 1:]), (np.s_[:-1], np.s_[1:])):
        touch = (chart[first] == chart[second]) & (chart[first] >= 0)
        inside.append(torch.stack([rows[first][touch], rows[second][touch]], 1))
    pairs = torch.cat(inside)
    position = atlas.on_surface(body.template, body.faces)
    spacing = (position[pairs[:, 0]] - position[pairs[:, 1]]).norm(dim=1)
    median = spacing.median()
    keep = spacing < _SLIT * median
    seams = seam_neighbours(atlas, body)
    pairs = torch.cat([pairs[keep], seams])
    spacing = torch.cat([spacing[keep], median.expand(len(seams))])
    weights = (median / spacing.clamp(min=float(median) * 0.25)) ** 2
    return pairs.cpu().numpy(), weights.double().cpu().numpy()


def _key(triples: Tensor, count: int) -> Tensor:
    return (triples[:, 0] * count + triples[:, 1]) * count + triples[:, 2]
