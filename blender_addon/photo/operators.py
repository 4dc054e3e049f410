"""Opening a photo and correcting it: thin operators over the scene's properties; the fit follows by itself."""

import json
from pathlib import Path

import bpy
from bpy.props import (
    BoolProperty,
    CollectionProperty,
    EnumProperty,
    FloatProperty,
    FloatVectorProperty,
    IntProperty,
    StringProperty,
)

from ..typed import region_of
from . import brush, follow, overlay, view
from .live import Live
from .properties import LIKENESS_PG_photo, active_photo, photos_of

_REACH = 12.0  # pixels of the screen within which a joint is hit
_STEP = 0.25  # brush radii between two points of a stroke
_EXTENSIONS = (".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp", ".heic", ".heif")


class LIKENESS_OT_open_photo(bpy.types.Operator):
    """Open photos of one person beside the viewport and look for the person in them"""

    bl_idname = "likeness.open_photo"
    bl_label = "Open Photo for Likeness"  # as Blender's own menus show it
    bl_options = {"REGISTER", "UNDO"}

    filepath: StringProperty(name="Photo", subtype="FILE_PATH", options={"SKIP_SAVE"})
    directory: StringProperty(subtype="DIR_PATH", options={"SKIP_SAVE", "HIDDEN"})
    files: CollectionProperty(type=bpy.types.OperatorFileListElement, options={"SKIP_SAVE", "HIDDEN"})
    filter_image: BoolProperty(default=True, options={"HIDDEN", "SKIP_SAVE"})
    filter_folder: BoolProperty(default=True, options={"HIDDEN", "SKIP_SAVE"})
    add: BoolProperty(
        name="Add to Photos",
        description="Keep the photos that are open; otherwise begin anew",
        default=False,
        options={"SKIP_SAVE"},
    )

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        if self.filepath or self.files:  # dropped
            return self.execute(context)
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        paths = [Path(self.directory, file.name) for file in self.files if file.name] or [Path(self.filepath)]
        paths = [Path(bpy.path.abspath(str(path))) for path in paths]
        missing = [path for path in paths if not path.is_file()]
        if missing:
            self.report({"ERROR"}, f"There is no photo '{missing[0]}': choose a JPEG, PNG, WebP or HEIC file")
            return {"CANCELLED"}
        group = photos_of(context)
        if not self.add:
            group.photos.clear()
        for path in paths:
            photo = group.photos.add()
            photo.name, photo.filepath = path.name, str(path)
            photo.image = view.load_image(path)
        group.active = len(group.photos) - len(paths)
        _show(context)
        return {"FINISHED"}


class LIKENESS_OT_show_photo(bpy.types.Operator):
    """Show a photo beside the viewport"""

    bl_idname = "likeness.show_photo"
    bl_label = "Show Photo"
    bl_options = {"INTERNAL", "UNDO"}

    index: IntProperty(default=-1, min=-1, description="Which one; -1: the active one", options={"SKIP_SAVE"})

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return active_photo(context) is not None

    def execute(self, context: bpy.types.Context) -> set[str]:
        group = photos_of(context)
        if self.index >= 0:
            group.active = min(self.index, len(group.photos) - 1)
        _show(context)
        return {"FINISHED"}


class LIKENESS_OT_close_photo(bpy.types.Operator):
    """Close the photo's area; its corrections stay"""

    bl_idname = "likeness.close_photo"
    bl_label = "Close Photo"
    bl_options = {"INTERNAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        view.close_soon()
        return {"FINISHED"}


class LIKENESS_OT_remove_photo(bpy.types.Operator):
    """Remove the photo from the list; its file stays"""

    bl_idname = "likeness.remove_photo"
    bl_label = "Remove Photo"
    bl_options = {"INTERNAL", "UNDO"}

    index: IntProperty(default=0, min=0, options={"SKIP_SAVE"})

    def execute(self, context: bpy.types.Context) -> set[str]:
        group = photos_of(context)
        group.photos.remove(self.index)
        group.active = max(0, min(group.active, len(group.photos) - 1))
        if group.photos:
            _show(context)
        else:
            view.close_soon()
        return {"FINISHED"}


class LIKENESS_OT_stop_photo(bpy.types.Operator):
    """Stop looking at the photo; change something to go on"""

    bl_idname = "likeness.stop_photo"
    bl_label = "Stop"
    bl_options = {"INTERNAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        follow.stop_current(for_good=True)
        return {"FINISHED"}


class OnPhoto:
    """Operators that work in the area that shows the active photo."""

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return active_photo(context) is not None

    @staticmethod
    def shown(context: bpy.types.Context) -> tuple[LIKENESS_PG_photo, Live, view.Placement] | None:
        """The photo under the mouse with what is known about it; None elsewhere, and before it was observed."""
        photo, live, space = active_photo(context), follow.current(), context.space_data
        if photo is None or live is None or live.landmarks is None or context.region is None:
            return None
        if not isinstance(space, bpy.types.SpaceImageEditor) or space.image != photo.image:
            return None
        place = view.placement(region_of(context), photo.size)
        return None if place is None else (photo, live, place)


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


class LIKENESS_FH_photo(bpy.types.FileHandler):
    """Photos dropped into the viewport"""

    bl_idname = "LIKENESS_FH_photo"
    bl_label = "Likeness avatar from photo"
    bl_import_operator = LIKENESS_OT_open_photo.bl_idname
    bl_file_extensions = ";".join(_EXTENSIONS)

    @classmethod
    def poll_drop(cls, context: bpy.types.Context) -> bool:
        return context.area is not None and context.area.type == "VIEW_3D"


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


def _show(context: bpy.types.Context) -> None:
    photo = active_photo(context)
    if photo is None or photo.image is None:
        return
    if not bpy.app.background:
        view.open_beside(context, photo.image)
        follow.begin()


classes = (
    LIKENESS_OT_open_photo,
    LIKENESS_OT_show_photo,
    LIKENESS_OT_close_photo,
    LIKENESS_OT_remove_photo,
    LIKENESS_OT_stop_photo,
    LIKENESS_OT_pin_joint,
    LIKENESS_OT_unpin_joint,
    LIKENESS_OT_pick_person,
    LIKENESS_OT_paint_mask,
    LIKENESS_OT_brush_radius,
    LIKENESS_OT_clear_corrections,
    LIKENESS_FH_photo,
)
