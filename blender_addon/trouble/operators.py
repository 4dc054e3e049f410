"""The remedies and the report as operators."""

from pathlib import Path

import bpy
from bpy.props import EnumProperty, StringProperty

from ..avatar_files import stored_path
from ..lazily import loaded
from ..operators.job import active_avatar
from ..translations import message
from .record import latest, put_away
from .retry import retry

_WIDTH = 900  # pixels of the report's preview


class LIKENESS_OT_copy_report(bpy.types.Operator):
    """Show what a report would say about this machine and the last failure, then copy it; nothing is sent"""

    bl_idname = "likeness.copy_report"
    bl_label = "Copy Report"
    bl_options = {"INTERNAL"}

    text: StringProperty(options={"SKIP_SAVE", "HIDDEN"})

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        from .report import report

        self.text = report()
        return context.window_manager.invoke_props_dialog(self, width=_WIDTH, confirm_text="Copy")

    def draw(self, context: bpy.types.Context) -> None:
        column = self.layout.column(align=True)
        column.label(text="This text is copied; nothing is sent anywhere", icon="INFO")
        column.separator()
        column.scale_y = 0.8
        for line in self.text.splitlines():
            column.label(text=line, translate=False)

    def execute(self, context: bpy.types.Context) -> set[str]:
        from .report import report

        context.window_manager.clipboard = self.text or report()
        self.report({"INFO"}, "The report is on the clipboard")
        return {"FINISHED"}


class LIKENESS_OT_open_preferences(bpy.types.Operator):
    """Show the preferences of Likeness, where its backend is installed"""

    bl_idname = "likeness.open_preferences"
    bl_label = "Open Preferences"
    bl_options = {"INTERNAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        module = (__package__ or "").rpartition(".")[0]
        bpy.ops.preferences.addon_show(module=module)
        return {"FINISHED"}


class LIKENESS_OT_restart_backend(bpy.types.Operator):
    """End the backend's process; the next click starts another"""

    bl_idname = "likeness.restart_backend"
    bl_label = "Restart the Backend"
    bl_options = {"INTERNAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        if client := loaded("backend.client"):
            client.close()
        put_away()
        self.report({"INFO"}, "The next click starts the backend anew")
        return {"FINISHED"}


class LIKENESS_OT_render_smaller(bpy.types.Operator):
    """Halve the percentage of the resolution, and render what failed again"""

    bl_idname = "likeness.render_smaller"
    bl_label = "Render at Half the Resolution"
    bl_options = {"REGISTER", "UNDO", "INTERNAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        render = context.scene.render
        render.resolution_percentage = max(1, render.resolution_percentage // 2)
        text = message("The resolution is {} % now").format(render.resolution_percentage)
        if not _again(context):
            text = message("The resolution is {} % now: render again").format(render.resolution_percentage)
        self.report({"INFO"}, text)
        return {"FINISHED"}


class LIKENESS_OT_use_device(bpy.types.Operator):
    """Change the device in the preferences, start the backend anew on it and do what failed again"""

    bl_idname = "likeness.use_device"
    bl_label = "Use Device"
    bl_options = {"INTERNAL"}

    device: EnumProperty(
        name="Device",
        items=(
            ("AUTO", "Automatic", "The graphics card where it can be used, otherwise the processor", 0),
            ("CPU", "Processor", "Slower, and always there", 1),
        ),
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        from ..preferences import preferences

        if preferences() is None:
            cls.poll_message_set("Enable Likeness as an add-on: a script that registers it has no preferences")
            return False
        return True

    def execute(self, context: bpy.types.Context) -> set[str]:
        from ..preferences import preferences

        chosen = preferences()
        assert chosen is not None  # poll
        chosen.device = self.device  # restarts the backend
        if not _again(context):
            self.report({"INFO"}, "The next click starts the backend on that device")
        return {"FINISHED"}


def _again(context: bpy.types.Context) -> bool:
    """Put the last trouble away and do again what failed; False where the user has to."""
    trouble = latest()
    put_away()
    return trouble is not None and retry(context, trouble.doing)


class LIKENESS_OT_relink_avatar(bpy.types.Operator):
    """Choose the file of the active avatar, after it or the scene was moved"""

    bl_idname = "likeness.relink_avatar"
    bl_label = "Locate Avatar File"
    bl_options = {"REGISTER", "UNDO"}

    filepath: StringProperty(name="File", description="Avatar file", subtype="FILE_PATH", options={"SKIP_SAVE"})
    filter_glob: StringProperty(default="*.likeness", options={"HIDDEN"})

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if active_avatar(context) is None:
            cls.poll_message_set("Select an avatar: its armature or its mesh")
            return False
        return True

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        path = Path(bpy.path.abspath(self.filepath))
        if not path.is_file():
            self.report({"ERROR"}, message("There is no avatar file '{}'").format(path))
            return {"CANCELLED"}
        armature = active_avatar(context)
        assert armature is not None  # poll
        before = armature.likeness.avatar_path
        # Every avatar of this scene that came from that file, all with one click.
        for obj in context.scene.objects:
            if obj.likeness.avatar_path == before:
                obj.likeness.avatar_path = stored_path(path)
        put_away()
        return {"FINISHED"}


class LIKENESS_OT_put_away(bpy.types.Operator):
    """Hide this message"""

    bl_idname = "likeness.put_away"
    bl_label = "Hide Message"
    bl_options = {"INTERNAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        put_away()
        context.area.tag_redraw() if context.area is not None else None
        return {"FINISHED"}


classes = (
    LIKENESS_OT_copy_report,
    LIKENESS_OT_open_preferences,
    LIKENESS_OT_restart_backend,
    LIKENESS_OT_render_smaller,
    LIKENESS_OT_use_device,
    LIKENESS_OT_relink_avatar,
    LIKENESS_OT_put_away,
)
