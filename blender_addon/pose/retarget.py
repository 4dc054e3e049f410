"""A motion of another skeleton on SMPL-X's, by the names of its joints and the directions of its bones.

A joint turns as its counterpart does, corrected for their different rest poses: G = A S A^-1 C, where S is the
counterpart's rotation in its own world, A turns that world to ours (y up, the person's left along +x), and C takes our
bone at rest to where the counterpart's is at rest. So the bones point alike in every frame, arms hanging or stretched
out at rest, whatever is up.
"""

import re
from collections.abc import Mapping, Sequence

import numpy as np

from neural_core import quaternions
from neural_core.bvh import Bvh
from neural_core.errors import MotionError
from neural_core.motion import Motion

from ..rig.pose import Joints

# Our joint -> names of the same joint elsewhere, most telling first; `left` stands for either side.
_ALIASES = {
    "left_hip": ("leftupleg", "leftupperleg", "leftthigh", "lefthip"),
    "left_knee": ("leftlowerleg", "leftknee", "leftshin", "leftcalf", "leftleg"),
    "left_ankle": ("leftfoot", "leftankle"),
    "left_foot": ("lefttoebase", "lefttoe", "lefttoes", "leftball"),
    "left_shoulder": ("leftupperarm", "leftarm", "leftuparm", "leftshldr", "leftshoulder"),
    "left_collar": ("leftcollar", "leftclavicle", "leftshoulder"),
    "left_elbow": ("leftforearm", "leftlowerarm", "leftelbow", "leftlowarm"),
    "left_wrist": ("lefthand", "leftwrist"),
}
_MIDDLE = {"pelvis": ("hips", "pelvis", "hip", "root"), "neck": ("neck", "neck1", "neck01"), "head": ("head",)}
_NEEDED = ("pelvis", "left_hip", "right_hip", "left_knee", "right_knee", "left_shoulder", "right_shoulder")
_BODY_JOINTS = 22  # pelvis to wrists
_FINGERS = ("thumb", "index", "middle", "ring", "pinky")
# The joint that our bone points to; the last of a limb points where its end site is.
_POINTS_TO = {
    "pelvis": "spine1", "spine1": "spine2", "spine2": "spine3", "spine3": "neck", "neck": "head",
    **{f"{side}_{bone}": f"{side}_{tip}" for side in ("left", "right") for bone, tip in (
        ("hip", "knee"), ("knee", "ankle"), ("ankle", "foot"), ("collar", "shoulder"), ("shoulder", "elbow"),
        ("elbow", "wrist"), ("wrist", "middle1"),
        *((f"{f}{k}", f"{f}{k + 1}") for f in _FINGERS for k in (1, 2)),
    )},
}  # fmt: skip


def retarget(bvh: Bvh, joints: Joints) -> Motion:
    """The motion on an avatar's joints.

    Raises:
        MotionError: hips, legs or arms have no names that are known.
    """
    mapping = joint_map(bvh.names, bvh.parents)
    missing = [name for name in _NEEDED if name not in mapping]
    if missing:
        raise MotionError(
            f"The skeleton of this BVH has no joint that is known as {', '.join(missing)}: rename its joints as Mixamo "
            "does (Hips, LeftUpLeg, LeftLeg, LeftArm, ...)."
        )
    theirs = bvh.rest_positions
    world = _world(theirs, mapping)
    ours = dict(zip(joints.names, joints.rest_positions))
    theirs = {name: (theirs @ world.T)[joint] for name, joint in mapping.items()}
    source = world @ bvh.global_rotations() @ world.T  # (N, J, 3, 3) in our axes
    turned = np.tile(np.eye(3), (len(bvh.root), len(joints.names), 1, 1))
    local, corrections = np.empty_like(turned), np.tile(np.eye(3), (len(joints.names), 1, 1))
    for joint, (name, parent) in enumerate(zip(joints.names, joints.parents)):
        above = turned[:, parent] if parent >= 0 else np.eye(3)
        corrections[joint] = _correction(name, ours, theirs, corrections[parent])
        turned[:, joint] = source[:, mapping[name]] @ corrections[joint] if name in mapping else above
        local[:, joint] = np.swapaxes(above, -1, -2) @ turned[:, joint]
    trans = bvh.root @ world.T * _scale(ours, theirs) - joints.rest_positions[0]
    poses = quaternions.to_axis_angle(quaternions.from_matrices(local))
    has_hands = any(f"left_{finger}1" in mapping for finger in _FINGERS)
    return Motion(poses, trans, bvh.fps, has_hands=has_hands, warnings=_warnings(joints.names[:_BODY_JOINTS], mapping))


def joint_map(names: Sequence[str], parents: np.ndarray) -> dict[str, int]:
    """Our joint names -> joints of another skeleton that is called as Mixamo, CMU, Rokoko, Xsens and others do."""
    plain = {_plain(name): joint for joint, name in reversed(list(enumerate(names)))}
    found: dict[str, int] = {}
    for name, aliases in _MIDDLE.items():
        _take(found, name, aliases, plain)
    for side in ("left", "right"):
        for name, aliases in _ALIASES.items():
            if name == "left_collar":  # what is called shoulder is the collar where the upper arm has another name
                aliases = tuple(a for a in aliases if plain.get(_side(a, side)) != found.get(f"{side}_shoulder"))
            _take(found, _side(name, side), [_side(alias, side) for alias in aliases], plain)
        for finger in _FINGERS:
            for k in (1, 2, 3):
                aliases = [
                    f"{side}hand{finger}{k}",
                    f"{side}{finger}{k}",
                    f"{side}{finger}0{k}",
                    f"{side}finger{finger}{k}",
                ]
                _take(found, f"{side}_{finger}{k}", aliases, plain)
    for name, joint in zip(("spine1", "spine2", "spine3"), _spine(found, parents)):
        found[name] = joint
    return found


def _spine(found: dict[str, int], parents: np.ndarray) -> list[int]:
    """Three joints of the chain between hips and neck, evenly chosen where it has more; fewer where it has fewer."""
    top = found.get("neck", found.get("head"))
    if top is None or "pelvis" not in found:
        return []
    chain: list[int] = []
    above = int(parents[top])
    while above >= 0 and above != found["pelvis"]:
        chain.insert(0, above)
        above = int(parents[above])
    chain = [joint for joint in chain if joint not in found.values()]
    if len(chain) <= 3:
        return chain
    return [chain[round(place)] for place in np.linspace(0, len(chain) - 1, 3)]


def _plain(name: str) -> str:
    """`mixamorig:LeftArm`, `LeftArm`, `l_arm`, `Arm_L`, `lArm`, `Bip01 L Arm`, all as `leftarm`."""
    name = name.split(":")[-1]
    words = re.sub(r"([a-z])([A-Z])", r"\1 \2", name)
    parts = [part for part in re.split(r"[^A-Za-z0-9]+", words.lower()) if part and not part.startswith("bip")]
    sides = {"l": "left", "r": "right", "left": "left", "right": "right"}
    side = next((sides[part] for part in parts if part in sides), "")
    return side + "".join(part for part in parts if part not in sides)


def _side(name: str, side: str) -> str:
    return name.replace("left", side)


def _take(found: dict[str, int], name: str, aliases: Sequence[str], plain: dict[str, int]) -> None:
    for alias in aliases:
        if alias in plain and plain[alias] not in found.values():
            found[name] = plain[alias]
            return


def _world(rest: np.ndarray, mapping: dict[str, int]) -> np.ndarray:
    """(3, 3) from the file's axes to ours: up is where the head is, left is where the left hip is."""
    left = rest[mapping["left_hip"]] - rest[mapping["right_hip"]]
    feet = (rest[mapping["left_knee"]] + rest[mapping["right_knee"]]) / 2
    high = rest[mapping["left_shoulder"]] + rest[mapping["right_shoulder"]]
    up = np.zeros(3)
    towards = high / 2 - feet
    up[np.abs(towards).argmax()] = np.sign(towards[np.abs(towards).argmax()])
    left = left - (left @ up) * up
    if np.linalg.norm(left) < 1e-9:
        raise MotionError("The hips of this BVH lie on one another: export it with its skeleton's offsets.")
    left /= np.linalg.norm(left)
    return np.stack([left, up, np.cross(left, up)])


def _correction(
    name: str, ours: Mapping[str, np.ndarray], theirs: Mapping[str, np.ndarray], above: np.ndarray
) -> np.ndarray:
    """(3, 3) the shortest turn from our bone at rest to its counterpart's.

    Hands and fingers whose bone has no counterpart go on as the bone above; so the palms of arms that hang at rest
    turn with them. Hips, feet and head have none: they are upright in any rest pose.
    """
    tip = _POINTS_TO.get(name)
    while tip is not None and tip not in theirs:
        tip = _POINTS_TO.get(tip)
    if name == "pelvis" or name not in theirs:
        return above if name != "pelvis" else np.eye(3)
    if tip is None:
        return above if name.endswith(("wrist", "1", "2", "3")) else np.eye(3)
    bone, counterpart = ours[tip] - ours[name], theirs[tip] - theirs[name]
    if min(np.linalg.norm(counterpart), np.linalg.norm(bone)) < 1e-9:
        return above
    return shortest_turn(bone / np.linalg.norm(bone), counterpart / np.linalg.norm(counterpart))


def shortest_turn(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(3, 3) the rotation of least angle that takes the unit vector a to b."""
    axis = np.cross(a, b)
    sine, cosine = np.linalg.norm(axis), a @ b
    if sine < 1e-9:
        if cosine > 0:
            return np.eye(3)
        axis, sine = np.cross(a, np.eye(3)[np.abs(a).argmin()]), 1.0  # half a turn, about any axis across
    angle = np.arctan2(np.linalg.norm(np.cross(a, b)), cosine)
    return quaternions.to_matrices(quaternions.from_axis_angle(axis / np.linalg.norm(axis) * angle))


def _scale(ours: Mapping[str, np.ndarray], theirs: Mapping[str, np.ndarray]) -> float:
    """Metres per unit of the file: our thighs against theirs."""

    def length(points: Mapping[str, np.ndarray]) -> float:
        return sum(float(np.linalg.norm(points[f"{s}_hip"] - points[f"{s}_knee"])) for s in ("left", "right"))

    return length(ours) / max(length(theirs), 1e-9)


def _warnings(body: Sequence[str], mapping: Mapping[str, int]) -> tuple[str, ...]:
    limbs = [name for name in body if name not in mapping and not name.endswith("_foot")]
    if not limbs:
        return ()
    return (f"The BVH's skeleton has no {', '.join(limbs)}: they move with the joint above.",)
