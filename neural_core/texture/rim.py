"""How far pixels near the mask's rim can be trusted: masks are soft and some pixels off, background shines through.

Eroding the mask would eat fingers and hair. Instead confidence rises with the distance from the rim, sooner in thin
parts, and pixels near the rim that look like the background beside them, not like the person beside them, count less.
"""

import numpy as np
import torch
from scipy import ndimage
from torch import Tensor


def ramp_from(outside: Tensor, width: float, thin: float) -> Tensor:
    """(h, w) 0 at `outside` (h, w) bool, 1 at `width` pixels from it, or sooner where the part is thinner than that.

    Args:
        thin: share of a thin part's half width at which it is fully trusted.
    """
    if not bool(outside.any()):
        return torch.ones_like(outside, dtype=torch.float32)
    distance = np.asarray(ndimage.distance_transform_edt(~outside.cpu().numpy()), np.float32)
    thickness = ndimage.maximum_filter(distance, 2 * int(np.ceil(width)) + 1)
    full = np.clip(thin * thickness, 1.0, width)
    return torch.from_numpy(np.clip(distance / full, 0, 1)).to(outside.device)


def person_share(image: Tensor, inside: Tensor, rim: float, clear: float) -> Tensor:
    """(h, w) in [0, 1], the person's share in each pixel's colour near the rim inside; 1 elsewhere and where
    nothing tells.

    The colour is placed on the line from the background's to the person's colour nearby (the matting equation), where
    those two are clearly different.

    Args:
        image: (3, h, w). inside: (h, w) bool. rim: pixels within which the mask may be wrong. clear: colour distance
            between background and person from which they can be told apart.
    """
    person = inside.cpu().numpy()
    if person.all() or not person.any():
        return torch.ones_like(inside, dtype=torch.float32)
    depth = np.asarray(ndimage.distance_transform_edt(person), np.float32)
    picture = image.cpu().numpy()
    window = 4.0 * rim
    front, front_weight = _local_mean(picture, depth > 2 * rim, window)
    away = np.asarray(ndimage.distance_transform_edt(~person), np.float32)
    back, back_weight = _local_mean(picture, away > rim, window)
    line = front - back
    length = np.square(line).sum(0)
    share = ((picture - back) * line).sum(0) / np.maximum(length, 1e-6)
    known = person & (length > clear**2) & (front_weight > 1e-3) & (back_weight > 1e-3) & (depth < 2 * rim)
    # Three quarters of background are spoilt for sure; two thirds of the person's colour may be folds and light.
    share = np.where(known, np.clip((share - 0.25) / 0.4, 0, 1), 1.0)
    return torch.from_numpy(share.astype(np.float32)).to(image.device)


def _local_mean(picture: np.ndarray, chosen: np.ndarray, window: float) -> tuple[np.ndarray, np.ndarray]:
    """Mean colour (3, h, w) of the chosen pixels in a Gaussian window, and their weight (h, w)."""
    weight = chosen.astype(np.float32)
    blurred = [ndimage.gaussian_filter(x * weight, window, truncate=2.5) for x in picture]
    total = ndimage.gaussian_filter(weight, window, truncate=2.5)
    return np.stack(blurred) / np.maximum(total, 1e-6), total
