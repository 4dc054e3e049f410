"""What several operators ask before they can be clicked."""

import bpy

from .job import active_avatar


def avatar_is_active(operator: type, context: bpy.types.Context) -> bool:
    """For `poll`: says what to do where no avatar is active."""
    if active_avatar(context) is not None:
        return True
    operator.poll_message_set("Select an avatar first")  # type: ignore[attr-defined]
    return False
