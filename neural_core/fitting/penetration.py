"""Limbs do not pass through the body: overlap of capsules (SMPLify, Bogo et al. 2016, used the same idea)."""

from typing import NamedTuple

import torch
from torch import Tensor

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


def _ends(ends: list[End]) -> tuple[Tensor, Tensor, Tensor]:
    at = torch.tensor([JOINT_INDEX[joint] for joint, _, _ in ends])
    towards = torch.tensor([JOINT_INDEX[other] for _, other, _ in ends])
    return at, towards, torch.tensor([share for _, _, share in ends])[:, None]


_STARTS = _ends([capsule.start for capsule in _CAPSULES.values()])
_STOPS = _ends([capsule.end for capsule in _CAPSULES.values()])


def overlap(joints: Tensor) -> Tensor:
    """Sum of squared depths, square metres, by which capsules enter each other: joints (B, 55, 3) to (B,)."""
    ends = [torch.lerp(joints[:, at], joints[:, towards], share) for at, towards, share in (_STARTS, _STOPS)]
    distance = segment_distance(ends[0][:, _FIRST], ends[1][:, _FIRST], ends[0][:, _SECOND], ends[1][:, _SECOND])
    depth = (_RADIUS[_FIRST] + _RADIUS[_SECOND] - distance).relu()
    return depth.square().sum(1)


def segment_distance(p0: Tensor, p1: Tensor, q0: Tensor, q1: Tensor) -> Tensor:
    """Shortest distance between segments p0-p1 and q0-q1, (..., 3) to (...) (Ericson 2005, section 5.1.9)."""
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
    gap = torch.lerp(p0, p1, s[..., None]) - torch.lerp(q0, q1, t[..., None])
    return (gap.square().sum(-1) + 1e-12).sqrt()
