"""A dozen and more poses, written as an animator would say them: which joint turns about which axis, in degrees.

Axes are those of the body at rest in its T pose: x to the person's left, y up, z forward; a joint's turns happen one
after the other in axes that its parent carries along. What is said of `left_` joints under `both` is done by the right
ones in the mirror.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

Turns = Mapping[str, tuple[tuple[str, float], ...]]
_AXES = {"x": (1.0, 0.0, 0.0), "y": (0.0, 1.0, 0.0), "z": (0.0, 0.0, 1.0)}
_FINGERS = ("index", "middle", "ring", "pinky")


@dataclass(frozen=True)
class Pose:
    """A pose of the whole body but the face.

    Attributes:
        label: for the interface. both: turns of left joints, mirrored for the right. one: turns of single joints, which
        replace what `both` says. left_hand, right_hand: "relaxed", "flat", "fist" or "point".
    """

    label: str
    both: Turns = field(default_factory=dict)
    one: Turns = field(default_factory=dict)
    left_hand: str = "relaxed"
    right_hand: str = "relaxed"

    def rotations(self, joint_names: tuple[str, ...], hands_mean: "np.ndarray") -> "np.ndarray":
        """(55, 3) axis-angle; hands_mean: (30, 3) the body's relaxed fingers, left then right."""
        import numpy as np

        from .mirror import mirrored

        index = {name: joint for joint, name in enumerate(joint_names)}
        left = np.zeros((len(joint_names), 3))
        for name, turns in self.both.items():
            left[index[name]] = _turned(turns)
        pose = np.where([[name.startswith("right_")] for name in joint_names], mirrored(left, joint_names), left)
        for name, turns in self.one.items():
            pose[index[name]] = _turned(turns)
        for side, hand, mean in (
            ("left", self.left_hand, hands_mean[:15]),
            ("right", self.right_hand, hands_mean[15:]),
        ):
            first = index[f"{side}_index1"]
            pose[first : first + 15] = mean if hand == "relaxed" else 0.0
            sign = -1.0 if side == "left" else 1.0  # curling turns the left fingers about -z, down from the T pose
            for name, degrees in _curls(hand):
                pose[index[f"{side}_{name}"]] = (0.0, 0.0, sign * np.radians(degrees))
        return pose


def _curls(hand: str) -> list[tuple[str, float]]:
    """Finger joints and how far they bend, degrees."""
    bent = {"fist": _FINGERS, "point": _FINGERS[1:]}.get(hand, ())
    return [(f"{finger}{k}", 85.0 if k < 3 else 60.0) for finger in bent for k in (1, 2, 3)]


def _turned(turns: tuple[tuple[str, float], ...]) -> "np.ndarray":
    """Axis-angle (3,) of turns, the first one outermost."""
    import numpy as np

    from neural_core import quaternions

    total = np.array([1.0, 0.0, 0.0, 0.0])
    for axis, degrees in turns:
        one = quaternions.from_axis_angle(np.radians(degrees) * np.array(_AXES[axis]))
        total = quaternions.multiply(total, one)
    return quaternions.to_axis_angle(total)


_ARMS_DOWN: Turns = {"left_shoulder": (("z", -72.0), ("y", -8.0)), "left_elbow": (("y", -12.0),)}

# Never rename a key: files and scripts use them.
LIBRARY: Mapping[str, Pose] = {
    "T_POSE": Pose("T Pose", left_hand="flat", right_hand="flat"),
    "A_POSE": Pose("A Pose", both={"left_shoulder": (("z", -45.0),)}, left_hand="flat", right_hand="flat"),
    "STAND": Pose("Stand Relaxed", both={**_ARMS_DOWN, "left_hip": (("z", 3.0),)}),
    "CONTRAPPOSTO": Pose(
        "Contrapposto",
        both=_ARMS_DOWN,
        one={
            "pelvis": (("z", 6.0),), "spine1": (("z", -5.0),), "spine3": (("z", -7.0),), "neck": (("z", 5.0),),
            "head": (("y", 12.0),), "left_hip": (("z", -4.0), ("x", -14.0)), "left_knee": (("x", 22.0),),
            "left_ankle": (("x", -6.0),), "right_hip": (("z", -9.0),), "right_ankle": (("z", 3.0),),
        },
    ),
    "HANDS_ON_HIPS": Pose(
        "Hands on Hips",
        both={
            "left_shoulder": (("z", -48.0), ("y", 16.0)),
            "left_elbow": (("x", 10.0), ("z", -82.0), ("y", -14.0)),
            "left_wrist": (("z", 20.0),),
            "left_hip": (("z", 7.0),),
        },
    ),
    "ARMS_UP": Pose(
        "Arms Up", both={"left_collar": (("z", 15.0),), "left_shoulder": (("z", 48.0),), "left_hip": (("z", 6.0),)},
        left_hand="flat", right_hand="flat",
    ),
    "WAVE": Pose(
        "Wave",
        both=_ARMS_DOWN,
        one={
            "right_shoulder": (("z", -8.0), ("x", -75.0)), "right_elbow": (("y", 82.0),),
            "head": (("z", 5.0), ("y", -8.0)),
        },
        right_hand="flat",
    ),
    "POINT": Pose(
        "Point",
        both=_ARMS_DOWN,
        one={
            "right_shoulder": (("y", 78.0), ("z", 4.0)), "right_elbow": (("y", 4.0),), "spine3": (("y", 8.0),),
            "head": (("y", -6.0),), "left_hip": (("x", -8.0),), "right_hip": (("x", 8.0),),
        },
        right_hand="point",
    ),
    "THINK": Pose(
        "Think",
        both=_ARMS_DOWN,
        one={
            "left_shoulder": (("z", -62.0), ("y", -40.0)), "left_elbow": (("y", -82.0),),
            "right_shoulder": (("z", 66.0), ("y", 48.0)), "right_elbow": (("y", 132.0),),
            "head": (("x", 12.0), ("y", -10.0)), "spine3": (("x", 4.0),),
        },
        right_hand="fist",
    ),
    "WALK": Pose(
        "Walk",
        both={"left_shoulder": (("z", -76.0),)},
        one={
            "left_hip": (("x", -26.0),), "left_knee": (("x", 8.0),), "left_ankle": (("x", -6.0),),
            "right_hip": (("x", 20.0),), "right_knee": (("x", 12.0),), "right_ankle": (("x", 12.0),),
            "right_foot": (("x", -25.0),), "left_shoulder": (("x", 22.0), ("z", -76.0)),
            "right_shoulder": (("x", -24.0), ("z", 76.0)), "left_elbow": (("y", -12.0),),
            "right_elbow": (("y", 28.0),), "spine2": (("y", 6.0),),
        },
    ),
    "RUN": Pose(
        "Run",
        one={
            "pelvis": (("x", 10.0),), "spine2": (("y", 10.0),), "neck": (("x", -8.0),),
            "left_hip": (("x", -72.0),), "left_knee": (("x", 80.0),), "left_ankle": (("x", 5.0),),
            "right_hip": (("x", 26.0),), "right_knee": (("x", 30.0),), "right_ankle": (("x", 28.0),),
            "left_shoulder": (("x", 46.0), ("z", -74.0)), "left_elbow": (("y", -88.0),),
            "right_shoulder": (("x", -44.0), ("z", 74.0)), "right_elbow": (("y", 92.0),),
        },
        left_hand="fist", right_hand="fist",
    ),
    "SIT": Pose(
        "Sit",
        both={
            "left_hip": (("x", -86.0), ("z", 5.0)), "left_knee": (("x", 86.0),),
            "left_shoulder": (("x", -30.0), ("z", -72.0)), "left_elbow": (("y", -38.0),),
        },
        one={"spine1": (("x", 4.0),)},
    ),
    "CROUCH": Pose(
        "Crouch",
        both={
            "left_hip": (("x", -104.0), ("z", 12.0)), "left_knee": (("x", 118.0),), "left_ankle": (("x", -32.0),),
            "left_shoulder": (("x", -48.0), ("z", -70.0)), "left_elbow": (("y", -52.0),),
        },
        one={"pelvis": (("x", 26.0),), "spine1": (("x", 12.0),), "neck": (("x", -26.0),)},
    ),
    "JUMP": Pose(
        "Jump",
        both={
            "left_shoulder": (("z", 38.0),), "left_hip": (("z", 16.0), ("x", -20.0)), "left_knee": (("x", 62.0),),
            "left_ankle": (("x", 30.0),),
        },
        left_hand="flat", right_hand="flat",
    ),
    "KNEEL": Pose(
        "Kneel",
        both=_ARMS_DOWN,
        one={
            "left_hip": (("x", -92.0),), "left_knee": (("x", 92.0),), "right_hip": (("x", 4.0),),
            "right_knee": (("x", 88.0),), "right_ankle": (("x", -30.0),), "right_foot": (("x", -35.0),),
            "left_shoulder": (("x", -28.0), ("z", -76.0)), "left_elbow": (("y", -30.0),),
        },
    ),
}  # fmt: skip
