"""Choices of this machine: where the backend is and how it is installed, which device it uses, where its log goes."""

from dataclasses import dataclass
from pathlib import Path

import bpy
from bpy.props import EnumProperty, StringProperty

from .lazily import loaded
from .typed import register_and_unregister

_PACKAGE = __package__ or ""


@dataclass(frozen=True)
class Settings:
    """The preferences as the rest of the add-on reads them.

    Attributes:
        backend_python: a Python the user named, empty for the installed one. device: "auto", "cpu" or "cuda".
        log_folder: writable. backend_root: folder of the installation, there or not.
    """

    backend_python: str
    device: str
    log_folder: Path
    backend_root: Path

    @property
    def log(self) -> Path:
        """The file that takes everything the backend prints."""
        return self.log_folder / "backend.log"


def preferences() -> "LIKENESS_AP_preferences | None":
    """The add-on's preferences; None where it was registered by a script and has none."""
    addon = bpy.context.preferences.addons.get(_PACKAGE)
    return addon.preferences if addon is not None else None


def settings() -> Settings:
    """The preferences, or their defaults where there are none."""
    from .install.control import root_in

    chosen = preferences()
    if chosen is None:
        return Settings("", "auto", user_folder("log"), root_in(user_folder("")))
    return Settings(
        bpy.path.abspath(chosen.backend_python) if chosen.backend_python else "",
        chosen.device.lower(),
        Path(bpy.path.abspath(chosen.log_folder)) if chosen.log_folder else user_folder("log"),
        root_in(Path(bpy.path.abspath(chosen.backend_folder)) if chosen.backend_folder else user_folder("")),
    )


def user_folder(name: str) -> Path:
    """Where an add-on may write: the extension's own folder, or Blender's data folder when a script registered us."""
    if _PACKAGE.startswith("bl_ext."):
        return Path(bpy.utils.extension_path_user(_PACKAGE, path=name))
    return Path(bpy.utils.user_resource("DATAFILES", path="likeness")) / name


def _restart(self, context: bpy.types.Context) -> None:
    """The next request takes the new choice."""
    if client := loaded("backend.client"):
        client.close()


class LIKENESS_AP_preferences(bpy.types.AddonPreferences):
    bl_idname = _PACKAGE

    backend_python: StringProperty(
        name="Existing Python",
        description=(
            "A Python that has Likeness installed (its venv's python program), used instead of the private one. Empty: "
            "the one installed here, or what the environment variable LIKENESS_PYTHON names"
        ),
        subtype="FILE_PATH",
        update=_restart,
    )
    backend_folder: StringProperty(
        name="Folder",
        description="Where the backend is installed, in a folder of its own. Empty: the add-on's own folder",
        subtype="DIR_PATH",
        update=_restart,
    )
    build: EnumProperty(
        name="Build",
        description="What the networks can run on",
        # The numbers are what the preferences store: never reuse one.
        items=(
            ("CPU", "Processor", "Runs on every machine; the small download", 0),
            ("CUDA", "CUDA", "Runs on NVIDIA graphics cards as well; the large download", 1),
        ),
        default="CPU",
    )
    source: EnumProperty(
        name="From",
        description="Where the packages come from",
        items=(
            ("INDEX", "Internet", "The Python package index, or the mirror that this machine is set up for", 0),
            ("FOLDER", "Folder of Wheels", "Packages that were fetched before; no network is used", 1),
        ),
        default="INDEX",
    )
    wheels: StringProperty(name="Wheels", description="Folder that holds the packages", subtype="DIR_PATH")
    device: EnumProperty(
        name="Device",
        description="Where the networks run",
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
        from .install import interface

        interface.draw(self.layout, self, settings())


classes = (LIKENESS_AP_preferences,)
register, unregister = register_and_unregister(classes)
