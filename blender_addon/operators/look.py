"""likeness.show_rendered: one click from the avatar's mesh to its neural render."""

import bpy

from ..typed import scene_of
from .polling import avatar_is_active

_ENGINE = "LIKENESS"


class LIKENESS_OT_show_rendered(bpy.types.Operator):
    """Render this scene with Likeness, in the photo's colors, and show it in the 3D views"""

    bl_idname = "likeness.show_rendered"
    bl_label = "Neural Render"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return avatar_is_active(cls, context)

    def execute(self, context: bpy.types.Context) -> set[str]:
        scene = scene_of(context)
        scene.render.engine = _ENGINE
        scene.view_settings.view_transform = "Standard"  # film looks would change what the photo shows
        for area in context.window.screen.areas if context.window is not None else ():
            if area.type == "VIEW_3D":
                area.spaces.active.shading.type = "RENDERED"
        return {"FINISHED"}


classes = (LIKENESS_OT_show_rendered,)
