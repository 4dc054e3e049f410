"""Progress and cancel, passed down from the user interface to every long step; and how long each took."""

import time
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field

from neural_core.errors import Cancelled


@dataclass
class Progress:
    """A reporter that stages call; raising `Cancelled` out of it is how a job stops.

    Attributes:
        report: called with (fraction in [0, 1], stage name). Must return quickly.
        is_cancelled: asked at every update; True makes `update` raise `Cancelled`.
    """

    report: Callable[[float, str], None] = lambda fraction, stage: None
    is_cancelled: Callable[[], bool] = lambda: False

    def update(self, fraction: float, stage: str) -> None:
        """Report `fraction` of the whole job done; raise `Cancelled` when the user asked to stop."""
        if self.is_cancelled():
            raise Cancelled()
        self.report(min(max(fraction, 0.0), 1.0), stage)

    def part(self, start: float, end: float) -> "Progress":
        """A reporter whose [0, 1] is this one's [start, end]."""
        return Progress(
            report=lambda fraction, stage: self.report(start + (end - start) * fraction, stage),
            is_cancelled=self.is_cancelled,
        )


@dataclass
class Stopwatch:
    """Seconds each stage took, in the order they ran."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str):
        start = time.perf_counter()
        yield
        self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - start
