"""The buttons of the preferences. What they start is a process; nothing here waits for it."""

from typing import TYPE_CHECKING

import bpy
from bpy.props import EnumProperty

from neural_core.errors import LikenessError

from ..lazily import loaded
from ..operators.job import JobOperator, Steps
from ..operators.request import request
from ..translations import message as translated

if TYPE_CHECKING:
    from .state import Condition


def condition() -> "Condition":
    """The installation's, where the preferences say it is."""
    from ..preferences import settings
    from .control import look

    return look(settings().backend_root)


class _WorkerOperator:
    """Base: starts the worker and looks after it from then on."""

    def start(self, op: str, **options) -> set[str]:
        from ..preferences import settings
        from . import watch
        from .control import begin

        if client := loaded("backend.client"):
            client.close()  # Windows replaces no file that a process has open
        try:
            begin(settings().backend_root, op, **options)
        except LikenessError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        watch.watch()
        return {"FINISHED"}


class LIKENESS_OT_backend_install(_WorkerOperator, bpy.types.Operator):
    """Make a private Python with all the backend needs; what is there already is kept"""

    bl_idname = "likeness.backend_install"
    bl_label = "Install the Backend"
    bl_options = {"INTERNAL"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        from ..preferences import preferences
        from .state import State

        chosen = preferences()
        if chosen is None:
            cls.poll_message_set("Enable Likeness as an add-on: a script that registers it has no preferences")
        elif condition().state == State.INSTALLING:
            cls.poll_message_set("Wait until the work in progress is done, or cancel it")
        elif chosen.source == "FOLDER" and not chosen.wheels:
            cls.poll_message_set("Choose the folder that holds the wheels")
        elif chosen.source == "INDEX" and not bpy.app.online_access:
            cls.poll_message_set("Blender may not go online: allow it in the System preferences, or use a folder")
        else:
            return True
        return False

    def execute(self, context: bpy.types.Context) -> set[str]:
        from ..preferences import preferences
        from .control import own_wheel

        chosen = preferences()
        assert chosen is not None  # poll
        wheels = bpy.path.abspath(chosen.wheels) if chosen.source == "FOLDER" else ""
        return self.start("install", build=chosen.build.lower(), wheels=wheels, wheel=own_wheel())


class LIKENESS_OT_backend_cancel(bpy.types.Operator):
    """Stop the work in progress; what was downloaded is kept for a resume"""

    bl_idname = "likeness.backend_cancel"
    bl_label = "Cancel"
    bl_options = {"INTERNAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        from ..preferences import settings
        from .control import cancel

        cancel(settings().backend_root)
        return {"FINISHED"}


class LIKENESS_OT_backend_verify(_WorkerOperator, bpy.types.Operator):
    """Read every file that was installed and start the backend"""

    bl_idname = "likeness.backend_verify"
    bl_label = "Verify"
    bl_options = {"INTERNAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        return self.start("verify")


class LIKENESS_OT_backend_remove(_WorkerOperator, bpy.types.Operator):
    """Delete the installed backend; avatars and preferences stay"""

    bl_idname = "likeness.backend_remove"
    bl_label = "Remove the Backend"
    bl_options = {"INTERNAL"}

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        from ..preferences import settings

        text = translated("{:.1f} GB come back; the folder is {}")
        return context.window_manager.invoke_confirm(
            self,
            event,
            title=translated("Remove the Backend"),
            message=text.format(condition().bytes / 1e9, settings().backend_root),
            confirm_text=translated("Remove"),
            icon="WARNING",
        )

    def execute(self, context: bpy.types.Context) -> set[str]:
        return self.start("remove")


class LIKENESS_OT_backend_try(JobOperator, bpy.types.Operator):
    """Start the backend and ask what it runs on"""

    bl_idname = "likeness.backend_try"
    bl_label = "Try the Backend"
    bl_options = {"INTERNAL"}

    def job(self, context: bpy.types.Context) -> Steps:
        answer, _ = yield from request("describe_machine", {})
        text = translated("The backend works: Likeness {}, torch {}, on {} ({})")
        names = ("version", "torch", "device", "device_name")
        self.report({"INFO"}, text.format(*(answer.get(name) for name in names)))


class LIKENESS_OT_open_log(bpy.types.Operator):
    """Show the log in the program that this machine opens text files with"""

    bl_idname = "likeness.open_log"
    bl_label = "Open Log"
    bl_options = {"INTERNAL"}

    kind: EnumProperty(
        name="Log",
        items=(
            ("BACKEND", "Backend", "What the backend printed", 0),
            ("INSTALL", "Installation", "What the installer printed", 1),
        ),
    )

    def execute(self, context: bpy.types.Context) -> set[str]:
        from ..preferences import settings
        from .worker.layout import Layout

        chosen = settings()
        path = chosen.log if self.kind == "BACKEND" else Layout(chosen.backend_root).log
        if not path.is_file():
            self.report({"WARNING"}, translated("There is no log yet"))
            return {"CANCELLED"}
        bpy.ops.wm.path_open(filepath=str(path))
        return {"FINISHED"}


classes = (
    LIKENESS_OT_backend_install,
    LIKENESS_OT_backend_cancel,
    LIKENESS_OT_backend_verify,
    LIKENESS_OT_backend_remove,
    LIKENESS_OT_backend_try,
    LIKENESS_OT_open_log,
)
