"""From mask logits to a crisp edge, and the depth of what lies beyond the mesh."""

import numpy as np
import torch
from scipy import ndimage
from torch import Tensor
from torch.nn import functional as F

_FLATTEST = 1e-3  # logits per pixel; below this there is no edge to place


def crisp_alpha(logits: Tensor) -> Tensor:
    """Coverage (H, W) of the region where logits (H, W) are positive, its edge one pixel wide.

    A network that is unsure where the edge lies answers with a wide ramp, which shows as a glow. The contour
    logits = 0 is its median answer: logits / |gradient| is the distance to it in pixels (as in distance-field fonts).
    """
    padded = F.pad(logits[None, None], (1, 1, 1, 1), mode="replicate")[0, 0]
    dx = (padded[1:-1, 2:] - padded[1:-1, :-2]) / 2
    dy = (padded[2:, 1:-1] - padded[:-2, 1:-1]) / 2
    distance = logits / torch.sqrt(dx.square() + dy.square()).clamp(min=_FLATTEST)
    return (distance + 0.5).clamp(0, 1)


def grow_depth(depth: Tensor, alpha: Tensor) -> Tensor:
    """Depth (H, W) of every pixel with alpha > 0: its own, or that of the nearest pixel that has one; inf elsewhere."""
    missing = (alpha > 0) & torch.isinf(depth)
    filled = depth
    if bool(missing.any()) and bool(torch.isfinite(depth).any()):
        at = np.asarray(
            ndimage.distance_transform_edt(
                torch.isinf(depth).cpu().numpy(), return_distances=False, return_indices=True
            )
        )
        rows, columns = (torch.from_numpy(index).long().to(depth.device) for index in at)
        filled = torch.where(missing, depth[rows, columns], depth)
    return torch.where(alpha > 0, filled, torch.full_like(depth, float("inf")))
