"""Front or back: what the detector took for the one and was the other, found from all frames of a video together.

A back has almost the silhouette of a front: BlazePose, that looks at one frame, calls many backs fronts (half of those
of one synthetic clip), with left and right exchanged and near and far, too; sometimes of trunk and arms alone, or of
the legs. Both undone it is the same body turned away. Rarely its nose points one way and its shoulders the other: then
the head is the wrong way round, or left and right of trunk and arms alone are exchanged. Which frames are meant is the
cheapest path through the video (Viterbi 1967): people do not turn round between two frames and rarely cross their legs,
fronts have faces, and the detector is right more often than not.
"""

from dataclasses import replace
from itertools import product

import numpy as np

from neural_core.fitting.directions import BONE_END, BONE_START, BONE_WEIGHT
from neural_core.fitting.report import LIMB_JOINTS
from neural_core.photo.evidence import OTHER_SIDE, PhotoEvidence

_RECENT = 0.5  # seconds for which one frame says anything about the next
_LIMBS = 8.0  # a limb that jumps by an eighth of the height counts as a bone that turns by one radian
_TURNS, _SPUN = 7.0, 0.5  # radians a second that a trunk turns at most, and the cost of each beyond
_DOUBT = 0.15  # cost of contradicting the detector
_HALF_DOUBT = 0.1  # and of contradicting it in one half only
_FACELESS = 0.7  # cost of a front without a face, where the video's other fronts have one
_FACE = 3.0  # cost of a back with a face
_CROSSED = 1.0  # cost of legs that stand plainly on the other side of each other than the shoulders
_BROAD, _PLAINLY = 0.07, 0.12  # of the height: from the first on, up to twice as much, and in full
_FRONTAL = 0.7  # cosine of the heading from which a face would be seen
_AWAY = -0.3  # cosine of the heading from which the face is hidden
_SHOULDERS, _EARS = (11, 12), (7, 8)
_FACE_POINTS = [0, 1, 2, 3, 4, 5, 6, 9, 10]
_HEAD, _LEGS = np.arange(33) <= 10, np.arange(33) >= 25  # the hips go with the trunk
_STATES = tuple(product((False, True), (False, True), (False, True)))  # trunk and arms, legs, names
_CONTRARY = 0.0  # cosine between the ways that nose and shoulders point: -.4 and less in 5 of 280 frames, else .88
_NEVER = 1e3


def turned_round(evidence: PhotoEvidence, upper: bool = True, legs: bool = True, names: bool = False) -> PhotoEvidence:
    """The same landmarks in the picture, of a body that faces the other way: sides exchanged, and near and far.

    upper: trunk, arms and head. legs: from the knees down. names: where head and shoulders contradict each other, the
    names of trunk and arms are wrong, not the head.
    """
    evidence = _coherent(evidence, names)
    turned = np.where(_LEGS, legs, upper)
    order = np.where(turned, OTHER_SIDE, np.arange(33))
    depth = np.stack([np.ones(33), np.ones(33), np.where(turned, -1, 1)], 1).astype(np.float32)
    left, right = evidence.hands
    return replace(
        evidence,
        pose=evidence.pose[order],
        pose_world=evidence.pose_world[order] * depth,
        hands=(right, left) if upper else (left, right),
        face=None if upper else evidence.face,
    )


def _coherent(evidence: PhotoEvidence, names: bool) -> PhotoEvidence:
    """Head and shoulders that point one way: the head is turned round, or left and right of the trunk are exchanged."""
    if not _contrary(evidence):
        return evidence
    order = np.where(~_HEAD & ~_LEGS if names else _HEAD, OTHER_SIDE, np.arange(33))
    world = evidence.pose_world[order].copy()
    if not names:
        world[_HEAD, 2] = 2 * world[list(_EARS), 2].mean() - world[_HEAD, 2]
    hands = evidence.hands[::-1] if names else evidence.hands
    return replace(evidence, pose=evidence.pose[order], pose_world=world, hands=(hands[0], hands[1]))


def _contrary(evidence: PhotoEvidence) -> bool:
    x, forward = _across(evidence)
    nose = (evidence.pose_world[0] - evidence.pose_world[list(_EARS)].mean(0))[[0, 2]]
    length = max(float(np.linalg.norm(nose) * np.hypot(x, forward)), 1e-6)
    return float(nose @ [forward, -x]) / length < _CONTRARY


def misread(evidence: list[PhotoEvidence], times: list[float]) -> list[tuple[bool, bool, bool]]:
    """Of frames in the order of their times, seconds: whether the detector took the wrong one of front and back for
    trunk and arms, and for the legs, and whether it exchanged left and right of trunk and arms alone: what
    `turned_round` asks for."""
    if not evidence:
        return []
    states = [[turned_round(seen, *state) for state in _STATES] for seen in evidence]
    towards = np.array([[facing(one) for one in same] for same in states])  # (N, 8)
    has_face = np.array([seen.face is not None for seen in evidence])
    frontal = towards[:, 0] > _FRONTAL
    faceless = _FACELESS * float(has_face[frontal].mean()) if frontal.any() else 0.0
    turned = np.array(_STATES)
    doubt = _DOUBT * turned[:, :2].any(1) + _HALF_DOUBT * (turned[:, 0] != turned[:, 1])
    cost = np.where(has_face[:, None], _FACE * (turned[:, 0] != turned[:, 2]), faceless * towards.clip(min=0))
    cost = cost + np.outer([_NEVER * (not _contrary(seen)) for seen in evidence], turned[:, 2])
    cost = cost + doubt + _CROSSED * np.array([[_crossed(one) for one in same] for same in states])

    limbs = np.array([[one.pose[LIMB_JOINTS, :2] for one in same] for same in states])  # (N, 8, 12, 2)
    limbs = limbs / np.array([seen.person_height_px for seen in evidence])[:, None, None, None]
    bones = np.array([[_bones(one) for one in same] for same in states])  # (N, 8, 17, 3)
    headings = np.array([[_heading(one) for one in same] for same in states])
    best, came = cost[0], []
    for k in range(1, len(states)):
        near = max(1 - (times[k] - times[k - 1]) / _RECENT, 0.0)
        moved = np.linalg.norm(limbs[k - 1, :, None] - limbs[k, None], axis=-1).mean(-1)  # (8, 8) from, to
        swung = np.linalg.norm(bones[k - 1, :, None] - bones[k, None], axis=-1) @ _WEIGHT
        spun = np.abs((headings[k - 1][:, None] - headings[k] + np.pi) % (2 * np.pi) - np.pi)
        spun = (spun - _TURNS * (times[k] - times[k - 1])).clip(0)
        total = best[:, None] + near * (_LIMBS * moved + swung + _SPUN * spun)
        came.append(total.argmin(0))
        best = total.min(0) + cost[k]
    path = [int(best.argmin())]
    for origin in reversed(came):
        path.append(int(origin[path[-1]]))
    return [_STATES[state] for state in reversed(path)]


def facing(evidence: PhotoEvidence) -> float:
    """Cosine of the trunk's heading: 1 towards the camera, -1 away."""
    across = _across(evidence)
    return float(across[0] / max(float(np.linalg.norm(across)), 1e-6))


def _heading(evidence: PhotoEvidence) -> float:
    """Of the trunk, radians: 0 towards the camera, growing to the person's left."""
    return float(np.arctan2(*_across(evidence)[::-1]))


def _across(evidence: PhotoEvidence) -> np.ndarray:
    """(2,) from the right shoulder to the left, x and forward."""
    left, right = (evidence.pose_world[side] for side in _SHOULDERS)
    return (left - right)[[0, 2]]


def without_hidden_face(evidence: PhotoEvidence) -> PhotoEvidence:
    """Of a back, BlazePose draws the face all the same, as if it looked through the head: not seen, nor are ears that
    lie the wrong way round."""
    if evidence.face is not None or facing(evidence) > _AWAY:
        return evidence
    pose = evidence.pose.copy()
    pose[_FACE_POINTS, 2] = 0
    ears, shoulders = (pose[pair[0], 0] - pose[pair[1], 0] for pair in (_EARS, _SHOULDERS))
    if ears * shoulders < 0:
        pose[list(_EARS), 2] = 0
    return replace(evidence, pose=pose)


def _crossed(evidence: PhotoEvidence) -> float:
    """0 to 1: in the picture broad shoulders lie one way, knees and ankles plainly the other."""
    x = evidence.pose[:, 0] / evidence.person_height_px
    shoulders, legs = x[11] - x[12], (x[25] - x[26] + x[27] - x[28]) / 2
    if shoulders * legs >= 0:
        return 0.0
    return float(np.clip(abs(shoulders) / _BROAD - 1, 0, 1) * np.clip(abs(legs) / _PLAINLY, 0, 1))


_WEIGHT = (BONE_WEIGHT / BONE_WEIGHT.sum()).numpy()


def _bones(evidence: PhotoEvidence) -> np.ndarray:
    bones = evidence.pose_world[BONE_END.numpy()] - evidence.pose_world[BONE_START.numpy()]
    return bones / np.linalg.norm(bones, axis=1, keepdims=True).clip(1e-6)
