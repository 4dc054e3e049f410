"""Pose correctives without drivers: a shape key that follows the bones.

SMPL-X adds offsets to the rest mesh that are linear in (R - I) of the joints' local rotations. Blender has no such
deformer, so its handlers (handlers.py) recompute the shape key `Correctives` whenever the pose changed. Blender
evaluates again when a frame handler changed something, so viewport, `blender -b -a` and every engine see the corrected
mesh.
"""

from dataclasses import dataclass

import bpy
import numpy as np

from ..typed import mesh_of
from .pose import Joints, local_rotations

CORRECTIVES_KEY = "Correctives"
_INDEX, _FEATURE, _VALUE = (f"likeness_corrective_{part}" for part in ("index", "feature", "value"))


@dataclass(frozen=True)
class Correctives:
    """A sparse linear map from pose features to rest-mesh coordinates.

    Attributes:
        index: (n,) int32, vertex * 3 + axis in Blender axes. feature: (n,) int16 in 0..485.
        value: (n,) float32, metres.
    """

    index: np.ndarray
    feature: np.ndarray
    value: np.ndarray

    def store(self, mesh: bpy.types.Mesh) -> None:
        """Keep the map in the mesh, so that a .blend file needs no backend to animate."""
        mesh[_INDEX], mesh[_FEATURE], mesh[_VALUE] = self.index.tobytes(), self.feature.tobytes(), self.value.tobytes()

    @staticmethod
    def read(mesh: bpy.types.Mesh) -> "Correctives":
        """The map kept in a mesh; empty when there is none."""
        parts = ((_INDEX, np.int32), (_FEATURE, np.int16), (_VALUE, np.float32))
        index, feature, value = (np.frombuffer(mesh.get(key, b""), dtype=kind) for key, kind in parts)
        if not len(index) == len(feature) == len(value) or (len(index) and index.max() >= 3 * len(mesh.vertices)):
            return Correctives(index[:0], feature[:0], value[:0])  # the mesh was edited: its vertices are others now
        return Correctives(index, feature, value)

    def offsets(self, features: np.ndarray, num_vertices: int) -> np.ndarray:
        """Rest-mesh offsets (V, 3), Blender axes, metres, for pose features (486,)."""
        flat = np.bincount(self.index, weights=self.value * features[self.feature], minlength=3 * num_vertices)
        return flat.reshape(num_vertices, 3)


def pose_features(rotations: np.ndarray) -> np.ndarray:
    """(R - I) of joints 1..54, flat (486,), from local rotations (55, 3, 3) in core axes (SMPL-X, equation 4)."""
    return (rotations[1:] - np.eye(3)).ravel()


def update_correctives(mesh: bpy.types.Object, features: np.ndarray) -> None:
    """Write the offsets for `features` (486,) into the shape key."""
    keys = mesh.data.shape_keys.key_blocks
    rest = np.empty(3 * len(mesh.data.vertices), dtype=np.float32)
    keys[0].points.foreach_get("co", rest)
    offsets = _map_of(mesh_of(mesh)).offsets(features, len(mesh.data.vertices))
    keys[CORRECTIVES_KEY].points.foreach_set("co", (rest + offsets.ravel()).astype(np.float32))
    mesh.data.shape_keys.update_tag()
    mesh.data.update_tag()


# What was computed last, by session id of the mesh: only a pose that really changed costs anything.
_maps: dict[int, Correctives] = {}
_last: dict[int, np.ndarray] = {}


def _map_of(mesh: bpy.types.Mesh) -> Correctives:
    if mesh.session_uid not in _maps:
        _maps[mesh.session_uid] = Correctives.read(mesh)
    return _maps[mesh.session_uid]


def follow_pose(scene: bpy.types.Scene, depsgraph: bpy.types.Depsgraph) -> None:
    """Bring the correctives of every avatar in the depsgraph's view layer up to the evaluated pose."""
    done = set()
    for mesh in depsgraph.view_layer.objects:
        uid = mesh.data.session_uid if _has_correctives(mesh) else None
        if uid is None or uid in done:
            continue
        done.add(uid)  # objects that share their mesh share its shape keys: the first one's pose counts
        armature = mesh.parent.evaluated_get(depsgraph)
        rotations, _ = local_rotations(armature, Joints.of(armature))
        features = pose_features(rotations)
        # Exact comparison: a tolerance would make pictures depend on the frames shown before.
        if uid not in _last or not np.array_equal(_last[uid], features):
            _last[uid] = features
            update_correctives(mesh, features)


def _has_correctives(mesh: bpy.types.Object) -> bool:
    """Whether this is an avatar whose rig is whole, and nobody is editing its shape."""
    if mesh.type != "MESH" or not mesh.likeness.is_avatar_mesh or mesh.mode in {"EDIT", "SCULPT"}:
        return False
    keys = mesh.data.shape_keys
    return keys is not None and CORRECTIVES_KEY in keys.key_blocks and Joints.complete(mesh.parent)


def forget() -> None:
    """The data may be other than it was: compute afresh."""
    _maps.clear()
    _last.clear()
