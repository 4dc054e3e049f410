"""Random poses: mostly standing, then walking, arms held out, arms up, half seated, and odd ones."""

import math

import numpy as np
import torch
from torch import Tensor

from neural_core.body.skeleton import JOINT_INDEX

KINDS = ("stand", "walk", "a_pose", "arms_up", "sit", "odd")
_SHARES = (0.42, 0.20, 0.14, 0.08, 0.06, 0.10)
# Mean and spread of how far the upper arm hangs below the T pose, radians.
_ARM_DROP = {
    "stand": (1.22, 0.13), "walk": (1.20, 0.12), "a_pose": (0.85, 0.15),
    "arms_up": (-0.2, 0.55), "sit": (1.05, 0.2), "odd": (0.75, 0.5),
}  # fmt: skip


def random_pose(rng: np.random.Generator, kind: str | None = None, leg_freedom: float = 1.0) -> Tensor:
    """(55, 3) axis-angle pose; `leg_freedom` < 1 shrinks strides and raised knees, for tight or long skirts."""
    kind = str(rng.choice(KINDS, p=_SHARES)) if kind is None else kind
    pose = np.zeros((55, 3))

    def spread(sigma: float) -> float:
        return float(rng.normal(0, sigma))

    def put(name: str, *angles: float) -> None:
        pose[JOINT_INDEX[name]] = angles

    for name in ("spine1", "spine2", "spine3"):
        put(name, spread(0.05), spread(0.07), spread(0.04))
    put("neck", spread(0.10), spread(0.15), spread(0.06))
    put("head", spread(0.10), spread(0.20), spread(0.06))
    phase, bend = spread(1.0), rng.uniform(0.7, 1.4)
    for side, sign in (("left", 1.0), ("right", -1.0)):
        drop = min(1.36, float(rng.normal(*_ARM_DROP[kind])))
        swing = sign * 0.4 * math.sin(phase) if kind == "walk" else spread(0.12)
        if kind == "sit":
            swing = rng.uniform(0.3, 0.8)
        matrix = _turn(0, -swing) @ _turn(2, -sign * drop) @ _turn(0, spread(0.25))
        pose[JOINT_INDEX[f"{side}_shoulder"]] = _axis_angle(matrix)
        put(
            f"{side}_collar",
            0.0,
            0.0,
            -sign * max(0.0, drop - 0.9) * 0.12 + sign * max(0.0, -drop) * 0.25 + spread(0.02),
        )
        flex = abs(spread({"a_pose": 0.12, "odd": 1.0}.get(kind, 0.45)))
        put(f"{side}_elbow", spread(0.15), -sign * min(flex, 2.2), 0.0)
        put(f"{side}_wrist", spread(0.2), spread(0.1), spread(0.15))
        lift = -sign * 0.45 * math.sin(phase) if kind == "walk" else spread(0.10)
        if kind == "odd" and rng.random() < 0.4:
            lift -= abs(spread(0.5))
        if kind == "sit":
            lift = -bend
        lift *= leg_freedom
        apart = rng.uniform(0.0, 0.15) if kind == "a_pose" else abs(spread(0.07))
        put(f"{side}_hip", lift, spread(0.08), sign * (apart * leg_freedom - 0.03))
        follow = max(0.0, lift) * 0.9 if kind == "walk" else max(0.0, -lift) * (1.05 if kind == "sit" else 0.8)
        put(f"{side}_knee", abs(spread(0.12)) * leg_freedom + follow, 0.0, 0.0)
        put(f"{side}_ankle", spread(0.06), spread(0.08), 0.0)
        curl = abs(spread(0.35))
        for finger in ("index", "middle", "ring", "pinky"):
            for i in (1, 2, 3):
                put(f"{side}_{finger}{i}", 0.0, 0.0, -sign * (curl + abs(spread(0.05))))
    pose[JOINT_INDEX["jaw"], 0] = abs(spread(0.04)) if rng.random() < 0.85 else rng.uniform(0, 0.2)
    return torch.from_numpy(pose).float()


def _turn(axis: int, angle: float) -> np.ndarray:
    """(3, 3) rotation about a coordinate axis; numpy, since on a GPU each would be a dozen launches."""
    i, j = (axis + 1) % 3, (axis + 2) % 3
    matrix = np.eye(3)
    matrix[i, i] = matrix[j, j] = math.cos(angle)
    matrix[j, i], matrix[i, j] = math.sin(angle), -math.sin(angle)
    return matrix


def _axis_angle(matrix: np.ndarray) -> np.ndarray:
    """The rotation vector (3,) of a rotation matrix that is not near half a turn."""
    angle = math.acos(min(max((np.trace(matrix) - 1) / 2, -1.0), 1.0))
    vector = np.array([matrix[2, 1] - matrix[1, 2], matrix[0, 2] - matrix[2, 0], matrix[1, 0] - matrix[0, 1]])
    return vector * angle / (2 * math.sin(angle) + 1e-9)
