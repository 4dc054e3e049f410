"""One installer per folder, and a way to know whether it lives that survives kill -9: the system frees the lock."""

import os
import sys
import time
from pathlib import Path

if sys.platform == "win32":
    import msvcrt

    def _try(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _try(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def hold(path: Path, patience: float = 3.0) -> int | None:
    """The descriptor that holds the lock until it is closed; None when another process has it for `patience` seconds.

    (Somebody who only looks holds it for a moment, too.) Programs that inherit the descriptor hold the lock as well.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    deadline = time.monotonic() + patience
    while True:
        try:
            _try(descriptor)
            return descriptor
        except OSError:
            if time.monotonic() > deadline:
                os.close(descriptor)
                return None
            time.sleep(0.05)


def held(path: Path) -> bool:
    """Whether somebody holds the lock now."""
    try:
        descriptor = os.open(path, os.O_RDWR)
    except OSError:
        return False
    try:
        _try(descriptor)
    except OSError:
        return True
    else:
        return False
    finally:
        os.close(descriptor)
