"""Skinning weights that game engines read, without losing the surface.

Most viewers read four joints per vertex; the body has up to eight. The weights are cut to the largest few, and the
error this makes in a pose is taken back by the pose's correctives: the rest vertex x' with M' x' = M x, where M blends
the joints' motions with the full weights and M' with the cut ones.
"""

from dataclasses import dataclass

import bpy
import numpy as np


@dataclass(frozen=True)
class LimitedSkin:
    """Weights before and after cutting.

    Attributes:
        bones: (J) names of the bones that have a vertex group. full, limited: (V, J), rows sum to one.
        changed: (n,) vertices whose weights were cut.
    """

    bones: tuple[str, ...]
    full: np.ndarray
    limited: np.ndarray
    changed: np.ndarray

    @staticmethod
    def of(mesh: bpy.types.Object, armature: bpy.types.Object, influences: int) -> "LimitedSkin":
        """Cut the weights of `mesh` (its vertex groups are changed) to the largest `influences` of each vertex."""
        bones = tuple(bone.name for bone in armature.data.bones if bone.name in mesh.vertex_groups)
        column = {mesh.vertex_groups[name].index: j for j, name in enumerate(bones)}
        full = np.zeros((len(mesh.data.vertices), len(bones)))
        for vertex in mesh.data.vertices:
            for group in vertex.groups:
                if group.group in column:
                    full[vertex.index, column[group.group]] = group.weight
        full /= np.maximum(full.sum(1, keepdims=True), 1e-12)
        changed = np.flatnonzero((full > 0).sum(1) > influences)
        limited = full.copy()
        smallest = np.argsort(full[changed], axis=1)[:, :-influences]
        rows = limited[changed]
        np.put_along_axis(rows, smallest, 0.0, axis=1)
        limited[changed] = rows / rows.sum(1, keepdims=True)
        for vertex in changed.tolist():
            for j, name in enumerate(bones):
                if full[vertex, j] > 0 and limited[vertex, j] == 0:
                    mesh.vertex_groups[name].remove([vertex])
                elif limited[vertex, j] > 0:
                    mesh.vertex_groups[name].add([vertex], limited[vertex, j], "REPLACE")
        return LimitedSkin(bones, full, limited, changed)

    def corrected(self, rest: np.ndarray, armature: bpy.types.Object) -> np.ndarray:
        """Rest vertices (V, 3), armature space, that the cut weights pose where the full ones pose `rest` (V, 3).

        armature: evaluated, in the pose in question.
        """
        if not len(self.changed):
            return rest
        motion = np.stack([self._motion(armature, name) for name in self.bones])  # (J, 4, 4)
        full = np.einsum("vj,jrc->vrc", self.full[self.changed], motion)
        limited = np.einsum("vj,jrc->vrc", self.limited[self.changed], motion)
        x = np.concatenate([rest[self.changed], np.ones((len(self.changed), 1))], axis=1)
        posed = (full @ x[..., None])[:, :3]
        result = rest.copy()
        result[self.changed] = np.linalg.solve(limited[:, :3, :3], posed - limited[:, :3, 3:])[..., 0]
        return result

    @staticmethod
    def _motion(armature: bpy.types.Object, name: str) -> np.ndarray:
        bone = armature.pose.bones[name]
        return np.array(bone.matrix @ bone.bone.matrix_local.inverted())
