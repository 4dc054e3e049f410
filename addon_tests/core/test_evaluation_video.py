"""The whole evaluation of a video, on the bundled photo moved about."""

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import imageio_ffmpeg
import numpy as np
import pytest
import torch
from PIL import Image

import neural_core
from neural_core.body import BodyParameters, load_open_body
from neural_core.camera import Camera
from neural_core.errors import PhotoError
from neural_core.evaluation import track as track_room
from neural_core.evaluation.frames import VideoInfo
from neural_core.evaluation.metrics import EvaluationError
from neural_core.evaluation.track import Track
from neural_core.evaluation.video import _source_photo, evaluate_video, summary
from neural_core.fitting.sequence import FramePose, SequenceFit
from neural_core.fitting.variables import Variables
from neural_core.photo import Photo, PhotoEvidence, observe
from neural_core.photo.evidence import MARGIN

_PHOTO = Path(neural_core.__file__).parent / "data" / "sample_person.jpg"


def _write(path: Path, frames: list[np.ndarray]) -> Path:
    height, width = frames[0].shape[:2]
    writer = imageio_ffmpeg.write_frames(str(path), (width, height), fps=10, macro_block_size=2, quality=9)
    writer.send(None)
    for frame in frames:
        writer.send(np.ascontiguousarray(frame))
    writer.close()
    return path


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    """A person who stands, goes aside by 2 % of their height a frame, and has gone in the last frame."""
    with Image.open(_PHOTO) as photo:
        photo.thumbnail((960, 640))
        picture = np.asarray(photo.convert("RGB"))
    picture = picture[: picture.shape[0] // 2 * 2, : picture.shape[1] // 2 * 2]
    moved = [np.roll(picture, shift, axis=1) for shift in (0, 0, 12, 24)]
    empty = np.full_like(picture, 120)
    return _write(tmp_path_factory.mktemp("video") / "clip.mp4", [*moved, empty])


@pytest.mark.long
def test_the_bundled_person_is_followed_drawn_and_measured(video, tmp_path):
    results = evaluate_video(video, tmp_path, source=0, step=1)
    assert [row["frame"] for row in results["frames"]] == [0, 1, 2, 3] and results["missed_frames"] == [4]
    assert results["frames"][0]["group"] == "source" and 3 in results["moving_frames"]
    assert not set(results["moving_frames"]) & set(results["still_frames"])
    for row in results["frames"]:
        assert row["iou"] > 0.85 and row["psnr"] > 15 and row["akd_body"] < 3
        with Image.open(tmp_path / f"{row['frame']:04d}.png") as drawn, Image.open(tmp_path / "source.png") as source:
            assert drawn.mode == "RGBA" and drawn.size == source.size
    # The drawing goes where the person goes.
    centres = [np.nonzero(np.asarray(Image.open(tmp_path / f"{k:04d}.png"))[..., 3] > 127)[1].mean() for k in (0, 3)]
    assert centres[1] - centres[0] == pytest.approx(24, abs=5)
    assert json.loads((tmp_path / "results.json").read_text())["step"] == 1
    assert (tmp_path / "strip.png").is_file() and "strip.png" in (tmp_path / "report.html").read_text()
    assert "moving" in summary(results)


def test_a_person_who_seems_to_shrink_or_to_vanish_is_looked_for_again_with_a_margin(monkeypatch):
    with Image.open(_PHOTO) as photo:
        photo.thumbnail((960, 640))
        picture = np.asarray(photo.convert("RGB"))
    good = observe(Photo(picture.astype(np.float32) / 255, None, None, Path("frame")))
    torso = replace(good, person_height_px=good.person_height_px * 0.4)
    asked = []

    def detectors(photo, person, margin, **given):
        asked.append(margin)
        if margin == 0 and len(asked) > 1:
            if poor is None:
                raise PhotoError("nobody")
            return poor
        return good

    monkeypatch.setattr(track_room, "observe", detectors)
    for poor in (torso, None):
        asked.clear()
        track = Track(
            cast(SequenceFit, SimpleNamespace()), VideoInfo(1, 1, 25.0, 9), 2, 0, 100.0
        )  # nobody is followed here
        assert track._observe(picture, 0.0) is good and asked == [0.0]
        assert track._observe(picture, 0.08) is good and asked[1:] == [0.0, MARGIN]
        seen = track._observe(picture, 2.0)
        assert seen is poor and len(asked) == 4, "after a cut nothing is known of the person"


def test_another_person_is_not_followed_where_the_first_is_hidden_for_a_moment(monkeypatch):
    pose, mask = np.zeros((33, 3), np.float32), np.ones((4, 4), np.float32)
    first = SimpleNamespace(pose=pose, mask=mask, person_height_px=300.0)
    other = SimpleNamespace(pose=pose + 150, mask=mask, person_height_px=300.0)
    strode = SimpleNamespace(pose=pose + 40, mask=mask, person_height_px=300.0)
    shown = iter([first, other, other, strode, other])
    monkeypatch.setattr(Track, "_detected", lambda self, picture, margin, corner=(0, 0): next(shown))
    monkeypatch.setattr(Track, "_close_by", lambda self, picture, last: None)
    track = Track(cast(SequenceFit, SimpleNamespace()), VideoInfo(1, 1, 25.0, 9), 2, 0, 100.0)
    picture = np.zeros((4, 4, 3), np.uint8)
    seen = [track._observe(picture, time) for time in (0.0, 0.08, 0.16, 2.0)]
    assert seen == [first, None, strode, other], "after two seconds nobody knows where the first one is"


def test_nobody_shrinks_by_half_between_two_frames(monkeypatch):
    pose, mask = np.zeros((33, 3), np.float32), np.ones((4, 4), np.float32)
    whole = SimpleNamespace(pose=pose, mask=mask, person_height_px=300.0)
    part = SimpleNamespace(pose=pose, mask=mask, person_height_px=150.0)
    shown = iter([whole, part, part, whole, part])
    monkeypatch.setattr(Track, "_detected", lambda self, picture, margin: next(shown))
    monkeypatch.setattr(Track, "_close_by", lambda self, picture, last: None)
    track = Track(cast(SequenceFit, SimpleNamespace()), VideoInfo(400, 400, 25.0, 9), 2, 0, 100.0)
    picture = np.zeros((4, 4, 3), np.uint8)
    seen = [track._observe(picture, time) for time in (0.0, 0.08, 0.16, 2.0)]
    assert seen == [whole, None, whole, part], "after a cut they may be smaller"


def test_who_is_too_small_for_the_detectors_is_looked_for_where_they_were(monkeypatch):
    with Image.open(_PHOTO) as photo:
        photo.thumbnail((960, 640))
        picture = np.asarray(photo.convert("RGB"))
    height, width = picture.shape[:2]
    wide = np.pad(picture, ((100, 300), (900, 200), (0, 0)), mode="edge")
    truth = observe(Photo(picture.astype(np.float32) / 255, None, None, Path("frame")))
    find = track_room.observe

    def detectors(photo, **given):
        if photo.image.shape[:2] == wide.shape[:2]:
            raise PhotoError("nobody")
        return find(photo, **given)

    monkeypatch.setattr(track_room, "observe", detectors)
    track = Track(cast(SequenceFit, SimpleNamespace()), VideoInfo(1, 1, 25.0, 9), 2, 0, truth.focal)
    before = np.concatenate([truth.pose[:, :2] + [900 + 15, 100 - 10], truth.pose[:, 2:]], 1).astype(np.float32)
    track._last = 0.0, replace(truth, pose=before, mask=np.pad(truth.mask, ((100, 300), (900, 200))))
    seen = track._observe(wide, 0.1)
    assert seen is not None and seen.mask.shape == seen.image.shape[:2] == wide.shape[:2]
    limbs = np.arange(11, 29)
    apart = np.linalg.norm(seen.pose[limbs, :2] - [900, 100] - truth.pose[limbs, :2], axis=1).mean()
    assert apart < 0.02 * truth.person_height_px
    assert (seen.mask[100 : 100 + height, 900 : 900 + width] > 0.5).sum() > 0.95 * (seen.mask > 0.5).sum() > 0
    track._last = 0.0, replace(truth, pose=before)
    assert track._observe(wide, 5.0) is None, "after a cut nothing is known of the person"


def _leaving(width: int, xs: dict[int, float], missed: list[int]) -> Track:
    """Somebody 300 pixels tall whose hips are at x in the frames found; pelvis x / z is x / width."""
    body = load_open_body()
    camera = Camera.pinhole(
        600.0, width, 480, torch.diag(torch.tensor([1.0, -1.0, -1.0])), torch.tensor([0.0, 0.0, 3.0])
    )
    fit = SequenceFit(body, BodyParameters.zeros(1), torch.zeros(body.num_vertices, 3), camera)
    track = Track(fit, VideoInfo(width, 480, 25.0, 99), 1, 0, 600.0)
    for number, x in xs.items():
        pose = np.full((33, 3), x, np.float32)
        nothing = np.zeros((480, width), np.float32)
        track.evidence[number] = PhotoEvidence(
            nothing[..., None], nothing, pose, pose, None, (None, None), 600.0, "user", 300.0, True, ()
        )
        row = Variables.pack(1, place=torch.tensor([x / width, 0.0, 1.0])).x
        parameters = BodyParameters.zeros(1)
        track.poses.append(FramePose(parameters, camera, 0.5, False, False, row))
    track.numbers, track.missed = list(xs), missed
    track.times = [number / 25.0 for number in xs]
    return track


def _places(track: Track) -> dict[int, float]:
    return {k: round(float(Variables(pose.x)["place"][0, 0]), 3) for k, pose in track.missing().items()}


def test_who_walks_out_of_the_picture_goes_on_for_a_moment_and_comes_back_so():
    xs = {k: 200.0 + 40 * k for k in range(6)} | {30 + k: 400.0 - 40 * k for k in range(6)}
    track = _leaving(400, xs, [6, 7, 12, 18, 27, 29])
    assert _places(track) == {6: 1.1, 7: 1.2, 12: 1.7, 27: 1.3, 29: 1.1}, "nobody is drawn when gone for long"


def test_who_is_lost_in_the_middle_of_the_picture_is_put_between():
    track = _leaving(1000, {0: 400, 2: 410, 4: 420, 8: 440, 10: 450, 60: 500}, [6, 30])
    assert _places(track) == {6: 0.43}, "a gap of a second is bridged, one of two is not"


@pytest.mark.parametrize(
    ("step", "fps", "offsets"),
    [
        (10, 30, [0, 2, 4, 6, 8]),
        (7, 30, [0, 2, 5]),
        (5, 25, [0, 2]),
        (10, 60, [0, 5]),
        (4, 12, [0, 1, 2, 3]),
        (1, 50, [0]),
    ],
)
def test_ten_frames_a_second_are_followed_at_any_step(step, fps, offsets):
    assert sorted(track_room._followed(step, fps)) == offsets


def test_of_two_people_the_one_of_the_source_frame_is_followed(monkeypatch):
    asked = []

    def detectors(photo, person, margin, **given):
        asked.append(person)
        raise PhotoError("enough")

    monkeypatch.setattr(track_room, "observe", detectors)
    monkeypatch.setattr(track_room, "find_people", lambda picture: [(500.0, 300.0, 200.0), (100.0, 300.0, 150.0)])
    follower, info = cast(SequenceFit, SimpleNamespace()), VideoInfo(640, 480, 25.0, 9)
    picture = np.zeros((480, 640, 3), np.uint8)
    for start, person in ((np.array([120.0, 310.0]), 1), (np.array([480.0, 310.0]), 0), (None, None)):
        assert Track(follower, info, 2, 0, 100.0, start)._observe(picture, 0.0) is None and asked[-1] == person


def test_a_source_frame_beyond_the_end_and_one_without_a_person_are_sentences(tmp_path):
    clip = _write(tmp_path / "grey.mp4", [np.full((256, 192, 3), 120, np.uint8)] * 3)
    with pytest.raises(EvaluationError, match="no frame 9; choose a --source from 0 to 2"):
        evaluate_video(clip, tmp_path / "out", source=9)
    with pytest.raises(EvaluationError, match=r"No frame of grey\.mp4 can be read"):
        _source_photo(iter(()), 0, tmp_path, clip)
    with pytest.raises(EvaluationError, match="--step"):
        evaluate_video(clip, tmp_path / "out", step=0)
    with pytest.raises(PhotoError, match="Frame 0 makes no avatar; choose another --source"):
        evaluate_video(clip, tmp_path / "out")
