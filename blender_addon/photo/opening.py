"""Photos are opened, shown, closed and removed."""

from pathlib import Path

import bpy
from bpy.props import BoolProperty, CollectionProperty, IntProperty, StringProperty

from neural_core.errors import PhotoError

from ..trouble.record import latest, put_away
from . import follow, view
from .properties import active_photo, photos_of

_EXTENSIONS = (".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp", ".heic", ".heif")


class LIKENESS_OT_open_photo(bpy.types.Operator):
    """Open photos of one person beside the viewport and look for the person in them"""

    bl_idname = "likeness.open_photo"
    bl_label = "Open Photo for Likeness"  # as Blender's own menus show it
    bl_options = {"REGISTER", "UNDO"}

    filepath: StringProperty(name="Photo", subtype="FILE_PATH", options={"SKIP_SAVE"})
    directory: StringProperty(subtype="DIR_PATH", options={"SKIP_SAVE", "HIDDEN"})
    files: CollectionProperty(type=bpy.types.OperatorFileListElement, options={"SKIP_SAVE", "HIDDEN"})
    filter_image: BoolProperty(default=True, options={"HIDDEN", "SKIP_SAVE"})
    filter_folder: BoolProperty(default=True, options={"HIDDEN", "SKIP_SAVE"})
    add: BoolProperty(
        name="Add to Photos",
        description="Keep the photos that are open; otherwise begin anew",
        default=False,
        options={"SKIP_SAVE"},
    )

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        if self.filepath or self.files:  # dropped
            return self.execute(context)
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        paths = [Path(self.directory, file.name) for file in self.files if file.name] or [Path(self.filepath)]
        paths = [Path(bpy.path.abspath(str(path))) for path in paths]
        missing = [path for path in paths if not path.is_file()]
        if missing:
            self.report({"ERROR"}, f"There is no photo '{missing[0]}': choose a JPEG, PNG, WebP or HEIC file")
            return {"CANCELLED"}
        group = photos_of(context)
        if not self.add:
            group.photos.clear()
        for path in paths:
            photo = group.photos.add()
            photo.name, photo.filepath = path.name, str(path)
            photo.image = view.load_image(path)
        group.active = len(group.photos) - len(paths)
        trouble = latest()
        if trouble is not None and trouble.code == PhotoError.code:  # another photo is its remedy
            put_away()
        _show(context)
        return {"FINISHED"}


class LIKENESS_OT_show_photo(bpy.types.Operator):
    """Show a photo beside the viewport"""

    bl_idname = "likeness.show_photo"
    bl_label = "Show Photo"
    bl_options = {"INTERNAL", "UNDO"}

    index: IntProperty(default=-1, min=-1, description="Which one; -1: the active one", options={"SKIP_SAVE"})

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return active_photo(context) is not None

    def execute(self, context: bpy.types.Context) -> set[str]:
        group = photos_of(context)
        if self.index >= 0:
            group.active = min(self.index, len(group.photos) - 1)
        _show(context)
        return {"FINISHED"}


class LIKENESS_OT_close_photo(bpy.types.Operator):
    """Close the photo's area; its corrections stay"""

    bl_idname = "likeness.close_photo"
    bl_label = "Close Photo"
    bl_options = {"INTERNAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        view.close_soon()
        return {"FINISHED"}


class LIKENESS_OT_remove_photo(bpy.types.Operator):
    """Remove the photo from the list; its file stays"""

    bl_idname = "likeness.remove_photo"
    bl_label = "Remove Photo"
    bl_options = {"INTERNAL", "UNDO"}

    index: IntProperty(default=0, min=0, options={"SKIP_SAVE"})

    def execute(self, context: bpy.types.Context) -> set[str]:
        group = photos_of(context)
        group.photos.remove(self.index)
        group.active = max(0, min(group.active, len(group.photos) - 1))
        if group.photos:
            _show(context)
        else:
            _try_anew(context)
            view.close_soon()
        return {"FINISHED"}


class LIKENESS_OT_stop_photo(bpy.types.Operator):
    """Stop looking at the photo; change something to go on"""

    bl_idname = "likeness.stop_photo"
    bl_label = "Stop"
    bl_options = {"INTERNAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        follow.stop_current(for_good=True)
        return {"FINISHED"}


class LIKENESS_FH_photo(bpy.types.FileHandler):
    """Photos dropped into the viewport"""

    bl_idname = "LIKENESS_FH_photo"
    bl_label = "Likeness avatar from photo"
    bl_import_operator = LIKENESS_OT_open_photo.bl_idname
    bl_file_extensions = ";".join(_EXTENSIONS)

    @classmethod
    def poll_drop(cls, context: bpy.types.Context) -> bool:
        return context.area is not None and context.area.type == "VIEW_3D"


def _show(context: bpy.types.Context) -> None:
    photo = active_photo(context)
    if photo is None or photo.image is None:
        return
    _try_anew(context)
    if not bpy.app.background:
        view.open_beside(context, photo.image)
        follow.begin()


def _try_anew(context: bpy.types.Context) -> None:
    """The message was about another photo; what failed with this one is tried again, and its message comes back."""
    context.window_manager.likeness_photo_view.message = ""
    live = follow.current()
    if live is not None and live.job is None:
        live.failed_for = None


classes = (
    LIKENESS_OT_open_photo,
    LIKENESS_OT_show_photo,
    LIKENESS_OT_close_photo,
    LIKENESS_OT_remove_photo,
    LIKENESS_OT_stop_photo,
    LIKENESS_FH_photo,
)
