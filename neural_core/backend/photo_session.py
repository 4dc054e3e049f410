"""The photo beside the viewport: observed once, then fitted again after every correction while the user looks on.

A few photos stay in memory with what was detected and fitted; Blender holds the corrections and sends them all each
time, so that an answer depends on nothing but photo, person and corrections.
"""

import secrets
from collections import OrderedDict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from neural_core.backend.requests import RequestError, number, text, whole
from neural_core.backend.server import Answer
from neural_core.body import BodyModel, load_open_body
from neural_core.errors import LikenessError
from neural_core.fitting import BodyFit, fit_body
from neural_core.fitting.refit import refit_body
from neural_core.photo import PhotoEvidence, observe, read_photo
from neural_core.photo.edits import PINS, PhotoEdits, Stroke, edited
from neural_core.photo.evidence import people_boxes
from neural_core.photo.reading import is_shown_otherwise
from neural_core.progress import Progress
from neural_core.wire import Message

_PHOTOS = 6  # a photo of 4096 pixels has 130 MB
_MASK_SIDE = 512  # pixels, of the mask that is shown
_PICTURE_SIDE = 2048  # pixels, of a photo that Blender cannot show as it is
_MOST_STROKES, _MOST_POINTS = 2000, 100_000
_FARTHEST = 1e6  # pixels
_LARGEST_FOCAL = 1e6  # pixels


class SessionError(LikenessError):
    """The backend no longer has the photo in memory; the add-on observes it again by itself."""

    code = "session"


@dataclass
class PhotoSession:
    """One photo and one person in it. edits, corrected: of the last answer; base: the fit without corrections."""

    path: Path
    person: int
    detected: PhotoEvidence
    warnings: tuple[str, ...]
    base: BodyFit | None = None
    edits: PhotoEdits = field(default_factory=PhotoEdits)
    corrected: PhotoEvidence | None = None
    fit: BodyFit | None = None

    def correct(self, edits: PhotoEdits, body: BodyModel, progress: Progress, draft: bool = False) -> None:
        """Bring `corrected` and `fit` up to `edits`; the first time the whole body is fitted."""
        if self.base is None:
            self.base = fit_body(self.detected, body, progress=progress)
        corrected = self.corrected
        if corrected is None or edits != self.edits:
            corrected = edited(self.detected, edits)
        start = (self.fit or self.base) if draft else None
        unchanged = not edits.pins and not edits.strokes and edits.focal is None
        fit = self.base if unchanged else None
        fit = fit or refit_body(self.detected, corrected, edits.pinned, body, self.base, start)
        self.edits, self.corrected, self.fit = edits, corrected, fit


class PhotoSessions:
    """The photos that are open, the one used longest ago dropped first."""

    def __init__(self) -> None:
        self.body = load_open_body()
        self._open: OrderedDict[str, PhotoSession] = OrderedDict()

    def add(self, session: PhotoSession) -> str:
        """Keep a session; returns its name."""
        name = secrets.token_hex(8)
        self._open[name] = session
        while len(self._open) > _PHOTOS:
            self._open.popitem(last=False)
        return name

    def get(self, name: str) -> PhotoSession:
        """Raises SessionError."""
        if name not in self._open:
            raise SessionError("The photo is no longer open in the backend: open it again.")
        self._open.move_to_end(name)
        return self._open[name]


def observe_photo(request: Message, progress: Progress, sessions: PhotoSessions) -> Answer:
    """{photo, person?} -> what the photo shows; see docs/architecture.md."""
    path = Path(text(request, "photo"))
    person = whole(request, "person", 0, 1000) if request.body.get("person") is not None else None
    session, people, turned = _observe(path, person, progress)
    detected = session.detected
    height, width = detected.mask.shape
    body = {
        "session": sessions.add(session),
        "width": width,
        "height": height,
        "focal": detected.focal,
        "focal_source": detected.focal_source,
        "person": session.person,
        "people": [list(box) for box in people],
        "pins": dict(PINS),
        "warnings": list(session.warnings),
    }
    arrays = {**_landmarks(detected), "mask": _small_mask(detected.mask), "faces": sessions.body.faces.int().numpy()}
    if turned:
        arrays["picture"] = _jpeg(detected.image)
    return body, arrays


def fit_photo(request: Message, progress: Progress, sessions: PhotoSessions) -> Answer:
    """{session, pins?, strokes?, focal?, draft?} -> the body in the picture; see docs/architecture.md.

    The first call for a session fits the whole body, seconds; later ones refit what was corrected.
    """
    session = sessions.get(text(request, "session"))
    edits, before = edits_of(request.body, request), session.edits
    session.correct(edits, sessions.body, progress, draft=request.body.get("draft") is True)
    assert session.fit is not None and session.corrected is not None
    fit = session.fit
    vertices = sessions.body(fit.parameters).vertices[0]
    pixels, depth = fit.camera.project(vertices)
    arrays = {
        "vertices": np.column_stack([pixels.numpy(), depth.numpy()]).astype(np.float32),
        **_landmarks(session.corrected),
    }
    if edits.strokes != before.strokes or not request.body.get("draft"):
        arrays["mask"] = _small_mask(session.corrected.mask)
    body = {"errors": fit.errors, "guessed": list(fit.guessed), "focal": session.corrected.focal}
    return body, arrays


def prepare(entry: Any, request: Message, sessions: PhotoSessions, progress: Progress) -> PhotoSession:
    """The session of {photo, person?, session?, pins?, strokes?, focal?}, fitted as corrected.

    From memory where it is still there, otherwise from the file, with the same result.
    """
    if not isinstance(entry, dict):
        raise RequestError("'photos' should hold objects: update add-on and backend together.")
    one = Message("request", request.job, request.op, entry)
    edits = edits_of(entry, one)
    try:
        session = sessions.get(str(entry.get("session") or ""))
    except SessionError:
        person = whole(one, "person", 0, 1000) if entry.get("person") is not None else None
        session, _, _ = _observe(Path(text(one, "photo")), person, progress.part(0.0, 0.3))
    session.correct(edits, sessions.body, progress.part(0.3, 1.0))
    return session


def edits_of(body: dict[str, Any], request: Message) -> PhotoEdits:
    """The corrections a request holds; raises RequestError."""
    try:
        pins = {str(name): _point(pixel) for name, pixel in dict(body.get("pins") or {}).items()}
        strokes = tuple(
            Stroke(tuple(_point(p) for p in stroke["points"]), float(stroke["radius"]), bool(stroke["add"]))
            for stroke in body.get("strokes") or ()
        )
    except (TypeError, ValueError, KeyError) as error:
        raise RequestError(
            f"Pins or strokes of '{request.op}' are not what they should be: update add-on and backend together."
        ) from error
    points = sum(len(stroke.points) for stroke in strokes)
    radii_fit = all(0 < stroke.radius <= _FARTHEST and stroke.points for stroke in strokes)
    if not set(pins) <= set(PINS) or not radii_fit or len(strokes) > _MOST_STROKES or points > _MOST_POINTS:
        raise RequestError(
            f"'{request.op}' has unknown pins or impossible strokes: update add-on and backend together."
        )
    focal = number(request, "focal", 1.0, _LARGEST_FOCAL) if body.get("focal") is not None else None
    return PhotoEdits(pins, strokes, focal)


def _point(pixel: Any) -> tuple[float, float]:
    x, y = (float(value) for value in pixel)
    if not (abs(x) <= _FARTHEST and abs(y) <= _FARTHEST):
        raise ValueError(f"pixel {pixel}")
    return x, y


def _observe(path: Path, person: int | None, progress: Progress) -> tuple[PhotoSession, list, bool]:
    progress.update(0.0, "Reading the photo")
    photo = read_photo(path)
    progress.update(0.1, "Looking for people")
    people = people_boxes(photo)
    progress.update(0.3, "Looking at the person")
    detected = observe(photo, person=person)
    warnings = tuple(dict.fromkeys((*photo.warnings, *detected.warnings)))
    return PhotoSession(path, person or 0, detected, warnings), people, is_shown_otherwise(path)


def _landmarks(evidence: PhotoEvidence) -> dict[str, np.ndarray]:
    """landmarks (33, 3): x, y, visibility; points (n, 2) of face and hands, which only show."""
    found = [points for points in (evidence.face, *evidence.hands) if points is not None]
    fine = np.concatenate(found) if found else np.zeros((0, 2))
    return {"landmarks": evidence.pose.astype(np.float32), "points": fine.astype(np.float32)}


def _small_mask(mask: np.ndarray) -> np.ndarray:
    """(h, w) uint8, row 0 on top."""
    scale = min(1.0, _MASK_SIDE / max(mask.shape))
    size = max(1, round(mask.shape[1] * scale)), max(1, round(mask.shape[0] * scale))
    return (cv2.resize(mask, size, interpolation=cv2.INTER_AREA) * 255 + 0.5).astype(np.uint8)


def _jpeg(image: np.ndarray) -> np.ndarray:
    """(n,) uint8 of a JPEG file."""
    scale = min(1.0, _PICTURE_SIDE / max(image.shape[:2]))
    small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) if scale < 1 else image
    done, data = cv2.imencode(".jpg", (small[..., ::-1] * 255 + 0.5).astype(np.uint8))
    assert done  # an encoder of a plain picture in memory has nothing to fail at
    return data.reshape(-1)
