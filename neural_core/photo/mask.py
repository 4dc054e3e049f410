"""The person mask: one person, edges and hair at full resolution.

MediaPipe's segmentation is a 256² picture stretched over the person: its edge is several pixels wide and off by as
much. Inside a band about that edge every pixel is compared with the colours of person and backdrop next to it; its
share of the way between the two is its opacity. On renders with known masks this takes the IoU from 0.973 to 0.997.
"""

import cv2
import numpy as np

# Lengths in shares of the person's height.
_BAND = 0.008  # half width of the band; one cell of the network's picture is 1 / 170
_REACH = 0.0125  # sigma of the neighbourhood whose colours count: past the band, and no farther than a sleeve
_SOFT_RIM = 0.025  # how far outside the hard component its soft pixels are kept: strands of hair
_NOISE = 0.05  # colour difference, in sRGB, below which person and backdrop look alike and the network decides
_CONTRAST = 2.0  # pulls nearly opaque to opaque and nearly clear to clear, which noise would keep apart


def refine_mask(image: np.ndarray, coarse: np.ndarray, points: np.ndarray, height_px: float) -> np.ndarray:
    """Soft person mask at full resolution.

    Args:
        image: (H, W, 3) float32 sRGB. coarse: (H, W) float32 in [0, 1]. points: (n, 2) pixels on the person, which
            choose the connected component. height_px: the person's height.

    Returns:
        (H, W) float32 in [0, 1].
    """
    coarse = keep_component(coarse, points, height_px)
    box = _window(coarse, round(2 * _SOFT_RIM * height_px) + 8)
    mask = np.zeros_like(coarse)
    mask[box] = _matte(image[box], coarse[box], height_px)
    return keep_component(mask, points, height_px)


def _matte(image: np.ndarray, coarse: np.ndarray, height_px: float) -> np.ndarray:
    """Opacity from local colours, inside a band about the coarse edge."""
    solid = (coarse > 0.5).astype(np.uint8)
    band = max(1.5, _BAND * height_px)
    person = (cv2.distanceTransform(solid, cv2.DIST_L2, 5) > band).astype(np.float32)
    backdrop = (cv2.distanceTransform(1 - solid, cv2.DIST_L2, 5) > band).astype(np.float32)
    sigma = max(2.0, _REACH * height_px)
    front, front_variance = _local_colour(image, person, sigma)
    back, back_variance = _local_colour(image, backdrop, sigma)
    difference = front - back
    contrast = (difference * difference).sum(-1)
    opacity = ((image - back) * difference).sum(-1) / np.maximum(contrast, 1e-6)
    # Colours tell as far as the two sides differ by more than each side varies; else the network's word counts.
    trust = contrast / (contrast + _NOISE**2 + front_variance + back_variance)
    mask = trust * _steeper(opacity) + (1 - trust) * _steeper(coarse)
    return np.where(person > 0, 1, np.where(backdrop > 0, 0, mask)).astype(np.float32)


def _local_colour(image: np.ndarray, where: np.ndarray, sigma: float) -> tuple[np.ndarray, np.ndarray]:
    """Mean colour (H, W, 3) and its variance (H, W) of the pixels nearby at which `where` is 1."""
    weight = np.maximum(cv2.GaussianBlur(where, (0, 0), sigma), 1e-6)
    mean = cv2.GaussianBlur(image * where[..., None], (0, 0), sigma) / weight[..., None]
    square = cv2.GaussianBlur((image * image).sum(-1) * where, (0, 0), sigma) / weight
    return mean, np.maximum(square - (mean * mean).sum(-1), 0)


def _steeper(opacity: np.ndarray) -> np.ndarray:
    return ((opacity - 0.5) * _CONTRAST + 0.5).clip(0, 1)


def _window(mask: np.ndarray, margin: int) -> tuple[slice, slice]:
    """Rows and columns of the mask's solid part and a margin around it; everything where there is none."""
    rows, columns = np.nonzero((mask > 0.5).any(1))[0], np.nonzero((mask > 0.5).any(0))[0]
    if not len(rows):
        return slice(None), slice(None)
    return (
        slice(max(int(rows[0]) - margin, 0), int(rows[-1]) + 1 + margin),
        slice(max(int(columns[0]) - margin, 0), int(columns[-1]) + 1 + margin),
    )


def keep_component(mask: np.ndarray, points: np.ndarray, height_px: float) -> np.ndarray:
    """The mask without what does not hang together with the person: shadows, other people, blots of background.

    The component that holds most of `points` (n, 2) stays, by area where none does; its soft rim stays with it.
    """
    count, labels, stats, _ = cv2.connectedComponentsWithStats((mask > 0.5).astype(np.uint8), connectivity=8)
    if count <= 1:
        return mask
    height, width = mask.shape
    column = points[:, 0].astype(int).clip(0, width - 1)
    row = points[:, 1].astype(int).clip(0, height - 1)
    votes = np.bincount(labels[row, column], minlength=count).astype(float)
    votes[0] = -1.0
    votes[1:] += stats[1:, cv2.CC_STAT_AREA] / mask.size  # decides ties only: less than one vote
    kept = (labels == int(votes.argmax())).astype(np.uint8)
    reach = max(3, round(_SOFT_RIM * height_px))
    near = cv2.dilate(kept, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1)))
    others = (labels > 0) & (kept == 0)
    return np.where((near > 0) & ~others, mask, 0).astype(np.float32)
