"""likeness.set_up_compositing: the avatar into a scene that Cycles or EEVEE renders."""

import bpy
from bpy.props import BoolProperty

from neural_core.errors import LikenessError

from ..typed import scene_of


class LIKENESS_OT_set_up_compositing(bpy.types.Operator):
    """Render the rest of this scene with its own engine and the avatar with Likeness, composited with shadows"""

    bl_idname = "likeness.set_up_compositing"
    bl_label = "Composite with Cycles or EEVEE"
    bl_options = {"REGISTER", "UNDO"}

    shadow_catcher: BoolProperty(
        name="Shadow Catcher",
        description="Add a floor that shows nothing but shadows, for a picture behind everything (Cycles)",
        default=False,
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if scene_of(context).render.engine == "LIKENESS":
            cls.poll_message_set("Choose Cycles or EEVEE for this scene first: Likeness gets a scene of its own")
            return False
        if not any(obj.likeness.is_avatar_mesh for obj in scene_of(context).objects):
            cls.poll_message_set("There is no avatar in this scene")
            return False
        return True

    def execute(self, context: bpy.types.Context) -> set[str]:
        from ..engine.compositing import set_up

        try:
            second = set_up(scene_of(context), shadow_catcher=self.shadow_catcher)
        except LikenessError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        self.report({"INFO"}, f"F12 now renders this scene and '{second.name}', one over the other")
        return {"FINISHED"}


classes = (LIKENESS_OT_set_up_compositing,)
