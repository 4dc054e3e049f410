"""The shape key `Correctives` follows the bones, whatever moves them, and nothing else."""

import bpy
import numpy as np
import pytest
from avatars import blender_vertices, core_vertices, describe, parameters

import blender_addon
from blender_addon.rig import correctives, handlers
from blender_addon.rig.axes import to_core
from blender_addon.rig.build import build_avatar


def corrective_offsets(mesh) -> np.ndarray:
    keys = mesh.data.shape_keys.key_blocks
    now, rest = (np.empty(3 * len(mesh.data.vertices), np.float32) for _ in range(2))
    keys["Correctives"].points.foreach_get("co", now)
    keys[0].points.foreach_get("co", rest)
    return (now - rest).reshape(-1, 3)


def test_a_bone_moved_by_hand_moves_the_correctives(avatar):
    before = corrective_offsets(avatar.mesh)
    elbow = avatar.armature.pose.bones["left_elbow"]
    elbow.rotation_quaternion = (0.7071, 0, 0, 0.7071)
    bpy.context.view_layer.update()
    assert np.abs(corrective_offsets(avatar.mesh) - before).max() > 1e-3


def test_the_root_and_the_object_do_not_matter(avatar):
    before = corrective_offsets(avatar.mesh)
    avatar.armature.pose.bones["pelvis"].rotation_quaternion = (0.5, 0.5, 0.5, 0.5)
    avatar.armature.rotation_euler = (0.3, 0.2, 0.1)
    bpy.context.view_layer.update()
    assert np.abs(corrective_offsets(avatar.mesh) - before).max() < 1e-6


def test_an_unchanged_pose_is_not_computed_again(avatar, monkeypatch):
    calls = []
    monkeypatch.setattr(correctives, "update_correctives", lambda *given: calls.append(given))
    avatar.armature.location.x = 1.0
    bpy.context.view_layer.update()
    assert not calls
    avatar.armature.pose.bones["left_knee"].rotation_quaternion = (0.9, 0.1, 0, 0)
    bpy.context.view_layer.update()
    assert len(calls) == 1


def test_constraints_count(avatar):
    """Bones turned by a constraint have no rotation of their own; the correctives see them all the same."""
    before = corrective_offsets(avatar.mesh)
    constraint = avatar.armature.pose.bones["right_knee"].constraints.new("LIMIT_ROTATION")
    constraint.owner_space = "LOCAL"
    constraint.use_limit_x, constraint.min_x, constraint.max_x = True, 1.0, 1.2
    bpy.context.view_layer.update()
    assert np.abs(corrective_offsets(avatar.mesh) - before).max() > 1e-3


def test_a_duplicate_has_correctives_of_its_own(avatar):
    """As Shift+D makes it: armature and mesh with data of their own."""
    armature, mesh = avatar.armature.copy(), avatar.mesh.copy()
    armature.data, mesh.data = armature.data.copy(), mesh.data.copy()
    for thing in (armature, mesh):
        bpy.context.scene.collection.objects.link(thing)
    mesh.parent = mesh.modifiers[0].object = armature
    before = corrective_offsets(avatar.mesh)
    armature.pose.bones["left_elbow"].rotation_quaternion = (0.7071, 0, 0, 0.7071)
    bpy.context.view_layer.update()
    assert np.abs(corrective_offsets(mesh) - before).max() > 1e-3
    assert np.array_equal(corrective_offsets(avatar.mesh), before)


def test_objects_that_share_a_mesh_settle(avatar, monkeypatch):
    """Two poses cannot share one shape key: the first object's counts, and nobody rewrites it for ever."""
    armature, mesh = avatar.armature.copy(), avatar.mesh.copy()
    for thing in (armature, mesh):
        bpy.context.scene.collection.objects.link(thing)
    mesh.parent = armature
    armature.pose.bones["left_elbow"].rotation_quaternion = (0.7071, 0, 0, 0.7071)
    bpy.context.view_layer.update()
    calls = []
    monkeypatch.setattr(correctives, "update_correctives", lambda *given: calls.append(given))
    armature.location.x = 1
    bpy.context.view_layer.update()
    assert not calls


def test_a_renamed_bone_stops_the_correctives_without_an_error(avatar, capfd):
    avatar.armature.data.bones["left_knee"].name = "knie"
    avatar.armature.pose.bones["right_elbow"].rotation_quaternion = (0.7, 0, 0.7, 0)
    bpy.context.view_layer.update()
    assert "Traceback" not in "".join(capfd.readouterr())


class _Snapshot(bpy.types.RenderEngine):
    """Keeps the vertices that a render engine sees."""

    bl_idname = "LIKENESS_TEST_SNAPSHOT"
    bl_label = "Snapshot"
    seen: list[np.ndarray] = []

    def render(self, depsgraph):
        for instance in depsgraph.object_instances:
            if instance.object.type == "MESH":
                mesh = instance.object.data
                flat = np.empty(3 * len(mesh.vertices), np.float32)
                mesh.vertices.foreach_get("co", flat)
                self.seen.append(flat.reshape(-1, 3))


@pytest.mark.slow
def test_an_unattended_animation_render_sees_the_correctives(blender, tmp_path):
    """Saved, opened again, rendered: in every frame the engine gets what the core says, twice bit for bit."""
    people = [parameters(seed=3, strength=0.1), parameters(seed=4, strength=0.6), parameters(seed=5, strength=0.6)]
    people = [type(p)(**{**vars(p), **_face_and_shape(people[0])}) for p in people]
    built = build_avatar(describe(people[0]), blender.context)
    _animate(built.armature, people)
    scene = blender.context.scene
    scene.frame_start, scene.frame_end = 1, 3
    scene.camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    scene.collection.objects.link(scene.camera)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "scene.blend"))
    bpy.utils.register_class(_Snapshot)
    try:
        runs = []
        for _ in range(2):
            bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "scene.blend"))
            scene = bpy.context.scene
            scene.render.engine = _Snapshot.bl_idname
            scene.render.resolution_x = scene.render.resolution_y = 8
            scene.render.filepath = str(tmp_path / "frame")
            _Snapshot.seen.clear()
            bpy.ops.render.render(animation=True)
            runs.append(list(_Snapshot.seen))
    finally:
        bpy.utils.unregister_class(_Snapshot)
    assert len(runs[0]) == 3
    for person, seen, again in zip(people, *runs):
        assert np.linalg.norm(to_core(seen) - core_vertices(person), axis=1).max() < 1e-4
        assert np.array_equal(seen, again)


def test_undo_brings_the_correctives_back(avatar):
    """After undo the shape key holds the old pose's offsets; the new pose must not pass for already computed."""
    bpy.ops.ed.undo_push(message="built")
    before = blender_vertices(avatar.mesh)
    name = avatar.armature.name
    avatar.armature.pose.bones["left_elbow"].rotation_quaternion = (0.7071, 0, 0, 0.7071)
    bpy.context.view_layer.update()
    bpy.ops.ed.undo_push(message="posed")
    after = blender_vertices(avatar.mesh)
    bpy.ops.ed.undo()
    mesh = bpy.data.objects[name].children[0]
    assert np.abs(blender_vertices(mesh) - before).max() < 1e-6
    bpy.ops.ed.redo()
    mesh = bpy.data.objects[name].children[0]
    assert np.abs(blender_vertices(mesh) - after).max() < 1e-6


def test_unregistering_removes_every_handler(blender):
    blender_addon.unregister()
    left = [h for name in handlers.HANDLERS for h in getattr(bpy.app.handlers, name)]
    blender_addon.register()
    assert not [h for h in left if h.__module__.startswith("blender_addon")]


def _face_and_shape(person) -> dict:
    return {name: getattr(person, name) for name in ("betas", "expression", "actions")}


def _animate(armature, people) -> None:
    from blender_addon.rig.animation import write_motion_action
    from neural_core.motion import Motion

    motion = Motion(
        poses=np.stack([p.full_pose()[0].numpy() for p in people]).astype(float),
        trans=np.stack([p.transl[0].numpy() for p in people]).astype(float),
        fps=24.0,
    )
    write_motion_action(armature, None, motion, "three poses", 1, False)
