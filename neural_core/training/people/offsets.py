"""How far a dressed person stands off the naked body: what a clothed fit could know, and what a network must guess."""

import torch
from torch import Tensor

from neural_core.body.skeleton import JOINT_INDEX
from neural_core.training.people.garments import Sewing
from neural_core.training.people.noise import smoothstep
from neural_core.training.people.wardrobe import Wardrobe

# Tubes and the joint that they hang around. A brim is a thin disc: no offset of the forehead describes it.
_HUNG = {"skirt": "pelvis", "coat": "pelvis", "collar": "neck", "curtain": "head", "knot": "head", "bag": "pelvis"}
_ROW, _ANGLES = 0.016, 60  # cells of the cylinder on which tubes are measured: metres, and count around
_BEHIND = {"pelvis": 0.035, "neck": -0.005, "head": -0.008}  # metres from the joint to the tube's axis along z


def true_offsets(sewing: Sewing) -> Tensor:
    """(V, 3) from each skin vertex to the outermost cloth or hair over it at rest.

    Under a skirt only the sides of the legs that face outwards move; the inner thighs stay, as in a fit to silhouettes.
    """
    wardrobe = sewing.wardrobe
    offsets = torch.zeros_like(sewing.body)
    reach = torch.zeros(len(sewing.body), device=wardrobe.device)
    for layer, shell in wardrobe.shells.items():
        points, level = sewing.rest[wardrobe.slices[layer]], sewing.level[wardrobe.slices[layer]]
        move = points - sewing.body[shell.source]
        out = (move * sewing.normals[shell.source]).sum(1) * (level > 0)
        better = out > reach[shell.source]
        at = shell.source[better]
        offsets[at], reach[at] = move[better], out[better]
    for layer, joint in _HUNG.items():
        where = wardrobe.slices[layer]
        worn = sewing.level[where] > 0
        if not bool(worn.any()):
            continue
        move, out = _tube_offsets(sewing, layer, joint)
        better = out > reach
        offsets = torch.where(better[:, None], move, offsets)
        reach = torch.where(better, out, reach)
    return offsets


def outward(offsets: Tensor, normals: Tensor) -> Tensor:
    """(V,) metres along the skin's normals (V, 3) that offsets (V, 3) stand off it."""
    return (offsets * normals).sum(1).clamp(min=0)


def _tube_offsets(sewing: Sewing, layer: str, joint: str) -> tuple[Tensor, Tensor]:
    """Offsets (V, 3) from the skin straight out to a tube that hangs around a joint, and their reach (V,)."""
    wardrobe = sewing.wardrobe
    centre = sewing.joints[JOINT_INDEX[joint]] + sewing.joints.new_tensor([0.0, 0.0, _BEHIND[joint]])
    points = _points_of_tube(wardrobe, sewing, layer) - centre
    highest = float(points[:, 1].max()) + _ROW
    rows = int((highest - float(points[:, 1].min())) / _ROW) + 2
    size = rows * _ANGLES

    def cell(at: Tensor) -> tuple[Tensor, Tensor]:
        row = torch.div(highest - at[:, 1], _ROW, rounding_mode="floor").long()
        column = torch.atan2(at[:, 0], at[:, 2]) / (2 * torch.pi) * _ANGLES
        return row, column.floor().long() % _ANGLES

    row, column = cell(points)
    ring = torch.zeros(size, device=points.device)
    radius = points[:, [0, 2]].norm(dim=1)
    ring.scatter_reduce_(0, row.clamp(0, rows - 1) * _ANGLES + column, radius, "amax")
    ring = _close_holes(ring.view(rows, _ANGLES)).reshape(-1)

    skin = sewing.body - centre
    flat = skin[:, [0, 2]]
    radius = flat.norm(dim=1).clamp(min=1e-3)
    row, column = cell(skin)
    around = ring[row.clamp(0, rows - 1) * _ANGLES + column]
    template = wardrobe.body.template
    arms = (template[:, 0].abs() > wardrobe.place("left_shoulder")[0]) & (template[:, 1] > wardrobe.height("spine2"))
    inside = wardrobe.skin & (row >= 0) & (row < rows) & (around > radius) & ~arms
    faces_out = (sewing.normals[:, [0, 2]] * flat).sum(1) / radius
    gap = (around - radius) * smoothstep(0.0, 0.5, faces_out) * inside
    step = flat / radius[:, None] * gap[:, None]
    return torch.stack([step[:, 0], torch.zeros_like(gap), step[:, 1]], 1), gap


def _points_of_tube(wardrobe: Wardrobe, sewing: Sewing, layer: str) -> Tensor:
    """(n, 3) points of the part of a tube that exists, dense enough for the cells: along the edges of its faces."""
    faces = wardrobe.faces[wardrobe.face_layer == wardrobe.layers.index(layer)]
    faces = faces[(sewing.level[faces] > 0).all(1)]
    corners = sewing.rest[faces]
    return torch.cat([corners.lerp(corners.roll(1, 1), share) for share in (0.0, 0.25, 0.5, 0.75)]).reshape(-1, 3)


def _close_holes(ring: Tensor) -> Tensor:
    """(rows, angles) with empty cells taken from their neighbours."""
    padded = torch.nn.functional.pad(ring[None, None], (1, 1, 0, 0), mode="circular")
    grown = torch.nn.functional.max_pool2d(padded, 3, stride=1, padding=(1, 0))[0, 0]
    return torch.where(ring > 0, ring, grown)
