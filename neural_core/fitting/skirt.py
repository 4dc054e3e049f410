"""Skirts, and the skirts of dresses and coats: one closed sheet of cloth round both legs.

The clothed shape stands off along the skin's normals, so it makes a skirt of two wide thighs. Cloth under gravity spans
from leg to leg: in the photo's pose every level section of a skirt is the convex hull of what is inside, as the
synthetic people wear theirs (`training.people.drapes`). Each leg becomes one half of it: its outside lies on the hull,
its inside beyond the plane between the legs, inside the other half, where nobody sees it. Brought back to the rest pose
these are rest offsets as any others, exact in the photo's pose; how the skirt moves is told by `fitting.skirt_skin`.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import normalize

from neural_core.body.model import BodyModel
from neural_core.body.parameters import BodyParameters
from neural_core.body.skeleton import JOINT_INDEX
from neural_core.fitting.clothing_regions import smoothstep
from neural_core.fitting.skirt_evidence import Skirt, crotch_vertex, leg_middle
from neural_core.fitting.surface import vertex_normals

# Metres.
_LEVELS = 0.015  # between sections
_DIRECTIONS = 64  # of a section's outline
_OVERLAP = (0.03, 0.08)  # by which each half reaches past the middle, inside the other: no groove runs between them
_TURNED = 1.3  # radians from the other leg, within which the inner thigh is turned out towards the sheets
_TUCKED = 0.1  # metres by which it lies under the other half there, per metre
_TOP = 0.05  # above the pelvis joint, where the trunk is as it was
_BETWEEN = 0.05  # of the body's middle plane: belly, crotch and the cleft behind
_ROW = 0.015  # half an edge of the mesh: vertices so close to the hem lie on it
_UNDERSIDE = 0.045  # below the hem, from where the next row of vertices is drawn up to close the skirt from below
_STRETCH = 0.10  # of the leg below, over which the mesh is let out again
_FLARE = (-0.1, 0.6)  # metres of radius per metre of fall, in front and behind, at least and at most
_TAPER = 1.0  # the same, inwards, at the sides, where the photo shows the outline itself:
_LATERAL = 4  # power of the cosine with the side, of the share that counts as side
_ASIDE = 0.25  # to the sides, up to where a slanting hem goes on to rise or fall
_SLOPE = (-0.35, 1.2)  # change of a side per metre of fall
_SMOOTH = 2  # sections above and below that soften one
_LEAST = 0.6  # share of the legs' own width that a skirt has at least


@dataclass(frozen=True)
class Hung:
    """Clothes with a skirt.

    Attributes:
        skirt: what the photo showed of it. rest_offsets: (V, 3) metres, by the body's own skinning.
        share: (V,) in [0, 1], how far a vertex is part of the skirt.
    """

    skirt: Skirt
    rest_offsets: Tensor
    share: Tensor


@torch.no_grad()
def hang_skirt(body: BodyModel, parameters: BodyParameters, offsets: Tensor, skirt: Skirt) -> Hung:
    """Close the clothes of both legs to a skirt.

    Args:
        parameters: batch 1, the pose in which the skirt hangs, gravity -y. offsets: (V, 3) rest offsets of the clothes,
            metres.

    Returns:
        rest offsets; those of trunk above, arms and feet are the given ones.
    """
    posed = body(parameters, offsets)
    vertices, joints = posed.vertices[0], posed.joints[0]
    legs = _Legs(body, vertices, joints, skirt.drop, abs(skirt.slant) * _ASIDE)
    faces = body.faces[legs.worn[body.faces].all(1)]
    support = _sections(vertices, faces, legs, skirt)
    support = _fallen(support, legs.levels, skirt.across)

    hem: Tensor | float = legs.hem
    height, on_hull = _rows_at_hem(vertices[:, 1], hem)
    flat = _wrapped(body, vertices, legs, support, height)
    if skirt.slant:
        aside = (flat - legs.middle(height)) @ _side_of(skirt.across)
        hem = hem + skirt.slant * aside.clamp(-_ASIDE, _ASIDE)
        height, on_hull = _rows_at_hem(vertices[:, 1], hem)
        flat = _wrapped(body, vertices, legs, support, height)
    wrapped = torch.stack([flat[:, 0], height, flat[:, 1]], 1)
    level = torch.stack([vertices[:, 0], height, vertices[:, 2]], 1)
    share = (legs.share(height) * on_hull * (1 - legs.hidden))[:, None]
    target = torch.where(legs.worn[:, None], share * wrapped + (1 - share) * level, vertices)
    hanging = legs.share(height) * (height > hem - 1e-3) * legs.worn  # with what closes it from below
    turn = torch.einsum("vj,jab->vab", body.weights, posed.rotations[0])  # skinning of a rest offset
    change = torch.linalg.solve(turn, (target - vertices)[..., None])[..., 0]
    return Hung(skirt, torch.where(legs.worn[:, None], offsets + change, offsets), hanging)


def _wrapped(body: BodyModel, vertices: Tensor, legs: "_Legs", support: Tensor, height: Tensor) -> Tensor:
    """Where vertices (V, 3) come to hang at heights (V,): (V, 2) x, z."""
    sides = []
    for sign in (1.0, -1.0):
        centre, middle, to_other = legs.half(vertices[:, 1], height, sign, body.template[:, 0].abs())
        ray = normalize(vertices[:, [0, 2]] - centre, dim=1)
        ray = torch.where(legs.split[:, None], _turned_outwards(ray, to_other), ray)
        sides.append(_onto_hull(ray, height, centre, middle, to_other, support, legs.levels))
    x = body.template[:, :1]
    return torch.where(x > 1e-4, sides[0], torch.where(x < -1e-4, sides[1], (sides[0] + sides[1]) / 2))


class _Legs:
    """Both legs of a posed body, from the hips to the ankles.

    Attributes:
        worn: (V,) bool, what a skirt goes round. levels: (L,) heights of the sections, from the top down. hem: height
        between the legs; `lower` metres below it is its lowest.
        hidden: (V,) in [0, 1], skin of the crotch, that faces down and stays where it is. split: (V,) bool, below it.
    """

    def __init__(self, body: BodyModel, vertices: Tensor, joints: Tensor, drop: float, lower: float):
        names = ["pelvis", "spine1", "left_hip", "right_hip", "left_knee", "right_knee", "left_ankle", "right_ankle"]
        self.worn = body.weights[:, [JOINT_INDEX[name] for name in names]].sum(1) > 0.6
        self.joints = joints
        left, right = joints[JOINT_INDEX["left_hip"]], joints[JOINT_INDEX["right_hip"]]
        self.apart = normalize((left - right)[[0, 2]], dim=0)
        self.hip = float((left + right)[1] / 2)
        self.pelvis = float(joints[0, 1])
        ankles = joints[[JOINT_INDEX["left_ankle"], JOINT_INDEX["right_ankle"]], 1]
        self.hem = max(self.pelvis - drop, float(ankles.max()) + 0.01)
        self.crotch = float(vertices[crotch_vertex(body), 1])
        self.top = self.pelvis + _TOP
        normals = vertex_normals(body.template, body.faces)
        near = (body.template[:, 0].abs() < _BETWEEN) & (vertices[:, 1] > self.crotch - 0.02)
        front = smoothstep(normals[:, 2].abs(), 0.15, 0.45)  # or back
        self.hidden = smoothstep(-normals[:, 1], 0.6, 0.9) * near * (1 - front)
        self.split = vertices[:, 1] < self.crotch + 0.012
        lowest = max(self.hem - lower, float(ankles.max()) + 0.01)
        self.levels = torch.linspace(self.top, lowest, max(2, math.ceil((self.top - lowest) / _LEVELS)))

    def share(self, height: Tensor) -> Tensor:
        """(n,) how much of a skirt there is: all below the hips, nothing on the trunk."""
        return 1 - smoothstep(height, self.hip, self.top)

    def middle(self, height: Tensor) -> Tensor:
        """(n, 2) x, z halfway between the legs."""
        return (leg_middle(self.joints, height, "left") + leg_middle(self.joints, height, "right")) / 2

    def half(self, posed: Tensor, height: Tensor, sign: float, apart: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """For vertices posed at heights (n,) that come to hang at `height`: the middle of one leg (n, 2) x, z, the
        point halfway between the legs, and the horizontal direction (n, 2) to the other leg.

        Args:
            sign: 1 left, -1 right. apart: (n,) metres from the body's middle plane.
        """
        one, other = (leg_middle(self.joints, height, side) for side in ("left", "right")[:: round(sign)])
        middle = (one + other) / 2
        inside = smoothstep(posed, self.crotch, self.hip)[:, None]  # in the trunk both are one
        near = (1 - smoothstep(apart, 0.0, _BETWEEN)) * smoothstep(posed, self.crotch, self.crotch + 0.02)
        to_other = normalize(other - one, dim=1) * (1 - inside) - sign * self.apart * inside
        return one.lerp(middle, torch.maximum(inside, near[:, None])), middle, normalize(to_other, dim=1)


def _side_of(across: Tensor) -> Tensor:
    return normalize(across[[0, 2]], dim=0)


def _directions(like: Tensor) -> Tensor:
    """(D, 2) unit vectors x, z all round."""
    angle = torch.arange(_DIRECTIONS, device=like.device) / _DIRECTIONS * 2 * torch.pi
    return torch.stack([angle.cos(), angle.sin()], 1)


def _sections(vertices: Tensor, faces: Tensor, legs: _Legs, skirt: Skirt) -> Tensor:
    """Support function (L, D) of the convex hull of each level section: how far it reaches in every direction.

    Below the crotch sections are widened or narrowed to reach as far to the sides as the photo shows.
    """
    edges = torch.cat([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    edges = edges[edges[:, 0] < edges[:, 1]]
    a, b = vertices[edges].unbind(1)
    directions, side = _directions(vertices), _side_of(skirt.across)
    cuts, reach = [], []
    for level, middle in zip(legs.levels.tolist(), legs.middle(legs.levels)):
        cut = (a[:, 1] - level) * (b[:, 1] - level) <= 0
        share = ((level - a[cut, 1]) / (b[cut, 1] - a[cut, 1] + 1e-9)).clamp(0, 1)[:, None]
        points = (a[cut] + share * (b[cut] - a[cut]))[:, [0, 2]] - middle
        cuts.append(points)
        reach.append(torch.stack([(points @ -side).amax(), (points @ side).amax()]))
    own = torch.stack(reach)  # (L, 2)
    seen = _seen_reach(own, legs, skirt)
    support = []
    for points, middle, own_reach, reach in zip(cuts, legs.middle(legs.levels), own, seen):
        along = points @ side
        scale = torch.where(along < 0, reach[0] / own_reach[0], reach[1] / own_reach[1])
        points = points + ((scale - 1) * along)[:, None] * side + middle
        support.append((points @ directions.T).amax(0))
    return torch.stack(support)


def _seen_reach(own: Tensor, legs: _Legs, skirt: Skirt) -> Tensor:
    """(L, 2) how far sections reach to the sides: as the photo shows, straight on between what it shows, and from its
    last on as the other side does; `own` (L, 2), as they are, on the trunk."""
    fall = legs.pelvis - legs.levels
    row = (fall[:, None] - skirt.fall).abs().argmin(1)
    trunk = (fall < skirt.fall[0])[:, None]
    seen = torch.where(trunk, own, skirt.reach[row])
    seen = torch.where(seen > _LEAST * own, seen, torch.nan)  # less, and the gap at the hem was met
    pitch = float(legs.levels[0] - legs.levels[1])
    gain = (seen[1:] - seen[:-1]).nan_to_num(0.0).flip(1)  # of the other side
    sides = []
    for k in range(2):
        known = torch.nonzero(seen[:, k].isfinite()).flatten()
        filled = torch.from_numpy(np.interp(np.arange(len(seen)), known.cpu().numpy(), seen[known, k].cpu().numpy()))
        last = int(known[-1])
        onwards = filled[last] + gain[last:, k].cumsum(0).cpu()
        filled[last + 1 :] = torch.maximum(onwards, own[last + 1 :, k].cpu().double())
        sides.append(filled.to(own))
    most = torch.maximum(torch.where(trunk, torch.inf, skirt.most[row]), _LEAST * own)
    reach = torch.minimum(torch.stack(sides, 1), most).maximum(_LEAST * own)
    rows = [reach[0]]
    for now, end in zip(reach[1:], most[1:]):
        rows.append((rows[-1] + (now - rows[-1]).clamp(_SLOPE[0] * pitch, _SLOPE[1] * pitch)).minimum(end))
    return torch.stack(rows)


def _fallen(support: Tensor, levels: Tensor, across: Tensor) -> Tensor:
    """Sections (L, D) as cloth falls: not following the legs inwards in front and behind, where nobody measured."""
    directions = _directions(support)
    side = _side_of(across)
    lateral = (directions @ side) ** _LATERAL
    left, right = int((directions @ side).argmin()), int((directions @ side).argmax())
    width = (support[:, left] + support[:, right]) / 2
    widest = int(width[: max(1, len(width) // 2)].argmax())
    fall = float(levels[widest] - levels[-1])
    flare = min(max(float(width[-1] - width[widest]) / max(fall, 0.05), _FLARE[0]), _FLARE[1])
    gain = flare * (1 - lateral) - _TAPER * lateral
    rows = [support[0]]
    for above, below, row in zip(levels[:-1], levels[1:], support[1:]):
        rows.append(torch.maximum(row, rows[-1] + gain * (above - below)))
    return _smooth(torch.stack(rows))


def _smooth(support: Tensor) -> Tensor:
    """Sections (L, D), each the (Minkowski) mean of its neighbours: cloth makes no ledge."""
    padded = torch.nn.functional.pad(support.T[None], (_SMOOTH, _SMOOTH), mode="replicate")
    return torch.nn.functional.avg_pool1d(padded, 2 * _SMOOTH + 1, stride=1)[0].T


def _rows_at_hem(height: Tensor, hem: Tensor | float) -> tuple[Tensor, Tensor]:
    """New heights (V,) and whether a vertex is on the skirt (V,): the row nearest to the hem lies on it, the next one
    below is drawn up and inwards, and the mesh above and below is let out to make up for it."""
    above = height - hem
    raised = torch.where(above > 0, ((above - _ROW) * _STRETCH / (_STRETCH - _ROW)).clamp(min=0), 0.0)
    lowered = ((above + _UNDERSIDE) * _STRETCH / (_STRETCH - _UNDERSIDE)).clamp(max=0)
    moved = torch.where(above > 0, raised, lowered)
    near = (above < _STRETCH) & (above > -_STRETCH)
    return torch.where(near, hem + moved, height), (above > -_ROW).float()


def _onto_hull(
    ray: Tensor, height: Tensor, centre: Tensor, middle: Tensor, to_other: Tensor, support: Tensor, levels: Tensor
) -> Tensor:
    """Where rays (n, 2) from `centre` leave one half of the section at their heights: (n, 2)."""
    row = ((levels[0] - height) / (levels[0] - levels[1])).clamp(0, len(levels) - 1)
    low = row.floor().long().clamp(max=len(levels) - 2)
    reach = torch.lerp(support[low], support[low + 1], (row - low)[:, None])  # (n, D)
    directions = _directions(ray)
    room = reach - centre @ directions.T
    half = ((middle - centre) * to_other).sum(1, keepdim=True)
    wall = half + (0.7 * half).clamp(*_OVERLAP)
    speed = torch.cat([ray @ directions.T, (ray * to_other).sum(1, keepdim=True)], 1)
    time = torch.where(speed > 1e-3, torch.cat([room, wall], 1) / speed.clamp(min=1e-3), torch.inf)
    length = time.amin(1, keepdim=True).clamp(min=0)
    past = (length * (ray * to_other).sum(1, keepdim=True) - half).clamp(min=0)
    return centre + (length - _TUCKED * past) * ray


def _turned_outwards(ray: Tensor, to_other: Tensor) -> Tensor:
    """Directions (n, 2) turned away from the other leg: most of the inner thigh spans the sheets, a strip the wall."""
    inwards, turn = (ray * to_other).sum(1), to_other[:, 0] * ray[:, 1] - to_other[:, 1] * ray[:, 0]
    angle = torch.atan2(turn, inwards)
    size = angle.abs()
    angle = torch.sign(angle) * torch.where(size < _TURNED, (size * _TURNED).sqrt(), size)
    across = torch.stack([-to_other[:, 1], to_other[:, 0]], 1)
    return angle.cos()[:, None] * to_other + angle.sin()[:, None] * across
