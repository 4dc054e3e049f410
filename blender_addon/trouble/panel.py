"""A panel that is there only while something is wrong: the sentence, its code, and the buttons that help."""

import bpy

from ..operators.job import active_avatar
from ..properties import AVATAR_VERSION
from ..translations import message
from ..typed import register_and_unregister
from . import operators
from .record import latest

_LETTER = 8.0  # pixels, mean width of Blender's interface font with room for margins


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
            _sentence(layout, context, message("This avatar was stored by a newer Likeness: update the add-on."))
            draw_remedies(layout, "avatar_newer")
        trouble = latest()
        if trouble is not None:
            _sentence(layout, context, trouble.sentence)
            layout.label(text=f"{trouble.doing} · {trouble.code}", translate=False)
            draw_remedies(layout, trouble.code)


def _from_a_newer_version(context: bpy.types.Context) -> bool:
    avatar = active_avatar(context)
    return avatar is not None and avatar.likeness.version > AVATAR_VERSION


def _sentence(layout: bpy.types.UILayout, context: bpy.types.Context, text: str) -> None:
    """Broken into lines: Blender's labels do not wrap."""
    import textwrap

    column = layout.box().column(align=True)
    column.alert = True
    letters = max(20, int(context.region.width / (_LETTER * context.preferences.system.ui_scale)))
    for number, line in enumerate(textwrap.wrap(text, letters)):
        column.label(text=line, icon="NONE" if number else "ERROR", translate=False)


register, unregister = register_and_unregister((*operators.classes, LIKENESS_PT_trouble))
