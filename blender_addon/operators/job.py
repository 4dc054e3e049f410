"""One operator, two ways: `execute` is the whole blocking job; `invoke` and `modal` step the same job from a timer."""

import time
from collections.abc import Callable, Generator
from typing import Any

import bpy

from neural_core.errors import Cancelled, LikenessError

from ..trouble import record

Step = tuple[float, str]  # fraction done in [0, 1], what is being done
Steps = Generator[Step, None, Any]
_TIMER = 0.02  # seconds between steps: many small ones are soon done, and the processor is idle while the backend works
_SECONDS_TO_JUDGE = 2.0  # before the time that is left can be told
_VISIBLE = 0.005  # of a progress bar: about a pixel


class JobOperator:
    """Base of the operators that may take long.

    A subclass gives `job`, a generator that yields `Step`s between its pieces of work (20 ms at most: nothing else of
    Blender runs meanwhile) and does nothing to the scene
    before all that can fail has passed; closing the generator cancels it. Errors become reports; the undo step is one.
    """

    bl_label: str
    report: Callable  # bpy.types.Operator has these
    poll_message_set: Callable
    _steps: Steps | None = None
    _timer: bpy.types.Timer | None = None
    _browsing = False
    _started = 0.0

    def job(self, context: bpy.types.Context) -> Steps:
        raise NotImplementedError

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if context.window_manager.likeness_job.status in {"RUNNING", "ABORTING"}:
            cls.poll_message_set("Wait until the running job is done, or stop it")
            return False
        return True

    def execute(self, context: bpy.types.Context) -> set[str]:
        if self._browsing:  # the file browser calls execute: go on as the interface expects it
            self._browsing = False
            return self._start(context)
        job = context.window_manager.likeness_job
        job.status = "RUNNING"
        context.window_manager.progress_begin(0.0, 1.0)
        try:
            for fraction, _ in self.job(context):
                context.window_manager.progress_update(fraction)
        except LikenessError as error:
            return self._fail(context, error)
        except BaseException:
            self._quit(context, "FAILED")
            raise
        finally:
            context.window_manager.progress_end()
        return self._finish(context)

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        if getattr(self, "filepath", "set") == "":
            self.suggest_filepath(context)
            self._browsing = True
            context.window_manager.fileselect_add(self)
            return {"RUNNING_MODAL"}
        return self._start(context)

    def suggest_filepath(self, context: bpy.types.Context) -> None:
        """A name for the file browser to begin with."""

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        job = context.window_manager.likeness_job
        if event.type == "ESC" or job.status == "ABORTING":
            return self._fail(context, Cancelled())
        if event.type != "TIMER" or self._steps is None:
            return {"PASS_THROUGH"}
        try:
            fraction, stage = next(self._steps)
        except StopIteration:
            return self._finish(context)
        except LikenessError as error:
            return self._fail(context, error)
        except BaseException:
            self._quit(context, "FAILED")
            raise
        self._tell(context, fraction, stage)
        return {"RUNNING_MODAL"}

    def _tell(self, context: bpy.types.Context, fraction: float, stage: str) -> None:
        """Into panel and status bar; only what changed visibly, because every change is drawn."""
        job = context.window_manager.likeness_job
        elapsed = time.monotonic() - self._started
        eta = round(elapsed * (1 - fraction) / fraction) if fraction > 0.02 and elapsed > _SECONDS_TO_JUDGE else -1
        if stage == job.stage and eta == job.eta and abs(fraction - job.fraction) < _VISIBLE:
            return
        job.eta, job.fraction, job.stage = eta, fraction, stage
        left = f", {eta} s left" if eta >= 0 else ""
        context.workspace.status_text_set(f"{self.bl_label}: {stage} ({fraction:.0%}{left}), ESC to cancel")

    def cancel(self, context: bpy.types.Context) -> None:
        """Blender closes, or loads another file, while the job runs."""
        self._quit(context, "ABORTED")

    def _start(self, context: bpy.types.Context) -> set[str]:
        job = context.window_manager.likeness_job
        job.status, job.fraction, job.stage, job.message, job.eta = "RUNNING", 0.0, "Starting", "", -1
        self._started = time.monotonic()
        self._steps = self.job(context)
        self._timer = context.window_manager.event_timer_add(_TIMER, window=context.window)
        context.window_manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def _finish(self, context: bpy.types.Context) -> set[str]:
        self._quit(context, "DONE")
        record.put_away()
        undo_push: Any = bpy.ops.ed.undo_push  # the stubs take operators for classes
        if undo_push.poll():
            undo_push(message=self.bl_label)
        return {"FINISHED"}

    def _fail(self, context: bpy.types.Context, error: LikenessError) -> set[str]:
        record.note(error, self.bl_label)
        cancelled = isinstance(error, Cancelled)
        self._quit(context, "ABORTED" if cancelled else "FAILED", str(error))
        self.report({"WARNING"} if cancelled else {"ERROR"}, str(error))
        return {"CANCELLED"}

    def _quit(self, context: bpy.types.Context, status: str, message: str = "") -> None:
        """The one place that cleans up."""
        if self._steps is not None:
            self._steps.close()
            self._steps = None
        if self._timer is not None:
            context.window_manager.event_timer_remove(self._timer)
            self._timer = None
            context.workspace.status_text_set(None)
        job = context.window_manager.likeness_job
        job.status, job.fraction, job.stage, job.message = status, 0.0, "", message


class LIKENESS_OT_stop_job(bpy.types.Operator):
    """Stop the running job; nothing is changed"""

    bl_idname = "likeness.stop_job"
    bl_label = "Stop"
    bl_options = {"INTERNAL"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return context.window_manager.likeness_job.status == "RUNNING"

    def execute(self, context: bpy.types.Context) -> set[str]:
        context.window_manager.likeness_job.status = "ABORTING"
        return {"FINISHED"}


def active_avatar(context: bpy.types.Context) -> bpy.types.Object | None:
    """The armature of the avatar that is active, through its armature or its mesh."""
    active = context.view_layer.objects.active
    for candidate in (active, active.parent if active is not None else None):
        if candidate is not None and candidate.type == "ARMATURE" and candidate.likeness.is_avatar:
            return candidate
    return None


classes = (LIKENESS_OT_stop_job,)
