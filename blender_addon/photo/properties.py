"""Photos and their corrections, kept on the scene so that undo, redo and the .blend file hold them.

Pixels are of the upright photo, x to the right and y down, pixel centres at half integers, as in the backend.
"""

import json
from typing import Any

import bpy
from bpy.props import (
    BoolProperty,
    CollectionProperty,
    EnumProperty,
    FloatProperty,
    FloatVectorProperty,
    IntProperty,
    PointerProperty,
    StringProperty,
)

from ..properties import redraw_sidebars
from ..typed import scene_of

_DIAGONAL_35MM = 43.27  # millimetres, 36 x 24 film; "35 mm equivalent" compares diagonals


class LIKENESS_PG_pin(bpy.types.PropertyGroup):
    """A joint (its `name`) that the user put where it belongs."""

    pixel: FloatVectorProperty(name="Pixel", size=2)


class LIKENESS_PG_stroke(bpy.types.PropertyGroup):
    """One movement of the mask brush."""

    add: BoolProperty(name="Add", description="Painted to the person; otherwise away from it")
    radius: FloatProperty(name="Radius", description="In pixels of the photo", min=0.1, default=10.0)
    points: StringProperty(name="Points", description="JSON list of pixels")


class LIKENESS_PG_photo(bpy.types.PropertyGroup):
    """One photo of the person, and what the user corrected in it."""

    filepath: StringProperty(name="Photo", description="The photo's file", subtype="FILE_PATH")
    image: PointerProperty(name="Image", type=bpy.types.Image, description="The photo as it is shown")
    size: FloatVectorProperty(name="Size", description="Of the upright photo in pixels, 0 until it was read", size=2)
    person: IntProperty(name="Person", description="Which one, the largest is 0", default=0, min=0)
    own_focal: BoolProperty(
        name="Focal Length",
        description="Set the focal length by hand; otherwise it comes from the photo's EXIF data, or is a guess",
    )
    focal_mm: FloatProperty(
        name="Focal Length",
        description="35 mm equivalent, in millimetres",
        default=50.0,
        min=8.0,
        max=800.0,
        soft_min=14.0,
        soft_max=300.0,
        precision=0,
    )
    focal_source: StringProperty(name="Source", description="Where the focal length comes from: exif or guess")
    pins: CollectionProperty(type=LIKENESS_PG_pin)
    strokes: CollectionProperty(type=LIKENESS_PG_stroke)


class LIKENESS_PG_photos(bpy.types.PropertyGroup):
    """On the scene: the photos of the person the next avatar is made of."""

    photos: CollectionProperty(type=LIKENESS_PG_photo)
    active: IntProperty(name="Active Photo", min=0)
    proposals: IntProperty(
        name="Proposals",
        description="How many ways to complete what the photos do not show; choose one of them afterwards",
        default=1,
        min=1,
        max=8,
    )


def redraw(context: bpy.types.Context) -> None:
    """Draw Image Editors and sidebars again."""
    redraw_sidebars(context)
    for window in context.window_manager.windows:
        for area in window.screen.areas:
            if area.type == "IMAGE_EDITOR":
                area.tag_redraw()


def _redraw(self, context: bpy.types.Context) -> None:
    redraw(context)


class LIKENESS_PG_photo_view(bpy.types.PropertyGroup):
    """On the window manager: how the photo is looked at and painted on; never undone, never saved."""

    show_landmarks: BoolProperty(
        name="Landmarks", description="Joints, and the points of face and hands", default=True, update=_redraw
    )
    show_mask: BoolProperty(name="Mask", description="Dim what is not the person", default=True, update=_redraw)
    show_body: BoolProperty(name="Body", description="The fitted body over the photo", default=True, update=_redraw)
    body_opacity: FloatProperty(
        name="Opacity", description="Of the body", subtype="FACTOR", default=0.5, min=0.0, max=1.0, update=_redraw
    )
    brush: EnumProperty(
        name="Brush",
        description="What the mask brush does; Ctrl does the opposite",
        items=(
            ("ADD", "Add", "Paint to the person", "ADD", 1),
            ("REMOVE", "Remove", "Paint away from the person", "REMOVE", 2),
        ),
        default="REMOVE",
    )
    brush_radius: FloatProperty(
        name="Radius",
        description="Of the mask brush, in pixels of the screen",
        subtype="PIXEL",
        default=18.0,
        min=1.0,
        max=500.0,
        soft_max=150.0,
        precision=0,
        update=_redraw,
    )
    stage: StringProperty(name="Stage", description="What is done with the photo now", update=_redraw)
    fraction: FloatProperty(name="Progress", subtype="FACTOR", min=0.0, max=1.0, update=_redraw)
    message: StringProperty(name="Message", description="What went wrong with the photo", update=_redraw)


def photos_of(context: bpy.types.Context) -> LIKENESS_PG_photos:
    """The scene's photos."""
    return scene_of(context).likeness_photos


def active_photo(context: bpy.types.Context) -> LIKENESS_PG_photo | None:
    """The photo that is looked at."""
    group = photos_of(context)
    return group.photos[min(group.active, len(group.photos) - 1)] if group.photos else None


def corrections(photo: LIKENESS_PG_photo) -> dict[str, Any]:
    """What the backend is told: pins, strokes, focal length in pixels; only what there is."""
    told: dict[str, Any] = {}
    if photo.pins:
        told["pins"] = {pin.name: [float(value) for value in pin.pixel] for pin in photo.pins}
    if photo.strokes:
        told["strokes"] = [
            {"points": json.loads(stroke.points), "radius": stroke.radius, "add": stroke.add}
            for stroke in photo.strokes
        ]
    if photo.own_focal and photo.size[0] > 0:
        told["focal"] = focal_in_pixels(photo.focal_mm, photo.size)
    return told


def fingerprint(photo: LIKENESS_PG_photo) -> tuple:
    """Equal for equal corrections; cheap enough to be asked many times a second."""
    pins = tuple((pin.name, *pin.pixel) for pin in photo.pins)
    strokes = tuple((stroke.add, stroke.radius, stroke.points) for stroke in photo.strokes)
    return pins, strokes, photo.focal_mm if photo.own_focal else None


def focal_in_pixels(millimetres: float, size) -> float:
    """Focal length of 35 mm equivalent in pixels of a photo of `size`."""
    return float(millimetres) / _DIAGONAL_35MM * float(size[0] ** 2 + size[1] ** 2) ** 0.5


def focal_in_millimetres(pixels: float, size) -> float:
    """The 35 mm equivalent of a focal length in pixels of a photo of `size`."""
    return float(pixels) * _DIAGONAL_35MM / float(size[0] ** 2 + size[1] ** 2) ** 0.5


classes = (LIKENESS_PG_pin, LIKENESS_PG_stroke, LIKENESS_PG_photo, LIKENESS_PG_photos, LIKENESS_PG_photo_view)
_pointers = (
    (bpy.types.Scene, "likeness_photos", LIKENESS_PG_photos),
    (bpy.types.WindowManager, "likeness_photo_view", LIKENESS_PG_photo_view),
)


def register() -> None:
    for owner, name, group in _pointers:
        setattr(owner, name, PointerProperty(type=group))


def unregister() -> None:
    for owner, name, _ in _pointers:
        delattr(owner, name)
