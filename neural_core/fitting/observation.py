"""The evidence of one photo as the tensors the fit compares the body with."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from neural_core.body.skinning import rotation_matrices
from neural_core.fitting.directions import BONE_END, BONE_START, BONE_WEIGHT, corrected_directions, picture_points
from neural_core.photo.evidence import PhotoEvidence

# Inner points of the face mesh: brows, eyes, nose, mouth, chin. The oval is left out: it slides along the cheek as the
# head turns and is no fixed point of the skin.
FACE_POINTS: tuple[int, ...] = tuple(sorted({
    70, 63, 105, 66, 107, 336, 296, 334, 293, 300, 33, 160, 158, 133, 153, 144, 362, 385, 387, 263, 373, 380, 168, 6,
    197, 195, 5, 4, 98, 97, 2, 326, 327, 61, 40, 37, 0, 267, 270, 291, 321, 314, 17, 84, 91, 78, 81, 13, 311, 308, 402,
    14, 178, 152, 377, 148, 10, 9, 8, 50, 280, 205, 425, 199, 175, 18, 200,
}))  # fmt: skip

# The face mesh without its oval and the irises: for expressions, where the face itself is known.
_OVAL = {
    10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377, 152, 148, 176, 149, 150,
    136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109,
}  # fmt: skip
MESH_POINTS: tuple[int, ...] = tuple(sorted(set(range(468)) - _OVAL))

# Two lips' inner middles, and the corners of the mouth.
_UPPER_LIP, _LOWER_LIP, _LEFT_CORNER, _RIGHT_CORNER = 13, 14, 308, 78

# Trust in BlazePose landmarks, from their scatter on renders. Eyes inner to outer and mouth say little that the nose,
# ears and face mesh do not; knuckles and heels are guesses of the network under sleeves and shoes.
_TRUST = {1: 0.2, 3: 0.2, 4: 0.2, 6: 0.2, 7: 0.5, 8: 0.5, 9: 0.3, 10: 0.3, 23: 0.6, 24: 0.6, 29: 0.5, 30: 0.5}
_TRUST |= dict.fromkeys(range(17, 23), 0.4)


_SEEN = 0.5


@dataclass(frozen=True)
class Observation:
    """Tensors of one photo.

    Attributes:
        pose: (33, 2) pixels; pose_weight: (33,), 0 where not seen.
        directions: (17, 3) unit bone vectors in camera axes; direction_weight: (17,).
        face: (n, 2) pixels of `face_points`, or None; hands: left and right (21, 2) or None.
        lip_gap: inner lip distance in mouth widths, 0 without a face.
        focal: pixels; centre: (2,) principal point; height_px: the person's height.
    """

    pose: Tensor
    pose_weight: Tensor
    directions: Tensor
    direction_weight: Tensor
    face: Tensor | None
    hands: tuple[Tensor | None, Tensor | None]
    lip_gap: float
    face_points: tuple[int, ...]
    focal: float
    centre: Tensor
    height_px: float


def observation(evidence: PhotoEvidence, face_points: tuple[int, ...] = FACE_POINTS) -> Observation:
    """What the fit needs of the evidence."""
    height, width = evidence.image.shape[:2]
    centre = torch.tensor([width / 2, height / 2])
    pose = _tensor(evidence.pose[:, :2])
    visibility = _tensor(evidence.pose[:, 2])
    visibility = torch.where(visibility > _SEEN, visibility, torch.zeros_like(visibility))
    trust = torch.ones(33)
    for index, value in _TRUST.items():
        trust[index] = value
    # An unseen end still says something: the network knows how people stand.
    confidence = torch.where(visibility > 0, visibility, torch.full_like(visibility, 0.15))
    seen = visibility > 0
    ray_target = pose[seen].mean(0) if bool(seen.any()) else centre
    turn = rotation_to_ray((ray_target - centre) / evidence.focal)
    directions = corrected_directions(_tensor(evidence.pose_world), picture_points(pose, evidence.person_height_px))
    return Observation(
        pose=pose,
        pose_weight=trust * visibility,
        directions=directions @ turn.T,
        direction_weight=BONE_WEIGHT * confidence[BONE_START] * confidence[BONE_END],
        face=None if evidence.face is None else _tensor(evidence.face[list(face_points)]),
        hands=tuple(None if hand is None else _tensor(hand) for hand in evidence.hands),  # type: ignore[arg-type]
        lip_gap=lip_gap(evidence.face),
        face_points=face_points,
        focal=evidence.focal,
        centre=centre,
        height_px=evidence.person_height_px,
    )


def rotation_to_ray(offset: Tensor) -> Tensor:
    """Rotation of the camera axis onto the ray through the person; world landmarks are as if seen head-on."""
    ray = torch.nn.functional.normalize(torch.cat([offset, torch.ones(1)]), dim=0)
    axis = torch.linalg.cross(torch.tensor([0.0, 0.0, 1.0]), ray)
    sine = axis.norm()
    if float(sine) < 1e-6:
        return torch.eye(3)
    return rotation_matrices((axis / sine * torch.asin(sine.clamp(max=1)))[None])[0]


def lip_gap(face: np.ndarray | None) -> float:
    if face is None:
        return 0.0
    width = float(np.linalg.norm(face[_LEFT_CORNER] - face[_RIGHT_CORNER]))
    return float(np.linalg.norm(face[_UPPER_LIP] - face[_LOWER_LIP])) / max(width, 1e-6)


def _tensor(array: np.ndarray) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(array, dtype=np.float32))
