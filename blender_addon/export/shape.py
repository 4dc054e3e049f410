"""What the exported mesh looks like at rest: clothes baked in, pose correctives as morph targets."""

import bpy
import numpy as np

from ..rig.correctives import CORRECTIVES_KEY, Correctives, pose_features
from ..rig.mesh import CLOTHED_KEY
from ..rig.pose import Joints, expression_names, local_rotations
from ..typed import mesh_of
from .copy import AvatarCopy
from .skin import LimitedSkin

MAX_MORPHS = 32
_TOLERANCE = 5e-4  # metres that animated morphs may deviate from the true correctives


def bake_clothes(mesh: bpy.types.Object) -> None:
    """Move `Clothed` at its present value into the rest mesh and every other shape key, and drop it."""
    _bake_and_drop(mesh, [CLOTHED_KEY])


def bake_expressions(mesh: bpy.types.Object) -> None:
    """Move the expression of this moment into the rest mesh, and drop the expressions' shape keys."""
    _bake_and_drop(mesh, expression_names(mesh))


def drop_correctives(mesh: bpy.types.Object) -> None:
    """Plain linear blend skinning."""
    keys = mesh.data.shape_keys.key_blocks
    if CORRECTIVES_KEY in keys:
        mesh.shape_key_remove(keys[CORRECTIVES_KEY])


def pose_correctives(context: bpy.types.Context, copy: AvatarCopy, skin: LimitedSkin) -> None:
    """Set the shape key `Correctives` for the pose of the copy's current frame."""
    keys = copy.mesh.data.shape_keys.key_blocks
    if CORRECTIVES_KEY in keys:
        offsets = _corrections(context, copy, skin, [copy.scene.frame_current])[0]
        set_points(keys[CORRECTIVES_KEY], points(keys[0]) + offsets)


def animate_correctives(context: bpy.types.Context, copy: AvatarCopy, skin: LimitedSkin) -> float:
    """Replace `Correctives` by morph targets that follow the animation; returns the largest deviation, metres.

    The offsets of all frames are a matrix of low rank: its leading principal components become the targets and their
    coefficients the animation.
    """
    scene, mesh = copy.scene, copy.mesh
    if CORRECTIVES_KEY not in mesh.data.shape_keys.key_blocks:
        return 0.0
    frames = range(scene.frame_start, scene.frame_end + 1)
    offsets = _corrections(context, copy, skin, frames)
    drop_correctives(mesh)
    targets, weights, deviation = principal_morphs(offsets, MAX_MORPHS, _TOLERANCE)
    basis = points(mesh.data.shape_keys.key_blocks[0])
    for number, target in enumerate(targets):
        key = mesh.shape_key_add(name=f"{CORRECTIVES_KEY} {number + 1:02d}", from_mix=False)
        set_points(key, basis + target)
        for frame, value in zip(frames, weights[:, number].tolist()):
            key.value = value
            key.keyframe_insert("value", frame=frame)
    return deviation


def principal_morphs(offsets: np.ndarray, most: int, tolerance: float) -> tuple[np.ndarray, np.ndarray, float]:
    """Targets (r, D) and weights (N, r) in [0, 1] whose product is within `tolerance` of offsets (N, D), r <= most.

    Who reads the file may clamp weights at zero, as Blender's own glTF importer does: a component that goes both ways
    is two targets.
    """
    values, vectors = np.linalg.eigh(offsets @ offsets.T)  # (N, N): frames are few, coordinates many
    vectors = vectors[:, np.argsort(values)[::-1]]
    rank, deviation = 0, float(np.abs(offsets).max(initial=0.0))
    while deviation > tolerance and rank < min(most // 2, len(offsets)):
        rank += 1
        kept = vectors[:, :rank]
        deviation = float(np.abs(kept @ (kept.T @ offsets) - offsets).max())
    weights = vectors[:, :rank]
    targets, weights = np.concatenate([weights.T @ offsets] * 2), np.concatenate([weights, -weights], axis=1)
    targets[rank:] *= -1
    weights = weights.clip(min=0)
    scale = weights.max(axis=0, initial=0.0)
    used = scale > 0
    return targets[used] * scale[used, None], weights[:, used] / scale[used], deviation


def points(key: bpy.types.ShapeKey) -> np.ndarray:
    """(3V,) float32."""
    flat = np.empty(3 * len(key.points), dtype=np.float32)
    key.points.foreach_get("co", flat)
    return flat


def set_points(key: bpy.types.ShapeKey, flat: np.ndarray) -> None:
    key.points.foreach_set("co", np.ascontiguousarray(flat, dtype=np.float32))


def _corrections(context: bpy.types.Context, copy: AvatarCopy, skin: LimitedSkin, frames) -> np.ndarray:
    """(N, 3V) rest offsets in each frame: SMPL-X's pose correctives, and what the cut weights need on top."""
    mesh = copy.mesh
    corrective, num_vertices = Correctives.read(mesh_of(mesh)), len(mesh.data.vertices)
    keys = mesh.data.shape_keys.key_blocks
    basis = points(keys[0]).astype(np.float64)
    rest = basis + sum((points(k) - basis) * k.value for k in keys[1:] if k.name != CORRECTIVES_KEY)
    result = np.empty((len(frames), 3 * num_vertices))
    with context.temp_override(**copy.override):
        for row, frame in enumerate(frames):
            copy.scene.frame_set(frame)
            armature = copy.armature.evaluated_get(bpy.context.evaluated_depsgraph_get())
            rotations, _ = local_rotations(armature, Joints.of(armature))
            true = rest.reshape(-1, 3) + corrective.offsets(pose_features(rotations), num_vertices)
            result[row] = skin.corrected(true, armature).ravel() - rest
    return result


def _bake_and_drop(mesh: bpy.types.Object, names: list[str]) -> None:
    keys = mesh.data.shape_keys.key_blocks
    present = [name for name in names if name in keys]
    basis = points(keys[0])
    offset = sum(((points(keys[name]) - basis) * keys[name].value for name in present), np.zeros_like(basis))
    for name in present:
        mesh.shape_key_remove(mesh.data.shape_keys.key_blocks[name])
    for key in mesh.data.shape_keys.key_blocks:
        set_points(key, points(key) + offset)
    mesh.data.vertices.foreach_set("co", points(mesh.data.shape_keys.key_blocks[0]))
