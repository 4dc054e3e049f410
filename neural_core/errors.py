"""Errors that a user can cause. Each carries one sentence that says what to do."""


class LikenessError(Exception):
    """Base of all errors a user can cause; `str(error)` is a sentence fit to be shown as it is.

    Attributes:
        code: short stable identifier, sent over the wire and shown in reports.
    """

    code = "likeness"


class PhotoError(LikenessError):
    """The photo cannot be read or shows no person that can be used."""

    code = "photo"


class BodyFileError(LikenessError):
    """A body model file is missing, corrupt, or not what it says it is."""

    code = "body_file"


class AvatarFileError(LikenessError):
    """An avatar file is missing, corrupt, foreign, or newer than this program."""

    code = "avatar_file"


class MotionError(LikenessError):
    """A motion file lacks keys or has arrays of the wrong shape."""

    code = "motion"


class OutputError(LikenessError):
    """The result cannot be written where the user asked for it."""

    code = "output"


class WeightsError(LikenessError):
    """Trained weights are missing or belong to another architecture or version."""

    code = "weights"


class BackendError(LikenessError):
    """The backend process is missing, died, or speaks another protocol."""

    code = "backend"


class Cancelled(LikenessError):
    """The user cancelled the job; nothing was changed."""

    code = "cancelled"

    def __init__(self, message: str = "Cancelled; nothing was changed."):
        super().__init__(message)
