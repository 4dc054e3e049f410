"""The backend never outlives its Blender.

When Blender ends, however it ends, the system closes its end of our stdin: the reader sees that. A process that
Blender forked may still hold the pipe, so the parent's id is watched as well. PR_SET_PDEATHSIG is no help: Linux sends
it when the *thread* that started us ends, and Blender may start us from the thread of one render.
"""

import os
import threading
import time
from collections.abc import Callable

_SECONDS_BETWEEN_LOOKS = 2.0


def watch_parent(parent: int, on_death: Callable[[], None], interval: float = _SECONDS_BETWEEN_LOOKS) -> None:
    """Call `on_death` from a daemon thread once `parent`, the id of the process that started this one, is gone.

    Only POSIX gives an orphan another parent; on Windows the end of stdin is the sign.
    """
    if os.name != "posix":
        return

    def look() -> None:
        while os.getppid() == parent:
            time.sleep(interval)
        on_death()

    threading.Thread(target=look, name="parent watch", daemon=True).start()
