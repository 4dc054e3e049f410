"""Joints are pinned and unpinned: thin operators over the scene's properties; the fit follows by itself."""

import bpy
from bpy.props import FloatVectorProperty, StringProperty

from . import follow, overlay, view
from .live import Live
from .on_photo import OnPhoto
from .properties import LIKENESS_PG_photo, active_photo

_REACH = 12.0  # pixels of the screen within which a joint is hit


class LIKENESS_OT_pin_joint(OnPhoto, bpy.types.Operator):
    """Drag a joint to where it is in the photo"""

    bl_idname = "likeness.pin_joint"
    bl_label = "Pin Joint"
    bl_options = {"REGISTER", "UNDO"}

    joint: StringProperty(name="Joint", description="left_elbow, for example", options={"SKIP_SAVE"})
    pixel: FloatVectorProperty(name="Pixel", size=2, description="Of the photo", options={"SKIP_SAVE"})

    def execute(self, context: bpy.types.Context) -> set[str]:
        photo = active_photo(context)
        assert photo is not None  # poll
        set_pin(photo, self.joint, tuple(self.pixel))
        return {"FINISHED"}

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        shown = self.shown(context)
        hit = shown and nearest_joint(context, shown[2], shown[0], shown[1], event)
        if not shown or not hit:
            return {"PASS_THROUGH"}
        self.joint = hit
        pin = shown[0].pins.get(hit)
        self._before = tuple(pin.pixel) if pin else None
        self._moved = False
        context.window_manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        shown = self.shown(context)
        if shown is None:  # the area was closed, or the photo changed
            follow.dragging = False
            return {"CANCELLED"}
        photo, _, place = shown
        if event.type == "MOUSEMOVE":
            self._moved = follow.dragging = True
            self.pixel = place.to_photo(event.mouse_region_x, event.mouse_region_y)
            set_pin(photo, self.joint, tuple(self.pixel))
            context.area.tag_redraw()
        elif event.type in {"ESC", "RIGHTMOUSE"} and event.value == "PRESS":
            follow.dragging = False
            set_pin(photo, self.joint, self._before)
            return {"CANCELLED"}
        elif event.type == "LEFTMOUSE" and event.value == "RELEASE":
            follow.dragging = False
            return {"FINISHED"} if self._moved else {"CANCELLED"}
        return {"RUNNING_MODAL"}


class LIKENESS_OT_unpin_joint(OnPhoto, bpy.types.Operator):
    """Give a joint back to what was detected"""

    bl_idname = "likeness.unpin_joint"
    bl_label = "Unpin Joint"
    bl_options = {"REGISTER", "UNDO"}

    joint: StringProperty(name="Joint", options={"SKIP_SAVE"})

    def execute(self, context: bpy.types.Context) -> set[str]:
        photo = active_photo(context)
        assert photo is not None  # poll
        if self.joint not in photo.pins:
            return {"CANCELLED"}
        set_pin(photo, self.joint, None)
        return {"FINISHED"}

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        shown = self.shown(context)
        hit = shown and nearest_joint(context, shown[2], shown[0], shown[1], event)
        if not shown or not hit or hit not in shown[0].pins:
            return {"PASS_THROUGH"}
        self.joint = hit
        return self.execute(context)


def set_pin(photo: LIKENESS_PG_photo, joint: str, pixel: tuple[float, float] | None) -> None:
    """Put a joint somewhere; None gives it back to the detector."""
    index = photo.pins.find(joint)
    if pixel is None:
        if index >= 0:
            photo.pins.remove(index)
        return
    pin = photo.pins[index] if index >= 0 else photo.pins.add()
    pin.name, pin.pixel = joint, pixel


def nearest_joint(
    context: bpy.types.Context, place: view.Placement, photo: LIKENESS_PG_photo, live: Live, event: bpy.types.Event
) -> str | None:
    """The joint under the mouse."""
    reach = _REACH * context.preferences.system.ui_scale
    best, joint = reach * reach, None
    for name, (x, y, _) in overlay.pins_shown(photo, live).items():
        at = place.to_region(x, y)
        squared = (at[0] - event.mouse_region_x) ** 2 + (at[1] - event.mouse_region_y) ** 2
        if squared < best:
            best, joint = squared, name
    return joint


classes = (LIKENESS_OT_pin_joint, LIKENESS_OT_unpin_joint)
