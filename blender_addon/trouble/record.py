"""The last trouble of this session. A plain object: the render thread may set it, every panel may read it."""

import time
from dataclasses import dataclass, field

from neural_core.errors import Cancelled, LikenessError


@dataclass(frozen=True)
class Trouble:
    """One failure.

    Attributes:
        code: the error's short identifier. sentence: for the user. doing: what failed. details: a trace, for us.
    """

    code: str
    sentence: str
    doing: str
    details: str = ""
    at: float = field(default_factory=time.time)


_latest: Trouble | None = None


def note(error: LikenessError, doing: str) -> None:
    """Keep a failure for the panel and the report; a job that the user stopped is none."""
    global _latest
    if not isinstance(error, Cancelled):
        _latest = Trouble(error.code, str(error), doing, getattr(error, "details", ""))


def latest() -> Trouble | None:
    """The last failure that nobody has put away."""
    return _latest


def put_away() -> None:
    """It is mended, or the user has read it."""
    global _latest
    _latest = None
