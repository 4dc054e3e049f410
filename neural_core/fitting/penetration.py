"""Limbs do not pass through the body: overlap of capsules (SMPLify, Bogo et al. 2016, used the same idea).

Of somebody whose clothes are known they do not pass through these either: an arm that crosses the chest lies before the
jacket, not in it. Beside the trunk cloth gives way; arms that hang lie in its folds.
"""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import normalize

from neural_core.body.model import BodyModel
from neural_core.body.parameters import BodyParameters
from neural_core.body.skeleton import JOINT_INDEX

End = tuple[str, str, float]  # a joint, another, and the share of the way from the one to the other


class Capsule(NamedTuple):
    """Two ends, and a radius in metres, slim enough never to push a real person's limbs apart."""

    start: End
    end: End
    radius: float


_CAPSULES = {
    "left_flank": Capsule(("left_hip", "pelvis", 0.1), ("left_shoulder", "spine3", 0.45), 0.085),
    "right_flank": Capsule(("right_hip", "pelvis", 0.1), ("right_shoulder", "spine3", 0.45), 0.085),
    "core": Capsule(("pelvis", "pelvis", 0.0), ("spine3", "neck", 0.4), 0.095),
    "head": Capsule(("head", "head", 0.0), ("neck", "head", 1.6), 0.075),
    "left_upper_arm": Capsule(("left_shoulder", "left_elbow", 0.55), ("left_elbow", "left_elbow", 0.0), 0.035),
    "right_upper_arm": Capsule(("right_shoulder", "right_elbow", 0.55), ("right_elbow", "right_elbow", 0.0), 0.035),
    "left_forearm": Capsule(("left_elbow", "left_elbow", 0.0), ("left_wrist", "left_wrist", 0.0), 0.032),
    "right_forearm": Capsule(("right_elbow", "right_elbow", 0.0), ("right_wrist", "right_wrist", 0.0), 0.032),
    "left_hand": Capsule(("left_wrist", "left_middle1", 0.2), ("left_middle1", "left_middle3", 1.0), 0.022),
    "right_hand": Capsule(("right_wrist", "right_middle1", 0.2), ("right_middle1", "right_middle3", 1.0), 0.022),
    "left_thigh": Capsule(("left_hip", "left_knee", 0.35), ("left_knee", "left_knee", 0.0), 0.06),
    "right_thigh": Capsule(("right_hip", "right_knee", 0.35), ("right_knee", "right_knee", 0.0), 0.06),
    "left_shin": Capsule(("left_knee", "left_knee", 0.0), ("left_ankle", "left_ankle", 0.0), 0.04),
    "right_shin": Capsule(("right_knee", "right_knee", 0.0), ("right_ankle", "right_ankle", 0.0), 0.04),
}
_TRUNK = ("left_flank", "right_flank", "core")
# Joints whose skin is a capsule's, where clothes count.
_SPINE = ("pelvis", "spine1", "spine2", "spine3")
_SKIN = {
    **dict.fromkeys(_TRUNK, _SPINE),
    **{f"{side}_upper_arm": (f"{side}_shoulder",) for side in ("left", "right")},
    **{f"{side}_forearm": (f"{side}_elbow",) for side in ("left", "right")},
}
_OWN = 0.8  # of a vertex's weights
_NEAR_SIDE = 0.25  # of the distances of a part's skin from its axis: on its slim side, as radii are slim
_MOST = 0.06  # metres of clothes and flesh; a bag is no trunk


def _pairs() -> list[tuple[str, str]]:
    pairs = []
    for side, other in (("left", "right"), ("right", "left")):
        arm = [f"{side}_{part}" for part in ("upper_arm", "forearm", "hand")]
        pairs += [(part, trunk) for part in arm for trunk in _TRUNK]
        pairs += [(part, "head") for part in arm[1:]]
        pairs += [(part, f"{leg}_thigh") for part in arm[1:] for leg in (side, other)]
    pairs += [(f"left_{a}", f"right_{b}") for a in ("forearm", "hand") for b in ("forearm", "hand", "upper_arm")]
    pairs += [("left_upper_arm", "right_forearm"), ("left_upper_arm", "right_hand")]
    pairs += [(f"left_{a}", f"right_{b}") for a in ("thigh", "shin") for b in ("thigh", "shin")]
    return pairs


_NAMES = list(_CAPSULES)
_PAIRS = _pairs()
_FIRST = torch.tensor([_NAMES.index(a) for a, _ in _PAIRS])
_SECOND = torch.tensor([_NAMES.index(b) for _, b in _PAIRS])
_RADIUS = torch.tensor([capsule.radius for capsule in _CAPSULES.values()])
_TRUNK_PAIR = torch.tensor([b in _TRUNK for _, b in _PAIRS])
_LEFT, _RIGHT, _NECK = JOINT_INDEX["left_shoulder"], JOINT_INDEX["right_shoulder"], JOINT_INDEX["neck"]


def _ends(ends: list[End]) -> tuple[Tensor, Tensor, Tensor]:
    at = torch.tensor([JOINT_INDEX[joint] for joint, _, _ in ends])
    towards = torch.tensor([JOINT_INDEX[other] for _, other, _ in ends])
    return at, towards, torch.tensor([share for _, _, share in ends])[:, None]


_STARTS = _ends([capsule.start for capsule in _CAPSULES.values()])
_STOPS = _ends([capsule.end for capsule in _CAPSULES.values()])


def overlap(joints: Tensor, thickness: Tensor | None = None) -> Tensor:
    """Sum of squared depths, square metres, by which capsules enter each other: joints (B, 55, 3) to (B,).

    thickness: (n,) see `thickness`; counts between arms and trunk, before it and behind it.
    """
    ends = _axes(joints)
    gap = segment_gap(ends[0][:, _FIRST], ends[1][:, _FIRST], ends[0][:, _SECOND], ends[1][:, _SECOND])
    distance = _length(gap)
    least = _RADIUS[_FIRST] + _RADIUS[_SECOND]
    if thickness is not None:
        with torch.no_grad():
            forwards = torch.linalg.cross(joints[:, _LEFT] - joints[:, _RIGHT], joints[:, _NECK] - joints[:, 0])
            before = (gap * normalize(forwards, dim=-1)[:, None]).sum(-1) / distance
        least = least + _TRUNK_PAIR * (thickness[_FIRST] + thickness[_SECOND]) * before.square()
    return (least - distance).relu().square().sum(1)


@torch.no_grad()
def thickness(body: BodyModel, betas: Tensor, rest_offsets: Tensor) -> Tensor:
    """(n,) metres by which a person (betas (20,)) in their clothes (V, 3) is thicker than the mean body, by capsule."""
    plain = body(BodyParameters.zeros(1))
    clothed = body(BodyParameters.zeros(1, betas=betas[None]), rest_offsets)
    radii = [_slim_radii(body, out.vertices[0], out.joints) for out in (plain, clothed)]
    return (radii[1] - radii[0]).clamp(0, _MOST)


def _slim_radii(body: BodyModel, vertices: Tensor, joints: Tensor) -> Tensor:
    """(n,) distance of a body's slim sides from the axes of its capsules; 0 where clothes do not count."""
    radii = torch.zeros(len(_NAMES))
    for k, (start, end) in enumerate(zip(*(points[0] for points in _axes(joints)))):
        if _NAMES[k] in _SKIN:
            own = body.weights[:, [JOINT_INDEX[name] for name in _SKIN[_NAMES[k]]]].sum(1) > _OWN
            along = (vertices[own] - start) @ (end - start) / (end - start).square().sum()
            beside = (along > 0) & (along < 1)
            apart = vertices[own] - torch.lerp(start, end, along[:, None])
            radii[k] = apart[beside].norm(dim=1).quantile(_NEAR_SIDE) if bool(beside.any()) else 0.0
    return radii


def _axes(joints: Tensor) -> list[Tensor]:
    """Both ends (B, n, 3) of all capsules."""
    return [torch.lerp(joints[:, at], joints[:, towards], share) for at, towards, share in (_STARTS, _STOPS)]


def segment_distance(p0: Tensor, p1: Tensor, q0: Tensor, q1: Tensor) -> Tensor:
    """Shortest distance between segments p0-p1 and q0-q1, (..., 3) to (...)."""
    return _length(segment_gap(p0, p1, q0, q1))


def _length(gap: Tensor) -> Tensor:
    return (gap.square().sum(-1) + 1e-12).sqrt()


def segment_gap(p0: Tensor, p1: Tensor, q0: Tensor, q1: Tensor) -> Tensor:
    """The shortest way (..., 3) from segment q0-q1 to segment p0-p1 (Ericson 2005, section 5.1.9)."""
    with (
        torch.no_grad()
    ):  # at the minimum the gradient through the two shares vanishes, and clamping hides it elsewhere
        u, v, w = p1 - p0, q1 - q0, p0 - q0
        a, b, c = (u * u).sum(-1), (u * v).sum(-1), (v * v).sum(-1)
        d, e = (u * w).sum(-1), (v * w).sum(-1)
        denominator = (a * c - b * b).clamp(min=1e-12)
        s = ((b * e - c * d) / denominator).clamp(0, 1)
        t = ((b * s + e) / c.clamp(min=1e-12)).clamp(0, 1)
        s = ((b * t - d) / a.clamp(min=1e-12)).clamp(0, 1)
    return torch.lerp(p0, p1, s[..., None]) - torch.lerp(q0, q1, t[..., None])
