"""What an installation is made with: uv, a Python that the backend's packages exist for, and a clean environment."""

import json
import os
import re
import shutil
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .journal import Journal, StepFailed
from .layout import Layout, python_of

# mediapipe 0.10.21 has wheels up to 3.12; 3.11 is what the tests run on.
VERSIONS = ("3.11", "3.12")
_OLDEST_UV = (0, 7)  # knows --torch-backend
_NAMES = ("python3.11", "python3.12", "python3", "python")
_FOREIGN = ("PYTHONHOME", "PYTHONPATH", "PYTHONSTARTUP", "VIRTUAL_ENV", "CONDA_PREFIX", "UV_TORCH_BACKEND")


@dataclass(frozen=True)
class Plan:
    """The order.

    Attributes:
        op: "install", "verify" or "remove". build: "cpu" or "cuda". wheels: folder of wheels, None for the index.
        wheel: Likeness's own wheel. expected_bytes: disk of the finished installation.
    """

    op: str
    build: str
    wheels: Path | None
    wheel: Path
    expected_bytes: int

    @staticmethod
    def from_json(data: dict) -> "Plan":
        """Raises StepFailed when it is no plan."""
        try:
            wheels = Path(data["wheels"]) if data["wheels"] else None
            plan = Plan(data["op"], data["build"], wheels, Path(data["wheel"]), int(data["expected_bytes"]))
        except (KeyError, TypeError, ValueError) as error:
            raise StepFailed("plan", "The order of the add-on cannot be read: start again.") from error
        if plan.op not in {"install", "verify", "remove"} or plan.build not in {"cpu", "cuda"}:
            raise StepFailed("plan", "The order of the add-on cannot be read: start again.")
        return plan


def environment(layout: Layout, plan: Plan) -> dict[str, str]:
    """The variables of every program started: nothing of Blender's Python, everything written into our folder.

    Whoever set pip up for a mirror or a folder of wheels means it for uv, too.
    """
    own = {name: value for name, value in os.environ.items() if name not in _FOREIGN}
    layout.temporary.mkdir(parents=True, exist_ok=True)
    own |= dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(layout.temporary))
    own |= {"UV_CACHE_DIR": str(layout.cache), "UV_PYTHON_INSTALL_DIR": str(layout.pythons), "UV_NO_PROGRESS": "1"}
    own |= {"PIP_CACHE_DIR": str(layout.cache), "PIP_NO_INPUT": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    own |= {"PYTHONUTF8": "1", "NO_COLOR": "1", "OMP_WAIT_POLICY": "PASSIVE"}
    for theirs, ours, separator in (
        ("PIP_INDEX_URL", "UV_DEFAULT_INDEX", " "),
        ("PIP_EXTRA_INDEX_URL", "UV_INDEX", " "),
        ("PIP_FIND_LINKS", "UV_FIND_LINKS", ","),
    ):
        if own.get(theirs):
            own.setdefault(ours, separator.join(own[theirs].split()))
    if plan.wheels is not None:  # that folder and nothing else
        for name in ("PIP_FIND_LINKS", "UV_FIND_LINKS", "UV_INDEX", "UV_DEFAULT_INDEX", "PIP_EXTRA_INDEX_URL"):
            own.pop(name, None)
        own |= {"PIP_CONFIG_FILE": os.devnull, "UV_NO_CONFIG": "1", "UV_OFFLINE": "1"}
    return own


def find_uv(journal: Journal, plan: Plan, variables: dict[str, str]) -> Path | None:
    """uv of this machine, or one fetched into our folder; None where neither is to be had."""
    layout = journal.layout
    fetched = python_of(layout.tools).with_name("uv.exe" if sys.platform == "win32" else "uv")
    home = Path.home()
    places = (shutil.which("uv"), home / ".local" / "bin" / "uv", home / ".cargo" / "bin" / "uv", fetched)
    for place in places:
        if place and Path(place).is_file() and _recent(journal, Path(place), variables):
            return Path(place)
    if plan.wheels is not None:
        found = any(_unpacked(wheel, fetched) and _recent(journal, fetched, variables) for wheel in _uv_wheels(plan))
        return fetched if found else None
    try:
        python = _environment_with_pip(journal, variables)
        if python is not None:
            journal.run([python, "-m", "pip", "install", "--only-binary", ":all:", "uv"], variables)
            if _recent(journal, fetched, variables):
                return fetched
    except StepFailed as failure:
        if failure.code in {"disk", "network", "certificate"}:
            raise
    shutil.rmtree(layout.tools, ignore_errors=True)
    return None


def _uv_wheels(plan: Plan) -> list[Path]:
    return sorted(plan.wheels.glob("uv-*.whl")) if plan.wheels is not None else []


def _unpacked(wheel: Path, target: Path) -> bool:
    """Whether uv's program, a single file in its wheel, could be put at `target`: this needs no pip."""
    try:
        with zipfile.ZipFile(wheel) as archive:
            inside = next(name for name in archive.namelist() if name.endswith(f".data/scripts/{target.name}"))
            target.parent.mkdir(parents=True, exist_ok=True)
            with archive.open(inside) as source, open(target, "wb") as program:
                shutil.copyfileobj(source, program)
    except (StopIteration, zipfile.BadZipFile, OSError):  # of another system, damaged; the disk's errors come again
        return False
    target.chmod(0o755)
    return True


def _environment_with_pip(journal: Journal, variables: dict[str, str]) -> Path | None:
    """The Python of a small environment made by the first Python that can (Debian's lacks ensurepip)."""
    for python in _pythons():
        shutil.rmtree(journal.layout.tools, ignore_errors=True)
        try:
            journal.run([python, "-I", "-m", "venv", journal.layout.tools], variables)
        except StepFailed as failure:
            if failure.code == "disk":
                raise
            continue
        return python_of(journal.layout.tools)
    return None


def versions_of(wheels: Path | None) -> tuple[str, ...]:
    """Python versions that may run the backend, best first; a folder of wheels has torch for some of them only."""
    if wheels is None:
        return VERSIONS
    names = [path.name for path in wheels.glob("torch-*.whl")]
    if not names:
        raise StepFailed("wheels", f"The folder '{wheels}' holds no wheel of torch: choose the folder of the wheels.")
    fitting = tuple(v for v in VERSIONS if any(f"-cp{v.replace('.', '')}-" in n or "-none-any" in n for n in names))
    if not fitting:
        raise StepFailed("wheels", f"The wheels in '{wheels}' are not for Python 3.11 or 3.12: fetch those that are.")
    return fitting


def base_pythons(
    journal: Journal, uv: Path | None, plan: Plan, variables: dict[str, str], versions: tuple[str, ...]
) -> Iterator[str]:
    """What a virtual environment can be made from, best first: this machine's Pythons, one that uv fetches, our own."""
    if uv is not None:
        for version in versions:
            try:
                found = journal.run([uv, "python", "find", "--system", "--no-python-downloads", version], variables)
            except StepFailed:
                continue
            yield found.strip().splitlines()[-1]
    else:
        for python in _pythons()[1:]:
            if version_of(journal, python, variables) in versions:
                yield str(python)
    if uv is not None and plan.wheels is None:
        yield from versions
    if ".".join(map(str, sys.version_info[:2])) in versions:  # Blender's own: gone when that Blender is removed
        yield sys.executable


def version_of(journal: Journal, python: Path | str, variables: dict[str, str]) -> str:
    """ "3.11" for a Python that runs; empty otherwise."""
    ask = "import json, sys; print(json.dumps(list(sys.version_info[:2])))"
    try:
        major, minor = json.loads(journal.run([python, "-I", "-c", ask], variables, timeout=60.0).splitlines()[-1])
    except (StepFailed, ValueError, IndexError):
        return ""
    return f"{major}.{minor}"


def _pythons() -> list[Path]:
    """The Python that runs this program, then those on the path."""
    found = [Path(sys.executable)]
    for name in _NAMES:
        place = shutil.which(name)
        if place and Path(place) not in found:
            found.append(Path(place))
    return found


def _recent(journal: Journal, uv: Path, variables: dict[str, str]) -> bool:
    try:
        numbers = re.search(r"(\d+)\.(\d+)", journal.run([uv, "--version"], variables, timeout=60.0))
    except StepFailed:
        return False
    return numbers is not None and (int(numbers[1]), int(numbers[2])) >= _OLDEST_UV
