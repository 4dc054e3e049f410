"""Which body an avatar is made of: the open one, or a licensed SMPL-X file that the user brings."""

import os
from pathlib import Path

from neural_core.body.licensed import load_smplx
from neural_core.body.model import BodyModel
from neural_core.body.open_body import load_open_body
from neural_core.errors import BodyFileError

# The user's own files: SMPLX_{NEUTRAL,MALE,FEMALE}.npz or .pkl, and SMPL-X's UV template where the model has no UV.
BODY_VARIABLE = "LIKENESS_SMPLX"
UV_VARIABLE = "LIKENESS_SMPLX_UV"


def load_licensed_body(path: Path) -> BodyModel:
    """The user's SMPL-X file, with the UV template named by LIKENESS_SMPLX_UV; raises BodyFileError."""
    uv = os.environ.get(UV_VARIABLE)
    return load_smplx(path, Path(uv) if uv else None)


def body_named(name: str) -> BodyModel:
    """The body that an avatar file names.

    Raises:
        BodyFileError: it is a licensed body and LIKENESS_SMPLX does not name its file.
    """
    body = load_open_body()
    if name == body.name:
        return body
    for path in filter(None, os.environ.get(BODY_VARIABLE, "").split(os.pathsep)):
        body = load_licensed_body(Path(path))
        if name == body.name:
            return body
    raise BodyFileError(
        f"This avatar was made on the body '{name}': set {BODY_VARIABLE} to the SMPL-X file it was made with, "
        "or create the avatar again."
    )
