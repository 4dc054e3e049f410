"""Bone directions of MediaPipe's world landmarks, with the network's bias removed.

The network leans torsos towards the camera, bends straight legs and stretches feet away; how much depends on the whole
pose. A ridge regression from all directions to all true directions, made on renders with known joints by
`neural_core.evaluation.directions`, takes the median error from 15 to 11 degrees. It belongs to pose_landmark_full of
MediaPipe 0.10.21.
"""

from functools import cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

# Pairs of BlazePose landmarks, and how much each direction counts: about one over the variance that is left.
_BONES: tuple[tuple[int, int, float], ...] = (
    (11, 12, 2.0), (23, 24, 2.0),  # shoulders, hips
    (11, 23, 2.0), (12, 24, 2.0),  # torso
    (11, 13, 1.5), (13, 15, 1.5), (12, 14, 1.5), (14, 16, 1.5),  # arms
    (23, 25, 1.0), (25, 27, 1.0), (24, 26, 1.0), (26, 28, 1.0),  # legs
    (27, 31, 0.5), (28, 32, 0.5), (29, 31, 0.3), (30, 32, 0.3),  # feet
    (7, 8, 1.0),  # ears
)  # fmt: skip
BONE_START = torch.tensor([start for start, _, _ in _BONES])
BONE_END = torch.tensor([end for _, end, _ in _BONES])
BONE_WEIGHT = torch.tensor([weight for _, _, weight in _BONES])
TORSO_BONES = (0, 1, 2, 3)
NUM_BONES = len(_BONES)

_DATA = Path(__file__).parent / "data" / "directions.npz"


def bone_directions(points: Tensor) -> Tensor:
    """Unit vectors (..., 17, 3) of BlazePose landmarks (..., 33, 3)."""
    bones = points[..., BONE_END, :] - points[..., BONE_START, :]
    return torch.nn.functional.normalize(bones, dim=-1)


def corrected_directions(world: Tensor) -> Tensor:
    """Unit bone directions (17, 3) of world landmarks (33, 3), camera axes, as if seen head-on."""
    directions = bone_directions(world)
    change = features(directions) @ _weights()
    return torch.nn.functional.normalize(directions + change.reshape(NUM_BONES, 3), dim=1)


def features(directions: Tensor) -> Tensor:
    """What the regression sees: (..., 17, 3) to (..., 52)."""
    flat = directions.flatten(-2)
    return torch.cat([flat, torch.ones_like(flat[..., :1])], dim=-1)


@cache
def _weights() -> Tensor:
    with np.load(_DATA, allow_pickle=False) as file:
        return torch.from_numpy(file["weights"].astype(np.float32))
