"""The preferences: one box per matter, one button per state."""

import os
import textwrap
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy

from ..translations import interface as translated
from ..translations import marked
from .control import SIZES, free_bytes, look
from .state import Condition, State
from .worker.layout import Layout

if TYPE_CHECKING:
    from ..preferences import LIKENESS_AP_preferences, Settings

_LINE = 90  # letters of the preferences' usual width
_TAIL = 4096  # bytes of the log that are looked at
_TAIL_LINES = 4
_ICONS: dict[State, Any] = {
    State.ABSENT: "QUESTION",
    State.INSTALLING: "SORTTIME",
    State.READY: "CHECKMARK",
    State.DAMAGED: "ERROR",
    State.OUTDATED: "FILE_REFRESH",
}
_NAMES = {
    State.ABSENT: marked("Backend: not installed"),
    State.INSTALLING: marked("Backend: work in progress"),
    State.READY: marked("Backend: ready"),
    State.DAMAGED: marked("Backend: damaged"),
    State.OUTDATED: marked("Backend: of another version"),
}


def draw(layout: bpy.types.UILayout, chosen: "LIKENESS_AP_preferences", settings: "Settings") -> None:
    """The whole of the add-on's preferences."""
    if chosen.backend_python:
        _draw_existing(layout.box(), chosen)
    else:
        _draw_state(layout.box(), chosen, settings)
        _draw_existing(layout.box(), chosen)
    box = layout.box()
    box.use_property_split = True
    box.prop(chosen, "device")
    box.prop(chosen, "log_folder")
    row = box.row()
    row.operator("likeness.backend_try", icon="PLAY")
    row.operator("likeness.open_log", icon="TEXT").kind = "BACKEND"
    row.operator("likeness.copy_report", icon="COPYDOWN")


def _draw_state(box: bpy.types.UILayout, chosen: "LIKENESS_AP_preferences", settings: "Settings") -> None:
    condition = look(settings.backend_root)
    name = marked("Backend: not finished") if condition.half else _NAMES[condition.state]
    box.label(text=name, icon=_ICONS[condition.state])
    _wrapped(box, condition.sentence)
    if condition.state == State.INSTALLING:
        box.progress(factor=condition.fraction, text=translated(condition.stage))
        box.operator("likeness.backend_cancel", icon="X")
        _draw_log(box, settings.backend_root)
        return
    if condition.state == State.READY:
        _wrapped(box, _summary(condition))
    else:
        _draw_choices(box, chosen, condition, settings.backend_root)
    row = box.row()
    if condition.state == State.ABSENT:
        row.scale_y = 1.5
        row.operator("likeness.backend_install", text="Install", icon="IMPORT")
        return
    if condition.half:
        row.operator("likeness.backend_install", text="Resume", icon="PLAY")
    elif condition.state == State.DAMAGED:
        row.operator("likeness.backend_install", text="Repair", icon="TOOL_SETTINGS")
    elif condition.state == State.OUTDATED:
        row.operator("likeness.backend_install", text="Update", icon="FILE_REFRESH")
    if not condition.half:
        row.operator("likeness.backend_verify", icon="VIEWZOOM")
    gigabytes = f"{condition.bytes / 1e9:.1f}"
    row.operator("likeness.backend_remove", text=translated("Remove ({} GB)").format(gigabytes), icon="TRASH")
    row.operator("likeness.open_log", icon="TEXT").kind = "INSTALL"


def _draw_choices(box: bpy.types.UILayout, chosen: "LIKENESS_AP_preferences", condition: Condition, root: Path) -> None:
    """What to install from where; and whether it may be and fits."""
    column = box.column()
    column.use_property_split = True
    column.row().prop(chosen, "build", expand=True)
    column.row().prop(chosen, "source", expand=True)
    if chosen.source == "FOLDER":
        column.prop(chosen, "wheels")
    if condition.state == State.ABSENT:
        column.prop(chosen, "backend_folder")
    download, disk, peak = (f"{size / 1e9:.1f}" for size in SIZES[chosen.build.lower()])
    costs = translated("Downloads about {} GB; takes {} GB on disk, {} GB for a while; {} GB are free")
    box.label(text=costs.format(download, disk, peak, f"{free_bytes(root) / 1e9:.1f}"), icon="DISK_DRIVE")
    box.label(text=str(root), icon="FILE_FOLDER", translate=False)
    if chosen.source == "INDEX" and not bpy.app.online_access:
        _draw_offline(box)


def _draw_offline(box: bpy.types.UILayout) -> None:
    row = box.row()
    sentence = row.row()
    sentence.alert = True
    if bpy.app.online_access_override:
        text = marked("Blender was started offline: start it without --offline-mode, or use a folder")
        sentence.label(text=text, icon="INTERNET_OFFLINE")
        return
    text = marked("Blender may not go online: allow it in the System preferences, or use a folder")
    sentence.label(text=text, icon="INTERNET_OFFLINE")
    row.operator("screen.userpref_show", text="Open", icon="PREFERENCES").section = "SYSTEM"


def _draw_existing(box: bpy.types.UILayout, chosen: "LIKENESS_AP_preferences") -> None:
    column = box.column()
    column.use_property_split = True
    column.prop(chosen, "backend_python")
    named = chosen.backend_python or os.environ.get("LIKENESS_PYTHON", "")
    if named and not Path(bpy.path.abspath(named)).is_file():
        column.alert = True
        column.label(text="There is no such program: correct the path", icon="ERROR")
    elif named and not chosen.backend_python:
        column.label(text="The environment variable LIKENESS_PYTHON names the backend's Python", icon="INFO")


def _summary(condition: Condition) -> str:
    names = ("version", "torch", "python", "device", "device_name")
    values = ((condition.installed or {}).get(name) for name in names)
    return "Likeness {}, torch {}, Python {}, {} ({})".format(*values)


def _draw_log(box: bpy.types.UILayout, root: Path) -> None:
    column = box.column(align=True)
    column.scale_y = 0.7
    for line in log_tail(Layout(root).log, _TAIL_LINES):
        column.label(text=line[:_LINE], translate=False)


def log_tail(path: Path, count: int) -> list[str]:
    """The last lines of a log that are not empty; none where there is no log."""
    try:
        with open(path, "rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - _TAIL * max(1, count // _TAIL_LINES)))
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return []
    return list(deque((line.rstrip() for line in text.splitlines() if line.strip()), maxlen=count))


def _wrapped(box: bpy.types.UILayout, sentence: str) -> None:
    """A sentence in as many lines as it needs: Blender's labels do not wrap."""
    if not sentence:
        return
    column = box.column(align=True)
    for line in textwrap.wrap(translated(sentence), _LINE):
        column.label(text=line, translate=False)
