"""Which button helps against which error. Every code of a LikenessError is here (a test sees to it)."""

from dataclasses import dataclass, field
from typing import Any

import bpy

from ..translations import marked
from .retry import can_retry, is_render


@dataclass(frozen=True)
class Remedy:
    """A button: the operator it runs, its text and its options."""

    operator: str
    text: str
    icon: Any
    options: dict[str, Any] = field(default_factory=dict)


_PREFERENCES = Remedy("likeness.open_preferences", "Open Preferences", "PREFERENCES")
_INSTALL = Remedy("likeness.open_preferences", "Install the Backend", "IMPORT")
_UPDATE = Remedy("likeness.open_preferences", "Update the Backend", "FILE_REFRESH")
_VERIFY = Remedy("likeness.open_preferences", "Verify the Backend", "VIEWZOOM")
_RESTART = Remedy("likeness.restart_backend", "Restart the Backend", "FILE_REFRESH")
_LOG = Remedy("likeness.open_log", "Open Log", "TEXT")
_REPORT = Remedy("likeness.copy_report", "Copy Report", "COPYDOWN")
_SMALLER = Remedy("likeness.render_smaller", "Render at Half the Resolution", "FULLSCREEN_EXIT")
_PROCESSOR = Remedy("likeness.use_device", "Use the Processor", "MEMORY", {"device": "CPU"})
_AUTOMATIC = Remedy("likeness.use_device", "Choose the Device Automatically", "MEMORY", {"device": "AUTO"})
_LOCATE = Remedy("likeness.relink_avatar", "Locate the Avatar File", "FILE_FOLDER")
_EXTENSIONS = Remedy("screen.userpref_show", "Update the Add-on", "FILE_REFRESH", {"section": "EXTENSIONS"})
_PHOTO = Remedy("likeness.open_photo", "Choose Another Photo", "IMAGE_DATA")
_MOTION = Remedy("likeness.import_motion", "Choose Another Motion", "ARMATURE_DATA")
_AVATAR = Remedy("likeness.import_avatar", "Choose Another Avatar", "IMPORT")

# An empty tuple: the sentence itself says all there is to do.
REMEDIES: dict[str, tuple[Remedy, ...]] = {
    "avatar_file": (_AVATAR, _LOCATE),
    "avatar_missing": (_LOCATE,),
    "avatar_newer": (_EXTENSIONS,),
    "backend": (_RESTART, _LOG, _REPORT),
    "backend_absent": (_INSTALL,),
    "backend_died": (_RESTART, _SMALLER, _LOG, _REPORT),
    "backend_outdated": (_UPDATE,),
    "body_file": (_VERIFY,),
    "cancelled": (),
    "device": (_AUTOMATIC, _PREFERENCES),
    "install": (_PREFERENCES,),
    "internal": (_RESTART, _LOG, _REPORT),
    "likeness": (_REPORT,),
    "memory": (_SMALLER, _PROCESSOR),
    "motion": (_MOTION,),
    "output": (),
    "photo": (_PHOTO,),
    "request": (_UPDATE, _REPORT),
    "scene": (),
    "session": (_RESTART, _REPORT),
    "weights": (_VERIFY,),
    "wire": (_RESTART, _REPORT),
}


def remedies(code: str) -> tuple[Remedy, ...]:
    """The buttons for an error; what nobody foresaw is reported."""
    return REMEDIES.get(code, (_REPORT,))


def draw_remedies(layout: bpy.types.UILayout, context: bpy.types.Context, code: str, doing: str = "") -> None:
    """One button per remedy that fits what was being done, below the sentence of an error."""
    for remedy in remedies(code):
        if remedy is _SMALLER and not is_render(doing):
            continue
        again = remedy is _PROCESSOR and can_retry(context, doing)
        text = marked("Try Again on the Processor") if again else remedy.text
        button = layout.operator(remedy.operator, text=text, icon=remedy.icon)
        for name, value in remedy.options.items():
            setattr(button, name, value)
