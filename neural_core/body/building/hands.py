"""Relaxed hands, and the correspondence of MediaPipe's hand points."""

import numpy as np
import torch
from scipy.spatial.transform import Rotation

from neural_core.body.building.order import TIP_VERTICES
from neural_core.body.landmarks import BodyLandmarks
from neural_core.body.skeleton import JOINT_INDEX, PARENTS

_FINGERS = ("thumb", "index", "middle", "ring", "pinky")  # MediaPipe's order, four points each after the wrist


def relaxed_hands(rotations: np.ndarray) -> np.ndarray:
    """(30, 3) axis-angle, left then right: anny's own hands against the flat ones; rotations (n, 55, 3, 3) as above."""
    mean = []
    for j in range(25, 55):
        relative = rotations[:, PARENTS[j]] @ rotations[:, j].transpose(0, 2, 1)
        mean.append(Rotation.from_matrix(relative).as_rotvec().mean(0))
    left, right = np.array(mean).reshape(2, 15, 3)
    left = (left + right * [1, -1, -1]) / 2
    return np.concatenate([left, left * [1, -1, -1]]).astype(np.float32)


def unknown_landmarks() -> BodyLandmarks:
    """Hands as known from the skeleton; face and pose not yet measured."""
    hands = [
        [JOINT_INDEX[f"{side}_wrist"]]
        + [j for f in _FINGERS for j in (*(JOINT_INDEX[f"{side}_{f}{i}"] for i in (1, 2, 3)), -1)]
        for side in ("left", "right")
    ]
    return BodyLandmarks(
        face_triangle=torch.full((478,), -1),
        face_barycentric=torch.zeros(478, 3),
        pose_joint=torch.zeros(33, dtype=torch.long),
        pose_offset=torch.zeros(33, 3),
        hand_joint=torch.tensor(hands),
        hand_tip_vertex=torch.from_numpy(TIP_VERTICES),
    )
