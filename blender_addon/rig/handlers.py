"""Blender's handlers that look after the avatars of a file. What they call is imported with the first avatar."""

import bpy
from bpy.app.handlers import persistent

from ..lazily import loaded
from ..properties import JOINT_ORDER_KEY


def _has_avatars() -> bool:
    """Most files, most of the time, have none."""
    return any(JOINT_ORDER_KEY in armature for armature in bpy.data.armatures)


@persistent
def _on_frame_change(scene, depsgraph):
    if _has_avatars():
        from .correctives import follow_pose

        follow_pose(scene, depsgraph)


@persistent
def _on_depsgraph_update(scene, depsgraph):
    _on_frame_change(scene, depsgraph)
    if (painting := loaded("rig.painting")) and depsgraph.id_type_updated("IMAGE"):
        painting.forget_read()


@persistent
def _on_exchange(*_):
    """Undo, redo and loading exchange the data behind our back."""
    if correctives := loaded("rig.correctives"):
        correctives.forget()
    if painting := loaded("rig.painting"):
        painting.forget_read()


@persistent
def _on_save(*_):
    if any(obj.type == "MESH" and obj.likeness.is_avatar_mesh for obj in bpy.data.objects):
        from .painting import pack_painted

        pack_painted()


HANDLERS = {
    "frame_change_post": _on_frame_change,
    "depsgraph_update_post": _on_depsgraph_update,
    "undo_post": _on_exchange,
    "redo_post": _on_exchange,
    "load_post": _on_exchange,
    "save_pre": _on_save,
}


def register() -> None:
    for name, handler in HANDLERS.items():
        getattr(bpy.app.handlers, name).append(handler)


def unregister() -> None:
    for name, handler in HANDLERS.items():
        getattr(bpy.app.handlers, name).remove(handler)
    _on_exchange()
