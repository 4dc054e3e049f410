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
    held = np.broadcast_to(current_expression(armature), (len(motion), len(current_expression(armature)))).copy()
    animated = with_expression and mesh is not None and motion.expression is not None and held.shape[1] > 0
    if animated:
        count = min(motion.expression.shape[1], held.shape[1])
        held[:, :count] = motion.expression[:, :count]
    quaternions, locations = joints.basis(motion.poses, motion.trans, expression_joint_offsets(armature, held))
    action = bpy.data.actions.new(name)
    layer = action.layers.new("Motion")
    strip = layer.strips.new(type="KEYFRAME")
    times = first_frame + np.arange(len(motion), dtype=np.float64)

    body_slot, bag = _slot(action, strip, armature)
    for joint, bone in enumerate(joints.names):
        pose_bone = armature.pose.bones[bone]
        path = pose_bone.path_from_id()
        group = bag.groups.new(bone)
        for axis in range(4):
            _write_curve(bag, f"{path}.rotation_quaternion", axis, times, quaternions[:, joint, axis], group)
        # Only the root travels; jaw and eyes shift a little under an expression, or did before.
        if joints.parents[joint] < 0 or np.any(locations[:, joint]) or any(pose_bone.location):
            for axis in range(3):
                _write_curve(bag, f"{path}.location", axis, times, locations[:, joint, axis], group)
    if animated:
        face_slot, bag = _slot(action, strip, mesh.data.shape_keys)
        for column, key in enumerate(expression_names(mesh)[:count]):
            _write_curve(bag, f'key_blocks["{bpy.utils.escape_identifier(key)}"].value', 0, times, held[:, column])
        _assign(mesh.data.shape_keys, action, face_slot)
    for bone in joints.names:
        armature.pose.bones[bone].rotation_mode = "QUATERNION"
    _assign(armature, action, body_slot)
    return action


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
