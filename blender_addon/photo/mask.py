"""The mask is painted; what the stroke looks like meanwhile is in brush.py."""

import json

import bpy
from bpy.props import BoolProperty, FloatProperty, StringProperty

from . import brush
from .on_photo import OnPhoto
from .properties import active_photo

_STEP = 0.25  # brush radii between two points of a stroke


class LIKENESS_OT_paint_mask(OnPhoto, bpy.types.Operator):
    """Paint to the person or away from it; Ctrl does the opposite"""

    bl_idname = "likeness.paint_mask"
    bl_label = "Paint Mask"
    bl_options = {"REGISTER", "UNDO"}

    points: StringProperty(name="Points", description="JSON list of pixels of the photo", options={"SKIP_SAVE"})
    radius: FloatProperty(name="Radius", description="In pixels of the photo", min=0.1, options={"SKIP_SAVE"})
    add: BoolProperty(name="Add", options={"SKIP_SAVE"})

    def execute(self, context: bpy.types.Context) -> set[str]:
        photo = active_photo(context)
        assert photo is not None  # poll
        try:
            points = [[float(x), float(y)] for x, y in json.loads(self.points)]
        except (ValueError, TypeError):
            points = []
        if not points or self.radius <= 0:
            self.report({"ERROR"}, "A stroke needs a radius and points such as [[10, 20], [30, 40]]")
            return {"CANCELLED"}
        stroke = photo.strokes.add()
        stroke.points, stroke.radius, stroke.add = json.dumps(points), self.radius, self.add
        return {"FINISHED"}

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        shown = self.shown(context)
        if not shown:
            return {"PASS_THROUGH"}
        settings = context.window_manager.likeness_photo_view
        self.add = (settings.brush == "ADD") != event.ctrl
        self.radius = settings.brush_radius / shown[2].scale_x
        brush.adding = self.add
        brush.stroke[:] = [shown[2].to_photo(event.mouse_region_x, event.mouse_region_y)]
        context.window_manager.modal_handler_add(self)
        context.area.tag_redraw()
        return {"RUNNING_MODAL"}

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        shown = self.shown(context)
        if shown is None:
            brush.stroke.clear()
            return {"CANCELLED"}
        if event.type in {"MOUSEMOVE", "INBETWEEN_MOUSEMOVE"}:
            x, y = shown[2].to_photo(event.mouse_region_x, event.mouse_region_y)
            last = brush.stroke[-1]
            if (x - last[0]) ** 2 + (y - last[1]) ** 2 > (_STEP * self.radius) ** 2:
                brush.stroke.append((x, y))
            context.area.tag_redraw()
        elif event.type == "ESC" and event.value == "PRESS":
            brush.stroke.clear()
            context.area.tag_redraw()
            return {"CANCELLED"}
        elif event.type == "LEFTMOUSE" and event.value == "RELEASE":
            self.points = json.dumps([[round(x, 1), round(y, 1)] for x, y in brush.stroke])
            brush.stroke.clear()
            return self.execute(context)
        return {"RUNNING_MODAL"}


class LIKENESS_OT_brush_radius(OnPhoto, bpy.types.Operator):
    """Make the mask brush larger or smaller"""

    bl_idname = "likeness.brush_radius"
    bl_label = "Brush Radius"
    bl_options = {"INTERNAL"}

    factor: FloatProperty(default=1.25, min=0.1, max=10.0)

    def execute(self, context: bpy.types.Context) -> set[str]:
        context.window_manager.likeness_photo_view.brush_radius *= self.factor
        return {"FINISHED"}


classes = (LIKENESS_OT_paint_mask, LIKENESS_OT_brush_radius)
