"""When memory runs out, the buttons make room for what failed and do it again."""

from pathlib import Path

import bpy
import pytest

from addon_tests.addon import hungry_backend
from addon_tests.addon.engine_scene import add_avatar, passes_of, set_up
from blender_addon.backend import client, locate
from blender_addon.backend.process import BackendProcess
from blender_addon.preferences import settings
from blender_addon.trouble import record, remedies, retry

ROOT = Path(__file__).parents[2]


@pytest.fixture
def failed(tmp_path, monkeypatch):
    """A scene whose render failed for want of memory; the add-on is enabled, so that it has preferences."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.ops.preferences.addon_enable(module="blender_addon")
    environment = {**locate.backend_environment(), "PYTHONPATH": str(ROOT)}

    def launch() -> BackendProcess:
        return BackendProcess(hungry_backend.command(settings().device), environment, tmp_path / "backend.log")

    monkeypatch.setattr(client, "_launch", launch)
    client.close()
    set_up()
    add_avatar(tmp_path, "red")
    bpy.context.scene.render.filepath = str(tmp_path / "frame_####")
    scene = bpy.context.scene
    scene.frame_start = scene.frame_end = 3
    with pytest.raises(RuntimeError, match="out of memory"):
        bpy.ops.render.render(animation=True)
    trouble = record.latest()
    assert trouble is not None and (trouble.code, trouble.doing) == ("memory", "Render Animation")
    yield tmp_path / "frame_0003.exr"
    client.close()
    record.put_away()
    bpy.ops.preferences.addon_disable(module="blender_addon")


def test_half_the_size_is_rendered_at_once(failed):
    assert not failed.exists()
    assert bpy.ops.likeness.render_smaller() == {"FINISHED"}
    assert passes_of(failed)["mask"].shape == (64, 48) and passes_of(failed)["mask"].any()
    assert record.latest() is None


def test_the_processor_renders_it_at_once(failed):
    assert bpy.ops.likeness.use_device(device="CPU") == {"FINISHED"}
    assert passes_of(failed)["mask"].shape == (128, 96) and passes_of(failed)["mask"].any()
    assert record.latest() is None


def test_only_renders_are_offered_half_the_size(blender):
    offered = [remedy.operator for remedy in remedies.remedies("memory")]
    assert offered == ["likeness.render_smaller", "likeness.use_device"]
    assert retry.is_render("Render") and not retry.is_render("Create Avatar")


def test_an_avatar_is_created_again_from_the_open_photos_only(blender, monkeypatch):
    started = []
    monkeypatch.setitem(retry._OPERATORS, "Create Avatar", (lambda *a, **k: started.append((a, k)), {}))
    assert not retry.retry(blender.context, "Create Avatar")
    blender.context.scene.likeness_photos.photos.add()
    assert retry.retry(blender.context, "Create Avatar") and len(started) == 1
    assert not retry.retry(blender.context, "Export Avatar")
