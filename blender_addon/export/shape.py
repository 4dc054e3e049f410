"""What the exported mesh looks like at rest: clothes baked in, pose correctives as morph targets."""

import bpy
import numpy as np

from ..rig.correctives import CORRECTIVES_KEY, Correctives, pose_features
from ..rig.mesh import CLOTHED_KEY
from ..rig.pose import Joints, expression_names, local_rotations
from .copy import AvatarCopy

MAX_MORPHS = 32
_TOLERANCE = 5e-4  # metres that animated morphs may deviate from the true correctives


def bake_clothes(mesh: bpy.types.Object) -> None:
    """Move `Clothed` at its present value into the rest mesh and every other shape key, and drop it."""
    keys = mesh.data.shape_keys.key_blocks
    if CLOTHED_KEY not in keys:
        return
    offset = (_points(keys[CLOTHED_KEY]) - _points(keys[0])) * keys[CLOTHED_KEY].value
    for key in keys:
        if key.name != CLOTHED_KEY:
            _set_points(key, _points(key) + offset)
    mesh.shape_key_remove(keys[CLOTHED_KEY])
    mesh.data.vertices.foreach_set("co", _points(mesh.data.shape_keys.key_blocks[0]))


def drop_expressions(mesh: bpy.types.Object) -> None:
    """Bake the expression of this moment into the rest mesh and drop its shape keys."""
    keys = mesh.data.shape_keys.key_blocks
    names = expression_names(mesh)
    basis = _points(keys[0])
    offset = sum(((_points(keys[name]) - basis) * keys[name].value for name in names), np.zeros_like(basis))
    for name in names:
        mesh.shape_key_remove(mesh.data.shape_keys.key_blocks[name])
    for key in mesh.data.shape_keys.key_blocks:
        _set_points(key, _points(key) + offset)
    mesh.data.vertices.foreach_set("co", _points(mesh.data.shape_keys.key_blocks[0]))


def drop_correctives(mesh: bpy.types.Object) -> None:
    """Plain linear blend skinning."""
    keys = mesh.data.shape_keys.key_blocks
    if CORRECTIVES_KEY in keys:
        mesh.shape_key_remove(keys[CORRECTIVES_KEY])


def animate_correctives(context: bpy.types.Context, copy: AvatarCopy) -> float:
    """Replace `Correctives` by morph targets that follow the animation; returns the largest deviation, metres.

    The offsets of all frames are a matrix of low rank: its leading principal components become the targets and their
    coefficients the animation.
    """
    scene, mesh = copy.scene, copy.mesh
    frames = np.arange(scene.frame_start, scene.frame_end + 1)
    corrective = Correctives.read(mesh.data)
    offsets = np.stack([
        corrective.offsets(_features(context, copy, int(frame)), len(mesh.data.vertices)).ravel() for frame in frames
    ])  # (N, 3V)
    drop_correctives(mesh)
    targets, weights, deviation = principal_morphs(offsets, MAX_MORPHS, _TOLERANCE)
    basis = _points(mesh.data.shape_keys.key_blocks[0])
    keys = mesh.data.shape_keys
    for number, target in enumerate(targets):
        key = mesh.shape_key_add(name=f"{CORRECTIVES_KEY} {number + 1:02d}", from_mix=False)
        key.slider_min, key.slider_max = -1.0, 1.0
        _set_points(key, basis + target)
        for frame, value in zip(frames, weights[:, number]):
            key.value = float(value)
            key.keyframe_insert("value", frame=int(frame))
    del keys
    return deviation


def principal_morphs(offsets: np.ndarray, most: int, tolerance: float) -> tuple[np.ndarray, np.ndarray, float]:
    """Targets (r, D) and weights (N, r) in [-1, 1] whose product is within `tolerance` of offsets (N, D), r <= most."""
    values, vectors = np.linalg.eigh(offsets @ offsets.T)  # (N, N): frames are few, coordinates many
    vectors = vectors[:, np.argsort(values)[::-1]]
    rank, deviation = 0, float(np.abs(offsets).max(initial=0.0))
    while deviation > tolerance and rank < min(most, len(offsets)):
        rank += 1
        kept = vectors[:, :rank]
        deviation = float(np.abs(kept @ (kept.T @ offsets) - offsets).max())
    weights = vectors[:, :rank]
    scale = np.abs(weights).max(axis=0, initial=1e-12)
    return (weights.T @ offsets) * scale[:, None], weights / scale, deviation


def _features(context: bpy.types.Context, copy: AvatarCopy, frame: int) -> np.ndarray:
    with context.temp_override(**copy.override):
        copy.scene.frame_set(frame)
        armature = copy.armature.evaluated_get(bpy.context.evaluated_depsgraph_get())
        rotations, _ = local_rotations(armature, Joints.of(armature))
    return pose_features(rotations)


def _points(key: bpy.types.ShapeKey) -> np.ndarray:
    """(3V,) float32."""
    flat = np.empty(3 * len(key.points), dtype=np.float32)
    key.points.foreach_get("co", flat)
    return flat


def _set_points(key: bpy.types.ShapeKey, points: np.ndarray) -> None:
    key.points.foreach_set("co", np.ascontiguousarray(points, dtype=np.float32))
