"""While a worker is at work, a timer redraws what shows it, and tells the rest of the add-on when it is done.

A timer and not a modal operator: it does not end with the window in which it was started.
"""

import bpy

from ..lazily import loaded
from ..typed import register_and_unregister
from . import operators

_SECONDS = 0.4
_working = False


def watch() -> None:
    """Look from now on, until the worker is done."""
    if not bpy.app.timers.is_registered(_look):
        bpy.app.timers.register(_look, first_interval=_SECONDS, persistent=True)


def _look() -> float | None:
    """One tick: None when there is nothing to watch any more."""
    global _working
    from ..preferences import settings
    from .control import started
    from .worker.layout import Layout
    from .worker.lock import held

    working = held(Layout(settings().backend_root).lock) or started()
    if working or _working:
        _redraw()
    if _working and not working and (client := loaded("backend.client")):
        client.close()  # the next request takes what is installed now
    _working = working
    return _SECONDS if working else None


def _redraw() -> None:
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if area.type in {"PREFERENCES", "VIEW_3D"}:
                area.tag_redraw()


_register_classes, _unregister_classes = register_and_unregister(operators.classes)


def register() -> None:
    """A worker that an earlier Blender left at work is found by the first tick."""
    _register_classes()
    watch()


def unregister() -> None:
    if bpy.app.timers.is_registered(_look):
        bpy.app.timers.unregister(_look)
    _unregister_classes()
