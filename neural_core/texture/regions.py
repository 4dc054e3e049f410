"""Soft regions of the body and how far along its bone each point lies.

They decide which seen colours suit an unseen place: the back of a sleeve looks like its front at the same height, not
like the neck it happens to touch. So each region (the trunk with the legs, an arm, a foot, the scalp, ...) has weights
that fade into its neighbours as the skinning does, and one coordinate, metres along the region's axis at rest. Both
come from the body's joints and skinning: any body will do.
"""

from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from neural_core.body.model import BodyModel
from neural_core.body.skeleton import JOINT_INDEX, mirrored

_LEGS = ("left_hip", "left_knee", "right_hip", "right_knee")
_FINGERS = ("thumb", "index", "middle", "ring", "pinky")
# name: (joints whose skinning weights make the region, its axis from joint to joint); None: up, as clothes hang
_Spec = tuple[tuple[str, ...], tuple[str, str] | None]
_LIMBS: dict[str, _Spec] = {
    "arm": (("left_shoulder", "left_elbow"), ("left_shoulder", "left_wrist")),
    "hand": (
        ("left_wrist", *(f"left_{f}{i}" for f in _FINGERS for i in (1, 2, 3))),
        ("left_wrist", "left_middle3"),
    ),
    "foot": (("left_ankle", "left_foot"), None),  # up: a shoe goes round the heel at the height it has in front
}
_MIDDLE: dict[str, _Spec] = {
    # One from ankles to shoulders: skirts and coats go on below the hips, and two legs wear one pair of trousers.
    "trunk": (("pelvis", "spine1", "spine2", "spine3", "left_collar", "right_collar", *_LEGS), None),
    "neck": (("neck",), None),
}
_HEAD = ("head", "jaw")

# The hairline, as angles at the skull's centre from the face's axis, which points forward and down a little: forehead
# and temples end at about 60 degrees on an average head, and 12 degrees more blur the difference between people.
_FACE_DOWN = 25.0
_HAIRLINE = (60.0, 72.0)
_SKULL_BEHIND_EYES = 0.09  # metres, so that the ears lie beside the centre
# An ear is an ellipsoid a little below the head's most lateral point; the scalp begins right behind it.
_EAR_BELOW = 0.012  # metres
_EAR_SIZE = (0.030, 0.034, 0.021)  # metres, half axes
_EAR_EDGE = (1.0, 1.35)  # where an ear ends, in half axes


@dataclass(frozen=True)
class Region:
    """One region: weights (V,) in [0, 1], along (V,) metres, and the same region on the other side (or None)."""

    name: str
    weight: Tensor
    along: Tensor
    twin: str | None


def body_regions(body: BodyModel) -> dict[str, Region]:
    """The regions by name; their weights sum to one on every vertex but those of the eyeballs."""
    return _regions(_Identity(body))


class _Identity:
    """A body as a key of a cache: by identity of its template, which the cache keeps alive."""

    def __init__(self, body: BodyModel):
        self.body = body

    def __hash__(self) -> int:
        return id(self.body.template)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Identity) and other.body.template is self.body.template


@lru_cache(maxsize=4)
def _regions(key: _Identity) -> dict[str, Region]:
    body = key.body
    regions = {}
    for name, (joints, axis) in _MIDDLE.items():
        regions[name] = _region(body, name, joints, axis, None)
    for name, (joints, axis) in _LIMBS.items():
        right_axis = None if axis is None else (mirrored(axis[0]), mirrored(axis[1]))
        regions[f"left_{name}"] = _region(body, f"left_{name}", joints, axis, f"right_{name}")
        right_joints = tuple(mirrored(j) for j in joints)
        regions[f"right_{name}"] = _region(body, f"right_{name}", right_joints, right_axis, f"left_{name}")
    head = _region(body, "head", _HEAD, None, None)
    scalp = scalp_weight(body)
    regions["scalp"] = Region("scalp", head.weight * scalp, head.along, None)
    regions["face"] = Region("face", head.weight * (1 - scalp), head.along, None)
    return regions


def _region(
    body: BodyModel, name: str, joints: tuple[str, ...], axis: tuple[str, str] | None, twin: str | None
) -> Region:
    weight = body.weights[:, [JOINT_INDEX[j] for j in joints]].sum(1)
    if axis is None:
        return Region(name, weight, body.template[:, 1], twin)
    start, end = (body.joint_template[JOINT_INDEX[j]] for j in axis)
    return Region(name, weight, (body.template - start) @ torch.nn.functional.normalize(end - start, dim=0), twin)


def scalp_weight(body: BodyModel) -> Tensor:
    """(V,) 1 where hair grows on a head, 0 on the face and the ears; only meaningful on the head."""
    position = body.template
    eyes = body.joint_template[[JOINT_INDEX["left_eye_smplhf"], JOINT_INDEX["right_eye_smplhf"]]].mean(0)
    centre = eyes - torch.tensor([0.0, 0.0, _SKULL_BEHIND_EYES], device=body.device)
    down = torch.deg2rad(torch.tensor(_FACE_DOWN, device=body.device))
    face_axis = torch.stack([torch.zeros_like(down), -down.sin(), down.cos()])
    direction = torch.nn.functional.normalize(position - centre, dim=1)
    angle = torch.rad2deg((direction @ face_axis).clamp(-1, 1).acos())
    scalp = _smoothstep(angle, *_HAIRLINE)
    on_head = body.weights[:, [JOINT_INDEX[j] for j in _HEAD]].sum(1) > 0.5
    for side in (1.0, -1.0):
        ear = position[torch.where(on_head, side * position[:, 0], -torch.inf).argmax()]
        middle = ear - torch.tensor([0.0, _EAR_BELOW, 0.0], device=body.device)
        reach = (position - middle) / torch.tensor(_EAR_SIZE, device=body.device)
        scalp = scalp * _smoothstep(reach.norm(dim=1), *_EAR_EDGE)
    return scalp


def _smoothstep(x: Tensor, low: float, high: float) -> Tensor:
    t = ((x - low) / (high - low)).clamp(0, 1)
    return t * t * (3 - 2 * t)
