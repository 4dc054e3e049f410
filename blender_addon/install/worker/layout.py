"""What lies where in the folder of an installation, and how its small files are read and written."""

import hashlib
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER_NAME = "likeness-backend"  # always a folder of our own: removing it can never take anything else along
_LARGEST_FILE = 2**20  # bytes


@dataclass(frozen=True)
class Layout:
    """The files of an installation in `root`."""

    root: Path

    @property
    def venv(self) -> Path:
        return self.root / "venv"

    @property
    def python(self) -> Path:
        """The backend's Python."""
        return python_of(self.venv)

    @property
    def tools(self) -> Path:
        """A small environment for uv, where the machine has none."""
        return self.root / "tools"

    @property
    def pythons(self) -> Path:
        """Where uv puts a Python it has to download."""
        return self.root / "python"

    @property
    def cache(self) -> Path:
        """Downloads of an installation that is not finished: what a resumed one need not fetch again."""
        return self.root / "cache"

    @property
    def temporary(self) -> Path:
        return self.root / "tmp"

    @property
    def plan(self) -> Path:
        """The order: {op, build, wheels, wheel}."""
        return self.root / "plan.json"

    @property
    def status(self) -> Path:
        """What the worker does: {op, pid, stage, fraction, bytes, error}."""
        return self.root / "status.json"

    @property
    def version(self) -> Path:
        """What is installed; written last, so that a half installation has none."""
        return self.root / "version.json"

    @property
    def log(self) -> Path:
        return self.root / "install.log"

    @property
    def lock(self) -> Path:
        """Held by the worker, and by the programs it started, for as long as they live."""
        return self.root / "lock"


def python_of(environment: Path) -> Path:
    """The Python of a virtual environment."""
    return environment / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")


def site_packages(environment: Path) -> Path | None:
    """Where a virtual environment keeps its packages; None when there is no such folder."""
    if sys.platform == "win32":
        found = [environment / "Lib" / "site-packages"]
    else:
        found = sorted((environment / "lib").glob("python3.*/site-packages"))
    return found[0] if found and found[0].is_dir() else None


def name_of(dist_info: Path) -> str:
    """The name in `Name-1.2.dist-info`, as pip compares names."""
    return dist_info.name.split("-")[0].lower().replace("_", "-").replace(".", "-")


def wheel_hash(wheel: Path) -> str:
    """SHA-256 of Likeness's own wheel: two builds of one version are two things."""
    with open(wheel, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_json(path: Path) -> dict[str, Any] | None:
    """The object in a small file; None when it is missing, cut short or something else."""
    try:
        if path.stat().st_size > _LARGEST_FILE:
            return None
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def write_json(path: Path, value: dict[str, Any]) -> None:
    """Replace a file in one step: a reader sees the old one or the new one, never a piece."""
    aside = path.with_name(f"{path.name}.{os.getpid()}")
    aside.write_text(json.dumps(value, indent=1), encoding="utf-8")
    os.replace(aside, path)


def folder_bytes(folder: Path) -> int:
    """Disk a folder takes; a file with several names (uv links its cache) counts once."""
    total, seen, stack = 0, set(), [str(folder)]
    while stack:
        try:
            with os.scandir(stack.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        stack.append(entry.path)
                        continue
                    state = entry.stat(follow_symlinks=False)
                    if state.st_nlink > 1:
                        if (state.st_dev, state.st_ino) in seen:
                            continue
                        seen.add((state.st_dev, state.st_ino))
                    total += state.st_size
        except OSError:  # gone between listing and looking: an installation is at work in it
            continue
    return total
