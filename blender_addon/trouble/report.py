"""What *Copy Report* puts on the clipboard: short enough to be read before it is sent."""

import platform
import textwrap
import time
from collections.abc import Iterator

import bpy

from ..backend import client
from ..install.control import look
from ..install.interface import log_tail
from ..install.state import State
from ..install.worker.layout import Layout
from ..preferences import settings
from .privacy import anonymous
from .record import latest

_BACKEND_LINES = 14
_INSTALL_LINES = 6
_LINE = 140  # letters
_MOST_PIECES = 3  # that a line of a log is broken into


def report() -> str:
    """Versions, device, state, the last trouble and the last lines of the logs; no personal paths."""
    pieces = (textwrap.wrap(anonymous(line), _LINE, subsequent_indent="  ")[:_MOST_PIECES] for line in _lines())
    return "\n".join(piece for several in pieces for piece in several) + "\n"


def _lines() -> Iterator[str]:
    from neural_core import __version__

    chosen = settings()
    yield f"Likeness {__version__}, Blender {bpy.app.version_string} ({_text(bpy.app.build_hash)})"
    yield f"Python {platform.python_version()}, {platform.system()} {platform.release()}, {platform.machine()}"
    yield from _backend(chosen)
    scene = bpy.context.scene
    if scene is not None:
        avatars = sum(obj.likeness.is_avatar for obj in scene.objects)
        yield f"Scene: engine {scene.render.engine}, {avatars} avatar(s)"
    trouble = latest()
    if trouble is None:
        yield "Trouble: none in this session"
    else:
        ago = max(0, round((time.time() - trouble.at) / 60))
        yield f"Trouble [{trouble.code}] while '{trouble.doing}', {ago} min ago: {trouble.sentence}"
        yield from trouble.details.strip().splitlines()[-6:]
    yield "-- last lines of the backend's log"
    yield from log_tail(chosen.log, _BACKEND_LINES)
    install_log = log_tail(Layout(chosen.backend_root).log, _INSTALL_LINES)
    if install_log:
        yield "-- last lines of the installer's log"
        yield from install_log


def _backend(chosen) -> Iterator[str]:
    found = look(chosen.backend_root)
    source = "an existing Python" if chosen.backend_python else "private"
    state = State(found.state).name.lower()
    yield f"Backend: {source}, installation {state}. {found.sentence}".rstrip()
    hello = client.running()
    if hello is None:
        installed = found.installed or {}
        yield f"Not running; installed: torch {installed.get('torch')}, Python {installed.get('python')}"
        return
    memory = hello.get("free_memory")
    free = f", {memory / 1e9:.1f} GB free" if isinstance(memory, int | float) else ""
    yield f"Running: torch {hello.get('torch')} on {hello.get('device')} ({hello.get('device_name')}){free}"


def _text(value: bytes | str) -> str:
    return value.decode("ascii", "replace") if isinstance(value, bytes) else str(value)
