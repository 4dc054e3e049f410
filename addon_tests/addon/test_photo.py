"""The photo beside the viewport without a window: properties, corrections, undo, and the fit that follows them."""

import json
from pathlib import Path

import bpy
import numpy as np
import pytest

import blender_addon
from blender_addon.backend import client
from blender_addon.backend.job import JobFailed
from blender_addon.photo import follow, view
from blender_addon.photo.properties import (
    active_photo,
    corrections,
    fingerprint,
    focal_in_millimetres,
    focal_in_pixels,
)
from blender_addon.photo.shape import Edges, draw_shape
from blender_addon.properties import LIKENESS_PG_job
from blender_addon.trouble import record
from neural_core.errors import BackendError, PhotoError

PHOTO = Path(__file__).parents[2] / "neural_core" / "data" / "sample_person.jpg"
PINS = {"left_elbow": 13, "right_elbow": 14}


class FakeJob:
    def __init__(self, op, body, answer):
        self.op, self.answer, self.cancelled = op, answer, False
        self.request = type("Request", (), {"body": body})
        self.fraction, self.stage = 0.5, "Working"

    def done(self) -> bool:
        return True

    def result(self):
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def cancel(self) -> None:
        self.cancelled = True


class FakeBackend:
    """A photo of 896 x 1344 with two people; a fit is a triangle. `fails`: the next answers."""

    def __init__(self):
        self.asked, self.fails, self.people = [], [], 2

    def start(self, op, body=None, arrays=None) -> FakeJob:
        self.asked.append((op, body))
        answer = self.fails.pop(0) if self.fails else getattr(self, op)(body)
        return FakeJob(op, body, answer)

    def observe_photo(self, body):
        seen = {
            "session": f"s{len(self.asked)}", "width": 896, "height": 1344, "focal": 1866.5, "focal_source": "exif",
            "person": body.get("person", 0), "people": [[0, 0, 400, 1300], [400, 0, 896, 1300]][: self.people],
            "pins": PINS, "warnings": [],
        }  # fmt: skip
        return seen, {**self._shown(), "faces": np.array([[0, 1, 2]], np.int32)}

    def fit_photo(self, body):
        vertices = np.array([[0, 0, 2], [9, 0, 2], [0, 9, 2]], np.float32)
        return {"errors": {"iou_body": 0.9}, "guessed": [], "focal": 1.0}, {**self._shown(), "vertices": vertices}

    def _shown(self):
        landmarks = np.ones((33, 3), np.float32)
        return {
            "landmarks": landmarks,
            "points": np.zeros((0, 2), np.float32),
            "mask": np.zeros((4, 3), np.uint8),
        }


@pytest.fixture
def backend(blender, monkeypatch):
    fake = FakeBackend()
    monkeypatch.setattr(client, "start", fake.start)
    follow.forget_all()
    return fake


@pytest.fixture
def photo(backend):
    bpy.ops.ed.undo_push(message="before")
    bpy.ops.likeness.open_photo("EXEC_DEFAULT", True, filepath=str(PHOTO))
    settle()
    return active_photo(bpy.context)


def settle() -> None:
    """Until nothing is left to ask."""
    for _ in range(20):
        if not follow.step():
            return
    raise AssertionError("it never settles")


def asked(backend) -> list[str]:
    return [op for op, _ in backend.asked]


def test_opening_observes_then_fits(photo, backend):
    assert backend.asked == [
        ("observe_photo", {"photo": str(PHOTO)}),
        ("fit_photo", {"session": "s1", "draft": False}),
    ]
    assert tuple(photo.size) == (896, 1344) and photo.focal_source == "exif"
    assert photo.focal_mm == pytest.approx(50.0, abs=0.1) and not photo.own_focal
    assert photo.image.size[:] == (896, 1344)
    live = follow.current()
    assert live is not None and live.errors == {"iou_body": 0.9}


def test_corrections_are_followed_once(photo, backend):
    bpy.ops.likeness.pin_joint("EXEC_DEFAULT", True, joint="left_elbow", pixel=(600, 500))
    bpy.ops.likeness.paint_mask("EXEC_DEFAULT", True, points="[[1, 2], [3.5, 4]]", radius=6, add=True)
    settle()
    expected = {
        "pins": {"left_elbow": [600, 500]},
        "strokes": [{"points": [[1, 2], [3.5, 4]], "radius": 6, "add": True}],
    }
    assert corrections(photo) == expected
    assert asked(backend)[2:] == ["fit_photo"] and backend.asked[-1][1] == {"session": "s1", "draft": False, **expected}
    settle()
    assert len(backend.asked) == 3


def test_undo_and_redo_of_pins_and_mask(photo, backend):
    bpy.ops.ed.undo_push(message="photo observed")
    bpy.ops.likeness.pin_joint("EXEC_DEFAULT", True, joint="left_elbow", pixel=(600, 500))
    bpy.ops.likeness.paint_mask("EXEC_DEFAULT", True, points="[[1, 2]]", radius=6, add=False)
    settle()

    def undone() -> dict:
        settle()
        return backend.asked[-1][1]

    bpy.ops.ed.undo()
    assert "strokes" not in undone() and "pins" in undone()
    bpy.ops.ed.undo()
    assert "pins" not in undone()
    bpy.ops.ed.redo()
    bpy.ops.ed.redo()
    assert "pins" in undone() and "strokes" in undone()
    now = active_photo(bpy.context)
    assert now is not None and [pin.name for pin in now.pins] == ["left_elbow"]


def test_what_the_file_says_survives_an_undo(photo, backend):
    """The answer came after the step that opened the photo."""
    bpy.ops.likeness.pin_joint("EXEC_DEFAULT", True, joint="left_elbow", pixel=(600, 500))
    settle()
    bpy.ops.ed.undo()
    settle()
    now = active_photo(bpy.context)
    assert now is not None and tuple(now.size) == (896, 1344) and now.focal_source == "exif"


def test_own_focal_length_is_told_in_pixels(photo, backend):
    assert "focal" not in backend.asked[-1][1]
    photo.own_focal, photo.focal_mm = True, 85.0
    settle()
    assert backend.asked[-1][1]["focal"] == pytest.approx(85 / 43.27 * np.hypot(896, 1344), rel=1e-5)
    assert focal_in_millimetres(focal_in_pixels(35, (4000, 3000)), (4000, 3000)) == pytest.approx(35)


def test_another_person_is_observed_anew(photo, backend):
    bpy.ops.likeness.pin_joint("EXEC_DEFAULT", True, joint="left_elbow", pixel=(600, 500))
    bpy.ops.likeness.pick_person("EXEC_DEFAULT", True, person=1)
    settle()
    assert not photo.pins
    assert ("observe_photo", {"photo": str(PHOTO), "person": 1}) in backend.asked
    bpy.ops.likeness.pick_person("EXEC_DEFAULT", True, person=0)
    count = len(backend.asked)
    settle()
    assert len(backend.asked) == count  # known already


def test_a_restarted_backend_is_told_everything_again(photo, backend):
    bpy.ops.likeness.pin_joint("EXEC_DEFAULT", True, joint="left_elbow", pixel=(600, 500))
    backend.fails = [JobFailed("session", "The photo is no longer open.")]
    settle()
    assert asked(backend)[2:] == ["fit_photo", "observe_photo", "fit_photo"]
    assert backend.asked[-1][1]["pins"] == {"left_elbow": [600, 500]} and backend.asked[-1][1]["session"] == "s4"
    assert not bpy.context.window_manager.likeness_photo_view.message


def test_failures_are_told_once_and_tried_again_after_a_change(photo, backend):
    backend.fails = [BackendError("The backend died twice: see its log.")]
    bpy.ops.likeness.pin_joint("EXEC_DEFAULT", True, joint="left_elbow", pixel=(600, 500))
    settle()
    status = bpy.context.window_manager.likeness_photo_view
    assert "died twice" in status.message and len(backend.asked) == 3
    settle()
    assert len(backend.asked) == 3
    bpy.ops.likeness.clear_corrections("EXEC_DEFAULT", True, what="PINS")
    bpy.ops.likeness.pin_joint("EXEC_DEFAULT", True, joint="left_elbow", pixel=(601, 500))
    settle()
    assert not status.message and len(backend.asked) == 4


def test_a_message_is_about_the_photo_that_is_shown(photo, backend, tmp_path):
    other = tmp_path / "nobody.jpg"
    other.write_bytes(PHOTO.read_bytes())
    backend.fails = [JobFailed("photo", "No person was found.")]
    bpy.ops.likeness.open_photo("EXEC_DEFAULT", True, filepath=str(other), add=True)
    settle()
    status = bpy.context.window_manager.likeness_photo_view
    assert status.message == "No person was found."
    bpy.ops.likeness.show_photo(index=0)
    settle()
    assert not status.message
    backend.fails = [JobFailed("photo", "No person was found.")]
    bpy.ops.likeness.show_photo(index=1)
    settle()
    assert status.message == "No person was found." and asked(backend)[-2:] == ["observe_photo", "observe_photo"]
    bpy.ops.likeness.remove_photo(index=1)
    settle()
    assert not status.message


def test_another_photo_puts_the_trouble_with_the_last_one_away(backend):
    record.note(PhotoError("No person was found."), "Create Avatar")
    bpy.ops.likeness.open_photo("EXEC_DEFAULT", True, filepath=str(PHOTO))
    assert record.latest() is None
    record.note(BackendError("It died."), "Create Avatar")
    bpy.ops.likeness.open_photo("EXEC_DEFAULT", True, filepath=str(PHOTO))
    assert record.latest() is not None
    record.put_away()


def test_dragging_asks_for_drafts_and_then_for_the_whole(photo, backend, monkeypatch):
    monkeypatch.setattr(follow, "dragging", True)
    bpy.ops.likeness.pin_joint("EXEC_DEFAULT", True, joint="left_elbow", pixel=(600, 500))
    follow.step()
    follow.step()
    assert [body["draft"] for op, body in backend.asked[2:]] == [True, True]
    monkeypatch.setattr(follow, "dragging", False)
    settle()
    assert backend.asked[-1][1]["draft"] is False


def test_nothing_is_asked_while_an_avatar_is_made(photo, backend):
    job: LIKENESS_PG_job = bpy.context.window_manager.likeness_job
    job.status = "RUNNING"
    bpy.ops.likeness.pin_joint("EXEC_DEFAULT", True, joint="left_elbow", pixel=(600, 500))
    settle()
    assert len(backend.asked) == 2
    job.status = "DONE"
    settle()
    assert len(backend.asked) == 3


def test_create_avatar_sends_all_photos_as_corrected(photo, backend, tmp_path):
    second = tmp_path / "back.jpg"
    second.write_bytes(PHOTO.read_bytes())
    bpy.ops.likeness.pin_joint("EXEC_DEFAULT", True, joint="left_elbow", pixel=(600, 500))
    bpy.ops.likeness.open_photo("EXEC_DEFAULT", True, filepath=str(second), add=True)
    backend.fails = [BackendError("enough")]
    with pytest.raises(RuntimeError, match="enough"):
        bpy.ops.likeness.create_avatar(output=str(tmp_path / "me"))
    op, body = backend.asked[-1]
    assert op == "create_avatar" and body["output"] == str(tmp_path / "me.likeness")
    assert body["photos"] == [
        {"photo": str(PHOTO), "person": 0, "session": "s1", "pins": {"left_elbow": [600, 500]}},
        {"photo": str(second), "person": 0},
    ]


def test_removing_and_replacing_photos(photo, tmp_path):
    second = tmp_path / "back.jpg"
    second.write_bytes(PHOTO.read_bytes())
    group = bpy.context.scene.likeness_photos
    bpy.ops.likeness.open_photo("EXEC_DEFAULT", True, filepath=str(second), add=True)
    assert len(group.photos) == 2 and group.active == 1
    bpy.ops.likeness.remove_photo("EXEC_DEFAULT", True, index=1)
    assert [p.name for p in group.photos] == [PHOTO.name] and group.active == 0
    bpy.ops.likeness.open_photo("EXEC_DEFAULT", True, directory=str(tmp_path), files=[{"name": "back.jpg"}])
    assert [p.name for p in group.photos] == ["back.jpg"]
    with pytest.raises(RuntimeError, match="There is no photo"):
        bpy.ops.likeness.open_photo(filepath=str(tmp_path / "none.jpg"))
    assert len(group.photos) == 1


def test_impossible_strokes_are_refused(photo):
    for points in ("", "[]", "[[1]]", "{", "[[1, 2], 3]"):
        with pytest.raises(RuntimeError, match="stroke needs"):
            bpy.ops.likeness.paint_mask(points=points, radius=5)
    assert not photo.strokes


def test_a_photo_blender_would_show_otherwise_is_replaced(photo, backend, tmp_path):
    live = follow.current()
    assert live is not None
    small = bpy.data.images.new("small", 8, 4)
    small.file_format, small.filepath_raw = "JPEG", str(tmp_path / "small.jpg")
    small.save()
    live.picture = np.frombuffer((tmp_path / "small.jpg").read_bytes(), np.uint8)
    view.show_upright(photo.image, live)
    assert photo.image.packed_file is not None and photo.image.size[:] == (8, 4)


def test_a_saved_file_keeps_the_corrections(photo, backend, tmp_path):
    bpy.ops.likeness.pin_joint("EXEC_DEFAULT", True, joint="left_elbow", pixel=(600, 500))
    before = fingerprint(photo)
    path = str(tmp_path / "saved.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.ops.wm.open_mainfile(filepath=path)
    again = active_photo(bpy.context)
    assert again is not None and fingerprint(again) == before
    assert json.dumps(corrections(again))


def test_nothing_is_left_behind(blender):
    handlers = len(bpy.app.handlers.load_post)
    blender_addon.unregister()
    assert not hasattr(bpy.types.Scene, "likeness_photos")
    assert not hasattr(bpy.types.WindowManager, "likeness_photo_view")
    assert len(bpy.app.handlers.load_post) < handlers
    from bl_ui.space_toolsystem_toolbar import IMAGE_PT_tools_active

    assert "likeness" not in str(IMAGE_PT_tools_active._tools)
    blender_addon.register()
    assert len(bpy.app.handlers.load_post) == handlers


def test_the_body_s_shape_faces_the_camera():
    """An octahedron: half of its triangles face the camera, its outline is a square."""
    vertices = np.array([[1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1], [0, 0, -1]], np.float32)
    faces = []
    for x in (0, 1):
        for y in (2, 3):
            for z in (4, 5):
                corners = [x, y, z]
                a, b, c = vertices[corners]
                faces.append(corners if np.dot(np.cross(b - a, c - a), a + b + c) > 0 else corners[::-1])
    faces = np.array(faces, np.int32)
    # y down and z away from the camera: the picture's axes are a turn about x of the body's.
    picture = vertices * np.array([100, -100, -1], np.float32) + np.array([200, 200, 4], np.float32)
    edges = Edges.of(faces)
    drawing = draw_shape(picture.astype(np.float32), faces, edges)
    assert len(edges.ends) == 12 and len(drawing.triangles) == 4
    assert (drawing.triangles == 4).any(1).all()  # the corner towards the camera
    assert {frozenset(line) for line in drawing.lines.tolist()} == {frozenset((x, y)) for x in (0, 1) for y in (2, 3)}
    assert drawing.colors[4, :3].mean() > drawing.colors[5, :3].mean()
