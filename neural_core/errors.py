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


class AvatarMissing(AvatarFileError):
    """There is no avatar file where a scene says it is."""

    code = "avatar_missing"


class AvatarNewer(AvatarFileError):
    """An avatar file was written by a newer version than this one."""

    code = "avatar_newer"


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


class BackendAbsent(BackendError):
    """No backend is installed, or not where the preferences say."""

    code = "backend_absent"


class BackendDied(BackendError):
    """The backend did not start, or ended in the middle of a job."""

    code = "backend_died"


class BackendOutdated(BackendError):
    """The backend speaks another protocol than the add-on."""

    code = "backend_outdated"


class DeviceError(BackendError):
    """The device asked for is not there or cannot be used."""

    code = "device"


class OutOfMemory(LikenessError):
    """Memory of the processor or of the graphics card ran out."""

    code = "memory"


class Cancelled(LikenessError):
    """The user cancelled the job; nothing was changed."""

    code = "cancelled"

    def __init__(self, message: str = "Cancelled; nothing was changed."):
        super().__init__(message)
