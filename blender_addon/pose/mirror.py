"""Left and right exchanged."""

import numpy as np

_FLIP = np.array([1.0, -1.0, -1.0])  # an axis-angle vector seen in the mirror x -> -x


def mirrored(pose: np.ndarray, joint_names: tuple[str, ...]) -> np.ndarray:
    """A pose (..., 55, 3) in the mirror of the body's own left and right, core axes."""
    index = {name: joint for joint, name in enumerate(joint_names)}
    partners = np.array([index.get(partner(name), joint) for name, joint in index.items()])
    return pose[..., partners, :] * _FLIP


def partner(name: str) -> str:
    """The joint, or the shape key, on the other side; the same where there is none."""
    for one, other in (("left_", "right_"), ("right_", "left_")):
        if name.startswith(one):
            return other + name[len(one) :]
    for one, other in (("Left", "Right"), ("Right", "Left")):
        if name.endswith(one) and name != one:
            return name[: -len(one)] + other
    return name
