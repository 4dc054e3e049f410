"""SMPL-X poses on Blender's bones, exactly, both ways.

A bone's rest matrix is [B | J] in armature space. Blender turns a bone by r in its own axes, SMPL-X turns the joint by
R in the axes of the body; both turn about J, so r = B^-1 R B, whatever B is. As axis-angle vectors: r = B^-1 R.
"""

from dataclasses import dataclass

import bpy
import numpy as np

from neural_core import quaternions as quaternion

from ..properties import JOINT_ORDER_KEY
from .axes import rotations_to_core, to_blender, to_core

EXPRESSION_JOINTS_KEY = "likeness_expression_joints"


@dataclass(frozen=True)
class Joints:
    """The SMPL-X joints of an armature: bones in SMPL-X order and their rest matrices.

    Attributes:
        names: (55) bone names. parents: (55,) indices, -1 at the root. rows: (55,) indices into the pose bones.
        rest: (55, 4, 4) rest matrices in armature space, Blender axes, metres.
    """

    names: tuple[str, ...]
    parents: np.ndarray
    rows: np.ndarray
    rest: np.ndarray

    @staticmethod
    def of(armature: bpy.types.Object) -> "Joints":
        """Raises KeyError when the armature is no avatar or a joint's bone was renamed or deleted."""
        bones = armature.data.bones
        names = tuple(armature.data[JOINT_ORDER_KEY].split("\n"))
        index = {name: joint for joint, name in enumerate(names)}
        row = {bone.name: i for i, bone in enumerate(armature.pose.bones)}
        rest = np.array([bones[name].matrix_local for name in names])
        parents = np.array([_joint_above(bones[name], index) for name in names])
        return Joints(names, parents, np.array([row[name] for name in names]), rest)

    @staticmethod
    def complete(armature: bpy.types.Object | None) -> bool:
        """Whether `armature` is an avatar's, with no joint's bone renamed or deleted."""
        if armature is None or not isinstance(armature.data, bpy.types.Armature):
            return False
        if JOINT_ORDER_KEY not in armature.data:
            return False
        return all(name in armature.pose.bones for name in armature.data[JOINT_ORDER_KEY].split("\n"))

    @property
    def rest_positions(self) -> np.ndarray:
        """(55, 3) core axes, metres."""
        return to_core(self.rest[:, :3, 3])

    def basis(self, poses: np.ndarray, trans: np.ndarray, joint_offsets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Bone quaternions (N, 55, 4) and locations (N, 55, 3) of SMPL-X poses (N, 55, 3) and trans (N, 3).

        joint_offsets: (N, 55, 3) how far the expression moves each joint at rest. Turning about J + d instead of J is
        turning about J and then moving by (I - R) d.
        """
        to_bone = np.swapaxes(self.rest[:, :3, :3], -1, -2)  # (55, 3, 3)
        turned = (to_bone @ to_blender(poses)[..., None])[..., 0]
        quaternions = quaternion.same_hemisphere(quaternion.from_axis_angle(turned))
        R = quaternion.to_matrices(quaternion.from_axis_angle(poses))
        move = joint_offsets - (R @ joint_offsets[..., None])[..., 0]
        move[:, 0] += trans
        return quaternions, (to_bone @ to_blender(move)[..., None])[..., 0]


def apply_pose(armature: bpy.types.Object, pose: np.ndarray, transl: np.ndarray) -> None:
    """Pose the bones: axis-angle (55, 3) and root translation (3,), core axes, under the mesh's current expression."""
    joints = Joints.of(armature)
    offsets = expression_joint_offsets(armature, current_expression(armature)[None])
    quaternions, locations = joints.basis(np.asarray(pose)[None], np.asarray(transl)[None], offsets)
    for joint, name in enumerate(joints.names):
        bone = armature.pose.bones[name]
        bone.rotation_mode = "QUATERNION"
        bone.rotation_quaternion = quaternions[0, joint]
        bone.location = locations[0, joint]
        bone.scale = (1.0, 1.0, 1.0)


def read_pose(armature: bpy.types.Object) -> tuple[np.ndarray, np.ndarray]:
    """The pose seen now, constraints included, as SMPL-X axis-angle (55, 3) and transl (3,), core axes.

    `armature` may be an evaluated object; otherwise the view layer is brought up to date first.
    """
    if not armature.is_evaluated:
        armature = armature.evaluated_get(bpy.context.evaluated_depsgraph_get())
    joints = Joints.of(armature)
    rotations, root_move = local_rotations(armature, joints)
    offset = expression_joint_offsets(armature, current_expression(armature)[None])[0, 0]
    transl = root_move - (offset - rotations[0] @ offset)
    return quaternion.to_axis_angle(quaternion.from_matrices(rotations)), transl


def local_rotations(armature: bpy.types.Object, joints: Joints) -> tuple[np.ndarray, np.ndarray]:
    """Each joint's rotation against its parent (55, 3, 3) and the root's movement (3,), core axes, as posed now."""
    flat = np.empty(len(armature.pose.bones) * 16, dtype=np.float32)
    armature.pose.bones.foreach_get("matrix", flat)
    posed = flat.reshape(-1, 4, 4).transpose(0, 2, 1)[joints.rows].astype(np.float64)
    turned = posed[:, :3, :3] / np.linalg.norm(posed[:, :3, :3], axis=1, keepdims=True)  # bones may be scaled
    turned = turned @ np.swapaxes(joints.rest[:, :3, :3], -1, -2)
    local = np.swapaxes(turned[joints.parents], -1, -2) @ turned
    local[joints.parents < 0] = turned[joints.parents < 0]
    return rotations_to_core(local), to_core(posed[0, :3, 3] - joints.rest[0, :3, 3])


def expression_joint_offsets(armature: bpy.types.Object, expression: np.ndarray) -> np.ndarray:
    """How far expressions (N, K) move each joint at rest: (N, 55, 3) core axes, metres."""
    flat = np.array(armature.data.get(EXPRESSION_JOINTS_KEY, ()), dtype=np.float64)
    table = flat.reshape(-1, 55, 3)[: expression.shape[1]]
    return np.einsum("nk,kjc->njc", expression[:, : len(table)], table)


def current_expression(armature: bpy.types.Object) -> np.ndarray:
    """(K,) values of the expression shape keys of the armature's avatar mesh; empty when it has none."""
    for mesh in avatar_meshes(armature):
        names = expression_names(mesh)
        return np.array([mesh.data.shape_keys.key_blocks[name].value for name in names])
    return np.zeros(0)


def apply_expression(mesh: bpy.types.Object, expression: np.ndarray) -> None:
    """Set the expression shape keys from the first entries of (K,)."""
    for name, value in zip(expression_names(mesh), expression):
        mesh.data.shape_keys.key_blocks[name].value = float(value)


def expression_names(mesh: bpy.types.Object) -> list[str]:
    """The shape keys of an avatar mesh that are expressions, in the order of the avatar file."""
    if mesh.data.shape_keys is None:
        return []
    present = mesh.data.shape_keys.key_blocks
    return [name for name in mesh.data.get("likeness_expressions", "").split("\n") if name in present]


def avatar_meshes(armature: bpy.types.Object) -> list[bpy.types.Object]:
    """The avatar meshes that this armature moves."""
    return [child for child in armature.original.children if child.type == "MESH" and child.likeness.is_avatar_mesh]


def _joint_above(bone: bpy.types.Bone, index: dict[str, int]) -> int:
    """The nearest joint above, skipping bones that a user put between."""
    above = bone.parent
    while above is not None and above.name not in index:
        above = above.parent
    return -1 if above is None else index[above.name]
