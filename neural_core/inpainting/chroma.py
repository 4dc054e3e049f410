"""No hue that the photo does not have: a grey photo's back is grey, whatever a network learnt of shirts."""

import math

import torch
from torch import Tensor

_DIRECTIONS = 16  # of the hull around the chroma that is there
_OUTLIERS = 0.005  # share of the texels that may lie beyond it: noise, a red eye
_MARGIN = 0.01  # beyond the hull that is no new hue


@torch.no_grad()
def within_chroma(imagined: Tensor, completed: Tensor) -> Tensor:
    """The imagined texture (3, R, R) with its chroma moved into the convex hull of the photo's; lightness stays.

    Args:
        completed: (3, R, R) sRGB, dilated: the photo's colours and mixtures of them, which also stay allowed where they
            are.
    """
    basis = imagined.new_tensor([[1, -1, 0], [1, 1, -2]])
    basis = basis / basis.norm(dim=1, keepdim=True)  # of the plane of equal r + g + b
    chroma, shown = (torch.einsum("kc,chw->khw", basis, texture) for texture in (imagined, completed))
    moved = chroma.clone()
    for index in range(2 * _DIRECTIONS):  # twice round: the second time for corners
        angle = 2 * math.pi * index / _DIRECTIONS
        direction = imagined.new_tensor([math.cos(angle), math.sin(angle)])
        there = torch.einsum("k,khw->hw", direction, shown)
        last = round((1 - _OUTLIERS) * there.numel())
        limit = torch.clamp(there, min=float(there.reshape(-1).kthvalue(max(1, last)).values) + _MARGIN)
        excess = (torch.einsum("k,khw->hw", direction, moved) - limit).clamp(min=0)
        moved = moved - direction[:, None, None] * excess
    return (imagined + torch.einsum("kc,khw->chw", basis, moved - chroma)).clamp(0, 1)
