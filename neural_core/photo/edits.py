"""What a user corrects in the evidence of a photo: pinned landmarks, a painted mask, a focal length."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import cv2
import numpy as np

from neural_core.photo.evidence import PhotoEvidence, shows_feet

# Landmarks of BlazePose that can be pinned, and those that go with them: a hand hangs on its wrist.
PINS: dict[str, int] = {
    "nose": 0, "left_ear": 7, "right_ear": 8, "left_shoulder": 11, "right_shoulder": 12, "left_elbow": 13,
    "right_elbow": 14, "left_wrist": 15, "right_wrist": 16, "left_hip": 23, "right_hip": 24, "left_knee": 25,
    "right_knee": 26, "left_ankle": 27, "right_ankle": 28, "left_heel": 29, "right_heel": 30, "left_toe": 31,
    "right_toe": 32,
}  # fmt: skip
_FOLLOWERS: dict[int, tuple[int, ...]] = {
    0: (1, 2, 3, 4, 5, 6, 7, 8, 9, 10), 15: (17, 19, 21), 16: (18, 20, 22), 27: (29, 31), 28: (30, 32),
}  # fmt: skip
_NOSE, _WRISTS = 0, (15, 16)
_FAR = 4  # picture sides beyond which a stroke is not followed


@dataclass(frozen=True)
class Stroke:
    """One movement of the brush. points: (n, 2) pixels; radius: pixels; add: to the person, otherwise away."""

    points: tuple[tuple[float, float], ...]
    radius: float
    add: bool


@dataclass(frozen=True)
class PhotoEdits:
    """Corrections. pins: pixels by names of `PINS`; strokes: in the order they were painted; focal: pixels."""

    pins: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    strokes: tuple[Stroke, ...] = ()
    focal: float | None = None

    @property
    def pinned(self) -> list[int]:
        """The BlazePose landmarks that are pinned."""
        return sorted(PINS[name] for name in self.pins)


def edited(evidence: PhotoEvidence, edits: PhotoEdits) -> PhotoEvidence:
    """The evidence as the user sees it; what was detected stays as it was where nothing was corrected."""
    pose, face, hands = evidence.pose.copy(), evidence.face, list(evidence.hands)
    pinned = edits.pinned
    for name, pixel in edits.pins.items():
        index = PINS[name]
        shift = np.asarray(pixel, np.float32) - evidence.pose[index, :2]
        pose[index] = (*pixel, 1.0)
        for follower in _FOLLOWERS.get(index, ()):
            if follower not in pinned:
                pose[follower, :2] = evidence.pose[follower, :2] + shift
        if index == _NOSE and face is not None:
            face = face + shift
        if index in _WRISTS:
            side = _WRISTS.index(index)
            hands[side] = None if hands[side] is None else hands[side] + shift
    return replace(
        evidence,
        pose=pose,
        face=face,
        hands=(hands[0], hands[1]),
        mask=painted(evidence.mask, edits.strokes),
        full_body=shows_feet(pose),
        focal=evidence.focal if edits.focal is None else edits.focal,
        focal_source=evidence.focal_source if edits.focal is None else "user",
    )


def painted(mask: np.ndarray, strokes: tuple[Stroke, ...]) -> np.ndarray:
    """The mask (H, W) in [0, 1] after the strokes, one on top of the other; their rims are smooth."""
    for stroke in strokes:
        covered = _coverage(stroke, mask.shape)
        mask = np.maximum(mask, covered) if stroke.add else np.minimum(mask, 1 - covered)
    return mask


def _coverage(stroke: Stroke, shape: tuple[int, ...]) -> np.ndarray:
    """(H, W) float32 share of each pixel that the brush went over."""
    height, width = shape
    covered = np.zeros(shape, np.float32)
    margin = int(np.ceil(stroke.radius)) + 2
    points = np.asarray(stroke.points, np.float64).clip(-_FAR * max(shape), _FAR * max(shape)).astype(np.int32)
    # Only what the brush can have reached: photos are large and strokes are small.
    left, top = (points.min(0) - margin).clip(0, (width, height))
    right, bottom = (points.max(0) + margin + 1).clip(0, (width, height))
    if right <= left or bottom <= top:
        return covered
    points = points if len(points) > 1 else points.repeat(2, 0)  # cv2 draws no line of one point
    # The line may come from outside of the window, so the layer it is drawn on has a margin.
    line = np.ones((bottom - top + 2 * margin, right - left + 2 * margin), np.uint8)
    cv2.polylines(line, [(points - (left, top) + margin)[:, None]], False, (0,))
    distance = cv2.distanceTransform(line, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)[margin:-margin, margin:-margin]
    covered[top:bottom, left:right] = (stroke.radius + 0.5 - distance).clip(0, 1)
    return covered
