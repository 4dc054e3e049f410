"""What is known about a photo that is open: plain arrays from the backend, never Blender's data."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

    from ..backend.job import Job

_KEPT = 6  # as many as the backend keeps


@dataclass
class Live:
    """A photo and a person in it, as the backend saw them.

    Attributes:
        session: the backend's name for it, empty until observed. observed, landmarks, points, mask, faces, picture: its
            answers, see docs/architecture.md; vertices: (V, 3) of the fitted body in the picture, None until fitted.
        errors: measures of the fit. fitted_for: the fingerprint the last full fit belongs to; failed_for: the one that
            did not work. job: the request on its way. version: grows with every answer, for what is drawn.
    """

    path: str
    person: int
    session: str = ""
    observed: dict = field(default_factory=dict)
    landmarks: "np.ndarray | None" = None
    points: "np.ndarray | None" = None
    mask: "np.ndarray | None" = None
    faces: "np.ndarray | None" = None
    picture: "np.ndarray | None" = None
    vertices: "np.ndarray | None" = None
    errors: dict = field(default_factory=dict)
    fitted_for: tuple | None = None
    failed_for: tuple | None = None
    job: "Job | None" = None
    job_for: tuple | None = None
    version: int = 0

    def observe(self, wanted: tuple) -> None:
        """Ask what the photo shows."""
        body = {"photo": self.path, "person": self.person} if self.person else {"photo": self.path}
        self._start("observe_photo", body, wanted)

    def fit(self, wanted: tuple, corrections: dict, draft: bool) -> None:
        """Ask for the body as corrected."""
        self._start("fit_photo", {"session": self.session, **corrections, "draft": draft}, wanted)

    def _start(self, op: str, body: dict, wanted: tuple) -> None:
        from ..backend import client

        self.job, self.job_for = client.start(op, body), wanted

    def finish(self) -> None:
        """Take the answer of the job that is done; raises its LikenessError."""
        from ..backend.job import JobFailed

        job, wanted = self.job, self.job_for
        assert job is not None
        self.job = None
        try:
            body, arrays = job.result()
        except JobFailed as error:
            if error.code == "session":  # the backend was started anew
                self.session = ""
                return
            self.failed_for = wanted
            raise
        except Exception:
            self.failed_for = wanted
            raise
        self.version += 1
        self.landmarks, self.points = arrays["landmarks"], arrays["points"]
        self.mask = arrays.get("mask", self.mask)
        if job.op == "observe_photo":
            self.session, self.observed, self.fitted_for = body["session"], body, None
            self.faces, self.picture = arrays["faces"], arrays.get("picture")
        else:
            self.vertices = arrays["vertices"]
            draft = bool(job.request.body.get("draft"))
            self.errors = self.errors if draft else body["errors"]
            self.fitted_for = None if draft else wanted

    def stop(self, for_good: bool = False) -> None:
        """Give up what is on its way; for good: it is not tried again until something changes."""
        if self.job is not None:
            self.job.cancel()
            self.job = None
            if for_good:
                self.failed_for = self.job_for


_known: dict[tuple[str, int], Live] = {}


def live_of(path: str, person: int) -> Live:
    """What is known about a photo's person; begins empty."""
    key = (path, person)
    if key not in _known:
        _known[key] = Live(path, person)
    _known[key] = _known.pop(key)  # the latest is the last
    for old in list(_known)[:-_KEPT]:
        _known.pop(old).stop()
    return _known[key]


def forget_all() -> None:
    """Nothing is known any more, and nothing is asked."""
    while _known:
        _known.popitem()[1].stop()
