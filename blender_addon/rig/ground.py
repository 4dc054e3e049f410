"""Where a motion touches the ground, so that it can be put onto it."""

import bpy
import numpy as np

from neural_core import quaternions

from .axes import to_core
from .pose import Joints

_COARSE = 8  # every eighth vertex of the whole surface ...
_FEET = 0.12  # ... and every vertex within these metres of the soles at rest
_FRAMES_PER_CHUNK = 256


def lowest_points(
    armature: bpy.types.Object, mesh: bpy.types.Object, poses: np.ndarray, trans: np.ndarray
) -> np.ndarray:
    """(N,) height of the lowest point of the surface, core's y, metres, for poses (N, 55, 3) and trans (N, 3).

    Each point follows the one joint that moves it most: millimetres off at the bends, and cheap for long motions.
    """
    joints = Joints.of(armature)
    surface = _rest_surface(mesh)
    chosen = np.flatnonzero((np.arange(len(surface)) % _COARSE == 0) | (surface[:, 1] < surface[:, 1].min() + _FEET))
    owner = _dominant_joints(mesh, chosen, joints.names)
    points, rest = surface[chosen], joints.rest_positions
    result = []
    for start in range(0, len(poses), _FRAMES_PER_CHUNK):
        part = slice(start, start + _FRAMES_PER_CHUNK)
        rotations, positions = forward_kinematics(poses[part], rest, joints.parents)
        up = rotations[:, owner, 1, :]  # (n, P, 3)
        height = (up * (points - rest[owner])).sum(-1) + positions[:, owner, 1]
        result.append(height.min(axis=1) + trans[part, 1])
    return np.concatenate(result)


def forward_kinematics(poses: np.ndarray, rest: np.ndarray, parents: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Global rotations (N, 55, 3, 3) and positions (N, 55, 3) of axis-angle poses (N, 55, 3) on rest joints (55, 3)."""
    rotations = quaternions.to_matrices(quaternions.from_axis_angle(poses))
    positions = np.broadcast_to(rest, poses.shape).copy()
    for joint, parent in enumerate(parents):
        if parent >= 0:
            positions[:, joint] = positions[:, parent] + rotations[:, parent] @ (rest[joint] - rest[parent])
            rotations[:, joint] = rotations[:, parent] @ rotations[:, joint]
    return rotations, positions


def _rest_surface(mesh: bpy.types.Object) -> np.ndarray:
    """(V, 3) the clothed rest mesh, core axes."""
    flat = np.empty(3 * len(mesh.data.vertices), dtype=np.float32)
    keys = mesh.data.shape_keys.key_blocks if mesh.data.shape_keys is not None else {}
    if "Clothed" in keys:
        keys["Clothed"].points.foreach_get("co", flat)
    else:
        mesh.data.vertices.foreach_get("co", flat)
    return to_core(flat.reshape(-1, 3))


def _dominant_joints(mesh: bpy.types.Object, vertices: np.ndarray, names: tuple[str, ...]) -> np.ndarray:
    """For each vertex index, the joint whose vertex group holds most of it; the root where there is none."""
    joint_of_group = {group.index: names.index(group.name) for group in mesh.vertex_groups if group.name in names}
    owner = np.zeros(len(vertices), dtype=np.int64)
    for row, vertex in enumerate(vertices.tolist()):
        groups = [g for g in mesh.data.vertices[vertex].groups if g.group in joint_of_group]
        if groups:
            owner[row] = joint_of_group[max(groups, key=lambda g: g.weight).group]
    return owner
