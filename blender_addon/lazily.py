"""What enabling the add-on does not import; see "Registration is cheap" in docs/design_rules.md."""

import gc
import importlib
import sys
from typing import Any

BACKEND = ("ctypes", "numpy", f"{__package__}.backend.client")  # numpy needs ctypes and takes long enough without it


def loaded(module: str) -> Any | None:
    """A module of the add-on ("backend.client") that was needed so far; None where nothing of it has to be put away."""
    return sys.modules.get(f"{__package__}.{module}")


def import_next(*modules: str) -> bool:
    """Import the first of the modules that is not there yet; False when all are.

    For a job's steps and a timer's ticks, one module each: all at once they would hold up the interface.
    """
    missing = next((module for module in modules if module not in sys.modules), None)
    if missing is None:
        return False
    collecting = gc.isenabled()
    gc.disable()  # collections in the midst of it find nothing, and take a fifth of numpy's import
    try:
        importlib.import_module(missing)
    finally:
        if collecting:
            gc.enable()
    return True
