"""Several avatars and the rest of a scene in one picture, resolved by depth."""

from collections.abc import Sequence

import torch
from torch import Tensor

from neural_core.rendering.frame import Frame


def compose(frames: Sequence[Frame], holdout_depth: Tensor | None = None) -> Frame:
    """The nearer avatar over the farther one in every pixel; other geometry cuts out what lies behind it.

    Args:
        frames: one or more pictures of the same size and camera.
        holdout_depth: (H, W) metres, inf where nothing holds out.
    """
    rgb = torch.stack([frame.rgb for frame in frames])  # (N, 3, H, W)
    alpha = torch.stack([frame.alpha for frame in frames])  # (N, H, W)
    depth = torch.stack([frame.depth for frame in frames])
    if holdout_depth is not None:
        alpha = torch.where(depth > holdout_depth.to(depth.device), torch.zeros_like(alpha), alpha)
    depth = torch.where(alpha > 0, depth, torch.full_like(depth, float("inf")))
    if len(frames) == 1:  # nothing to sort, which would cost a viewport more than all the rest of this
        return Frame(rgb[0] * (alpha[0] > 0), alpha[0], depth[0])

    order = torch.argsort(depth, dim=0, stable=True)
    alpha = alpha.gather(0, order)
    rgb = rgb.gather(0, order[:, None].expand_as(rgb))
    light = torch.cumprod(torch.cat([torch.ones_like(alpha[:1]), 1 - alpha[:-1]]), 0)  # what passes the nearer ones
    weight = light * alpha
    total = weight.sum(0)
    straight = (rgb * weight[:, None]).sum(0) / total.clamp(min=1e-6)
    return Frame(straight, total, depth.amin(0))
