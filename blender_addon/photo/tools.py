"""The two tools of the photo's toolbar: pins and mask brush."""

import bpy


class LIKENESS_WT_pins(bpy.types.WorkSpaceTool):
    bl_space_type = "IMAGE_EDITOR"
    bl_context_mode = "VIEW"
    bl_idname = "likeness.pins"
    bl_label = "Likeness Pins"
    bl_description = "Drag joints to where they are in the photo; click on a person to choose it"
    bl_icon = "ops.transform.translate"
    bl_keymap = (
        ("likeness.pin_joint", {"type": "LEFTMOUSE", "value": "PRESS"}, None),
        ("likeness.pick_person", {"type": "LEFTMOUSE", "value": "PRESS"}, None),
        ("likeness.unpin_joint", {"type": "RIGHTMOUSE", "value": "PRESS"}, None),
        ("likeness.unpin_joint", {"type": "X", "value": "PRESS"}, None),
    )


class LIKENESS_WT_mask(bpy.types.WorkSpaceTool):
    bl_space_type = "IMAGE_EDITOR"
    bl_context_mode = "VIEW"
    bl_idname = "likeness.mask"
    bl_label = "Likeness Mask"
    bl_description = "Paint to the person or away from it; Ctrl does the opposite"
    bl_icon = "brush.generic"
    bl_keymap = (
        ("likeness.paint_mask", {"type": "LEFTMOUSE", "value": "PRESS"}, None),
        ("likeness.paint_mask", {"type": "LEFTMOUSE", "value": "PRESS", "ctrl": True}, None),
        ("likeness.brush_radius", {"type": "LEFT_BRACKET", "value": "PRESS"}, {"properties": [("factor", 0.8)]}),
        ("likeness.brush_radius", {"type": "RIGHT_BRACKET", "value": "PRESS"}, {"properties": [("factor", 1.25)]}),
    )

    @staticmethod
    def draw_settings(context: bpy.types.Context, layout: bpy.types.UILayout, tool: bpy.types.WorkSpaceTool) -> None:
        settings = context.window_manager.likeness_photo_view
        layout.row().prop(settings, "brush", expand=True)
        layout.prop(settings, "brush_radius")

    @staticmethod
    def draw_cursor(context: bpy.types.Context, tool: bpy.types.WorkSpaceTool, xy: tuple[float, float]) -> None:
        from gpu_extras.presets import draw_circle_2d

        settings = context.window_manager.likeness_photo_view
        draw_circle_2d(xy, (1.0, 1.0, 1.0, 0.8), settings.brush_radius)


def painting(context: bpy.types.Context) -> bool:
    """Whether the mask brush is the tool of the Image Editors."""
    tool = context.workspace.tools.from_space_image_mode("VIEW")
    return tool is not None and tool.idname == LIKENESS_WT_mask.bl_idname


def register() -> None:
    bpy.utils.register_tool(LIKENESS_WT_pins, separator=True)
    bpy.utils.register_tool(LIKENESS_WT_mask, after={LIKENESS_WT_pins.bl_idname})


def unregister() -> None:
    bpy.utils.unregister_tool(LIKENESS_WT_mask)
    bpy.utils.unregister_tool(LIKENESS_WT_pins)
