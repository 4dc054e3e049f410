"""Poses of the library on an avatar: on the ground, mirrored, reset, saved, as assets; one undo step each."""

import bpy
import numpy as np
import pytest
from avatars import blender_vertices, describe

from blender_addon.panels.pose import grouped
from blender_addon.pose.library import LIBRARY
from blender_addon.pose.mirror import mirrored, partner
from blender_addon.rig.build import build_avatar
from blender_addon.rig.pose import current_expression, read_pose
from neural_core.body.skeleton import JOINT_NAMES
from neural_core.motion import read_motion


@pytest.mark.parametrize("key", LIBRARY)
def test_every_pose_stands_on_the_ground_where_the_avatar_stands(avatar, key):
    before = read_pose(avatar.armature)
    assert bpy.ops.likeness.apply_pose(pose=key) == {"FINISHED"}
    pose, transl = read_pose(avatar.armature)
    vertices = blender_vertices(avatar.mesh)
    assert abs(vertices[:, 2].min()) < 0.012
    assert np.allclose(transl[[0, 2]], before[1][[0, 2]], atol=1e-5)
    assert np.allclose(pose[22:25], before[0][22:25], atol=1e-5)  # the face is not the library's
    height = vertices[:, 2].max()
    assert (height > 1.3) == (key not in {"SIT", "CROUCH", "KNEEL"}) or height > 1.2


def test_poses_differ_and_names_are_joints():
    hands = np.zeros((30, 3))
    poses = [pose.rotations(JOINT_NAMES, hands) for pose in LIBRARY.values()]
    assert len(poses) >= 12
    for i, a in enumerate(poses):
        assert a.shape == (55, 3) and all(np.abs(a - b).max() > 0.05 for b in poses[:i])


def test_the_mirror_exchanges_sides_and_twice_is_once(avatar):
    bpy.ops.likeness.apply_pose(pose="POINT")
    keys = avatar.mesh.data.shape_keys.key_blocks
    keys["Expression 00"].value = 0.7
    pose, transl = read_pose(avatar.armature)
    points = blender_vertices(avatar.mesh)
    bpy.ops.likeness.mirror_pose()
    other, there = read_pose(avatar.armature)
    assert np.allclose(other, mirrored(pose, JOINT_NAMES), atol=1e-5) and np.allclose(there, transl, atol=1e-5)
    # The hand that points forward is the other one now.
    middle = points[:, 0].mean()
    tip, turned = (p[p[:, 1].argmin()] for p in (points, blender_vertices(avatar.mesh)))
    assert tip[0] < middle < turned[0]
    bpy.ops.likeness.mirror_pose()
    assert np.allclose(read_pose(avatar.armature)[0], pose, atol=1e-5)


def test_partners():
    assert partner("left_knee") == "right_knee" and partner("pelvis") == "pelvis"
    assert partner("mouthSmileLeft") == "mouthSmileRight" and partner("mouthLeft") == "mouthRight"
    assert all(partner(partner(name)) == name for name in JOINT_NAMES)


def test_reset_brings_rest_pose_and_a_face_at_rest(avatar):
    bpy.ops.likeness.apply_pose(pose="RUN")
    bpy.ops.likeness.reset_pose()
    pose, _ = read_pose(avatar.armature)
    assert np.abs(pose).max() < 1e-5 and not current_expression(avatar.armature).any()
    assert abs(blender_vertices(avatar.mesh)[:, 2].min()) < 0.012


def test_a_saved_pose_comes_back(avatar, tmp_path):
    bpy.ops.likeness.apply_pose(pose="SIT")
    pose, transl = read_pose(avatar.armature)
    path = tmp_path / "sit.npz"
    assert bpy.ops.likeness.save_pose(filepath=str(path)) == {"FINISHED"}
    motion = read_motion(path)
    assert len(motion) == 1 and np.allclose(motion.poses[0], pose, atol=1e-5)
    assert np.allclose(motion.trans[0], transl, atol=1e-5)
    assert np.allclose(motion.expression[0], current_expression(avatar.armature)[:10], atol=1e-5)
    with pytest.raises(RuntimeError, match="npz"):
        bpy.ops.likeness.save_pose(filepath=str(tmp_path / "sit.txt"))


def test_a_saved_animation_has_the_scenes_frames(avatar, tmp_path):
    scene = bpy.context.scene
    scene.tool_settings.use_keyframe_insert_auto = True
    scene.frame_start, scene.frame_end = 1, 5
    for frame, key in ((1, "STAND"), (5, "JUMP")):
        scene.frame_set(frame)
        bpy.ops.likeness.apply_pose(pose=key)
    scene.frame_set(3)
    path = tmp_path / "jump.npz"
    bpy.ops.likeness.save_pose(filepath=str(path), animation=True)
    motion = read_motion(path)
    assert len(motion) == 5 and motion.fps == scene.render.fps and scene.frame_current == 3
    assert np.abs(np.diff(motion.poses, axis=0)).max(axis=(1, 2)).min() > 0.01  # every frame moves on


def test_assets_hold_the_poses(avatar):
    bpy.ops.likeness.add_pose_assets()
    actions = [action for action in bpy.data.actions if action.asset_data is not None]
    assert len(actions) == len(LIBRARY)
    bpy.ops.likeness.apply_pose(pose="WALK")
    pose, transl = read_pose(avatar.armature)
    bpy.ops.likeness.reset_pose()
    action = bpy.data.actions[f"{avatar.armature.name} Walk"]
    data = avatar.armature.animation_data_create()
    data.action, data.action_slot = action, action.slots[0]
    bpy.context.scene.frame_set(1)
    found, height = read_pose(avatar.armature)
    assert np.allclose(found, pose, atol=1e-4) and np.allclose(height, transl, atol=1e-4)
    bpy.ops.likeness.add_pose_assets()  # nothing twice
    assert len([action for action in bpy.data.actions if action.asset_data is not None]) == len(LIBRARY)


@pytest.mark.parametrize(
    "operator", [lambda: bpy.ops.likeness.apply_pose(pose="RUN"), bpy.ops.likeness.reset_pose,
                 bpy.ops.likeness.mirror_pose, bpy.ops.likeness.add_pose_assets],
)  # fmt: skip
def test_one_undo_step(blender, operator):
    bpy.ops.ed.undo_push(message="Empty")
    build_avatar(describe(), bpy.context)
    bpy.ops.ed.undo_push(message="Avatar")
    armature = bpy.context.view_layer.objects.active
    before, actions = read_pose(armature)[0], len(bpy.data.actions)
    operator()
    bpy.ops.ed.undo_push(message="Operator")
    bpy.ops.ed.undo()
    armature = bpy.context.view_layer.objects.active
    assert np.allclose(read_pose(armature)[0], before, atol=1e-5) and len(bpy.data.actions) == actions


def test_nothing_to_pose_is_a_sentence(blender):
    assert not bpy.ops.likeness.apply_pose.poll()


def test_the_face_is_grouped_by_its_parts():
    names = ["Expression 00", "browDownLeft", "eyeBlinkLeft", "noseSneerLeft", "cheekPuff", "tongueOut", "mouthLeft"]
    titles = dict(grouped(names))
    assert list(titles) == ["Brows", "Eyes", "Cheeks and Nose", "Mouth", "Components"]
    assert titles["Mouth"] == ["tongueOut", "mouthLeft"] and titles["Components"] == ["Expression 00"]
