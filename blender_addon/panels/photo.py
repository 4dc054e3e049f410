"""The first panel of the tab: the photos of the person, and their corrections."""

import bpy

from ..photo import follow, view
from ..photo.properties import LIKENESS_PG_photo, active_photo, photos_of
from ..translations import interface, marked
from ..trouble.record import latest
from .message import show_message

_SOURCES = {"exif": marked("from EXIF"), "guess": marked("guessed")}
_ONE_OR_MORE = {
    "PINS": (marked("{} pin"), marked("{} pins")),
    "MASK": (marked("{} mask stroke"), marked("{} mask strokes")),
}


class LIKENESS_PT_photo(bpy.types.Panel):
    bl_label = "Photo"
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "Likeness"
    bl_order = 0

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        assert layout is not None  # Blender sets it before it draws
        group = photos_of(context)
        if not group.photos:
            button = layout.row()
            button.scale_y = 2.0
            button.operator("likeness.open_photo", text="Open Photo", icon="IMAGE_DATA")
            return
        _draw_list(layout, group)
        photo = active_photo(context)
        assert photo is not None  # the list is not empty
        if not (view.is_open(context) and follow.is_watching()):
            layout.operator("likeness.show_photo", icon="IMAGE_DATA")
        _draw_state(layout, context)
        _draw_person(layout, photo)
        _draw_focal(layout, photo)
        _draw_corrections(layout, photo)


class LIKENESS_PT_photo_view(bpy.types.Panel):
    bl_label = "Show"
    bl_parent_id = "LIKENESS_PT_photo"
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "Likeness"
    bl_options = {"DEFAULT_CLOSED"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return active_photo(context) is not None

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        assert layout is not None  # Blender sets it before it draws
        settings = context.window_manager.likeness_photo_view
        layout.use_property_split = True
        layout.use_property_decorate = False
        column = layout.column(heading="Show")
        for name in ("show_landmarks", "show_mask", "show_body"):
            column.prop(settings, name)
        row = layout.row()
        row.enabled = settings.show_body
        row.prop(settings, "body_opacity", slider=True)


def _draw_list(layout: bpy.types.UILayout, group) -> None:
    column = layout.column(align=True)
    for index, photo in enumerate(group.photos):
        row = column.row(align=True)
        chosen = index == group.active
        row.operator("likeness.show_photo", text=photo.name, icon="IMAGE_DATA", depress=chosen).index = index
        row.operator("likeness.remove_photo", text="", icon="X").index = index
    layout.operator("likeness.open_photo", text="Add Another Photo", icon="ADD").add = True


def _draw_state(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    status = context.window_manager.likeness_photo_view
    if status.stage:
        row = layout.row(align=True)
        row.progress(factor=status.fraction, text=interface(status.stage))
        row.operator("likeness.stop_photo", text="", icon="X")
    elif status.message and not _told_as_trouble(status.message):
        show_message(layout, context, status.message, alert=True)


def _told_as_trouble(text: str) -> bool:
    """Whether the panel above says it already, with its remedies."""
    trouble = latest()
    return trouble is not None and trouble.sentence == text


def _draw_person(layout: bpy.types.UILayout, photo: LIKENESS_PG_photo) -> None:
    live = follow.current()
    if live is None or not live.observed:
        return
    people = len(live.observed["people"])
    if people > 1:
        text = interface("{} people: click on one in the photo").format(people)
        layout.label(text=text, icon="COMMUNITY", translate=False)
        row = layout.row(align=True)
        for index in range(min(people, 8)):
            chosen = index == photo.person
            row.operator("likeness.pick_person", text=str(index + 1), depress=chosen).person = index
    for warning in live.observed["warnings"]:
        show_message(layout, bpy.context, warning)


def _draw_focal(layout: bpy.types.UILayout, photo: LIKENESS_PG_photo) -> None:
    if not photo.focal_source:
        return
    row = layout.row(align=True)
    row.prop(photo, "own_focal")
    value = row.row(align=True)
    value.enabled = photo.own_focal
    value.prop(photo, "focal_mm", text="mm" if photo.own_focal else _SOURCES.get(photo.focal_source, ""))


def _draw_corrections(layout: bpy.types.UILayout, photo: LIKENESS_PG_photo) -> None:
    for items, what in ((photo.pins, "PINS"), (photo.strokes, "MASK")):
        if items:
            row = layout.row(align=True)
            text = interface(_ONE_OR_MORE[what][len(items) > 1]).format(len(items))
            row.label(text=text, translate=False)
            row.operator("likeness.clear_corrections", text="", icon="X").what = what


class LIKENESS_PT_photo_editor(bpy.types.Panel):
    """The same beside the photo, where the tools are."""

    bl_label = "Photo"
    bl_space_type = "IMAGE_EDITOR"
    bl_region_type = "UI"
    bl_category = "Likeness"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        photo = active_photo(context)
        return photo is not None and context.space_data.image == photo.image

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        assert layout is not None  # Blender sets it before it draws
        photo = active_photo(context)
        assert photo is not None  # poll
        settings = context.window_manager.likeness_photo_view
        _draw_state(layout, context)
        _draw_person(layout, photo)
        _draw_focal(layout, photo)
        _draw_corrections(layout, photo)
        for name in ("show_landmarks", "show_mask", "show_body"):
            layout.prop(settings, name)
        layout.prop(settings, "body_opacity", slider=True)
        layout.operator("likeness.close_photo", icon="CHECKMARK", text="Close Photo")


classes = (LIKENESS_PT_photo, LIKENESS_PT_photo_view, LIKENESS_PT_photo_editor)
