"""The one backend that operators and render engine share."""

import atexit
import threading
from collections.abc import Callable

import numpy as np

from neural_core.errors import BackendAbsent

from ..preferences import settings
from .job import Answer, Job, JobFailed
from .locate import backend_command, backend_environment
from .process import BackendProcess
from .supervisor import Supervisor

__all__ = ["Answer", "Job", "JobFailed", "close", "run", "running", "shared", "start"]

_shared: Supervisor | None = None
_lock = threading.Lock()


def shared() -> Supervisor:
    """The supervisor of this Blender's backend process; the process starts with the first request."""
    global _shared
    with _lock:
        if _shared is None:
            _shared = Supervisor(_launch)
            atexit.register(close)
        return _shared


def start(op: str, body: dict | None = None, arrays: dict[str, np.ndarray] | None = None) -> Job:
    """Send a request and return at once; see Supervisor.start."""
    return shared().start(op, body, arrays)


def run(
    op: str,
    body: dict | None = None,
    arrays: dict[str, np.ndarray] | None = None,
    on_progress: Callable[[float, str], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> Answer:
    """Do a whole job, blocking; see Supervisor.run."""
    return shared().run(op, body, arrays, on_progress, should_stop)


def running() -> dict | None:
    """What the backend that runs now said about itself; None when none runs. Starts nothing."""
    return _shared.hello if _shared is not None else None


def close() -> None:
    """End the backend process; the next request starts another, with the preferences as they are then."""
    global _shared
    with _lock:
        supervisor, _shared = _shared, None
    atexit.unregister(close)
    if supervisor is not None:
        supervisor.close()


def _launch() -> BackendProcess:
    chosen = settings()
    command = backend_command(chosen.backend_python, chosen.device, chosen.backend_root)
    log = chosen.log
    try:
        return BackendProcess(command, backend_environment(), log)
    except OSError as error:
        raise BackendAbsent(
            f"The Likeness backend cannot be started with '{command[0]}' ({error.strerror or error}): "
            "check 'Existing Python' and 'Log Folder' in the add-on's preferences."
        ) from error
