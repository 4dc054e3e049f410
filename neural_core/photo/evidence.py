"""Everything the later rooms need to know about the person in a photo."""

from dataclasses import dataclass

import cv2
import numpy as np

from neural_core.errors import PhotoError
from neural_core.photo.detectors import HolisticResult, find_holistic, find_people
from neural_core.photo.hands import look_at_hands
from neural_core.photo.mask import keep_component, refine_mask
from neural_core.photo.reading import Photo

MIN_PERSON_PIXELS = 200
_GUESSED_FOCAL = 1.2  # of the longer side, 45 degrees: residual and IoU do not tell .8 from 2.0 (measured)
MARGIN = 0.25  # of the longer side, where nobody is found without
_LOOKS = 3  # by the third the window about the person has settled
_CUT_FEET = 0.01  # of the height by which a person who ends lower than was first seen was cut
_DETECTOR_SIDE = 2048  # the networks see 224-256 pixels of the person; more only costs time
_KEYPOINTS_TO_HEIGHT = 1.12  # nose or eyes to heels is 0.89 of a standing height
_TORSO_TO_HEIGHT = 3.3  # shoulder line to hip line is 0.30 of the height
# Every BlazePose landmark's fellow on the other side of the body.
OTHER_SIDE = [0, 4, 5, 6, 1, 2, 3, 8, 7, 10, 9, *(i + 1 if i % 2 else i - 1 for i in range(11, 33))]
_ANKLES = [27, 28]
_SEEN = 0.5  # BlazePose visibility; inflated, so being inside the picture is required as well


@dataclass(frozen=True)
class PhotoEvidence:
    """What the detectors saw. All pixels are of `image`.

    Attributes:
        image: (H, W, 3) float32 sRGB. mask: (H, W) float32 soft person mask in [0, 1].
        pose: (33, 3) BlazePose x, y and visibility, which is 0 outside the picture.
        pose_world: (33, 3) metres about the hips, camera axes (x right, y down, z forward) of a camera that looks
            straight at the person.
        face: (478, 2) MediaPipe face mesh, or None.
        hands: left and right (21, 2), the person's own left; None where not seen.
        focal: pixels. focal_source: "exif", "guess" or "user".
        person_height_px: standing height, estimated where not all is seen.
        full_body: the picture holds the ankles. warnings: sentences for the user.
    """

    image: np.ndarray
    mask: np.ndarray
    pose: np.ndarray
    pose_world: np.ndarray
    face: np.ndarray | None
    hands: tuple[np.ndarray | None, np.ndarray | None]
    focal: float
    focal_source: str
    person_height_px: float
    full_body: bool
    warnings: tuple[str, ...]


def observe(
    photo: Photo,
    focal: float | None = None,
    person: int | None = None,
    margin: float = 0.0,
    smallest: float = MIN_PERSON_PIXELS,
    settle: bool = False,
) -> PhotoEvidence:
    """Detect the person in a photo.

    Args:
        focal: pixels, when the user knows better than EXIF and the guess.
        person: 0 is the largest person in the picture (the default), 1 the next, and so on.
        margin: of the longer side, added all round for the detectors: they find people who fill the picture better so.
        smallest: pixels that the person must be tall at least. settle: of who shows no face believe the third
            look; see `find_holistic`.

    Raises:
        PhotoError: no person, fewer than `smallest` pixels tall, only a face, or no such `person`.
    """
    warnings = list(photo.warnings)
    height, width = photo.image.shape[:2]
    rgb = _opaque(photo)
    scale = min(1.0, _DETECTOR_SIDE / max(height, width))
    small = rgb if scale == 1.0 else cv2.resize(rgb, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    found = _detect(small, person, warnings, margin)
    found = _front_not_back(_looked_at_again(found, small, person, margin, settle))
    found = _rescale(found, width / small.shape[1], height / small.shape[0], (width, height))

    pose = found.pose.copy()
    inside = (pose[:, 0] > 0) & (pose[:, 0] < width) & (pose[:, 1] > 0) & (pose[:, 1] < height)
    pose[~inside, 2] = 0
    _require_body(pose)
    full_body = shows_feet(pose)
    height_px = _person_height(pose, bool((pose[_ANKLES, 2] > _SEEN).any()))
    on_body = pose[(pose[:, 2] > _SEEN)][:, :2]
    if photo.alpha is not None:
        mask = keep_component(photo.alpha, on_body, height_px)
    else:
        mask = refine_mask(photo.image, found.mask, on_body, height_px)
    rows = np.nonzero((mask > 0.5).any(1))[0]
    tall = float(rows[-1] - rows[0] + 1) if len(rows) else 0.0
    if tall < smallest:
        raise PhotoError(f"The person is only {tall:.0f} pixels tall; use a photo with at least {smallest:.0f}.")
    hands = look_at_hands(rgb, pose, height_px, (found.left_hand, found.right_hand))
    _warn(pose, full_body, found.face is None, warnings)

    pixels, source = _focal(photo, focal)
    return PhotoEvidence(
        image=photo.image,
        mask=mask,
        pose=pose,
        pose_world=found.pose_world,
        face=found.face,
        hands=hands,
        focal=pixels,
        focal_source=source,
        person_height_px=height_px,
        full_body=full_body,
        warnings=tuple(dict.fromkeys(warnings)),
    )


def people_boxes(photo: Photo) -> list[tuple[int, int, int, int]]:
    """Where the people are, largest first: left, top, right, bottom in pixels; index i is `person` i of `observe`."""
    height, width = photo.image.shape[:2]
    rgb = _opaque(photo)
    scale = min(1.0, _DETECTOR_SIDE / max(height, width))
    small = rgb if scale == 1.0 else cv2.resize(rgb, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    people = [(x / scale, y / scale, radius / scale) for x, y, radius in find_people(small)]
    return [_person_box(people, index, width, height) for index in range(len(people))]


def _focal(photo: Photo, given: float | None) -> tuple[float, str]:
    """Focal length in pixels, and who says so."""
    if given is not None:
        return float(given), "user"
    if photo.focal is not None:
        return float(photo.focal), "exif"
    return _GUESSED_FOCAL * max(photo.image.shape[:2]), "guess"


def _opaque(photo: Photo) -> np.ndarray:
    """8-bit picture for the detectors; what is cut away becomes mid grey, so that it holds no edge of its own."""
    image = photo.image
    if photo.alpha is not None:
        image = image * photo.alpha[..., None] + 0.5 * (1 - photo.alpha[..., None])
    return np.ascontiguousarray((image * 255 + 0.5).astype(np.uint8))


def _detect(rgb: np.ndarray, person: int | None, warnings: list[str], margin: float, passes: int = 1) -> HolisticResult:
    """Holistic on the picture with a margin; where that shows nobody it is tried without, or with one, once more."""
    for share in (margin, 0.0 if margin else MARGIN):
        rim = round(share * max(rgb.shape[:2]))
        wide = cv2.copyMakeBorder(rgb, rim, rim, rim, rim, cv2.BORDER_REPLICATE) if rim else rgb
        found = _detect_as_it_is(wide, person, warnings, passes)
        if found is not None:
            return _uncrop(found, -rim, -rim, rgb.shape[:2]) if rim else found
    raise PhotoError("No person was found; use a photo that shows one person from head to feet.")


def _looked_at_again(
    found: HolisticResult, rgb: np.ndarray, person: int | None, margin: float, settle: bool = False
) -> HolisticResult:
    """What was found, or what further looks find where they see the person end plainly lower: the first often cuts the
    feet off. settle: or where the person shows no face."""
    try:
        again = _detect(rgb, person, [], margin, _LOOKS)
        _require_body(again.pose)
    except PhotoError:
        return found
    if settle and _front_not_back(found).face is None:
        return again
    ends = [np.nonzero((one.mask > 0.5).any(1))[0] for one in (found, again)]
    if not all(len(rows) for rows in ends):
        return found
    lower = float(ends[1][-1] - ends[0][-1])
    same = abs(ends[1][0] - ends[0][0]) < lower  # the head, at least, stays
    return again if lower > _CUT_FEET * np.ptp(ends[0]) and same else found


def _detect_as_it_is(rgb: np.ndarray, person: int | None, warnings: list[str], passes: int) -> HolisticResult | None:
    """Holistic on the picture, or on the chosen person's part of it where there are several."""
    people = find_people(rgb)
    if person is not None and not 0 <= person < max(len(people), 1):
        raise PhotoError(f"There is no person number {person}; the photo shows {len(people)} (the largest is 0).")
    if len(people) > 1:
        if person is None:
            warnings.append(f"The photo shows {len(people)} people; the largest was used.")
        left, top, right, bottom = _person_box(people, person or 0, rgb.shape[1], rgb.shape[0])
        crop = find_holistic(np.ascontiguousarray(rgb[top:bottom, left:right]), passes)
        if crop is not None:
            return _uncrop(crop, left, top, rgb.shape[:2])
        whole = find_holistic(rgb, passes)
        if person is None or whole is None:
            return whole
        x, y = whole.pose[[23, 24], :2].mean(0)
        return whole if left <= x <= right and top <= y <= bottom else None  # else it is somebody else
    return find_holistic(rgb, passes)


def _front_not_back(found: HolisticResult) -> HolisticResult:
    """Undo BlazePose's rare mistake of taking a front for a back, left for right.

    It shows as a visible face whose left eye lies left of the right one on an upright body, which no person can show.
    The body's landmarks lie well, under each other's names; the face mesh, put on upside down, is of no use.
    """
    if found.face is None:
        return found
    right_eye, left_eye = found.face[33], found.face[263]
    upright = found.pose[[11, 12], 1].mean() < found.pose[[23, 24], 1].mean()
    swapped = left_eye[0] < right_eye[0] and found.pose[11, 0] < found.pose[12, 0]
    if not (upright and swapped):
        return found
    pose, world = found.pose[OTHER_SIDE], found.pose_world[OTHER_SIDE]
    return HolisticResult(pose, world, found.mask, None, found.right_hand, found.left_hand)


def _person_box(
    people: list[tuple[float, float, float]], chosen: int, width: int, height: int
) -> tuple[int, int, int, int]:
    """The chosen person's square, cut halfway towards neighbours at either side."""
    x, y, radius = people[chosen]
    left, right = x - 1.1 * radius, x + 1.1 * radius
    for index, (other, _, _) in enumerate(people):
        if index != chosen and other < x:
            left = max(left, (other + x) / 2)
        elif index != chosen:
            right = min(right, (other + x) / 2)
    top, bottom = y - 1.1 * radius, y + 1.1 * radius
    return int(max(left, 0)), int(max(top, 0)), int(min(right, width)), int(min(bottom, height))


def _uncrop(found: HolisticResult, left: int, top: int, shape: tuple[int, ...]) -> HolisticResult:
    """What was found in a part of a picture (H, W), or in a picture with a margin (left, top < 0), in the whole."""
    mask = np.zeros(shape, np.float32)
    part = found.mask[max(-top, 0) :, max(-left, 0) :][: shape[0], : shape[1]]
    top_left = slice(max(top, 0), max(top, 0) + part.shape[0]), slice(max(left, 0), max(left, 0) + part.shape[1])
    mask[top_left] = part
    return _moved(found, np.ones(2, np.float32), np.array([left, top], np.float32), mask)


def _rescale(found: HolisticResult, x: float, y: float, size: tuple[int, int]) -> HolisticResult:
    if x == y == 1.0:
        return found
    mask = cv2.resize(found.mask, size, interpolation=cv2.INTER_LINEAR)
    return _moved(found, np.array([x, y], np.float32), np.zeros(2, np.float32), mask)


def _moved(found: HolisticResult, scale: np.ndarray, shift: np.ndarray, mask: np.ndarray) -> HolisticResult:
    def points(p: np.ndarray | None) -> np.ndarray | None:
        return None if p is None else p * scale + shift

    pose = np.concatenate([found.pose[:, :2] * scale + shift, found.pose[:, 2:]], axis=1)
    hands = points(found.left_hand), points(found.right_hand)
    return HolisticResult(pose, found.pose_world, mask, points(found.face), *hands)


def _require_body(pose: np.ndarray) -> None:
    """A body needs its shoulders and some of the torso below them; the scale comes from there."""
    seen = pose[:, 2] > _SEEN
    below = seen[[13, 14, 23, 24]]  # elbows, hips
    if not seen[[11, 12]].any() or not below.any():
        raise PhotoError("Only a face was found; use a photo that shows the person at least down to the hips.")


def shows_feet(pose: np.ndarray) -> bool:
    """Both ankles lie in the picture and one is seen: from the side the other leg hides behind it."""
    return bool((pose[_ANKLES, 2] > 0).all() and (pose[_ANKLES, 2] > _SEEN).any())


def _person_height(pose: np.ndarray, to_the_feet: bool) -> float:
    """Standing height in pixels. to_the_feet: a foot is seen."""
    seen = pose[pose[:, 2] > 0.3, :2]
    if to_the_feet:
        extent = np.ptp(seen, axis=0)
        # A crouching or lying person is not shorter: the diagonal of the keypoints bounds the height from below.
        return float(max(extent[1] * _KEYPOINTS_TO_HEIGHT, np.hypot(*extent) * 0.9))
    torso = np.linalg.norm(pose[[11, 12], :2].mean(0) - pose[[23, 24], :2].mean(0))
    shoulders = np.linalg.norm(pose[11, :2] - pose[12, :2])
    # The torso foreshortens when bent forward, the shoulder line (0.22 of the height) when turned: take the longer.
    return float(max(torso * _TORSO_TO_HEIGHT, shoulders * 4.0))


def _warn(pose: np.ndarray, full_body: bool, no_face: bool, warnings: list[str]) -> None:
    if not full_body:
        knees = (pose[[25, 26], 2] > _SEEN).any()
        parts = "the lower legs and feet are" if knees else "the legs and feet are"
        warnings.append(f"The photo does not show the whole body; {parts} guessed.")
    if no_face:
        warnings.append("The face was not recognised; its shape and the back of the head are guessed.")
