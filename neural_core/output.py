"""Writing results so that a failure leaves what was there before."""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from neural_core.errors import OutputError


def check_writable(path: Path) -> None:
    """Raise OutputError now rather than after a minute of work when `path` cannot be written."""
    folder = path.parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise OutputError(f"Cannot write into '{folder}' ({error.strerror}): choose another place.") from error
    if path.is_dir():
        raise OutputError(f"'{path}' is a folder: give the name of a file to write.")


def _umask() -> int:
    """The process's umask, which can only be read by setting it."""
    mask = os.umask(0)
    os.umask(mask)
    return mask


def write_aside(path: Path, write: Callable[[Path], object]) -> None:
    """Call `write(temporary path)` beside `path`, then rename: a full disk loses nothing that was there.

    Raises:
        OutputError: the disk is full or the place cannot be written; the temporary file is removed.
    """
    path = Path(path)
    check_writable(path)
    aside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        write(aside)
        os.chmod(aside, 0o666 & ~_umask())  # some libraries write files that nobody else may read
        os.replace(aside, path)
    except OSError as error:
        raise OutputError(
            f"Could not write '{path}' ({error.strerror or error}): free some space or choose another place."
        ) from error
    finally:
        aside.unlink(missing_ok=True)
