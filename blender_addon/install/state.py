"""The state of the backend's installation, read from the disk: whatever ended when, and whoever looks."""

from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

from .worker.layout import Layout, name_of, read_json, site_packages, wheel_hash
from .worker.lock import held


class State(IntEnum):
    """What the installation is. The numbers are what a property may store: never reuse one."""

    ABSENT = 0
    INSTALLING = 1
    READY = 2
    DAMAGED = 3
    OUTDATED = 4


@dataclass(frozen=True)
class Condition:
    """What a look at the folder found.

    Attributes:
        state: see State. sentence: why, and what to do; empty when there is nothing to say.
        half: a DAMAGED installation that was never finished: it is resumed, not repaired.
        op, stage, fraction: of the worker while INSTALLING. bytes: disk that is taken.
        installed: the version file, empty without one.
    """

    state: State
    sentence: str = ""
    half: bool = False
    op: str = ""
    stage: str = ""
    fraction: float = 0.0
    bytes: int = 0
    installed: dict | None = None


_hashes: dict[tuple[str, int, int], str] = {}


def examine(root: Path, wheel: Path | None) -> Condition:
    """Look at an installation; a millisecond or so.

    Args:
        root: its folder. wheel: the one this add-on brings; None (a checkout) takes any version for current.
    """
    layout = Layout(root)
    status, version = read_json(layout.status) or {}, read_json(layout.version) or {}
    taken = int(version.get("bytes") or status.get("bytes") or 0)
    if held(layout.lock):
        return Condition(
            State.INSTALLING,
            op=str(status.get("op", "")),
            stage=str(status.get("stage", "")),
            fraction=float(status.get("fraction", 0.0)),
            bytes=taken,
            installed=version,
        )
    error = status.get("error") or {}
    if not version.get("complete"):
        if not layout.plan.exists():
            return Condition(State.ABSENT)
        sentence = str(error.get("message") or "The installation was not finished: resume it, or remove what is there.")
        return Condition(State.DAMAGED, sentence, half=True, bytes=taken)
    problem = _problem(layout, version)
    if problem:
        return Condition(State.DAMAGED, problem, bytes=taken, installed=version)
    if wheel is not None and version.get("wheel") != _hash(wheel):
        return Condition(
            State.OUTDATED,
            f"The backend is version {version.get('version')} and belongs to another add-on: update it.",
            bytes=taken,
            installed=version,
        )
    return Condition(State.READY, bytes=taken, installed=version)


def _problem(layout: Layout, version: dict) -> str:
    """What is wrong with a finished installation, as far as one look shows it; empty when nothing is."""
    if version.get("problem"):
        return str(version["problem"])
    if not layout.python.is_file():
        return "The backend's Python is gone: repair the installation."
    site = site_packages(layout.venv)
    there = {name_of(folder) for folder in site.glob("*.dist-info")} if site is not None else set()
    missing = sorted(set(version.get("packages", ())) - there)
    if missing:
        return f"{', '.join(missing[:3])} is missing: repair the installation."
    return ""


def _hash(wheel: Path) -> str:
    """SHA-256 of a wheel, read once as long as the file stays what it is."""
    state = wheel.stat()
    key = (str(wheel), state.st_mtime_ns, state.st_size)
    if key not in _hashes:
        _hashes[key] = wheel_hash(wheel)
    return _hashes[key]
