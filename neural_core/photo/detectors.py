"""MediaPipe's detectors, loaded once, quiet, and without a memory of the last picture.

Only `pose_landmark_full` (model_complexity=1) lies in the wheel; other complexities would download.
"""

import contextlib
import functools
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

# The first half of the pose solution alone: it sees everybody, the solution itself keeps only the best detection.
_PEOPLE_GRAPH = """
input_stream: "image"
output_stream: "detections"
node { calculator: "PoseDetectionCpu" input_stream: "IMAGE:image" output_stream: "DETECTIONS:detections" }
"""


@dataclass(frozen=True)
class HolisticResult:
    """Landmarks in pixels of the picture given, or None where nothing was found.

    Attributes:
        pose: (33, 3) x, y, visibility. pose_world: (33, 3) metres, camera axes. mask: (H, W) in [0, 1].
        face: (478, 2). left_hand, right_hand: (21, 2), the person's own left and right.
    """

    pose: np.ndarray
    pose_world: np.ndarray
    mask: np.ndarray
    face: np.ndarray | None
    left_hand: np.ndarray | None
    right_hand: np.ndarray | None


@dataclass(frozen=True)
class HandResult:
    """One detected hand. points: (21, 2) pixels; is_left: the person's own left; score in [0, 1]."""

    points: np.ndarray
    is_left: bool
    score: float


def find_holistic(rgb: np.ndarray, passes: int = 1) -> HolisticResult | None:
    """Body, face, hands and mask of the most prominent person in (H, W, 3) uint8; None when there is nobody.

    passes: beyond the first the networks look again where the landmarks of the pass before say that the person is. The
        first window, from hips and size alone, often cuts feet off, and all legs are drawn shorter to fit into it.
    """
    height, width = rgb.shape[:2]
    with _quiet():
        solution = _holistic() if passes == 1 else _holistic_again()
        solution.reset()  # even in static mode it keeps the last face
        found = solution.process(rgb)
        for _ in range(passes - 1):
            again = solution.process(rgb)
            if again.pose_landmarks is None:
                break
            found = again
    if found.pose_landmarks is None or found.pose_world_landmarks is None:
        return None
    size = np.array([width, height], dtype=np.float32)

    def points(landmarks) -> np.ndarray | None:
        if landmarks is None:
            return None
        return np.array([[p.x, p.y] for p in landmarks.landmark], dtype=np.float32) * size

    visibility = np.array([p.visibility for p in found.pose_landmarks.landmark], dtype=np.float32)
    xy = points(found.pose_landmarks)
    assert xy is not None
    mask = found.segmentation_mask
    return HolisticResult(
        pose=np.concatenate([xy, visibility[:, None]], axis=1),
        pose_world=np.array([[p.x, p.y, p.z] for p in found.pose_world_landmarks.landmark], dtype=np.float32),
        mask=np.zeros((height, width), np.float32) if mask is None else np.array(mask, dtype=np.float32),
        face=points(found.face_landmarks),
        left_hand=points(found.left_hand_landmarks),
        right_hand=points(found.right_hand_landmarks),
    )


def find_people(rgb: np.ndarray) -> list[tuple[float, float, float]]:
    """Everybody in the picture, largest first: (x, y, radius) of the circle about the hips that holds the body."""
    height, width = rgb.shape[:2]
    with _quiet():
        solution = _people()
        solution.reset()
        found = solution.process(rgb)
    people = []
    for detection in found.detections or ():
        hips, rim = (
            np.array([p.x * width, p.y * height]) for p in detection.location_data.relative_keypoints[:2]
        )  # fmt: skip
        people.append((float(hips[0]), float(hips[1]), float(np.linalg.norm(rim - hips))))
    return sorted(people, key=lambda person: -person[2])


def find_hands(rgb: np.ndarray) -> list[HandResult]:
    """Hands in a crop (H, W, 3) uint8."""
    size = np.array([rgb.shape[1], rgb.shape[0]], dtype=np.float32)
    with _quiet():
        solution = _hands()
        solution.reset()
        found = solution.process(rgb)
    results = []
    hands, sides = found.multi_hand_landmarks, found.multi_handedness
    for landmarks, handedness in zip(hands or [], sides or []):
        points = np.array([[p.x, p.y] for p in landmarks.landmark], dtype=np.float32) * size
        label = handedness.classification[0]
        # The model was made for mirrored selfies: in a plain photo its "Left" is the person's right.
        results.append(HandResult(points, label.label == "Right", float(label.score)))
    return results


@functools.cache
def _holistic() -> Any:  # MediaPipe names its results at run time: no type knows them
    from mediapipe.python.solutions.holistic import Holistic

    return Holistic(
        static_image_mode=True, model_complexity=1, refine_face_landmarks=True, enable_segmentation=True
    )  # fmt: skip


@functools.cache
def _holistic_again() -> Any:
    """The same with a memory, for several looks at one picture; nothing is smoothed."""
    from mediapipe.python.solutions.holistic import Holistic

    return Holistic(
        static_image_mode=False, model_complexity=1, refine_face_landmarks=True, enable_segmentation=True,
        smooth_landmarks=False, smooth_segmentation=False,
    )  # fmt: skip


@functools.cache
def _hands() -> Any:
    from mediapipe.python.solutions.hands import Hands

    return Hands(static_image_mode=True, max_num_hands=2, model_complexity=1, min_detection_confidence=0.3)


@functools.cache
def _people() -> Any:
    from google.protobuf import text_format
    from mediapipe.framework import calculator_pb2
    from mediapipe.python.solution_base import SolutionBase

    messages: Any = calculator_pb2  # protobuf makes its classes at run time
    config = text_format.Parse(_PEOPLE_GRAPH, messages.CalculatorGraphConfig())
    return SolutionBase(graph_config=config, outputs=["detections"])


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Drop what MediaPipe's C++ prints to file descriptor 2; its errors come as exceptions all the same."""
    sys.stderr.flush()
    saved = os.dup(2)
    null = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(null, 2)
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(null)
