"""Choices of this machine: where the backend's Python is, which device it uses, where its log goes."""

from dataclasses import dataclass
from pathlib import Path

import bpy
from bpy.props import EnumProperty, StringProperty

from .typed import register_and_unregister

_PACKAGE = __package__ or ""


@dataclass(frozen=True)
class Settings:
    """The preferences as the rest of the add-on reads them.

    Attributes:
        backend_python: program, empty to look for one. device: "auto", "cpu" or "cuda". log_folder: writable.
    """

    backend_python: str
    device: str
    log_folder: Path


def settings() -> Settings:
    """The preferences, or their defaults where the add-on was registered by a script and has none."""
    addon = bpy.context.preferences.addons.get(_PACKAGE)
    chosen = addon.preferences if addon is not None else None
    python = bpy.path.abspath(chosen.backend_python) if chosen is not None and chosen.backend_python else ""
    folder = Path(bpy.path.abspath(chosen.log_folder)) if chosen is not None and chosen.log_folder else _user_folder()
    return Settings(python, chosen.device.lower() if chosen is not None else "auto", folder)


def _user_folder() -> Path:
    """Where an add-on may write: the extension's own folder, or Blender's data folder when a script registered us."""
    if _PACKAGE.startswith("bl_ext."):
        return Path(bpy.utils.extension_path_user(_PACKAGE, path="log"))
    return Path(bpy.utils.user_resource("DATAFILES", path="likeness"))


def _restart(self, context: bpy.types.Context) -> None:
    """The next request takes the new choice."""
    from .backend import client

    client.close()


class LIKENESS_AP_preferences(bpy.types.AddonPreferences):
    bl_idname = _PACKAGE

    backend_python: StringProperty(
        name="Backend Python",
        description=(
            "Python that has Likeness installed (its venv's python program). Empty: the environment variable "
            "LIKENESS_PYTHON"
        ),
        subtype="FILE_PATH",
        update=_restart,
    )
    device: EnumProperty(
        name="Device",
        description="Where the networks run",
        # The numbers are what the preferences store: never reuse one.
        items=(
            ("AUTO", "Automatic", "The graphics card where it can be used, otherwise the processor", 0),
            ("CPU", "Processor", "Slower, and always there", 1),
            ("CUDA", "CUDA", "NVIDIA graphics card", 2),
        ),
        default="AUTO",
        update=_restart,
    )
    log_folder: StringProperty(
        name="Log Folder",
        description="Where the backend writes its log. Empty: the add-on's own folder",
        subtype="DIR_PATH",
        update=_restart,
    )

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        layout.use_property_split = True
        for name in ("backend_python", "device", "log_folder"):
            layout.prop(self, name)
        layout.label(text=f"Log: {settings().log_folder / 'backend.log'}", icon="TEXT")


classes = (LIKENESS_AP_preferences,)
register, unregister = register_and_unregister(classes)
