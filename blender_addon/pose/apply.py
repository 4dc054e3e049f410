"""Poses onto the bones, standing on the ground where the avatar stands."""

import bpy
import numpy as np

from ..rig.ground import lowest_points
from ..rig.pose import Joints, apply_pose, avatar_meshes, read_pose
from .library import LIBRARY
from .mirror import mirrored, partner

_FACE = slice(22, 25)


def library_pose(armature: bpy.types.Object, key: str) -> np.ndarray:
    """(55, 3) a pose of the library for this avatar, its face as it is."""
    hands = np.array(armature.data["likeness_hands_mean"]).reshape(30, 3)
    pose = LIBRARY[key].rotations(Joints.of(armature).names, hands)
    pose[_FACE] = read_pose(armature)[0][_FACE]
    return pose


def stand(armature: bpy.types.Object, pose: np.ndarray) -> None:
    """Take a pose (55, 3) on the spot, the lowest point of the surface on the ground."""
    _, transl = read_pose(armature)
    apply_pose(armature, pose, grounded(armature, pose, transl))


def grounded(armature: bpy.types.Object, pose: np.ndarray, transl: np.ndarray) -> np.ndarray:
    """(3,) the translation with which the lowest point of the surface touches y = 0."""
    meshes = avatar_meshes(armature)
    if not meshes:
        return transl
    lowest = lowest_points(armature, meshes[0], pose[None], transl[None])[0]
    return transl - [0.0, lowest, 0.0]


def mirror_pose(armature: bpy.types.Object) -> None:
    """Left and right exchanged, expression included, on the spot."""
    pose, transl = read_pose(armature)
    for mesh in avatar_meshes(armature):
        if mesh.data.shape_keys is not None:
            keys = mesh.data.shape_keys.key_blocks
            values = {key.name: key.value for key in keys}
            for name in values:
                if partner(name) in values:
                    keys[name].value = values[partner(name)]
    apply_pose(armature, mirrored(pose, Joints.of(armature).names), transl)


def key_pose(armature: bpy.types.Object, frame: float) -> None:
    """Keyframes of every joint at a frame."""
    joints = Joints.of(armature)
    for name, above in zip(joints.names, joints.parents):
        bone = armature.pose.bones[name]
        bone.keyframe_insert("rotation_quaternion", frame=frame, group=name)
        if above < 0:
            bone.keyframe_insert("location", frame=frame, group=name)
