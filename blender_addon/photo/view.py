"""The Image Editor beside the 3D viewport that shows the photo, and where its pixels are in it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy

from .live import Live
from .properties import active_photo

# Addresses of areas, compared and never followed: those split off for photos, and those whose photo is to be fitted in.
_opened: set[int] = set()
_unsettled: set[int] = set()
_MARK = "likeness_photo"  # on a screen, saved with the file: one of its areas was opened for photos


@dataclass(frozen=True)
class Placement:
    """Where a photo lies in a region: region x = left + scale_x * x, region y = top - scale_y * y."""

    left: float
    top: float
    scale_x: float
    scale_y: float

    def to_region(self, x: float, y: float) -> tuple[float, float]:
        return self.left + self.scale_x * x, self.top - self.scale_y * y

    def to_photo(self, x: float, y: float) -> tuple[float, float]:
        return (x - self.left) / self.scale_x, (self.top - y) / self.scale_y


def placement(region: bpy.types.Region, size) -> Placement | None:
    """Of a photo of `size` pixels in an Image Editor's region; None before its size is known."""
    if size[0] <= 0 or size[1] <= 0:
        return None
    to_region = region.view2d.view_to_region  # the picture reaches from (0, 0) to (1, 1)
    left, bottom = to_region(0.0, 0.0, clip=False)
    right, top = to_region(1.0, 1.0, clip=False)
    # Whole pixels come back: over the picture's own width the error is small enough to be seen by nobody.
    return Placement(left, top, max(right - left, 1) / size[0], max(top - bottom, 1) / size[1])


def load_image(path: Path) -> bpy.types.Image:
    """The photo as Blender reads it, or an empty picture that the backend's will replace."""
    try:
        return bpy.data.images.load(str(path), check_existing=True)
    except RuntimeError:  # HEIC, for example
        return bpy.data.images.new(path.name, 16, 16)


def show_upright(image: bpy.types.Image | None, live: Live) -> None:
    """Put the upright picture in place of one that Blender would show otherwise; again after an undo took it away."""
    if image is None or live.picture is None or image.packed_file is not None:
        return
    data = live.picture.tobytes()
    image.pack(data=data, data_len=len(data))  # type: ignore[arg-type]  # the stubs take bytes for text
    image.source = "FILE"
    image.gl_free()
    image.buffers_free()  # `reload` would take the file on the disk again


def photo_areas(context: bpy.types.Context) -> list[tuple[bpy.types.Window, bpy.types.Area]]:
    """The Image Editors that show the active photo."""
    photo = active_photo(context)
    if photo is None or photo.image is None:
        return []
    return [
        (window, area)
        for window in context.window_manager.windows
        for area in window.screen.areas
        if area.type == "IMAGE_EDITOR" and area.spaces.active.image == photo.image
    ]


def is_open(context: bpy.types.Context) -> bool:
    """Whether the active photo is on the screen."""
    return bool(photo_areas(context))


def adopt(context: bpy.types.Context) -> None:
    """Areas of a file that was loaded: what was opened for photos when it was saved is ours again."""
    for window, area in photo_areas(context):
        known = any(other.as_pointer() in _opened for other in window.screen.areas)
        if window.screen.get(_MARK) and not known:
            _opened.add(area.as_pointer())


def open_beside(context: bpy.types.Context, image: bpy.types.Image) -> None:
    """Show a photo in the area that was opened for photos, or split one off the largest 3D viewport."""
    for window, area in _own_areas(context):
        _show(window, area, image)
        return
    viewports = [(w, a) for w in context.window_manager.windows for a in w.screen.areas if a.type == "VIEW_3D"]
    if not viewports:
        return  # from a script, or in a workspace without a viewport: the photo is there, and unseen
    window, viewport = max(viewports, key=lambda pair: pair[1].width * pair[1].height)
    before = {area.as_pointer() for area in window.screen.areas}
    with context.temp_override(window=window, screen=window.screen, area=viewport, region=_main(viewport)):
        if bpy.ops.screen.area_split(direction="VERTICAL", factor=0.5) != {"FINISHED"}:
            return
    for area in window.screen.areas:
        if area.as_pointer() not in before:
            _opened.add(area.as_pointer())
            window.screen[_MARK] = True
            area.type = "IMAGE_EDITOR"
            _show(window, area, image)


def close(context: bpy.types.Context) -> None:
    """Close the areas that were opened for photos; the viewport takes their place again."""
    for window, area in _own_areas(context):
        with context.temp_override(window=window, screen=window.screen, area=area, region=_main(area)):
            bpy.ops.screen.area_close()
        window.screen.pop(_MARK, None)
    forget()


def close_soon() -> None:
    """Close them once the operator that asks is done: it loses its context with the area otherwise."""
    adopt(bpy.context)
    if _opened:
        bpy.app.timers.register(_close)


def _close() -> None:
    close(bpy.context)


def forget() -> None:
    """Areas of another file, or of nobody any more."""
    _opened.clear()
    _unsettled.clear()


def settle(context: bpy.types.Context) -> None:
    """Fit photos that were put into an area into it, once Blender has given the area its size."""
    adopt(context)
    for window, area in photo_areas(context):
        if area.as_pointer() in _unsettled and _main(area).width > 1:
            _unsettled.discard(area.as_pointer())
            with context.temp_override(window=window, screen=window.screen, area=area, region=_main(area)):
                view_all: Any = bpy.ops.image.view_all  # the stubs take operators for classes
                view_all(fit_view=True)


def _own_areas(context: bpy.types.Context) -> list[tuple[bpy.types.Window, bpy.types.Area]]:
    return [
        (window, area)
        for window in context.window_manager.windows
        for area in window.screen.areas
        if area.as_pointer() in _opened and area.type == "IMAGE_EDITOR"
    ]


def _show(window: bpy.types.Window, area: bpy.types.Area, image: bpy.types.Image) -> None:
    area.spaces.active.image = image
    area.spaces.active.show_region_toolbar = True
    _unsettled.add(area.as_pointer())
    with bpy.context.temp_override(window=window, screen=window.screen, area=area, region=_main(area)):
        set_tool: Any = bpy.ops.wm.tool_set_by_id
        set_tool(name="likeness.pins", space_type="IMAGE_EDITOR")


def _main(area: bpy.types.Area) -> bpy.types.Region:
    return next(region for region in area.regions if region.type == "WINDOW")
