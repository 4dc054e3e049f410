"""Errors have codes and remedies; reports name nobody; files that moved are found; a dead backend changes nothing."""

import getpass
import importlib
import json
import pkgutil
from pathlib import Path

import bpy
import numpy as np
import pytest
from avatars import describe, describe_arrays

import blender_addon
import neural_core.backend
from addon_tests.addon import dying_backend
from blender_addon.avatar_files import avatar_file, stored_path
from blender_addon.backend import client, locate
from blender_addon.backend.process import BackendProcess
from blender_addon.backend.supervisor import Supervisor
from blender_addon.datablocks import all_datablocks
from blender_addon.rig.build import build_avatar
from blender_addon.trouble import privacy, record
from blender_addon.trouble.remedies import REMEDIES, remedies
from blender_addon.trouble.report import report
from neural_core.errors import BackendAbsent, Cancelled, LikenessError


def subclasses(kind: type) -> set[type]:
    return {kind}.union(*(subclasses(child) for child in kind.__subclasses__()))


@pytest.fixture(autouse=True)
def no_trouble():
    record.put_away()
    yield
    record.put_away()


def test_every_error_that_blender_can_meet_has_its_remedies(blender):
    for package in (blender_addon, neural_core.backend):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not module.name.endswith("__main__"):
                importlib.import_module(module.name)
    elsewhere = ("neural_core.training", "neural_core.evaluation")
    met = {error.code for error in subclasses(LikenessError) if not error.__module__.startswith(elsewhere)}
    assert met <= set(REMEDIES)


def test_every_remedy_is_a_button_that_works(blender):
    for remedy in [remedy for several in REMEDIES.values() for remedy in several]:
        module, name = remedy.operator.split(".")
        rna = getattr(getattr(bpy.ops, module), name).get_rna_type()  # raises when there is no such operator
        for option, value in remedy.options.items():
            items = [item.identifier for item in rna.properties[option].enum_items]
            # Blender fills some enums only in a window.
            assert not items or value in items


def test_what_nobody_foresaw_can_be_reported():
    assert [remedy.operator for remedy in remedies("never heard of")] == ["likeness.copy_report"]


@pytest.mark.parametrize(
    "text, expected",
    [
        ("There is no photo '/home/anna/My Pictures/party.jpg': choose", "There is no photo '…/party.jpg': choose"),
        (r'open("C:\Users\Anna Maria\x.likeness")', 'open("…/x.likeness")'),
        (r"see \\server\anna\log.txt now", "see …/log.txt now"),
        (
            'File "/home/anna/env/lib/python3.11/site-packages/torch/nn/x.py", line 3',
            'File "…/torch/nn/x.py", line 3',
        ),
        ("half done: 1/2, 3 m/s, https://a.b/c", "half done: 1/2, 3 m/s, https://a.b/c"),
        ("~/secret/photo.jpg", "…/photo.jpg"),
    ],
)
def test_paths_lose_their_folders(text, expected):
    assert privacy.anonymous(text) == expected


def test_names_of_user_and_machine_are_left_out(monkeypatch):
    monkeypatch.setattr(getpass, "getuser", lambda: "anna.schmidt")
    monkeypatch.setattr(privacy.socket, "gethostname", lambda: "annas-pc")
    assert privacy.anonymous("anna.schmidt on Annas-PC, annas") == "… on …, annas"


def test_report_tells_what_matters_and_nothing_else(blender, monkeypatch, tmp_path):
    from blender_addon import preferences

    log = tmp_path / "anna" / "log"
    log.mkdir(parents=True)
    (log / "backend.log").write_text("\n".join(f"line {n} in {tmp_path}/anna/x.py" for n in range(100)))
    chosen = preferences.Settings("", "auto", log, tmp_path / "likeness-backend")
    monkeypatch.setattr("blender_addon.trouble.report.settings", lambda: chosen)
    record.note(BackendAbsent(f"The Likeness backend is not in '{tmp_path}/anna/venv'."), "Create Avatar")
    text = report()
    assert "[backend_absent]" in text and "Create Avatar" in text and bpy.app.version_string in text
    assert "line 99 in …/x.py" in text and "line 50 " not in text and "installation absent" in text
    assert str(tmp_path) not in text and "anna" not in text
    assert len(text.splitlines()) < 45  # the preview shows all of it

    monkeypatch.setattr("blender_addon.trouble.report.report", lambda: text)
    assert bpy.ops.likeness.copy_report() == {"FINISHED"}


def test_a_stopped_job_is_no_trouble():
    record.note(Cancelled(), "Create Avatar")
    assert record.latest() is None


def test_out_of_memory_can_be_answered_with_half_the_size(blender):
    render = bpy.context.scene.render
    render.resolution_percentage = 100
    bpy.ops.likeness.render_smaller()
    assert render.resolution_percentage == 50


def test_the_processor_can_be_chosen_from_an_error():
    bpy.ops.preferences.addon_enable(module="blender_addon")
    try:
        bpy.ops.likeness.use_device(device="CPU")
        assert bpy.context.preferences.addons["blender_addon"].preferences.device == "CPU"
    finally:
        bpy.ops.preferences.addon_disable(module="blender_addon")


def test_scene_and_avatar_can_be_moved_together(blender, tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    (first / "avatars").mkdir(parents=True)
    file = first / "avatars" / "someone.likeness"
    file.write_bytes(b"x")
    bpy.ops.wm.save_as_mainfile(filepath=str(first / "scene.blend"))
    armature = build_avatar(describe(), blender.context).armature
    armature.likeness.avatar_path = stored_path(file)
    bpy.ops.wm.save_mainfile()
    first.rename(second)
    bpy.ops.wm.open_mainfile(filepath=str(second / "scene.blend"))
    moved = next(o for o in bpy.data.objects if o.likeness.is_avatar)
    assert Path(avatar_file(moved)) == second / "avatars" / "someone.likeness"


def test_an_avatar_beside_the_moved_scene_is_found(blender, tmp_path):
    armature = build_avatar(describe(), blender.context).armature
    armature.likeness.avatar_path = str(tmp_path / "gone" / "someone.likeness")
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "scene.blend"))
    assert Path(avatar_file(armature)) == tmp_path / "gone" / "someone.likeness"  # says where it should be
    (tmp_path / "someone.likeness").write_bytes(b"x")
    assert Path(avatar_file(armature)) == tmp_path / "someone.likeness"


def test_relink_names_the_file_anew_everywhere(blender, tmp_path):
    objects = build_avatar(describe(), blender.context)
    file = tmp_path / "found.likeness"
    file.write_bytes(b"x")
    blender.context.view_layer.objects.active = objects.mesh
    assert bpy.ops.likeness.relink_avatar(filepath=str(file)) == {"FINISHED"}
    assert objects.armature.likeness.avatar_path == objects.mesh.likeness.avatar_path == str(file)
    with pytest.raises(RuntimeError, match="no avatar file"):
        bpy.ops.likeness.relink_avatar(filepath=str(tmp_path / "none.likeness"))


@pytest.mark.parametrize("stage", range(3))
def test_killed_in_any_stage_the_scene_is_as_it_was_and_the_next_click_works(blender, monkeypatch, tmp_path, stage):
    marker = tmp_path / "deaths"
    body, arrays = describe_arrays()
    (tmp_path / "answer.json").write_text(json.dumps(body))
    np.savez(tmp_path / "answer.npz", **arrays)

    def launch() -> BackendProcess:
        command = dying_backend.command(marker, stage)
        return BackendProcess(command, locate.backend_environment(), tmp_path / "backend.log")

    monkeypatch.setattr(client, "_shared", Supervisor(launch))
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(b"x")
    before = {(type(block).__name__, block.name) for block in all_datablocks().values()}
    with pytest.raises(RuntimeError, match="died 2 times"):
        bpy.ops.likeness.create_avatar(filepath=str(photo))
    assert {(type(block).__name__, block.name) for block in all_datablocks().values()} == before
    trouble = record.latest()
    assert trouble is not None and trouble.code == "backend_died" and "killed" in trouble.sentence
    assert bpy.context.window_manager.likeness_job.status == "FAILED"

    assert bpy.ops.likeness.create_avatar(filepath=str(photo)) == {"FINISHED"}
    assert any(obj.likeness.is_avatar for obj in bpy.context.scene.objects)
    assert record.latest() is None
    client.close()
