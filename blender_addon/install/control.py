"""Starting and stopping the worker, and what an installation costs before it is begun."""

import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

from neural_core.errors import LikenessError

from .state import Condition, State, examine
from .worker.layout import FOLDER_NAME, Layout, read_json, write_json
from .worker.lock import held

_WORKER_PARENT = Path(__file__).parent  # the worker sees the standard library and itself, nothing of the add-on
_RUN = "import sys; sys.path.insert(0, sys.argv.pop(1)); from worker.main import main; main()"
_GIGABYTE = 1e9
# Bytes to download, bytes on disk when done, the most in between. Linux x86-64, torch 2.13: "cpu" is measured, "cuda"
# is what torch's NVIDIA packages add to it (5 GB on disk), rounded up.
SIZES = {"cpu": (0.58e9, 1.95e9, 2.6e9), "cuda": (3.4e9, 7.5e9, 11e9)}


class InstallError(LikenessError):
    """The installation cannot be begun."""

    code = "install"


def own_wheel() -> Path | None:
    """Likeness's wheel in the add-on's zip; None in a checkout."""
    found = sorted((Path(__file__).parents[1] / "wheels").glob("likeness-*.whl"))
    return found[-1] if found else None


def root_in(folder: Path) -> Path:
    """The installation's folder in one that the user picked: always one of our own, which we may remove."""
    return folder if folder.name == FOLDER_NAME else folder / FOLDER_NAME


def free_bytes(root: Path) -> int:
    """Space on the disk that `root` is, or will be, on."""
    place = root
    while not place.exists() and place != place.parent:
        place = place.parent
    return shutil.disk_usage(place).free


def look(root: Path) -> Condition:
    """The state of the installation in `root`, as this add-on sees it."""
    found = examine(root, own_wheel())
    # A worker that was just started has not taken its lock yet.
    return replace(found, state=State.INSTALLING) if started() else found


def begin(root: Path, op: str, build: str = "cpu", wheels: str = "", wheel: Path | None = None) -> None:
    """Start the worker; it goes on when Blender ends.

    Args:
        op: "install" (resume, update and repair too), "verify" or "remove". wheels: folder, "" for the package index.
        wheel: Likeness's own, needed for "install".

    Raises:
        InstallError: the folder cannot be written, the disk is too small, or a worker is at it already.
    """
    layout = Layout(root)
    if op == "install":
        _check(root, build, wheels, wheel)
    if held(layout.lock) or started():
        raise InstallError("The backend is being installed already: wait, or cancel it.")
    try:
        root.mkdir(parents=True, exist_ok=True)
        before = read_json(layout.plan) or {}
        known = {
            "build": before.get("build", build),
            "wheels": before.get("wheels", ""),
            "wheel": before.get("wheel", ""),
        }
        order = {"build": build, "wheels": wheels, "wheel": str(wheel)} if op == "install" else known
        write_json(layout.plan, {"op": op, **order, "expected_bytes": int(SIZES[order["build"]][1])})
        layout.lock.touch()
        layout.status.unlink(missing_ok=True)  # the number of a process long gone stands in it
        if op != "verify" and layout.log.exists():
            os.replace(layout.log, layout.log.with_name("install.log.old"))
        _launch(layout)
    except OSError as error:
        raise InstallError(
            f"The folder '{root}' cannot be written ({error.strerror or error}): choose another one."
        ) from error


def cancel(root: Path, patience: float = 2.0) -> None:
    """End the worker and all it started; what it has done stays for a resume. Nothing happens when none is at work."""
    layout = Layout(root)
    number = (read_json(layout.status) or {}).get("pid")
    if not isinstance(number, int) or number <= 1 or not held(layout.lock):
        return
    # The lock is held, so the number is that of a living worker, or of the group of programs it left behind.
    if sys.platform == "win32":
        subprocess.run(["taskkill", "/T", "/F", "/PID", str(number)], capture_output=True, check=False)
        return
    for sign in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(number, sign)
        except ProcessLookupError:
            return
        deadline = time.monotonic() + patience
        while held(layout.lock) and time.monotonic() < deadline:
            _reap()
            time.sleep(0.02)
        if not held(layout.lock):
            return


_children: list[subprocess.Popen] = []


def _launch(layout: Layout) -> None:
    variables = {k: v for k, v in os.environ.items() if k not in {"PYTHONHOME", "PYTHONPATH", "PYTHONSTARTUP"}}
    with open(layout.log, "ab") as log:
        child = subprocess.Popen(
            [sys.executable, "-I", "-B", "-c", _RUN, str(_WORKER_PARENT), str(layout.root)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=layout.root,
            env=variables,
            creationflags=subprocess.CREATE_NO_WINDOW if sys.platform == "win32" else 0,
            start_new_session=os.name == "posix",  # a group of its own: one signal ends all it started
        )
    _children.append(child)


def started() -> bool:
    """Whether a worker that this Blender started still runs (it may not hold its lock yet)."""
    _reap()
    return bool(_children)


def _reap() -> None:
    _children[:] = [child for child in _children if child.poll() is None]


def _check(root: Path, build: str, wheels: str, wheel: Path | None) -> None:
    if wheel is None:
        raise InstallError(
            "This add-on runs from a checkout and brings no wheel to install: name a Python that has Likeness under "
            "'Use an Existing Python'."
        )
    if wheels and not Path(wheels).is_dir():
        raise InstallError(f"There is no folder of wheels '{wheels}': choose another one.")
    needed, free = SIZES[build][2], free_bytes(root)
    there = (read_json(Layout(root).status) or {}).get("bytes") or 0
    if free + there < needed:
        raise InstallError(
            f"The disk has {free / _GIGABYTE:.1f} GB free, the installation needs {needed / _GIGABYTE:.1f} GB for a "
            "while: free some space or choose another folder."
        )
