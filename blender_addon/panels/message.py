"""Sentences in a panel: Blender's labels do not wrap."""

import textwrap

import bpy

from ..translations import sentence

_LETTER = 8.0  # pixels, mean width of Blender's interface font with room for the box's margins


def show_message(layout: bpy.types.UILayout, context: bpy.types.Context, text: str, alert: bool = False) -> None:
    """A sentence in the user's language, in the lines that the region has room for; alert: it tells of a failure."""
    box = layout.box().column(align=True)
    box.alert = alert
    letters = max(20, int(context.region.width / (_LETTER * context.preferences.system.ui_scale)))
    for number, line in enumerate(textwrap.wrap(sentence(text), letters)):
        box.label(text=line, icon="NONE" if number else "ERROR" if alert else "INFO", translate=False)
