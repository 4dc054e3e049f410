"""One request on its way to the backend and back."""

from typing import Protocol

import numpy as np

from neural_core.errors import Cancelled, LikenessError
from neural_core.wire import Message

Answer = tuple[dict, dict[str, np.ndarray]]


class Carrier(Protocol):
    """Who brings jobs to the backend."""

    def step(self, job: "Job | None" = None) -> None: ...

    def cancel(self, job: "Job") -> None: ...


class JobFailed(LikenessError):
    """The backend answered with an error; `str()` is its sentence.

    Attributes:
        code: the backend's short identifier. details: its trace, for the log.
    """

    def __init__(self, code: str, message: str, details: str = ""):
        super().__init__(message)
        self.code, self.details = code, details


class Job:
    """One request on its way.

    Attributes:
        op: what was asked. fraction: done, in [0, 1]. stage: what it does now. eta: seconds left, None if unknown.
    """

    def __init__(self, carrier: Carrier, number: int, op: str, body: dict, arrays: dict[str, np.ndarray]):
        self.op, self.number = op, number
        self.fraction, self.stage = 0.0, ""
        self.eta: float | None = None
        self.request = Message("request", number, op, body, arrays)
        self.starts = 0  # processes it was sent to
        self.sent = False
        self.cancelled_at: float | None = None
        self._carrier = carrier
        self._answer: Answer | None = None
        self._error: LikenessError | None = None

    @property
    def finished(self) -> bool:
        return self._answer is not None or self._error is not None

    def done(self) -> bool:
        """Look for news for a few milliseconds at most; whether the answer, or an error, is there."""
        self._carrier.step(self)
        return self.finished

    def result(self) -> Answer:
        """(body, arrays) of a job that is done; raises its LikenessError when it failed or was cancelled."""
        if self._error is not None:
            raise self._error
        if self._answer is None:
            raise RuntimeError(f"the job '{self.op}' is not done")
        return self._answer

    def cancel(self) -> None:
        """Ask the backend to stop; nothing happens when the job is done. The job ends as Cancelled."""
        self._carrier.cancel(self)

    def succeed(self, answer: Answer) -> None:
        self.fraction, self._answer = 1.0, answer

    def fail(self, error: LikenessError) -> None:
        self._error = error


def error_of(body: dict) -> LikenessError:
    """The error that an `error` message stands for."""
    message = str(body.get("message", "The backend failed."))
    if body.get("code") == Cancelled.code:
        return Cancelled(message)
    return JobFailed(str(body.get("code", "internal")), message, str(body.get("details", "")))
