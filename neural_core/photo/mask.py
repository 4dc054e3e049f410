"""The person mask: one person, edges and hair at full resolution.

MediaPipe's segmentation is a 256² picture stretched over the person, so its edge is several pixels wide. A guided
filter (He et al. 2013) with the photo as its guide moves that edge onto the picture's own edges and keeps strands.
"""

import cv2
import numpy as np

# Shares of the person's height: the coarse edge is off by up to one cell of the network's picture, 1 / 170 of the height.
_RADIUS = 0.006
_BAND = 0.025
_EPSILON = 1e-6  # guide variance below which a region counts as flat; larger values leave a halo on plain backdrops
_CONTRAST = 2.5  # the filter spreads a hard edge over its window; this gives the slope back


def refine_mask(image: np.ndarray, coarse: np.ndarray, points: np.ndarray, height_px: float) -> np.ndarray:
    """Soft person mask at full resolution.

    Args:
        image: (H, W, 3) float32 sRGB. coarse: (H, W) float32 in [0, 1]. points: (n, 2) pixels on the person, which
            choose the connected component. height_px: the person's height.

    Returns:
        (H, W) float32 in [0, 1].
    """
    coarse = keep_component(coarse, points, height_px)
    # A hard mask goes in: the network's own soft rim is a blur of several pixels that the filter would keep as a halo.
    solid = (coarse > 0.5).astype(np.float32)
    radius = max(2, round(_RADIUS * height_px))
    guided = cv2.ximgproc.guidedFilter(image, solid, radius, _EPSILON)
    mask = ((guided - 0.5) * _CONTRAST + 0.5).clip(0, 1)
    return keep_component(mask, points, height_px)


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
    reach = max(3, round(_BAND * height_px))
    near = cv2.dilate(kept, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1)))
    others = (labels > 0) & (kept == 0)
    return np.where((near > 0) & ~others, mask, 0).astype(np.float32)
