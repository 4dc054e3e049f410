"""A second, closer look at each hand: Holistic finds them in a third of photos, a crop around the wrist in most."""

import cv2
import numpy as np

from neural_core.photo.detectors import HandResult, find_hands

_SIDES = (0.26, 0.38)  # crop side in person heights: a hand is 0.11 long; the wider crop helps when the pose is off
_CROP_PIXELS = 448  # the palm detector sees 192²; upscaling beyond this adds nothing
_MAX_WRIST_ERROR = 0.05  # person heights between the hand's and the body's wrist; BlazePose itself errs by 0.01
_MAX_KNUCKLE_ERROR = 0.05
_PALM_RANGE = (0.018, 0.075)  # wrist to middle knuckle, person heights; 0.055 when seen flat
_SURE_HANDEDNESS = 0.9  # below this score the label is a coin toss for small hands

_WRIST, _INDEX, _PINKY = (15, 16), (19, 20), (17, 18)  # BlazePose left, right


def look_at_hands(
    rgb: np.ndarray, pose: np.ndarray, height_px: float, first_look: tuple[np.ndarray | None, np.ndarray | None]
) -> tuple[np.ndarray | None, np.ndarray | None]:
    """Landmarks of the left and the right hand, None where none agrees with the body.

    Args:
        rgb: (H, W, 3) uint8. pose: (33, 3) pixels and visibility. height_px: the person's height.
        first_look: (21, 2) pixels from Holistic, used when the closer look finds nothing.
    """
    hands = [_closer_look(rgb, pose, height_px, side) for side in (0, 1)]
    for side in (0, 1):
        guess = first_look[side]
        if (
            hands[side] is None
            and guess is not None
            and _consistent(HandResult(guess, side == 0, 0.0), pose, height_px, side)
        ):
            hands[side] = guess
    return hands[0], hands[1]


def _closer_look(rgb: np.ndarray, pose: np.ndarray, height_px: float, side: int) -> np.ndarray | None:
    wrist = pose[_WRIST[side]]
    if wrist[2] < 0.5:
        return None
    knuckles = (pose[_INDEX[side], :2] + pose[_PINKY[side], :2]) / 2
    for share in _SIDES:
        box = share * height_px
        corner = knuckles - box / 2
        scale = _CROP_PIXELS / box
        warp = np.array([[scale, 0, -corner[0] * scale], [0, scale, -corner[1] * scale]], dtype=np.float64)
        crop = cv2.warpAffine(
            rgb, warp, (_CROP_PIXELS, _CROP_PIXELS), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
        )  # fmt: skip
        found = [HandResult(h.points / scale + corner.astype(np.float32), h.is_left, h.score) for h in find_hands(crop)]
        fitting = [h for h in found if _consistent(h, pose, height_px, side)]
        if fitting:
            return min(fitting, key=lambda h: float(np.linalg.norm(h.points[0] - wrist[:2]))).points
    return None


def _consistent(hand: HandResult, pose: np.ndarray, height_px: float, side: int) -> bool:
    """Whether a detected hand is this side's hand of this body."""
    if hand.score > _SURE_HANDEDNESS and hand.is_left != (side == 0):
        return False
    points = hand.points
    own = np.linalg.norm(points[0] - pose[_WRIST[side], :2])
    other = np.linalg.norm(points[0] - pose[_WRIST[1 - side], :2])
    if own > _MAX_WRIST_ERROR * height_px or own > other:
        return False
    index_error = np.linalg.norm(points[5] - pose[_INDEX[side], :2])
    pinky_error = np.linalg.norm(points[17] - pose[_PINKY[side], :2])
    if (index_error + pinky_error) / 2 > _MAX_KNUCKLE_ERROR * height_px:
        return False
    palm = np.linalg.norm(points[9] - points[0]) / height_px
    return bool(_PALM_RANGE[0] <= palm <= _PALM_RANGE[1])
