"""The mask brush as it is seen: its circle, and the stroke that is being painted."""

from itertools import pairwise

import bpy

from . import view

_ADD, _REMOVE = (0.25, 0.95, 0.45, 0.45), (1.0, 0.2, 0.2, 0.45)

stroke: list[tuple[float, float]] = []  # pixels of the photo, while the mouse is down
adding = False


def draw(context: bpy.types.Context, place: view.Placement) -> None:
    """Both, over the photo."""
    from . import drawing

    radius = context.window_manager.likeness_photo_view.brush_radius
    color = _ADD if adding else _REMOVE
    if stroke:
        points = [place.to_region(x, y) for x, y in stroke]
        if len(points) > 1:
            drawing.lines([end for pair in pairwise(points) for end in pair], color, 2 * radius)
        drawing.discs([points[0], points[-1]], radius, color)
