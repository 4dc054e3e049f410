"""Which Python runs the backend: never Blender's own, whose version and libraries are Blender's business."""

import importlib.util
import os
import sys
from pathlib import Path

from neural_core.errors import BackendAbsent, BackendOutdated

from ..install.control import own_wheel
from ..install.state import Condition, State, examine
from ..install.worker.layout import Layout

ENVIRONMENT_VARIABLE = "LIKENESS_PYTHON"


def backend_command(python: str = "", device: str = "auto", root: Path | None = None) -> list[str]:
    """The command that starts the backend.

    Args:
        python: the preference; when empty the environment variable LIKENESS_PYTHON decides, then the installation in
            `root`, then, where Blender is a module of a Python that has torch (scripts, farms, tests), that Python.
        device: "auto", "cpu" or "cuda".

    Raises:
        BackendAbsent, BackendOutdated: there is none that can be used, and what to do.
    """
    return [str(_python(python, root)), "-m", "neural_core.backend", "--device", device]


def backend_environment() -> dict[str, str]:
    """The child's environment: without what belongs to Blender's Python, with what makes its pipes predictable."""
    environment = {k: v for k, v in os.environ.items() if k not in {"PYTHONHOME", "PYTHONPATH", "PYTHONSTARTUP"}}
    # OpenMP's waiting threads must sleep: when they spin, a frame takes six times as long where anything else
    # uses the cores as well (measured on two busy cores: 18 s against 3 s).
    environment.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    return {**environment, "PYTHONUTF8": "1", "PYTHONUNBUFFERED": "1"}


def _python(preference: str, root: Path | None) -> Path:
    for source, value in (
        ("The preferences of the add-on", preference),
        (f"The environment variable {ENVIRONMENT_VARIABLE}", os.environ.get(ENVIRONMENT_VARIABLE, "")),
    ):
        if value:
            path = Path(value).expanduser()
            if not path.is_file() or not os.access(path, os.X_OK):
                raise BackendAbsent(
                    f"{source} name '{path}' as the Python of the Likeness backend, but no such program is there: "
                    "correct the path."
                )
            return path
    found = examine(root, own_wheel()) if root is not None else Condition(State.ABSENT)
    if root is not None and found.state == State.READY:
        return Layout(root).python
    if _own_python_has_torch():
        return Path(sys.executable)
    if found.state == State.OUTDATED:
        raise BackendOutdated(found.sentence)
    if found.state == State.INSTALLING:
        raise BackendAbsent("The Likeness backend is being installed: wait until the preferences say that it is ready.")
    if found.state == State.DAMAGED:
        raise BackendAbsent(f"The Likeness backend cannot be used. {found.sentence}")
    raise BackendAbsent("The Likeness backend is not installed: press Install in the add-on's preferences.")


def _own_python_has_torch() -> bool:
    """Whether Blender is a module of this Python, not this Python a part of Blender, and the backend can run in it."""
    import bpy

    return not bpy.app.binary_path and all(importlib.util.find_spec(name) for name in ("torch", "neural_core"))
