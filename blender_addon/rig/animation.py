"""Motions as F-curves, written in bulk."""

import bpy
import numpy as np

from neural_core.motion import Motion

from .pose import Joints, current_expression, expression_joint_offsets, expression_names

_LINEAR = 1  # of Keyframe.interpolation; foreach_set takes numbers


def write_motion_action(
    armature: bpy.types.Object,
    mesh: bpy.types.Object | None,
    motion: Motion,
    name: str,
    first_frame: float,
    with_expression: bool,
) -> bpy.types.Action:
    """A new action with `motion`, a key in every frame from `first_frame` on, assigned to armature and expressions."""
    joints = Joints.of(armature)
    now = current_expression(armature)
    expression = np.broadcast_to(now, (len(motion), len(now))).copy()
    faces = []
    if with_expression and mesh is not None and motion.expression is not None:
        faces = expression_names(mesh)[: motion.expression.shape[1]]
        expression[:, : len(faces)] = motion.expression[:, : len(faces)]
    action = bpy.data.actions.new(name)
    body_slot = pose_curves(action, armature, motion, first_frame, expression)
    times = first_frame + np.arange(len(motion), dtype=np.float64)
    if mesh is not None and faces:
        keys = mesh.data.shape_keys
        assert keys is not None  # the faces are among them
        face_slot, bag = _slot(action, action.layers[0].strips[0], keys)
        for column, face in enumerate(faces):
            path = keys.key_blocks[face].path_from_id("value")
            _write_curve(bag, path, 0, times, expression[:, column])
        _assign(keys, action, face_slot)
    for bone in joints.names:
        armature.pose.bones[bone].rotation_mode = "QUATERNION"
    _assign(armature, action, body_slot)
    return action


def pose_curves(
    action: bpy.types.Action,
    armature: bpy.types.Object,
    motion: Motion,
    first_frame: float,
    expression: np.ndarray | None = None,
):
    """Write the bones' curves into an empty action; returns their slot.

    expression: (N, K) of each frame; by default that of the mesh now, in all of them.
    """
    joints = Joints.of(armature)
    if expression is None:
        now = current_expression(armature)
        expression = np.broadcast_to(now, (len(motion), len(now)))
    quaternions, locations = joints.basis(motion.poses, motion.trans, expression_joint_offsets(armature, expression))
    strip = action.layers.new("Motion").strips.new(type="KEYFRAME")
    times = first_frame + np.arange(len(motion), dtype=np.float64)
    slot, bag = _slot(action, strip, armature)
    for joint, bone in enumerate(joints.names):
        pose_bone = armature.pose.bones[bone]
        path = pose_bone.path_from_id()
        group = bag.groups.new(bone)
        for axis in range(4):
            _write_curve(bag, f"{path}.rotation_quaternion", axis, times, quaternions[:, joint, axis], group)
        # Only the root travels; jaw and eyes shift a little under an expression, or did before.
        if joints.parents[joint] < 0 or np.any(locations[:, joint]) or any(pose_bone.location[:]):
            for axis in range(3):
                _write_curve(bag, f"{path}.location", axis, times, locations[:, joint, axis], group)
    return slot


def _slot(action: bpy.types.Action, strip, owner: bpy.types.ID):
    """A slot for `owner` in the action, and the bag that holds its curves."""
    slot = action.slots.new(id_type=owner.id_type, name=owner.name)
    return slot, strip.channelbag(slot, ensure=True)


def _assign(owner: bpy.types.ID, action: bpy.types.Action, slot) -> None:
    animation = owner.animation_data_create()
    animation.action = action
    animation.action_slot = slot


def _write_curve(bag, path: str, axis: int, times: np.ndarray, values: np.ndarray, group=None) -> None:
    curve = bag.fcurves.new(path, index=axis)
    if group is not None:
        curve.group = group
    points = curve.keyframe_points
    points.add(len(times))
    points.foreach_set("co", np.stack([times, values], axis=1).astype(np.float32).ravel())
    points.foreach_set("interpolation", np.full(len(times), _LINEAR, dtype=np.int32))
    curve.update()
