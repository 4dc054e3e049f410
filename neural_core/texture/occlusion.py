"""Where one part of the body overlaps another in the photo (DINAR, appendix C).

The fit is a few pixels off everywhere; along the outline of an arm before the torso this prints sleeve on shirt.
DINAR rasterises a smooth map of body-part colours, finds its edges and takes out the person's own contour. Here the
colour of a point is where it lies on the body at rest: as smooth as a hand-painted map, of any body, and a jump between
two pixels is a length in metres.
"""

from dataclasses import dataclass

import numpy as np
import torch
from scipy import ndimage
from torch import Tensor

from neural_core.body.model import BodyModel
from neural_core.rasterizer import Fragments, interpolate
from neural_core.texture.limb_pixels import HANDS


@dataclass(frozen=True)
class OcclusionConfig:
    jump: float = 0.06  # metres at rest between neighbouring pixels; fingers of one hand lie closer, limbs farther
    stretch: float = 4.0  # and this many pixel widths: far away, one pixel spans much of a grazing surface
    nearer: float = 0.04  # metres: an occluder this much nearer spoils the pixels around it (measured in fitting.md 5)
    margin: float = 4.0  # pixels per 1000 px of the person's height, on the farther side of an overlap
    hand_margin: float = 8.0  # the same behind hands, whose fit is off by a finger where fingers were not detected
    least_margin: float = 2.0  # pixels, for small pictures: a fit is never better than this


def part_colours(body: BodyModel) -> Tensor:
    """(V, 3) smooth colours of the body's parts: the rest position, metres."""
    return body.template


def overlap_edges(fragments: Fragments, body: BodyModel, pixel: float, config: OcclusionConfig) -> Tensor:
    """(H, W) bool, pixels on both sides of an edge of the part-colour picture; the person's contour is none.

    Args:
        pixel: metres that a pixel spans at the person's distance.
    """
    colour, seen = interpolate(fragments, body.faces, part_colours(body)), fragments.mask
    limit = max(config.jump, config.stretch * pixel)
    edges = torch.zeros_like(seen)
    for first, second in ((np.s_[:, :-1], np.s_[:, 1:]), (np.s_[:-1], np.s_[1:])):
        # Both pixels must show the body: this is what takes the contour out.
        jump = seen[first] & seen[second] & ((colour[first] - colour[second]).norm(dim=-1) > limit)
        edges[first] |= jump
        edges[second] |= jump
    return edges


def occlusion_map(
    fragments: Fragments, body: BodyModel, height: float, pixel: float, config: OcclusionConfig
) -> tuple[Tensor, Tensor]:
    """What not to sample: (occluded (H, W) bool, edges (H, W) bool).

    `occluded` is the farther side of every overlap within the margin; `edges` are the overlap's own pixels, both sides.

    Args:
        height: of the person, pixels. pixel: metres that a pixel spans at the person's distance.
    """
    edges = overlap_edges(fragments, body, pixel, config)
    behind = _behind(fragments, fragments.depth, config.margin * height / 1000, config)
    hands = body.weights[:, HANDS].sum(1, keepdim=True)
    on_hand = interpolate(fragments, body.faces, hands)[..., 0] > 0.5
    hand_depth = torch.where(on_hand, fragments.depth, torch.inf)
    behind |= _behind(fragments, hand_depth, config.hand_margin * height / 1000, config) & ~on_hand
    return behind | edges, edges


def _behind(fragments: Fragments, occluders: Tensor, margin: float, config: OcclusionConfig) -> Tensor:
    """(H, W) bool, pixels of the body with something much nearer, of depths `occluders` (H, W), within the margin."""
    margin = max(config.least_margin, margin)
    radius = int(margin)
    rows, columns = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    disc = rows**2 + columns**2 <= margin**2
    nearest = torch.from_numpy(_minimum_over_disc(occluders.cpu().numpy(), disc)).to(occluders.device)
    return fragments.mask & (fragments.depth - nearest > config.nearer)


def _minimum_over_disc(picture: np.ndarray, disc: np.ndarray) -> np.ndarray:
    """Minimum (H, W) over the disc around each pixel, as horizontal runs: a run per row of the disc."""
    radius = disc.shape[0] // 2
    padded = np.pad(picture, ((radius, radius), (0, 0)), constant_values=np.inf)
    result = picture.copy()
    for row in range(disc.shape[0]):
        run = ndimage.minimum_filter1d(
            padded[row : row + picture.shape[0]], int(disc[row].sum()), axis=1, mode="nearest"
        )
        np.minimum(result, run, out=result)
    return result
