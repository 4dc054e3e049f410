"""Base of the operators that work in the area that shows the active photo."""

import bpy

from ..typed import region_of
from . import follow, view
from .live import Live
from .properties import LIKENESS_PG_photo, active_photo


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
