"""What lies over the photo. Light: what draws it is imported when a photo is open."""

from typing import Any

import bpy

from ..lazily import loaded
from .live import Live
from .properties import LIKENESS_PG_photo, active_photo, redraw

SEEN = 0.5  # visibility from which on a landmark counts as seen

_handle: Any = None


def start() -> None:
    """Draw from now on."""
    global _handle
    if _handle is None:
        _handle = bpy.types.SpaceImageEditor.draw_handler_add(_draw, (), "WINDOW", "POST_PIXEL")


def stop() -> None:
    """Draw no more, and free what the graphics card holds."""
    global _handle
    if drawing := loaded("photo.drawing"):
        drawing.free()
    if _handle is not None:
        bpy.types.SpaceImageEditor.draw_handler_remove(_handle, "WINDOW")
        _handle = None
        redraw(bpy.context)


def pins_shown(photo: LIKENESS_PG_photo, live: Live) -> dict[str, tuple[float, float, bool]]:
    """x, y and whether it was seen or set, of every joint that can be pinned."""
    if live.landmarks is None:
        return {}
    own = {pin.name: pin.pixel for pin in photo.pins}
    shown = {}
    for name, index in live.observed["pins"].items():
        x, y, visible = (float(value) for value in live.landmarks[index])
        shown[name] = (float(own[name][0]), float(own[name][1]), True) if name in own else (x, y, visible > SEEN)
    return shown


def _draw() -> None:
    from . import follow

    context = bpy.context
    photo, live = active_photo(context), follow.current()
    space = context.space_data
    if photo is None or live is None or photo.image is None or space.image != photo.image:
        return
    from . import drawing

    drawing.draw(context, photo, live)
