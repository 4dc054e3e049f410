"""Which person is meant; and everything that was corrected, taken back."""

import bpy
from bpy.props import EnumProperty, IntProperty

from . import follow
from .on_photo import OnPhoto
from .properties import active_photo


class LIKENESS_OT_pick_person(OnPhoto, bpy.types.Operator):
    """Choose the person who is clicked on"""

    bl_idname = "likeness.pick_person"
    bl_label = "Pick Person"
    bl_options = {"REGISTER", "UNDO"}

    person: IntProperty(name="Person", description="The largest is 0", min=0, options={"SKIP_SAVE"})

    def execute(self, context: bpy.types.Context) -> set[str]:
        photo = active_photo(context)
        assert photo is not None  # poll
        photo.person = self.person
        photo.pins.clear()  # they were of somebody else
        photo.strokes.clear()
        follow.begin()
        return {"FINISHED"}

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        shown = self.shown(context)
        if not shown or len(shown[1].observed["people"]) < 2:
            return {"PASS_THROUGH"}
        photo, live, place = shown
        x, y = place.to_photo(event.mouse_region_x, event.mouse_region_y)
        boxes = live.observed["people"]
        inside = [i for i, (left, top, right, bottom) in enumerate(boxes) if left < x < right and top < y < bottom]
        if not inside:
            return {"PASS_THROUGH"}
        self.person = min(inside, key=lambda i: abs((boxes[i][0] + boxes[i][2]) / 2 - x))
        return {"CANCELLED"} if self.person == photo.person else self.execute(context)


class LIKENESS_OT_clear_corrections(OnPhoto, bpy.types.Operator):
    """Take corrections of the photo back"""

    bl_idname = "likeness.clear_corrections"
    bl_label = "Clear Corrections"
    bl_options = {"REGISTER", "UNDO"}

    what: EnumProperty(
        name="What",
        items=(
            ("ALL", "All", "Pins, mask and focal length", 0),
            ("PINS", "Pins", "Every joint goes back to what was detected", 1),
            ("MASK", "Mask", "The mask goes back to what was detected", 2),
        ),
        default="ALL",
    )

    def execute(self, context: bpy.types.Context) -> set[str]:
        photo = active_photo(context)
        assert photo is not None  # poll
        if self.what in {"ALL", "PINS"}:
            photo.pins.clear()
        if self.what in {"ALL", "MASK"}:
            photo.strokes.clear()
        if self.what == "ALL":
            photo.own_focal = False
        return {"FINISHED"}


classes = (LIKENESS_OT_pick_person, LIKENESS_OT_clear_corrections)
