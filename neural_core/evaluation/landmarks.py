"""Distances between what MediaPipe sees in a drawing and in the photo: keypoint distance (AKD) and face shape."""

from dataclasses import dataclass
from functools import cache
from typing import Any

import cv2
import numpy as np

from neural_core.photo.detectors import find_holistic
from neural_core.photo.evidence import OTHER_SIDE

_SEEN = 0.5
_FOREHEAD, _CHIN = 10, 152  # of the face mesh: their distance is the size of a face, however the head turns
_HEAD_WINDOW = 0.26  # side of the square about the head, of the person's height
_FACE_PIXELS = 256
# At the detector's usual .5 it sees faces on half of the true backs of synthetic heads (docs/evaluation.md).
FACE_SCORE = 0.72
GROUND = 0.5  # grey: neither white nor black clothes vanish on it


@dataclass(frozen=True)
class Landmarks:
    """pose: (33, 3) x, y pixels and visibility. face: (478, 2) pixels, or None."""

    pose: np.ndarray
    face: np.ndarray | None

    @staticmethod
    def of(rgb: np.ndarray) -> "Landmarks | None":
        """What Holistic sees in (H, W, 3) bytes; None when it sees nobody."""
        found = find_holistic(np.ascontiguousarray(rgb))
        return None if found is None else Landmarks(found.pose, found.face)


def body_distance(drawn: Landmarks, truth: Landmarks, height: float, shape: tuple[int, ...]) -> float:
    """AKD-body: mean distance of the landmarks seen in both and inside the picture (H, W), percent of the height.

    Where the photo shows no face, MediaPipe's left and right are a guess: then the better of both namings counts.
    """
    if truth.face is None:
        return min(_apart(drawn.pose, pose, height, shape) for pose in (truth.pose, truth.pose[OTHER_SIDE]))
    return _apart(drawn.pose, truth.pose, height, shape)


def _apart(drawn: np.ndarray, truth: np.ndarray, height: float, shape: tuple[int, ...]) -> float:
    x, y = truth[:, 0], truth[:, 1]
    inside = (x > 0) & (x < shape[1]) & (y > 0) & (y < shape[0])
    seen = inside & (truth[:, 2] > _SEEN) & (drawn[:, 2] > _SEEN)
    if not seen.any():
        return float("nan")
    return float(np.linalg.norm(drawn[seen, :2] - truth[seen, :2], axis=1).mean() / height * 100)


def face_distances(drawn: Landmarks, truth: Landmarks) -> tuple[float, float]:
    """AKD-face and face shape, percent of the true face's length from forehead to chin; nan without both faces.

    AKD-face is the mean distance of the 478 points in the picture; face shape the same after the similarity (scale,
    turn, shift) that brings the drawn points closest: what is left is another face or another expression.
    """
    if drawn.face is None or truth.face is None:
        return float("nan"), float("nan")
    size = float(np.linalg.norm(truth.face[_FOREHEAD] - truth.face[_CHIN]))
    apart = np.linalg.norm(drawn.face - truth.face, axis=1).mean()
    aligned = np.linalg.norm(best_similarity(drawn.face, truth.face) - truth.face, axis=1).mean()
    return float(apart / size * 100), float(aligned / size * 100)


def best_similarity(points: np.ndarray, target: np.ndarray) -> np.ndarray:
    """`points` (n, 2) after the similarity, without mirroring, that brings them closest to `target` (least squares)."""
    a, b = points - points.mean(0), target - target.mean(0)
    # In the complex plane a similarity is one multiplication.
    z, w = a[:, 0] + 1j * a[:, 1], b[:, 0] + 1j * b[:, 1]
    turned = z * (np.vdot(z, w) / max(np.vdot(z, z).real, 1e-12))
    return np.stack([turned.real, turned.imag], axis=1) + target.mean(0)


def shows_face(rgb: np.ndarray, alpha: np.ndarray) -> bool:
    """Whether MediaPipe's face detection finds a face on the head of a drawn person; `FACE_SCORE` is its calibration.

    Args:
        rgb: (H, W, 3) bytes on an even ground. alpha: (H, W) of the person in [0, 1]; the head is the top of it.
    """
    rows, columns = np.nonzero((alpha > 0.5).any(1))[0], np.nonzero((alpha > 0.5).any(0))[0]
    if not len(rows):
        return False
    side = max(int(np.ptp(rows) * _HEAD_WINDOW), 8)
    head = np.nonzero((alpha[rows[0] : rows[0] + side // 2] > 0.5).any(0))[0]
    middle = int(head.mean()) if len(head) else int(columns.mean())
    ground = np.full((side, side, 3), rgb[0, 0], np.uint8)
    top, left = max(int(rows[0]) - side // 6, 0), max(middle - side // 2, 0)
    crop = rgb[top : top + side, left : left + side]
    ground[: crop.shape[0], : crop.shape[1]] = crop
    large = cv2.resize(ground, (_FACE_PIXELS, _FACE_PIXELS), interpolation=cv2.INTER_CUBIC)
    found = _faces().process(large).detections or ()
    return any(face.score[0] >= FACE_SCORE for face in found)


@cache
def _faces() -> Any:  # MediaPipe names its results at run time: no type knows them
    from mediapipe.python.solutions.face_detection import FaceDetection

    return FaceDetection(model_selection=0, min_detection_confidence=0.5)
