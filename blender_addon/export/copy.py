"""A copy of an avatar in a scene of its own, so that nothing of the user's is touched."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import bpy
import numpy as np

from ..datablocks import temporary_datablocks
from ..rig.material import material_image
from ..rig.pose import avatar_meshes
from ..typed import scene_of


@dataclass(frozen=True)
class AvatarCopy:
    """Armature, mesh and the scene that holds nothing else."""

    scene: bpy.types.Scene
    armature: bpy.types.Object
    mesh: bpy.types.Object

    @property
    def override(self) -> dict:
        """For `context.temp_override`: operators see the copy's scene, both objects selected."""
        return self._override(self.armature, self.mesh)

    @property
    def surface_override(self) -> dict:
        """The same with the mesh alone."""
        return self._override(self.mesh)

    def _override(self, *objects: bpy.types.Object) -> dict:
        return {
            "scene": self.scene,
            "view_layer": self.scene.view_layers[0],
            "active_object": objects[0],
            "object": objects[0],
            "selected_objects": list(objects),
            "selected_editable_objects": list(objects),
        }


@contextmanager
def avatar_copy(context: bpy.types.Context, armature: bpy.types.Object, texture_size: int) -> Iterator[AvatarCopy]:
    """Copy armature, mesh, material and texture into a new scene; all of it is gone afterwards.

    Inside, the copies carry the originals' names, so that files exported twice hold the same names.
    """
    mesh = avatar_meshes(armature)[0]
    with _object_mode(context), temporary_datablocks():
        scene = _scene_like(scene_of(context))
        pairs: list[tuple[bpy.types.ID, bpy.types.ID]] = []

        def copied(original):
            copy = original.copy()
            pairs.append((original, copy))
            return copy

        armature_copy, mesh_copy = copied(armature), copied(mesh)
        armature_copy.data, mesh_copy.data = copied(armature.data), copied(mesh.data)
        for thing in (armature_copy, mesh_copy):
            scene.collection.objects.link(thing)
            thing.hide_viewport = thing.hide_render = thing.hide_select = False
            # The handlers must leave the copies alone: their shape keys are ours now.
            thing.likeness.is_avatar = thing.likeness.is_avatar_mesh = False
        armature_copy.parent = None
        armature_copy.matrix_world = armature.matrix_world
        mesh_copy.parent = armature_copy
        for modifier in mesh_copy.modifiers:
            if modifier.type == "ARMATURE" and modifier.object == armature:
                modifier.object = armature_copy
        for slot in mesh_copy.material_slots:
            if slot.material is not None:
                slot.material = copied(slot.material)
                _bake_texture(slot.material, texture_size, copied)
        for thing in (armature_copy, mesh_copy):
            thing.select_set(True, view_layer=scene.view_layers[0])
        scene.view_layers[0].objects.active = armature_copy
        with _names_lent(pairs):
            yield AvatarCopy(scene, armature_copy, mesh_copy)


def leave_surface_alone(copy: AvatarCopy) -> None:
    """The mesh stands by itself, where the armature carried it; still moved by the bones."""
    matrix = copy.mesh.matrix_world.copy()
    copy.mesh.parent = None
    copy.mesh.matrix_world = matrix
    copy.armature.select_set(False, view_layer=copy.scene.view_layers[0])
    copy.scene.view_layers[0].objects.active = copy.mesh


def write_texture_beside(mesh: bpy.types.Object, path: Path) -> None:
    """The copy's texture as a PNG beside the file, for formats that hold none; the material inside names it."""
    for slot in mesh.material_slots:
        image = material_image(slot.material) if slot.material is not None else None
        if image is not None:
            file = path.with_suffix(".png")
            image.save(filepath=str(file), save_copy=True)
            image.filepath = str(file)


def _scene_like(original: bpy.types.Scene) -> bpy.types.Scene:
    scene = bpy.data.scenes.new("Likeness Export")
    scene.render.fps, scene.render.fps_base = original.render.fps, original.render.fps_base
    scene.frame_start, scene.frame_end = original.frame_start, original.frame_end
    scene.frame_set(original.frame_current, subframe=original.frame_subframe)
    return scene


def _bake_texture(material: bpy.types.Material, size: int, copied) -> None:
    """The avatar's baked picture at the size wanted, packed; glTF and FBX take it from there."""
    image = material_image(material)
    if image is None:
        return
    own = copied(image)
    if image.is_dirty:  # a copy knows what is packed, not what was painted since
        pixels = np.empty(image.size[0] * image.size[1] * image.channels, np.float32)
        image.pixels.foreach_get(pixels)
        own.pixels.foreach_set(pixels)
    if tuple(own.size) != (size, size):
        own.scale(size, size)
    if own.is_dirty:
        own.pack()
    for node in material.node_tree.nodes:
        if node.type == "TEX_IMAGE" and node.image == image:
            node.image = own


@contextmanager
def _names_lent(pairs: list[tuple[bpy.types.ID, bpy.types.ID]]) -> Iterator[None]:
    """The copies carry the originals' names inside; linked originals keep theirs."""
    lent = [(original, copy, original.name) for original, copy in pairs if original.library is None]
    for original, copy, name in lent:
        original.name = f"{name}~"
        copy.name = name
    try:
        yield
    finally:
        for original, copy, name in lent:
            copy.name = f"{name}~~"
            original.name = name


@contextmanager
def _object_mode(context: bpy.types.Context) -> Iterator[None]:
    """Exporters want object mode; the mode, selection and active object come back afterwards."""
    view_layer = context.view_layer
    active, mode = view_layer.objects.active, context.mode
    object_mode = active.mode if active is not None else "OBJECT"
    if mode != "OBJECT":
        bpy.ops.object.mode_set(mode="OBJECT")
    try:
        yield
    finally:
        if mode != "OBJECT":
            view_layer.objects.active = active
            bpy.ops.object.mode_set(mode=object_mode)
