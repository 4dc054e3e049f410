"""The detectors see a rendered person, and say so in a sentence when there is none."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from neural_core.body import load_open_body
from neural_core.errors import PhotoError
from neural_core.evaluation.posed_people import make_subject
from neural_core.fitting.report import body_mask
from neural_core.photo import Photo, observe, read_photo
from neural_core.photo import evidence as evidence_room
from neural_core.photo.detectors import HandResult, HolisticResult
from neural_core.photo.evidence import _front_not_back, _looked_at_again, _person_height, shows_feet
from neural_core.photo.hands import _consistent
from neural_core.photo.mask import keep_component, refine_mask

SEED = 10_007  # a person who faces the camera


@pytest.fixture(scope="module")
def subject():
    return make_subject(load_open_body(), SEED)


@pytest.fixture(scope="module")
def evidence(subject):
    return observe(_photo(subject.image))


def _photo(image: np.ndarray, **more) -> Photo:
    return Photo(np.ascontiguousarray(image), None, None, Path("render.png"), **more)


def test_landmarks_lie_on_the_person(subject, evidence):
    body = load_open_body()
    out = body(subject.parameters)
    truth = subject.camera.project(body.landmarks.pose_points(out.joints, out.rotations)[0])[0].numpy()
    limbs = [11, 12, 23, 24, 25, 26, 27, 28]
    error = np.linalg.norm(evidence.pose[limbs, :2] - truth[limbs], axis=1) / evidence.person_height_px
    assert np.median(error) < 0.03
    vertices = out.vertices[0]
    pixels = subject.camera.project(vertices)[0]
    assert evidence.person_height_px == pytest.approx(float(pixels[:, 1].max() - pixels[:, 1].min()), rel=0.12)
    assert evidence.full_body and evidence.focal_source == "guess"


def test_mask_agrees_with_the_render(subject, evidence):
    body = load_open_body()
    truth = body_mask(body(subject.parameters).vertices[0], body, subject.camera)
    found = evidence.mask > 0.5
    assert (truth & found).sum() / (truth | found).sum() > 0.98
    # No halo: outside the person, the mask is empty but for a pixel or two of rim.
    assert evidence.mask[~truth].sum() < 0.02 * truth.sum()
    assert evidence.mask.shape == truth.shape and 0 <= evidence.mask.min() <= evidence.mask.max() <= 1


def test_a_margin_changes_what_the_detectors_see_and_not_where_it_is(subject, evidence):
    tight = subject.image[:, 40:-40] if subject.image.shape[1] > 300 else subject.image
    plain, wide = observe(_photo(tight)), observe(_photo(tight), margin=0.2)
    assert wide.mask.shape == plain.mask.shape
    limbs = [11, 12, 23, 24, 25, 26]
    apart = np.linalg.norm(wide.pose[limbs, :2] - plain.pose[limbs, :2], axis=1) / plain.person_height_px
    assert 0 < apart.mean() < 0.03
    both = (wide.mask > 0.5) & (plain.mask > 0.5)
    assert both.sum() / ((wide.mask > 0.5) | (plain.mask > 0.5)).sum() > 0.95


def test_same_photo_same_evidence(subject, evidence):
    other = observe(_photo(subject.image[:, ::-1]))  # something else in between must leave no trace
    again = observe(_photo(subject.image))
    assert np.array_equal(again.pose, evidence.pose) and np.array_equal(again.mask, evidence.mask)
    assert not np.array_equal(other.pose, evidence.pose)


def test_focal_sources(subject):
    exif = replace(_photo(subject.image), focal=900.0)
    for given, expected in ((None, (900.0, "exif")), (700.0, (700.0, "user"))):
        found = observe(exif, focal=given)
        assert (found.focal, found.focal_source) == expected


def test_alpha_is_the_mask(subject, evidence):
    body = load_open_body()
    truth = body_mask(body(subject.parameters).vertices[0], body, subject.camera).astype(np.float32)
    truth[:20, :20] = 1  # a speck that is not the person
    found = observe(replace(_photo(subject.image), alpha=truth)).mask
    assert found[:20, :20].max() == 0 and np.array_equal(found[40:], truth[40:])


def test_two_people_largest_by_default(subject):
    other = make_subject(load_open_body(), SEED + 1).image
    small = np.full_like(other, 0.8)
    small[120:888, 72:648] = cv2.resize(other, (576, 768))
    both = np.concatenate([small, subject.image], axis=1)
    width = subject.image.shape[1]
    first = observe(_photo(both))
    assert first.pose[0, 0] > width and any("2 people" in warning for warning in first.warnings)
    second = observe(_photo(both), person=1)
    assert second.pose[0, 0] < width
    assert second.mask[:, width:].max() < 0.5
    with pytest.raises(PhotoError, match="no person number 7"):
        observe(_photo(both), person=7)


def test_where_the_chosen_person_is_not_seen_no_other_one_is_taken(monkeypatch):
    picture = np.zeros((400, 800, 3), np.uint8)
    whole = _seen(20, 300)
    whole.pose[:, :2] = 200.0, 200.0
    monkeypatch.setattr(evidence_room, "find_people", lambda rgb: [(200.0, 200.0, 150.0), (600.0, 200.0, 140.0)])
    monkeypatch.setattr(
        evidence_room, "find_holistic", lambda rgb, passes: whole if rgb.shape == picture.shape else None
    )
    for person, seen in ((None, whole), (0, whole), (1, None)):
        assert evidence_room._detect_as_it_is(picture, person, [], 1) is seen


def test_a_front_taken_for_a_back_is_turned_round():
    pose, face = np.zeros((33, 3), np.float32), np.zeros((478, 2), np.float32)
    pose[11], pose[12] = (100, 50, 1), (160, 50, 1)  # the left shoulder at the left: seen from behind
    pose[[23, 24], 1] = 150
    face[263], face[33] = (120, 20), (140, 20)  # and yet a face, its eyes the wrong way round
    swapped = HolisticResult(pose, pose.copy(), np.zeros((9, 9)), face, None, None)
    right = _front_not_back(swapped)
    assert right.pose[11, 0] == 160 and right.pose_world[12, 0] == 100 and right.face is None
    face[[33, 263]] = face[[263, 33]]  # a back whose face looks over the shoulder is no mistake
    assert _front_not_back(swapped) is swapped


def _seen(top: int, bottom: int, face: np.ndarray | None = None, visible: float = 1.0) -> HolisticResult:
    mask = np.zeros((400, 200), np.float32)
    mask[top:bottom, 60:140] = 1
    pose = np.full((33, 3), visible, np.float32)
    return HolisticResult(pose, np.zeros((33, 3), np.float32), mask, face, None, None)


def test_feet_that_the_first_look_cuts_off_are_found(monkeypatch):
    picture, first = np.zeros((400, 200, 3), np.uint8), _seen(20, 300)
    for again, believed in (
        (_seen(21, 340), True),
        (_seen(20, 302), False),
        (_seen(120, 340), False),
        (_seen(0, 0), False),
    ):
        monkeypatch.setattr(evidence_room, "_detect", lambda *given, again=again: again)
        assert _looked_at_again(first, picture, None, 0.0) is (again if believed else first)


def test_who_shows_no_face_is_settled_by_further_looks_where_those_see_a_body(monkeypatch):
    picture, face = np.zeros((400, 200, 3), np.uint8), np.zeros((478, 2), np.float32)
    again = [_seen(20, 300), _seen(20, 300, visible=0.0), PhotoError("nobody")]

    def detect(*given):
        if isinstance(again[0], PhotoError):
            raise again[0]
        return again[0]

    monkeypatch.setattr(evidence_room, "_detect", detect)
    for believed in (True, False, False):
        for first, settle in ((_seen(20, 301), True), (_seen(20, 301, face), True), (_seen(20, 301), False)):
            expected = again[0] if believed and settle and first.face is None else first
            assert _looked_at_again(first, picture, None, 0.0, settle) is expected
        again.pop(0)


def test_no_person():
    with pytest.raises(PhotoError, match="No person"):
        observe(_photo(np.full((400, 300, 3), 0.5, np.float32)))


def test_person_too_small(subject):
    canvas = np.full((480, 480, 3), 0.7, np.float32)
    canvas[100:340, 100:280] = subject.image[::4, ::4]
    with pytest.raises(PhotoError, match="pixels tall"):
        observe(_photo(canvas))


def test_only_a_face(subject, evidence):
    nose, size = evidence.pose[0, :2].astype(int), round(0.1 * evidence.person_height_px)
    face = subject.image[nose[1] - size : nose[1] + size, nose[0] - size : nose[0] + size]
    face = face.repeat(5, axis=0).repeat(5, axis=1)
    with pytest.raises(PhotoError):
        observe(_photo(face))


def test_half_body_warns(subject, evidence):
    hips = int(evidence.pose[[23, 24], 1].mean())
    half = observe(_photo(subject.image[: hips + 30]))
    assert not half.full_body and any("guessed" in warning for warning in half.warnings)
    assert half.pose[[27, 28], 2].max() == 0
    assert half.person_height_px == pytest.approx(evidence.person_height_px, rel=0.25)


def test_refined_mask_follows_the_picture_edge():
    image = np.full((200, 200, 3), 0.9, np.float32)
    image[40:160, 80:120] = 0.2
    truth = image[..., 0] < 0.5
    coarse = np.roll(truth, 3, axis=1).astype(np.float32)  # the network's edge is off by three pixels
    points = np.array([[100.0, 100.0]])
    refined = refine_mask(image, coarse, points, 900.0) > 0.5
    assert (refined ^ truth).sum() < 0.4 * ((coarse > 0.5) ^ truth).sum()


def test_component_of_the_person_stays():
    mask = np.zeros((100, 100), np.float32)
    mask[10:90, 10:40] = 1  # larger, but not the person
    mask[20:60, 70:80] = 1
    mask[40, 81] = 0.3  # soft rim
    kept = keep_component(mask, np.array([[75.0, 40.0], [74.0, 30.0]]), 100)
    assert kept[:, :60].max() == 0 and kept[40, 75] == 1 and kept[40, 81] == np.float32(0.3)


def test_inconsistent_hands_are_refused():
    pose = np.zeros((33, 3), np.float32)
    pose[[15, 17, 19, 21]] = [[100, 300, 1], [110, 340, 1], [90, 340, 1], [85, 320, 1]]
    pose[16, :2] = 400, 300
    hand = np.zeros((21, 2), np.float32)
    hand[0], hand[5], hand[9], hand[17] = (102, 302), (92, 342), (98, 345), (110, 340)
    assert _consistent(HandResult(hand, True, 0.95), pose, 900, 0)
    assert not _consistent(HandResult(hand, False, 0.95), pose, 900, 0)  # surely the other hand
    assert _consistent(HandResult(hand, False, 0.6), pose, 900, 0)
    assert not _consistent(HandResult(hand + 80, True, 0.95), pose, 900, 0)
    assert not _consistent(HandResult(hand, True, 0.95), pose, 900, 1)


@pytest.mark.photos
@pytest.mark.slow
def test_real_photos():
    folder = Path(__file__).parents[3] / "shared" / "photos"
    if not folder.is_dir():
        pytest.skip("no photos here")
    for path in sorted(folder.iterdir()):
        found = observe(read_photo(path))
        assert found.face is not None, path.name
        assert found.full_body == ("half" not in path.name)
        assert 0.03 < (found.mask > 0.5).mean() < 0.5


def test_a_leg_that_hides_behind_the_other_is_in_the_picture_all_the_same():
    pose = np.ones((33, 3), np.float32)
    pose[:, 1] = np.linspace(0, 89, 33)
    assert shows_feet(pose)
    pose[27, 2] = 0.2  # hidden
    assert shows_feet(pose) and _person_height(pose, True) == pytest.approx(100, abs=1)
    pose[27, 2] = 0.0  # beyond the picture
    assert not shows_feet(pose)
    pose[[27, 28], 2] = 0.2
    assert not shows_feet(pose)
