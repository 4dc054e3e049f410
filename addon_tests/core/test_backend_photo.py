"""The photo session as Blender uses it: observe, fit, correct, create; from memory and from the file alike."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from neural_core.avatar import Avatar
from neural_core.backend.operations import operations
from neural_core.backend.photo_session import PhotoSessions, SessionError, edits_of
from neural_core.backend.requests import RequestError
from neural_core.errors import Cancelled, PhotoError
from neural_core.progress import Progress
from neural_core.wire import Message

PHOTO = str(Path(__file__).parents[2] / "neural_core" / "data" / "sample_person.jpg")


@pytest.fixture(scope="module")
def ask():
    known = operations(torch.device("cpu"))

    def ask(op: str, body: dict, progress: Progress | None = None):
        return known[op](Message("request", 1, op, body), progress or Progress())

    return ask


@pytest.fixture(scope="module")
def seen(ask):
    return ask("observe_photo", {"photo": PHOTO})


@pytest.fixture(scope="module")
def fitted(ask, seen):
    return ask("fit_photo", {"session": seen[0]["session"]})


def test_observation_shows_person_and_mask(seen):
    body, arrays = seen
    assert (body["width"], body["height"]) == (896, 1344) and body["focal_source"] == "exif"
    assert len(body["people"]) == 1 and body["person"] == 0
    left, top, right, bottom = body["people"][0]
    landmarks, mask = arrays["landmarks"], arrays["mask"]
    for index in body["pins"].values():
        assert left < landmarks[index, 0] < right and top < landmarks[index, 1] < bottom
    assert mask.dtype == np.uint8 and max(mask.shape) == 512 and 0.1 < (mask > 128).mean() < 0.5
    assert "picture" not in arrays  # Blender shows this file as it is


def test_the_fitted_body_covers_the_person(seen, fitted):
    _, observed = seen
    body, arrays = fitted
    assert body["errors"]["iou_body"] > 0.8
    vertices = arrays["vertices"]
    assert len(vertices) == observed["faces"].max() + 1 and vertices[:, 2].min() > 0.5
    at = (vertices[:, :2] * 512 / 1344).astype(int).clip(0, (observed["mask"].shape[1] - 1, 511))
    assert (observed["mask"][at[:, 1], at[:, 0]] > 128).mean() > 0.85


def test_corrections_answer_alone_and_are_taken_back(ask, seen, fitted):
    session, landmarks = seen[0]["session"], seen[1]["landmarks"]
    x, y = (float(v) for v in landmarks[seen[0]["pins"]["left_elbow"], :2])
    wanted = {"session": session, "pins": {"left_elbow": [x + 40, y - 10]}}
    for offset in (10, 25):  # what dragging sends
        ask("fit_photo", {**wanted, "pins": {"left_elbow": [x + offset, y]}, "draft": True})
    _, corrected = ask("fit_photo", wanted)
    assert np.allclose(corrected["landmarks"][13, :2], (x + 40, y - 10), atol=0.01)
    assert not np.array_equal(corrected["vertices"], fitted[1]["vertices"])
    assert np.array_equal(ask("fit_photo", wanted)[1]["vertices"], corrected["vertices"])
    assert np.array_equal(ask("fit_photo", {"session": session})[1]["vertices"], fitted[1]["vertices"])


def test_painting_changes_the_mask(ask, seen):
    mask = seen[1]["mask"]
    row, column = (int(v) for v in np.argwhere(mask < 10)[0])
    pixel = [(column + 0.5) * 1344 / 512, (row + 0.5) * 1344 / 512]
    stroke = {"points": [pixel], "radius": 30.0, "add": True}
    _, painted = ask("fit_photo", {"session": seen[0]["session"], "strokes": [stroke]})
    assert painted["mask"][row, column] == 255 and (painted["mask"] >= mask).all()


@pytest.mark.parametrize(
    "edits",
    [
        {"pins": {"tail": [1, 2]}},
        {"pins": {"nose": [1]}},
        {"pins": {"nose": [1, 1e9]}},
        {"pins": "nose"},
        {"strokes": [{"points": [], "radius": 3, "add": True}]},
        {"strokes": [{"points": [[1, 2]], "radius": 0, "add": True}]},
        {"strokes": [{"points": [[1, 2]]}]},
        {"strokes": [{"points": [[1, 2]] * 1000, "radius": 3, "add": True}] * 101},
        {"focal": -3},
    ],
)
def test_impossible_corrections_are_a_sentence(edits):
    with pytest.raises(RequestError):
        edits_of(edits, Message("request", 1, "fit_photo", edits))


def test_unknown_sessions_and_photos_are_sentences(ask, tmp_path):
    with pytest.raises(SessionError):
        ask("fit_photo", {"session": "gone"})
    with pytest.raises(PhotoError):
        ask("observe_photo", {"photo": str(tmp_path / "none.jpg")})
    with pytest.raises(PhotoError, match="no person number 3"):
        ask("observe_photo", {"photo": PHOTO, "person": 3})


def test_old_photos_are_dropped():
    sessions = PhotoSessions()
    names = [sessions.add(object()) for _ in range(8)]  # type: ignore[arg-type]
    with pytest.raises(SessionError):
        sessions.get(names[0])
    sessions.get(names[-1])


def test_a_turned_photo_comes_as_it_is_seen(ask, tmp_path):
    from PIL import Image

    turned = tmp_path / "turned.jpg"
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise for display
    Image.open(PHOTO).rotate(90, expand=True).save(turned, exif=exif)
    body, arrays = ask("observe_photo", {"photo": str(turned)})
    assert (body["width"], body["height"]) == (896, 1344)
    assert cv2.imdecode(arrays["picture"], cv2.IMREAD_COLOR).shape == (1344, 896, 3)


def test_an_avatar_is_what_the_user_saw(ask, seen, fitted, tmp_path):
    """With the session, and without it from the file, down to the pose."""
    session, landmarks = seen[0]["session"], seen[1]["landmarks"]
    x, y = (float(v) for v in landmarks[16, :2])
    edits = {"pins": {"right_wrist": [x - 30, y - 20]}, "focal": 1700.0}
    errors = ask("fit_photo", {"session": session, **edits})[0]["errors"]
    path = str(tmp_path / "me.likeness")
    answer, _ = ask("create_avatar", {"photos": [{"photo": PHOTO, "session": session, **edits}], "output": path})
    avatar = Avatar.load(Path(path))
    assert answer["path"] == path and avatar.provenance["focal_source"] == "user"
    assert float(avatar.camera.K[0, 0]) == 1700.0
    assert avatar.fit_errors["residual_percent"] == pytest.approx(errors["residual_percent"])
    with pytest.raises(RequestError, match="At most"):
        ask("create_avatar", {"photos": [{"photo": PHOTO}] * 17, "output": path})
    with pytest.raises(RequestError):
        ask("create_avatar", {"photos": [], "output": path})


def test_proposals_without_their_networks_are_one_avatar_and_a_sentence(ask, seen, fitted, tmp_path, monkeypatch):
    from neural_core.inpainting import completing

    monkeypatch.setattr(completing, "shipped", lambda name: tmp_path / "no weights")
    path = str(tmp_path / "me.likeness")
    entry = {"photo": PHOTO, "session": seen[0]["session"]}
    answer, _ = ask("create_avatar", {"photos": [entry], "output": path, "proposals": 3})
    assert answer["proposals"] == [path] and any("one completion only" in text for text in answer["warnings"])
    assert [file.name for file in tmp_path.iterdir()] == ["me.likeness"]


def test_proposals_are_drawn_from_behind(ask, small_avatar):
    _, front = ask("draw_proposals", {"paths": [str(small_avatar)], "yaw": 0})
    _, back = ask("draw_proposals", {"paths": [str(small_avatar)] * 2})
    picture = back["picture_0"]
    assert picture.shape == (256, 144, 4) and picture.dtype == np.uint8 and set(back) == {"picture_0", "picture_1"}
    assert 0.1 < (picture[..., 3] > 128).mean() < 0.5 and (picture[:8, :, 3] == 0).all()
    assert not np.array_equal(front["picture_0"], picture)
    for wrong in ([], "me.likeness", [1], [str(small_avatar)] * 17):
        with pytest.raises(RequestError):
            ask("draw_proposals", {"paths": wrong})


def test_cancel_while_fitting_leaves_the_session_usable(ask):
    session = ask("observe_photo", {"photo": PHOTO})[0]["session"]
    with pytest.raises(Cancelled):
        ask("fit_photo", {"session": session}, Progress(is_cancelled=lambda: True))
    asked = iter([False] * 3 + [True] * 100)
    with pytest.raises(Cancelled):
        ask("fit_photo", {"session": session}, Progress(is_cancelled=lambda: next(asked)))
