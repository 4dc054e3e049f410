"""Several photos of one person into one partial texture (DINAR 3.2, eq. 6)."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from neural_core.texture.sampling import PartialTexture


@dataclass(frozen=True)
class MergingConfig:
    sharpness: float = 10.0  # 1 / tau: of cosines .9 and .5 the first takes 98 %
    lead: float = 2.0  # logit of the first photo: hems and folds move, and of two only one should be seen
    # Photos differ in exposure and white balance: the others are brought to the first, channel by channel.
    least_overlap: int = 150  # texels at 256 x 256 both must have seen well; below, colours are left alone
    greatest_gain: float = 1.6  # a person lit from one side is no reason to repaint the other
    stiffness: float = 0.02  # pull of the line towards the identity, relative to the colours' own spread


def merge(partials: Sequence[PartialTexture], config: MergingConfig = MergingConfig()) -> PartialTexture:
    """Mean of the photos, each texel weighted by softmax(sharpness * facing) over the photos that saw it.

    The logits are masked by visibility: a photo that did not see a texel has no part in it. At full weight of one photo
    its confidence is kept.
    """
    if not partials:
        raise ValueError("no textures to merge")
    weight = torch.stack([_weight(p, config.sharpness) for p in partials])  # (N, R, R)
    weight[0] = weight[0] * math.exp(config.lead)
    weight = weight / weight.sum(0).clamp(min=1e-12)
    sampled = torch.stack([p.sampled for p in partials]).any(0)
    filled = torch.stack([p.filled for p in partials]).any(0) & ~sampled

    def mean(values: list[Tensor]) -> Tensor:
        return sum((w * v for w, v in zip(weight, values)), torch.zeros_like(values[0]))

    return PartialTexture(
        rgb=mean([p.rgb for p in partials]),
        confidence=mean([p.confidence for p in partials]),
        sampled=sampled,
        filled=filled,
        facing=torch.stack([p.facing for p in partials]).amax(0),
    )


@dataclass(frozen=True)
class ColourLine:
    """alpha T + beta of each channel (eq. 8): alpha, beta (3,)."""

    alpha: Tensor
    beta: Tensor

    def __call__(self, partial: PartialTexture) -> PartialTexture:
        rgb = (partial.rgb * self.alpha[:, None, None] + self.beta[:, None, None]).clamp(0, 1)
        return replace(partial, rgb=rgb * (partial.confidence > 0))


def colour_lines(partials: Sequence[PartialTexture], config: MergingConfig = MergingConfig()) -> list[ColourLine]:
    """For every photo the line that brings its colours to those before it, where both saw the body; the first stays."""
    lines: list[ColourLine] = []
    matched: list[PartialTexture] = []
    for partial in partials:
        line = _line(merge(matched, config), partial, config) if matched else _identity(partial.rgb)
        lines.append(line)
        matched.append(line(partial))
    return lines


def _weight(partial: PartialTexture, sharpness: float) -> Tensor:
    """Unnormalised (R, R); the logits lie in [0, sharpness], so nothing overflows."""
    return torch.exp(sharpness * (partial.facing - 1)) * partial.confidence


def _identity(like: Tensor) -> ColourLine:
    return ColourLine(torch.ones(3, device=like.device), torch.zeros(3, device=like.device))


def _line(target: PartialTexture, source: PartialTexture, config: MergingConfig) -> ColourLine:
    """Weighted least squares of target on source, channel by channel, held near the identity."""
    weight = target.confidence * source.confidence * torch.minimum(target.facing, source.facing)
    both = weight > 0.05
    needed = config.least_overlap * (weight.shape[-1] / 256) ** 2
    if int(both.sum()) < needed:
        return _identity(source.rgb)
    w, a, b = weight[both], source.rgb[:, both], target.rgb[:, both]  # (n,), (3, n), (3, n)
    mean_a, mean_b = (a * w).sum(1) / w.sum(), (b * w).sum(1) / w.sum()
    da, db = a - mean_a[:, None], b - mean_b[:, None]
    stiff = config.stiffness
    alpha = ((da * db * w).sum(1) / w.sum() + stiff) / ((da * da * w).sum(1) / w.sum() + stiff)
    alpha = alpha.clamp(1 / config.greatest_gain, config.greatest_gain)
    return ColourLine(alpha, mean_b - alpha * mean_a)
