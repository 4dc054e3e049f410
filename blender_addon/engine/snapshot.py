"""Blender's scene at one frame as plain arrays: posed avatars, and the meshes that hold them out."""

from collections.abc import Iterator
from dataclasses import dataclass

import bpy
import numpy as np

from ..avatar_files import avatar_file
from ..rig.axes import to_core
from ..rig.painting import Painted, painted
from ..typed import mesh_of
from .errors import SceneError
from .view import View

_WITH_SURFACE = {"MESH", "CURVE", "SURFACE", "FONT", "META"}


@dataclass(frozen=True)
class AvatarPose:
    """One avatar: its file, its vertices (V, 3) float32 in the core's world, metres, and what was painted on it."""

    path: str
    vertices: np.ndarray
    paint: Painted | None = None


@dataclass(frozen=True)
class Snapshot:
    """What a frame is drawn from; holds no reference into Blender.

    Attributes:
        view: the camera. avatars: from the scene's order. holdout_vertices: (n, 3) float32 in the core's world;
        holdout_faces: (m, 3) int32. quality: "final" or "draft".
    """

    view: View
    avatars: tuple[AvatarPose, ...]
    holdout_vertices: np.ndarray
    holdout_faces: np.ndarray
    quality: str

    def request(self) -> tuple[dict, dict[str, np.ndarray]]:
        """Body and arrays of `render_frame`."""
        avatars = [{"path": a.path} | ({"paint": a.paint.state} if a.paint else {}) for a in self.avatars]
        body = {**self.view.to_json(), "quality": self.quality, "avatars": avatars}
        arrays = {f"vertices_{index}": avatar.vertices for index, avatar in enumerate(self.avatars)}
        arrays |= {f"paint_{index}": a.paint.pixels for index, a in enumerate(self.avatars) if a.paint}
        return body, {**arrays, "holdout_vertices": self.holdout_vertices, "holdout_faces": self.holdout_faces}


@dataclass(frozen=True)
class _Surface:
    """An evaluated mesh in its own space: vertices (n, 3), triangles (m, 3) int32, none of an avatar that is drawn."""

    vertices: np.ndarray
    triangles: np.ndarray


def take_snapshot(depsgraph: bpy.types.Depsgraph, view: View, quality: str) -> Snapshot:
    """The visible objects of an evaluated view layer, instances included.

    Avatars that hold out (collection or object set to Holdout) cut out others instead of being drawn.

    Raises:
        SceneError: an avatar lost its file, or its mesh another number of vertices.
    """
    avatars, surfaces = [], []
    cache: dict[int, _Surface] = {}
    for obj, matrix, holds_out in _visible_surfaces(depsgraph):
        original = obj.original
        assert original is not None
        drawn = original.likeness.is_avatar_mesh and not holds_out
        surface = _read(mesh_of(obj), with_triangles=False) if drawn else _surface(obj, cache)
        if not len(surface.vertices):
            continue
        vertices = to_core(surface.vertices @ matrix[:3, :3].T + matrix[:3, 3]).astype(np.float32)
        if drawn:
            avatars.append(_avatar(original, vertices))
        elif len(surface.triangles):
            surfaces.append(_Surface(vertices, surface.triangles))
    return Snapshot(view, tuple(avatars), *_joined(surfaces if avatars else []), quality)


def _visible_surfaces(depsgraph: bpy.types.Depsgraph) -> Iterator[tuple[bpy.types.Object, np.ndarray, bool]]:
    """Objects that the camera can see, their matrix (4, 4) to the world, and whether they are set to hold out."""
    layer = depsgraph.view_layer  # the original one: only originals are found in it
    for instance in depsgraph.object_instances:
        obj = instance.object
        assert obj is not None
        if not (instance.show_self and obj.type in _WITH_SURFACE and obj.visible_camera):
            continue
        owner = (instance.parent or obj).original  # an instance is in the collections of its instancer
        if not owner.indirect_only_get(view_layer=layer):
            yield obj, np.array(instance.matrix_world, dtype=np.float64), owner.holdout_get(view_layer=layer)


def _avatar(original: bpy.types.Object, vertices: np.ndarray) -> AvatarPose:
    if not original.likeness.avatar_path:
        raise SceneError(f"The avatar mesh '{original.name}' names no avatar file: import the avatar again.")
    own = len(original.data.vertices)
    if len(vertices) != own:
        raise SceneError(
            f"The avatar mesh '{original.name}' has {len(vertices)} vertices after its modifiers instead of {own}: "
            "remove modifiers that add or remove vertices."
        )
    return AvatarPose(avatar_file(original), vertices, painted(original))


def _surface(obj: bpy.types.Object, cache: dict[int, _Surface]) -> _Surface:
    """The evaluated surface of an object; instances of one mesh are read once."""
    if obj.type == "MESH":
        key = obj.data.as_pointer()
        if key not in cache:
            cache[key] = _read(mesh_of(obj))
        return cache[key]
    mesh = obj.to_mesh()
    try:
        return _read(mesh) if mesh is not None else _Surface(np.zeros((0, 3)), np.zeros((0, 3), np.int32))
    finally:
        obj.to_mesh_clear()


def _read(mesh: bpy.types.Mesh, with_triangles: bool = True) -> _Surface:
    vertices = np.empty(len(mesh.vertices) * 3, np.float32)
    mesh.vertices.foreach_get("co", vertices)
    triangles = np.empty(0, np.int32)
    if with_triangles:
        mesh.calc_loop_triangles()
        triangles = np.empty(len(mesh.loop_triangles) * 3, np.int32)
        mesh.loop_triangles.foreach_get("vertices", triangles)
    return _Surface(vertices.reshape(-1, 3).astype(np.float64), triangles.reshape(-1, 3))


def _joined(surfaces: list[_Surface]) -> tuple[np.ndarray, np.ndarray]:
    """All surfaces as one: vertices (n, 3) float32 and triangles (m, 3) int32."""
    if not surfaces:
        return np.zeros((0, 3), np.float32), np.zeros((0, 3), np.int32)
    starts = np.cumsum([0, *(len(surface.vertices) for surface in surfaces[:-1])])
    triangles = [surface.triangles + start for surface, start in zip(surfaces, starts)]
    return np.concatenate([s.vertices for s in surfaces]), np.concatenate(triangles).astype(np.int32)
