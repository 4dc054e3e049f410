"""Telling fronts from backs in a video."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from neural_core.body import BodyParameters, load_open_body
from neural_core.fitting.pose_prior import mean_pose
from neural_core.fitting.sides import facing, misread, turned_round, without_hidden_face
from neural_core.photo import PhotoEvidence
from neural_core.photo.evidence import OTHER_SIDE

_FACE = np.zeros((478, 2), np.float32)
_FPS = 12.5


def _seen(body, yaw: float, step: float) -> PhotoEvidence:
    """What detectors without errors see of somebody who walks, from 3 m."""
    pose = mean_pose().clone()
    pose[0, 0], pose[1, 0] = -step, step
    orient = torch.tensor([[0.0, yaw, 0.0]])
    out = body(BodyParameters.zeros(1, body_pose=pose[None], global_orient=orient), correctives=False)
    points = body.landmarks.pose_points(out.joints, out.rotations)[0].numpy() * [1, -1, -1]
    pixels = points[:, :2] / (points[:, 2:] + 3) * 600 + [160, 240]
    return PhotoEvidence(
        image=np.zeros((480, 320, 3), np.float32),
        mask=np.zeros((480, 320), np.float32),
        pose=np.concatenate([pixels, np.ones((33, 1))], axis=1).astype(np.float32),
        pose_world=(points - points[[23, 24]].mean(0)).astype(np.float32),
        face=_FACE if np.cos(yaw) > 0.5 else None,
        hands=(None, None),
        focal=600.0,
        focal_source="user",
        person_height_px=330.0,
        full_body=True,
        warnings=(),
    )


@pytest.fixture(scope="module")
def turning():
    """Once round in four seconds."""
    body = load_open_body()
    return [_seen(body, 2 * np.pi * k / 50, 0.4 * np.sin(k / 2)) for k in range(50)]


def _wrong(frames, times: list[float] | None = None) -> dict[int, tuple[bool, bool, bool]]:
    found = misread(frames, times or [k / _FPS for k in range(len(frames))])
    return {k: halves for k, halves in enumerate(found) if any(halves)}


def test_a_body_turned_round_faces_the_other_way_with_the_same_silhouette(turning):
    side = turning[4]
    other = turned_round(side)
    assert facing(other) == pytest.approx(-facing(side), abs=1e-5) and other.face is None
    assert {tuple(p) for p in other.pose} == {tuple(p) for p in side.pose}
    assert np.array_equal(turned_round(other).pose_world, side.pose_world)


def test_a_detector_that_is_right_is_believed(turning):
    assert not _wrong(turning)
    assert misread([], []) == []


@pytest.mark.parametrize("wrong", [{20, 22, 23, 24, 27}, set(range(17, 34)), {25}])
def test_backs_taken_for_fronts_are_found(turning, wrong):
    frames = [turned_round(seen) if k in wrong else seen for k, seen in enumerate(turning)]
    assert _wrong(frames) == dict.fromkeys(wrong, (True, True, False))


def test_legs_alone_can_be_taken_for_the_wrong_ones(turning):
    frames = [turned_round(seen, upper=False) if k in (20, 21, 30) else seen for k, seen in enumerate(turning)]
    assert _wrong(frames) == dict.fromkeys((20, 21, 30), (False, True, False))


def _with_points_of(seen: PhotoEvidence, other: PhotoEvidence, points) -> PhotoEvidence:
    pose, world = seen.pose.copy(), seen.pose_world.copy()
    pose[points], world[points] = other.pose[points], other.pose_world[points]
    return replace(seen, pose=pose, pose_world=world)


def test_a_head_that_is_the_wrong_way_round_is_turned_alone(turning):
    head, back = np.arange(11), turning[22]
    turned = turned_round(back)
    turned.pose_world[head, 2] += 2 * back.pose_world[[7, 8], 2].mean()
    wrong = _with_points_of(back, turned, head)
    assert not _wrong([*turning[:22], wrong, *turning[23:]]), "the trunk is right"
    assert np.allclose(turned_round(wrong, False, False).pose_world, back.pose_world, atol=1e-5)
    assert np.array_equal(turned_round(wrong, False, False).pose, back.pose)


def test_names_of_trunk_and_arms_exchanged_alone_are_found_by_the_head(turning):
    frames = list(turning)
    for k in (15, 31):
        seen = turning[k]
        swapped = replace(seen, pose=seen.pose[OTHER_SIDE], pose_world=seen.pose_world[OTHER_SIDE])
        frames[k] = _with_points_of(seen, swapped, np.arange(11, 25))
    assert _wrong(frames) == dict.fromkeys((15, 31), (False, False, True))
    assert np.array_equal(turned_round(frames[15], False, False, True).pose_world, turning[15].pose_world)
    assert np.array_equal(turned_round(turning[15], False, False, True).pose, turning[15].pose), "heads that agree"


def test_who_hides_the_face_for_a_moment_does_not_spin_round(turning):
    flat = np.array([0.0, 1.0, 1.0], np.float32)  # in the picture both sides lie on each other
    frames = [replace(turning[0], pose=turning[0].pose * flat, face=None if k in (5, 6) else _FACE) for k in range(12)]
    assert not _wrong(frames)
    assert _wrong(frames, [0.5 * k for k in range(12)]), "in half a second they may"


def test_somebody_whose_face_is_never_found_is_not_turned_round(turning):
    front = [replace(seen, face=None) for seen in turning[:8]]
    assert not _wrong(front)


def test_a_face_that_is_missed_in_some_fast_frames_turns_nobody_round(turning):
    frames = [replace(seen, face=None) if k in (3, 4) else seen for k, seen in enumerate(turning[:9])]
    assert not _wrong(frames)


def test_what_was_long_ago_says_nothing(turning):
    frames = [turning[0], turning[25], turning[0]]
    assert not _wrong(frames, [0.0, 2.0, 4.0])


def test_the_face_on_a_back_is_not_seen_nor_are_ears_the_wrong_way_round(turning):
    back = turning[25]
    seen = without_hidden_face(back)
    assert not seen.pose[[0, 2, 5, 9], 2].any() and seen.pose[[7, 8, 11, 12], 2].all()
    pose = back.pose.copy()
    pose[[7, 8]] = pose[[8, 7]]
    assert not without_hidden_face(replace(back, pose=pose)).pose[:11, 2].any()
    assert without_hidden_face(turning[0]) is turning[0] and without_hidden_face(turning[13]) is turning[13]


def test_legs_do_not_cross_for_the_sake_of_two_frames(turning):
    frames = list(turning)
    for k in (24, 25):  # names of the legs exchanged, their depth as it is
        pose = frames[k].pose.copy()
        pose[25:29:2], pose[26:29:2] = turning[k].pose[26:29:2], turning[k].pose[25:29:2]
        pose[25:29, 0] = (pose[25:29, 0] - 160) * 2 + 160
        frames[k] = replace(frames[k], pose=pose)
    assert {k for k, (upper, *_) in _wrong(frames).items() if upper} == set()
