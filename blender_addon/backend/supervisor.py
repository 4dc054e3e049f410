"""Jobs for the backend: one process, started when first needed, looked after while it works.

Nothing here starts a thread. A modal operator asks `job.done()` from its timer; a script or a render calls `run`. A
process that dies is started again once and its jobs are sent anew; when it dies again they fail with a sentence.
"""

import threading
import time
from collections.abc import Callable
from typing import Protocol

import numpy as np

from neural_core.errors import BackendDied, BackendError, BackendOutdated, Cancelled, DeviceError, LikenessError
from neural_core.wire import PROTOCOL, Message, WireError

from .job import Answer, Job, error_of
from .process import BackendProcess

_STEP = 0.004  # seconds a look for news may take: short for an interface, long enough not to spin in a loop
_STARTS = 2  # processes a job may use up
_SECONDS_TO_START = 180.0  # importing torch for the first time from a slow disk
_SECONDS_TO_CANCEL = 10.0  # between two steps of any job; after that the process is hung


class Launcher(Protocol):
    """How a backend process is started; raises BackendError when there is none."""

    def __call__(self) -> BackendProcess: ...


class Supervisor:
    """The add-on's end of the wire. Safe to use from the main thread and from Blender's render thread at once."""

    def __init__(
        self,
        launch: Launcher,
        seconds_to_start: float = _SECONDS_TO_START,
        seconds_to_cancel: float = _SECONDS_TO_CANCEL,
    ):
        self._launch = launch
        self._seconds_to_start, self._seconds_to_cancel = seconds_to_start, seconds_to_cancel
        self._process: BackendProcess | None = None
        self._hello: dict | None = None
        self._started_at = 0.0
        self._jobs: dict[int, Job] = {}
        self._number = 0
        self._lock = threading.RLock()

    @property
    def hello(self) -> dict | None:
        """What the running backend said about itself: version, device, device_name, free_memory, pid."""
        return self._hello

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def start(self, op: str, body: dict | None = None, arrays: dict[str, np.ndarray] | None = None) -> Job:
        """Send a request, starting the backend when it does not run; returns at once.

        What goes wrong, a missing backend included, is told by the job's `result`.
        """
        with self._lock:
            self._number += 1
            job = Job(self, self._number, op, body or {}, arrays or {})
            self._jobs[job.number] = job
            if self._process is None or self._process.exit_code is not None:
                self._restart()
            self._dispatch()
            return job

    def run(
        self,
        op: str,
        body: dict | None = None,
        arrays: dict[str, np.ndarray] | None = None,
        on_progress: Callable[[float, str], None] | None = None,
        should_stop: Callable[[], bool] | None = None,
    ) -> Answer:
        """Do a whole job: (body, arrays) of its answer.

        Args:
            on_progress: called with (fraction, stage) when either changed. should_stop: True cancels the job.

        Raises:
            LikenessError: what the backend reports (JobFailed), BackendError, or Cancelled.
        """
        job = self.start(op, body, arrays)
        shown = (0.0, "")
        try:
            while not job.done():
                if on_progress is not None and (job.fraction, job.stage) != shown:
                    shown = (job.fraction, job.stage)
                    on_progress(*shown)
                if should_stop is not None and should_stop():
                    job.cancel()
        finally:
            job.cancel()
        return job.result()

    def step(self, job: Job | None = None) -> None:
        """Exchange what is there to exchange; a few milliseconds at most while `job` is not done."""
        with self._lock:
            if self._process is None or (job is not None and job.finished):
                return
            for message in self._process.pump(_STEP):
                self._receive(message)
                if self._process is None:
                    return
            if not self._process.alive:
                self._mourn()
            else:
                self._enforce_deadlines()

    def cancel(self, job: Job) -> None:
        with self._lock:
            if job.finished or job.cancelled_at is not None:
                return
            if not job.sent or self._process is None:
                self._finish(job, error=Cancelled())
                return
            job.cancelled_at = time.monotonic()
            self._process.send(Message("cancel", job.number))

    def close(self) -> None:
        """Let the process leave, and fail what it was doing; the next request starts another."""
        with self._lock:
            process, self._process, self._hello = self._process, None, None
            self._fail_all(BackendError("The Likeness backend was closed before the job was done: start it again."))
            if process is not None:
                process.close()

    def _restart(self) -> None:
        """A new process in place of the old one, for every job there is; without one they all fail."""
        self._end()
        try:
            self._process = self._launch()
        except BackendError as error:
            self._fail_all(error)
            return
        self._started_at = time.monotonic()
        for job in self._jobs.values():
            job.sent = False

    def _end(self) -> None:
        if self._process is not None:
            self._process.kill()
        self._process, self._hello = None, None

    def _dispatch(self) -> None:
        """Send what waits, once the backend has said hello."""
        if self._hello is None or self._process is None:
            return
        for job in [job for job in self._jobs.values() if not job.sent]:
            try:
                self._process.send(job.request)
            except WireError as error:
                self._finish(job, error=error)
            else:
                job.sent = True
                job.starts += 1

    def _receive(self, message: Message) -> None:
        job = self._jobs.get(message.job)
        if message.kind == "hello":
            self._greet(message.body)
        elif message.kind == "error" and message.job == 0:
            self._give_up(_refusal(message.body))
        elif job is None:
            return  # an answer to a job that was given up
        elif message.kind == "progress":
            job.fraction, job.eta = float(message.body.get("fraction", 0.0)), message.body.get("eta")
            job.stage = str(message.body.get("stage", ""))
        elif message.kind == "result":
            self._finish(job, answer=(message.body, message.arrays))
        elif message.kind == "error":
            self._finish(job, error=error_of(message.body))

    def _greet(self, body: dict) -> None:
        if body.get("protocol") != PROTOCOL:
            self._give_up(
                BackendOutdated(
                    f"The Likeness backend speaks protocol {body.get('protocol')} but this add-on {PROTOCOL}: "
                    "install the backend that belongs to this add-on."
                )
            )
            return
        self._hello = body
        self._dispatch()

    def _mourn(self) -> None:
        """The process is gone: start another for the jobs that may try again, fail the others."""
        process = self._process
        assert process is not None
        came_up = self._hello is not None
        self._end()
        cause = _cause(process)
        if not came_up:
            # It never came up: another try would end the same way.
            self._fail_all(BackendDied(f"The Likeness backend did not start ({cause}): see its log '{process.log}'."))
            return
        for job in list(self._jobs.values()):
            if job.cancelled_at is not None:
                self._finish(job, error=Cancelled())
            elif job.starts >= _STARTS:
                self._finish(
                    job,
                    error=BackendDied(
                        f"The Likeness backend died {_STARTS} times while doing '{job.op}' ({cause}): "
                        f"see its log '{process.log}'."
                    ),
                )
        if self._jobs:
            self._restart()

    def _enforce_deadlines(self) -> None:
        now = time.monotonic()
        if self._hello is None and now - self._started_at > self._seconds_to_start:
            self._give_up(
                BackendDied(f"The Likeness backend did not start within {self._seconds_to_start:.0f} s: try again.")
            )
            return
        late = [
            job
            for job in self._jobs.values()
            if job.cancelled_at is not None and now - job.cancelled_at > self._seconds_to_cancel
        ]
        if late:
            for job in late:
                self._finish(job, error=Cancelled())
            self._end()
            if self._jobs:
                self._restart()

    def _give_up(self, error: LikenessError) -> None:
        self._end()
        self._fail_all(error)

    def _fail_all(self, error: LikenessError) -> None:
        for job in list(self._jobs.values()):
            self._finish(job, error=Cancelled() if job.cancelled_at is not None else error)

    def _finish(self, job: Job, answer: Answer | None = None, error: LikenessError | None = None) -> None:
        self._jobs.pop(job.number, None)
        if answer is not None:
            job.succeed(answer)
        elif error is not None:
            job.fail(error)


def _refusal(body: dict) -> BackendError:
    """Why a backend does not come up, as it says itself."""
    kind = DeviceError if body.get("code") == DeviceError.code else BackendDied
    return kind(str(body.get("message", "The Likeness backend did not start.")))


def _cause(process: BackendProcess) -> str:
    """Why a process is gone, in a few words."""
    if process.broken is not None:
        return str(process.broken).rstrip(".")
    if process.exit_code == -9:
        return "it was killed, probably because memory ran out"
    return process.last_words() or f"exit code {process.exit_code}"
