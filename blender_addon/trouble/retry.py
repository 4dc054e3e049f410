"""What failed, done again: the remedies that make room for it do not leave that to the user."""

from typing import Any

import bpy

from ..photo.properties import photos_of

# By what a trouble says was being done. The creation takes the photos that are open, as the click did; what was started
# with a file of its own has to be started again by hand.
_OPERATORS: dict[str, tuple[Any, dict[str, Any]]] = {
    "Render": (bpy.ops.render.render, {}),
    "Render Animation": (bpy.ops.render.render, {"animation": True}),
    "Create Avatar": (bpy.ops.likeness.create_avatar, {}),
}


def is_render(doing: str) -> bool:
    """Whether it depends on the scene's resolution."""
    return doing.startswith("Render")


def can_retry(context: bpy.types.Context, doing: str) -> bool:
    """Whether all is there that it needs."""
    return is_render(doing) or (doing in _OPERATORS and bool(photos_of(context).photos))


def retry(context: bpy.types.Context, doing: str) -> bool:
    """Start it again, as its button does; False where it cannot be."""
    if not can_retry(context, doing):
        return False
    operator, options = _OPERATORS[doing]
    operator("EXEC_DEFAULT" if bpy.app.background else "INVOKE_DEFAULT", **options)
    return True
