"""What the rendered viewport asks for, and when; a window is needed only to see it."""

from itertools import pairwise
from types import SimpleNamespace

import bpy
import numpy as np
import pytest
from mathutils import Matrix

from blender_addon.backend import client
from blender_addon.engine import viewport


class _Job:
    """A frame on its way; `ready` when the test says so."""

    def __init__(self, body):
        self.body, self.ready, self.cancelled = body, False, False

    def done(self):
        return self.ready

    def result(self):
        return {}, {"display": np.zeros((2, 2, 4), np.float16)}

    def cancel(self):
        self.cancelled = True


@pytest.fixture
def view(avatar, monkeypatch, tmp_path):
    """A viewport with an avatar in it; draw() draws it, `jobs` holds what was asked, `at` is the time."""
    space = SimpleNamespace(jobs=[], reads=0, at=100.0, viewport=viewport.Viewport())
    read = viewport.take_snapshot

    def start(op, body, arrays):
        space.jobs.append(_Job(body))
        return space.jobs[-1]

    def counted(*arguments):
        space.reads += 1
        return read(*arguments)

    monkeypatch.setattr(client, "start", start)
    monkeypatch.setattr(viewport, "take_snapshot", counted)
    monkeypatch.setattr(viewport, "_texture", lambda pixels: "texture")
    monkeypatch.setattr(viewport, "_watch", lambda watched: None)
    monkeypatch.setattr(viewport.Viewport, "_show", lambda *arguments: None)
    monkeypatch.setattr(viewport, "time", SimpleNamespace(monotonic=lambda: space.at))
    avatar.mesh.likeness.avatar_path = str(tmp_path / "a.likeness")
    view3d = SimpleNamespace(window_matrix=Matrix.OrthoProjection("XY", 4), view_matrix=Matrix.Translation((0, 0, -3)))
    region = SimpleNamespace(width=640, height=480)
    space.context = SimpleNamespace(region=region, region_data=view3d, space_data=SimpleNamespace(clip_start=0.1))
    space.depsgraph = bpy.context.evaluated_depsgraph_get()
    engine = SimpleNamespace(update_stats=lambda *texts: None)
    space.draw = lambda: space.viewport.draw(engine, space.context, space.depsgraph)
    return space


def asked(view) -> list[str]:
    return [job.body["quality"] for job in view.jobs]


def turn(view) -> None:
    view.context.region_data.view_matrix = view.context.region_data.view_matrix @ Matrix.Rotation(0.1, 4, "Y")


def test_drafts_while_the_view_moves_then_one_in_full(view):
    view.draw()
    for _ in range(3):
        view.jobs[-1].ready = True
        view.at += 0.1
        turn(view)
        view.draw()
    assert asked(view) == ["draft"] * 4
    view.jobs[-1].ready = True
    view.at += 0.1
    view.draw()
    assert asked(view) == ["draft"] * 4  # not still for long enough
    view.at += 0.2
    view.draw()
    assert asked(view) == ["draft"] * 4 + ["final"]
    view.jobs[-1].ready = True
    view.draw()
    view.at += 10.0
    view.draw()
    assert len(view.jobs) == 5 and view.viewport.settled


def test_a_slow_draft_is_waited_for(view):
    """However long it takes: asked for in full at once, nothing would be seen before that is drawn."""
    view.draw()
    view.at += 5.0
    view.draw()
    assert asked(view) == ["draft"]
    view.jobs[-1].ready = True
    view.draw()
    assert asked(view) == ["draft", "final"]


def test_a_movement_cancels_the_frame_in_full(view):
    view.draw()
    view.jobs[-1].ready = True
    view.at += 1.0
    view.draw()
    assert asked(view) == ["draft", "final"]
    turn(view)
    view.draw()
    assert view.jobs[1].cancelled and asked(view) == ["draft", "final", "draft"]


def test_the_scene_is_read_again_only_when_it_changed(view):
    view.draw()
    for _ in range(3):
        view.jobs[-1].ready = True
        turn(view)
        view.draw()
    assert len(view.jobs) == 4 and view.reads == 1
    view.jobs[-1].ready = True
    view.viewport.update(view.context, view.depsgraph)
    view.draw()
    assert len(view.jobs) == 5 and view.reads == 2
    views = [np.array(job.body["R"]) for job in view.jobs]
    assert not any(np.allclose(one, other) for one, other in pairwise(views[:4]))
