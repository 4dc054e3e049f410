"""A panel that is there only while something is wrong: the sentence, its code, and the buttons that help."""

import bpy

from ..operators.job import active_avatar
from ..panels.message import show_message
from ..properties import AVATAR_VERSION
from ..translations import interface, marked
from ..typed import register_and_unregister
from . import operators
from .record import latest


class LIKENESS_PT_trouble(bpy.types.Panel):
    bl_label = "Trouble"
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "Likeness"
    bl_order = -1

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return latest() is not None or _from_a_newer_version(context)

    def draw_header_preset(self, context: bpy.types.Context) -> None:
        if latest() is not None:
            self.layout.operator("likeness.put_away", text="", icon="X", emboss=False)

    def draw(self, context: bpy.types.Context) -> None:
        from .remedies import draw_remedies

        layout = self.layout
        assert layout is not None  # Blender sets it before it draws
        if _from_a_newer_version(context):
            newer = marked("This avatar was stored by a newer Likeness: update the add-on.")
            show_message(layout, context, newer, alert=True)
            draw_remedies(layout, context, "avatar_newer")
        trouble = latest()
        if trouble is not None:
            show_message(layout, context, trouble.sentence, alert=True)
            layout.label(text=f"{interface(trouble.doing)} · {trouble.code}", translate=False)
            draw_remedies(layout, context, trouble.code, trouble.doing)


def _from_a_newer_version(context: bpy.types.Context) -> bool:
    avatar = active_avatar(context)
    return avatar is not None and avatar.likeness.version > AVATAR_VERSION


register, unregister = register_and_unregister((*operators.classes, LIKENESS_PT_trouble))
