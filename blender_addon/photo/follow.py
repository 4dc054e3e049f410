"""The fit follows the corrections: a timer compares what the scene holds with what was fitted, and asks for the rest.

Dragging, painting, undo, redo and edits in a panel all change the scene; nothing else has to tell this timer. Each tick
takes a few milliseconds at most, whatever the backend does.
"""

from pathlib import Path

import bpy

from neural_core.errors import Cancelled, LikenessError

from ..lazily import BACKEND, import_next
from . import overlay, view
from .live import Live, forget_all, live_of
from .properties import active_photo, corrections, fingerprint, focal_in_millimetres, redraw

_BUSY, _IDLE = 0.02, 0.1  # seconds between looks while the backend works, and while it waits for the user

dragging = False  # the mouse moves a pin: drafts will do


def begin() -> None:
    """Watch the scene's photos from now on."""
    if not bpy.app.background and not bpy.app.timers.is_registered(_tick):
        bpy.app.timers.register(_tick, first_interval=_BUSY)


def is_watching() -> bool:
    """Whether the timer runs; it ends when the photo is off the screen, and with the add-on."""
    return bpy.app.timers.is_registered(_tick)


def current() -> Live | None:
    """What is known about the active photo."""
    photo = active_photo(bpy.context)
    if photo is None or not photo.filepath:
        return None
    return live_of(str(Path(bpy.path.abspath(photo.filepath))), photo.person)


def stop_current(for_good: bool = False) -> None:
    """Stop what is done with the active photo; for good: until something changes."""
    live = current()
    if live is not None:
        live.stop(for_good)
        _tell(bpy.context.window_manager.likeness_photo_view, "", 0.0)


def step() -> bool:
    """Look for news and ask for what is missing; whether the backend is at work."""
    context = bpy.context
    photo, live = active_photo(context), current()
    if photo is None or live is None:
        return False
    status = context.window_manager.likeness_photo_view
    if import_next(*BACKEND):
        return True
    if live.job is not None:
        if not live.job.done():
            _tell(status, live.job.stage, live.job.fraction)
            return True
        _take(context, live)
    if live.observed:
        _describe(photo, live)  # an undo may have gone back to before it was known
    wanted = fingerprint(photo)
    if wanted in (live.fitted_for, live.failed_for) and live.session:
        _tell(status, "", 0.0)
        return False
    if context.window_manager.likeness_job.status in {"RUNNING", "ABORTING"}:
        return False  # the backend does one thing at a time
    if not live.session:
        if live.failed_for == wanted:
            return False
        live.observe(wanted)
        _tell(status, "Opening the photo", 0.0)
    else:
        live.fit(wanted, corrections(photo), draft=dragging and live.vertices is not None)
    return True


def _take(context: bpy.types.Context, live: Live) -> None:
    """The answer into what is shown; an error into the panel."""
    status = context.window_manager.likeness_photo_view
    try:
        live.finish()
    except LikenessError as error:
        status.message = "" if isinstance(error, Cancelled) else str(error)
    else:
        status.message = ""
    _tell(status, "", 0.0)
    redraw(context)


def _describe(photo, live: Live) -> None:
    """What the file says about the photo; no correction, so no undo step."""
    seen = live.observed
    size = (seen["width"], seen["height"])
    if tuple(photo.size) != size:
        photo.size = size
    if photo.focal_source != seen["focal_source"]:
        photo.focal_source = seen["focal_source"]
    millimetres = focal_in_millimetres(seen["focal"], size)
    if not photo.own_focal and abs(photo.focal_mm - millimetres) > 1e-3:
        photo.focal_mm = millimetres
    view.show_upright(photo.image, live)


def _tell(status, stage: str, fraction: float) -> None:
    """Only what changed visibly: every change draws the photo again."""
    if status.stage != stage:
        status.stage = stage
    if abs(status.fraction - fraction) > 0.01:
        status.fraction = fraction


def _tick() -> float | None:
    photo = active_photo(bpy.context)
    if photo is None or not view.is_open(bpy.context):
        overlay.stop()
        stop_current()
        return None
    overlay.start()
    view.settle(bpy.context)
    return _BUSY if step() else _IDLE


@bpy.app.handlers.persistent
def _on_load(*_) -> None:
    """Another file: what was open belongs to the old one."""
    forget_all()
    view.forget()
    overlay.stop()
    if active_photo(bpy.context) is not None:
        begin()


def register() -> None:
    bpy.app.handlers.load_post.append(_on_load)


def unregister() -> None:
    bpy.app.handlers.load_post.remove(_on_load)
    if bpy.app.timers.is_registered(_tick):
        bpy.app.timers.unregister(_tick)
    forget_all()
