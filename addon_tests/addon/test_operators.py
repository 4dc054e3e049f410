"""The operators from scripts and stepped as the interface does; failures change nothing; one undo step each."""

from pathlib import Path
from types import SimpleNamespace

import bpy
import numpy as np
import pytest
from avatars import blender_vertices, core_vertices, describe_arrays, parameters

import blender_addon
from blender_addon.backend import client
from blender_addon.datablocks import all_datablocks
from blender_addon.operators.import_motion import LIKENESS_OT_import_motion
from blender_addon.operators.job import JobOperator
from blender_addon.rig.axes import to_core
from neural_core.animation import WALK
from neural_core.errors import BackendError, Cancelled, PhotoError


class FakeJob:
    """A request that needs three looks before its answer is there."""

    def __init__(self, answer):
        self.answer, self.looks, self.fraction, self.stage = answer, 0, 0.0, ""
        self.cancelled = False

    def done(self) -> bool:
        self.looks += 1
        self.fraction, self.stage = self.looks / 3, f"look {self.looks}"
        return self.looks > 3

    def result(self):
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def cancel(self) -> None:
        self.cancelled = self.looks <= 3


class FakeBackend:
    """Answers by operation name; remembers what was asked."""

    def __init__(self, **answers):
        self.answers, self.asked, self.jobs = answers, [], []

    def start(self, op, body=None, arrays=None) -> FakeJob:
        self.asked.append((op, body))
        self.jobs.append(FakeJob(self.answers[op]))
        return self.jobs[-1]


@pytest.fixture
def backend(monkeypatch):
    fake = FakeBackend(describe_avatar=describe_arrays())
    monkeypatch.setattr(client, "start", fake.start)
    return fake


@pytest.fixture
def file(tmp_path) -> Path:
    path = tmp_path / "someone.likeness"
    path.write_bytes(b"the fake backend does not read it")
    return path


@pytest.fixture
def imported(blender, backend, file):
    bpy.ops.likeness.import_avatar(filepath=str(file))
    return next(o for o in bpy.context.scene.objects if o.likeness.is_avatar)


def everything() -> set:
    return {(type(block).__name__, block.name) for block in all_datablocks().values()}


def test_import_avatar(blender, backend, file):
    assert bpy.ops.likeness.import_avatar(filepath=str(file)) == {"FINISHED"}
    mesh = next(o for o in bpy.context.scene.objects if o.likeness.is_avatar_mesh)
    assert mesh.parent.likeness.is_avatar and mesh.likeness.avatar_path
    assert np.linalg.norm(to_core(blender_vertices(mesh)) - core_vertices(parameters()), axis=1).max() < 1e-4
    assert bpy.context.view_layer.objects.active == mesh.parent
    assert bpy.context.window_manager.likeness_job.status == "DONE"


def test_create_avatar_asks_and_builds(blender, backend, tmp_path, capfd):
    photo = tmp_path / "me.jpg"
    photo.write_bytes(b"a photo")
    backend.answers["create_avatar"] = ({"path": str(tmp_path / "me.likeness"), "warnings": ["Legs are guessed."]}, {})
    result = bpy.ops.likeness.create_avatar(filepath=str(photo), seed=7, focal=1200.0, person=1)
    assert result == {"FINISHED"}
    assert backend.asked[0] == (
        "create_avatar",
        {"photo": str(photo), "output": str(tmp_path / "me.likeness"), "seed": 7, "focal": 1200.0, "person": 1},
    )
    assert backend.asked[1] == ("describe_avatar", {"path": str(tmp_path / "me.likeness")})
    assert sum(o.likeness.is_avatar for o in bpy.data.objects) == 1
    assert "Legs are guessed." in "".join(capfd.readouterr())


@pytest.mark.parametrize(
    "answer",
    [
        PhotoError("No person was found: choose another photo."),
        BackendError("The backend died twice: see its log."),
        ({"joint_names": []}, {}),
    ],
)
def test_failures_are_reported_and_change_nothing(blender, backend, file, answer):
    before = everything()
    backend.answers["describe_avatar"] = answer
    with pytest.raises(RuntimeError, match=str(answer)[:20] if isinstance(answer, Exception) else "cannot be built"):
        bpy.ops.likeness.import_avatar(filepath=str(file))
    assert everything() == before
    assert bpy.context.window_manager.likeness_job.status == "FAILED"
    assert bpy.ops.likeness.import_avatar.poll()  # the next job may start


def test_a_failure_while_building_leaves_nothing(blender, backend, file, monkeypatch):
    cube = _edited_cube()
    bpy.ops.object.mode_set(mode="OBJECT")
    before = everything()

    def fail(*given, **named):
        raise OSError("no more memory")

    monkeypatch.setattr("blender_addon.rig.build.build_mesh", fail)
    with pytest.raises(RuntimeError, match="no more memory"):
        bpy.ops.likeness.import_avatar(filepath=str(file))
    assert everything() == before
    assert bpy.context.view_layer.objects.active == cube and cube.select_get()


def test_importing_while_another_mesh_is_edited(blender, backend, file):
    cube = _edited_cube()
    assert bpy.ops.likeness.import_avatar(filepath=str(file)) == {"FINISHED"}
    assert cube.mode == "OBJECT" and bpy.context.view_layer.objects.active.likeness.is_avatar


def _edited_cube():
    cube = bpy.data.objects.new("Cube", bpy.data.meshes.new("Cube"))
    bpy.context.scene.collection.objects.link(cube)
    bpy.context.view_layer.objects.active = cube
    cube.select_set(True)
    bpy.ops.object.mode_set(mode="EDIT")
    return cube


@pytest.mark.parametrize("operator", ["create_avatar", "import_avatar"])
def test_a_missing_file_is_named(blender, backend, operator):
    with pytest.raises(RuntimeError, match="There is no"):
        getattr(bpy.ops.likeness, operator)(filepath="/nowhere/at.all")
    assert not backend.asked


@pytest.mark.parametrize("operator", ["import_motion", "export_avatar"])
def test_without_an_avatar_operators_say_so(blender, operator):
    assert not getattr(bpy.ops.likeness, operator).poll()
    with pytest.raises(RuntimeError, match="Select an avatar first"):
        getattr(bpy.ops.likeness, operator)(filepath="/tmp/x.npz")


def test_one_job_at_a_time(imported, file):
    bpy.context.window_manager.likeness_job.status = "RUNNING"
    assert not bpy.ops.likeness.import_avatar.poll()
    bpy.ops.likeness.stop_job()
    assert bpy.context.window_manager.likeness_job.status == "ABORTING"
    bpy.context.window_manager.likeness_job.status = "IDLE"


def test_import_motion_plays_the_walk_on_the_ground(imported):
    stood = imported.pose.bones["pelvis"].head.copy()
    assert bpy.ops.likeness.import_motion(filepath=str(WALK), start_frame=11) == {"FINISHED"}
    scene = bpy.context.scene
    assert (scene.frame_start, scene.frame_end) == (11, 34)
    action = imported.animation_data.action
    assert action.name == "walk" and tuple(action.frame_range) == (11, 34)
    mesh = imported.children[0]
    heights = []
    for frame in range(11, 35, 3):
        scene.frame_set(frame)
        heights.append(blender_vertices(mesh)[:, 2].min())
    assert max(np.abs(heights)) < 0.02
    scene.frame_set(11)
    pelvis = imported.pose.bones["pelvis"].head
    assert abs(pelvis.x - stood.x) < 0.05 and abs(pelvis.y - stood.y) < 0.05


def test_import_motion_as_in_the_file_is_the_core_s_pose(imported):
    bpy.ops.likeness.import_motion(filepath=str(WALK), place="FILE", resample=False)
    from dataclasses import replace

    import torch

    from neural_core.motion import read_motion

    walk = read_motion(WALK)
    bpy.context.scene.frame_set(8)
    person = parameters()
    expected = replace(
        person.with_full_pose(torch.from_numpy(walk.poses[7]).float()[None]),
        transl=torch.from_numpy(walk.trans[7]).float()[None],
    )
    vertices = to_core(blender_vertices(imported.children[0]))
    assert np.linalg.norm(vertices - core_vertices(expected), axis=1).max() < 1e-4


def test_import_motion_resamples_to_the_scene(imported):
    bpy.context.scene.render.fps = 48
    bpy.ops.likeness.import_motion(filepath=str(WALK))
    assert bpy.context.scene.frame_end == 47


@pytest.mark.parametrize("keys", [{"trans": np.zeros((2, 3))}, {"poses": np.zeros((2, 99))}])
def test_a_bad_motion_changes_nothing(imported, tmp_path, keys):
    bpy.ops.likeness.import_motion(filepath=str(WALK))
    np.savez(tmp_path / "bad.npz", **keys)
    before, action = everything(), imported.animation_data.action
    with pytest.raises(RuntimeError, match=r"bad\.npz"):
        bpy.ops.likeness.import_motion(filepath=str(tmp_path / "bad.npz"))
    assert everything() == before and imported.animation_data.action == action


def test_expressions_are_animated_when_wanted(imported, tmp_path):
    from dataclasses import replace

    from neural_core.motion import read_motion, write_motion

    walk = read_motion(WALK)
    face = np.linspace(-1, 1, 24)[:, None] * np.ones(10)
    write_motion(tmp_path / "face.npz", replace(walk, expression=face))
    bpy.ops.likeness.import_motion(filepath=str(tmp_path / "face.npz"), expression=True)
    keys = imported.children[0].data.shape_keys.key_blocks
    for frame in (1, 24):
        bpy.context.scene.frame_set(frame)
        assert keys["Expression 04"].value == pytest.approx(face[frame - 1, 4], abs=1e-5)


def test_undo_takes_back_one_job(blender, backend, file):
    bpy.ops.ed.undo_push(message="before")
    bpy.ops.likeness.import_avatar(filepath=str(file))
    bpy.ops.likeness.import_motion(filepath=str(WALK))
    bpy.ops.ed.undo()
    armature = next(o for o in bpy.data.objects if o.likeness.is_avatar)
    assert armature.animation_data is None or armature.animation_data.action is None
    bpy.ops.ed.undo()
    assert not any(o.likeness.is_avatar for o in bpy.data.objects)
    bpy.ops.ed.redo()
    assert any(o.likeness.is_avatar for o in bpy.data.objects)


class _Interface(JobOperator):
    """An operator as Blender's event loop would drive it, without a window."""

    bl_label = "Test Job"
    photo_pose = photo_camera = True

    def __init__(self, job):
        self.reports = []
        self.job = job

    def report(self, kind, message):
        self.reports.append((kind, message))

    def begin(self):
        bpy.context.window_manager.likeness_job.status = "RUNNING"
        self._steps = self.job(bpy.context)

    def tick(self, kind="TIMER"):
        return self.modal(bpy.context, SimpleNamespace(type=kind))


def test_modal_steps_the_same_job(blender, backend, file):
    from blender_addon.operators.import_avatar import describe_and_build

    seen = []
    operator = _Interface(lambda context: describe_and_build(operator, context, file))
    operator.begin()
    while operator.tick() == {"RUNNING_MODAL"}:
        job = bpy.context.window_manager.likeness_job
        seen.append((round(job.fraction, 2), job.stage))
        assert operator.tick("MOUSEMOVE") == {"PASS_THROUGH"}
    assert list(dict.fromkeys(stage for _, stage in seen)) == ["look 1", "look 2", "look 3", "Building the avatar"]
    assert bpy.context.window_manager.likeness_job.status == "DONE"
    assert any(o.likeness.is_avatar for o in bpy.data.objects)


@pytest.mark.parametrize("how", ["ESC", "STOP"])
def test_cancelling_tells_the_backend_and_changes_nothing(blender, backend, file, how):
    from blender_addon.operators.import_avatar import describe_and_build

    before = everything()
    operator = _Interface(lambda context: describe_and_build(operator, context, file))
    operator.begin()
    operator.tick()
    if how == "STOP":
        bpy.ops.likeness.stop_job()
        assert operator.tick() == {"CANCELLED"}
    else:
        assert operator.tick("ESC") == {"CANCELLED"}
    assert backend.jobs[0].cancelled
    assert everything() == before and operator.reports == [({"WARNING"}, str(Cancelled()))]
    assert bpy.context.window_manager.likeness_job.status == "ABORTED"


def test_every_operator_has_its_manners(blender):
    for name in ("create_avatar", "import_avatar", "import_motion", "export_avatar"):
        operator = getattr(bpy.ops.likeness, name).get_rna_type()
        assert operator.description and not operator.description.endswith(".")
    assert "export_avatar" in dir(bpy.ops.likeness) and LIKENESS_OT_import_motion.bl_idname == "likeness.import_motion"


def test_registering_twice_leaves_nothing_behind(blender):
    def traces() -> list[str]:
        handlers = [h.__module__ for name in dir(bpy.app.handlers) if isinstance(getattr(bpy.app.handlers, name), list)
                    for h in getattr(bpy.app.handlers, name) if hasattr(h, "__module__")]  # fmt: skip
        types = [name for name in dir(bpy.types) if name.startswith("LIKENESS_")]
        owners = [t.__name__ for t in (bpy.types.Object, bpy.types.Scene, bpy.types.WindowManager)
                  if any(name.startswith("likeness") for name in dir(t))]  # fmt: skip
        return [*(h for h in handlers if h.startswith("blender_addon")), *types, *owners]

    blender_addon.unregister()
    nothing = traces()
    blender_addon.register()
    blender_addon.unregister()
    assert traces() == nothing == []
    blender_addon.register()
    assert traces()
