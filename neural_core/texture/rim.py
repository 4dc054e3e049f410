"""Where person and backdrop mix, near the mask's rim: how far pixels can be trusted, and their colours unmixed.

Eroding the mask would eat fingers and hair. Instead confidence rises with the distance from the rim, sooner in thin
parts, and the backdrop's share is taken out of the colours: completion spreads the rim over the whole back.
"""

import numpy as np
import torch
from scipy import ndimage
from torch import Tensor

# In widths of the rim.
_REACH = 2.0  # how deep the background gets in
_WINDOW = 2.5  # sigma of the neighbourhood whose colours count
_THIN = 0.6  # share of a thin part's half width beyond which its colour is its own
_OWN = 0.03  # share of the way to the backdrop that folds and noise go: only ever moved one way, it would add up
_EVEN = 0.1  # standard deviation of an even cloth's colours, in every direction
_PAIRS = [(0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2)]  # of channels
_SQUARE = np.array([[0, 1, 2], [1, 3, 4], [2, 4, 5]])  # where each pair stands


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


def without_backdrop(image: Tensor, inside: Tensor, rim: float, clear: float) -> Tensor:
    """The picture (3, h, w) without the backdrop's share in the pixels near the rim inside.

    Blur, JPEG and a mask that is off mix person and backdrop. A pixel's colour is placed on the line from the
    backdrop's to the person's colour nearby (the matting equation) and moved along it to the person's end; what
    differs from the line (a print, another hue, a colour beyond the person's own) stays. Ways in which the person's
    own colours differ nearby count less (Chuang 2001, Bayesian matting): the white of a chequered skirt before a green
    wall is no black that is half wall.

    Args:
        image: (3, h, w) sRGB. inside: (h, w) bool. rim: pixels within which the mask may be wrong. clear: colour
            distance between backdrop and person at which half of what the line tells is believed.
    """
    person = inside.cpu().numpy()
    if person.all() or not person.any():
        return image
    picture = image.cpu().numpy()
    depth = np.asarray(ndimage.distance_transform_edt(person), np.float32)
    away = np.asarray(ndimage.distance_transform_edt(~person), np.float32)
    # Thin parts have no pixel that deep: their middle says what they look like.
    thickness = ndimage.maximum_filter(depth, 2 * int(np.ceil(_REACH * rim)) + 1)
    own = depth > np.minimum(_REACH * rim, _THIN * thickness)
    front, front_weight = _local_mean(picture, own, _WINDOW * rim)
    back, back_weight = _local_mean(picture, away > rim, _WINDOW * rim)
    told = person & (front_weight > 1e-3) & (back_weight > 1e-3) & (depth < _REACH * rim)
    products, _ = _local_mean(np.stack([picture[i] * picture[j] for i, j in _PAIRS]), own, _WINDOW * rim)
    here, front, back, products = (x[:, told].T for x in (picture, front, back, products))  # (n, 3), (n, 6)
    line = front - back
    # The line as the person's own spread sees it, in units of an even cloth's.
    spread = products[:, _SQUARE] - front[:, :, None] * front[:, None] + _EVEN**2 * np.eye(3)
    weighed = _EVEN**2 * np.linalg.solve(spread, line[..., None])[..., 0]
    length = (line * weighed).sum(1)
    mixed = 1 - ((here - back) * weighed).sum(1) / np.maximum(length, 1e-6)  # the backdrop's share
    belief = length / (length + clear**2) * np.clip(2 * (_REACH - depth[told] / rim), 0, 1)
    clean = picture.copy()
    clean[:, told] += np.clip(mixed - _OWN, 0, 1) * belief * line.T
    return torch.from_numpy(clean.astype(np.float32)).clamp(0, 1).to(image.device)


def _local_mean(picture: np.ndarray, chosen: np.ndarray, window: float) -> tuple[np.ndarray, np.ndarray]:
    """Mean (C, h, w) of the chosen pixels of (C, h, w) in a Gaussian window, and their weight (h, w)."""
    weight = chosen.astype(np.float32)
    blurred = [ndimage.gaussian_filter(x * weight, window, truncate=2.5) for x in picture]
    total = ndimage.gaussian_filter(weight, window, truncate=2.5)
    return np.stack(blurred) / np.maximum(total, 1e-6), total
