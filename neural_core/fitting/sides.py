"""Front or back: what the detector took for the one and was the other, found from all frames of a video together.

A back has almost the silhouette of a front: BlazePose, that looks at one frame, calls many backs fronts (half of those
of one synthetic clip), with left and right exchanged and near and far, too. Both undone it is the same body turned
away. Which frames are meant is the cheapest path through the video (Viterbi 1967): people do not turn round between
two frames, fronts have faces, and the detector is right more often than not.
"""

from dataclasses import replace

import numpy as np

from neural_core.fitting.directions import BONE_END, BONE_START, BONE_WEIGHT
from neural_core.fitting.report import LIMB_JOINTS
from neural_core.photo.evidence import OTHER_SIDE, PhotoEvidence

_RECENT = 0.5  # seconds for which one frame says anything about the next
_LIMBS = 5.0  # a limb that jumps by a fifth of the height counts as a bone that turns by one radian
_DOUBT = 0.15  # cost of contradicting the detector
_FACELESS = 0.7  # cost of a front without a face, where the video's other fronts have one
_FACE = 3.0  # cost of a back with a face
_FRONTAL = 0.7  # cosine of the heading from which a face would be seen
_SHOULDERS = (11, 12)


def turned_round(evidence: PhotoEvidence) -> PhotoEvidence:
    """The same landmarks in the picture, of a body that faces the other way: sides exchanged, and near and far."""
    left, right = evidence.hands
    world = evidence.pose_world[OTHER_SIDE] * np.array([1, 1, -1], np.float32)
    return replace(evidence, pose=evidence.pose[OTHER_SIDE], pose_world=world, hands=(right, left), face=None)


def misread(evidence: list[PhotoEvidence], times: list[float]) -> list[bool]:
    """Which frames, in order of their times in seconds, the detector took for the wrong one of front and back."""
    if not evidence:
        return []
    both = [(seen, turned_round(seen)) for seen in evidence]
    towards = np.array([[facing(one) for one in pair] for pair in both])  # (N, 2)
    has_face = np.array([seen.face is not None for seen in evidence])
    frontal = towards[:, 0] > _FRONTAL
    faceless = _FACELESS * float(has_face[frontal].mean()) if frontal.any() else 0.0
    cost = np.where(has_face[:, None], [0.0, _FACE], faceless * towards.clip(min=0) + [0.0, _DOUBT])
    best, came = cost[0], []
    for k in range(1, len(both)):
        near = max(1 - (times[k] - times[k - 1]) / _RECENT, 0.0)
        step = np.array([[near * _apart(a, b) if near else 0.0 for b in both[k]] for a in both[k - 1]])  # (from, to)
        total = best[:, None] + step
        came.append(total.argmin(0))
        best = total.min(0) + cost[k]
    path = [int(best.argmin())]
    for origin in reversed(came):
        path.append(int(origin[path[-1]]))
    return [bool(state) for state in reversed(path)]


def facing(evidence: PhotoEvidence) -> float:
    """Cosine of the trunk's heading: 1 towards the camera, -1 away."""
    left, right = (evidence.pose_world[side] for side in _SHOULDERS)
    across = (left - right)[[0, 2]]
    return float(across[0] / max(np.linalg.norm(across), 1e-6))


def _apart(a: PhotoEvidence, b: PhotoEvidence) -> float:
    """How far a person went between two frames, limbs in the picture and bones in depth."""
    height = (a.person_height_px + b.person_height_px) / 2
    limbs = np.linalg.norm((a.pose - b.pose)[LIMB_JOINTS, :2], axis=1).mean() / height
    bones = np.linalg.norm(_bones(a) - _bones(b), axis=1)
    return _LIMBS * float(limbs) + float(np.average(bones, weights=BONE_WEIGHT.numpy()))


def _bones(evidence: PhotoEvidence) -> np.ndarray:
    bones = evidence.pose_world[BONE_END.numpy()] - evidence.pose_world[BONE_START.numpy()]
    return bones / np.linalg.norm(bones, axis=1, keepdims=True).clip(1e-6)
