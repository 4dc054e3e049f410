"""Losses of the renderer (DINAR eq. 5), as plain functions of pictures; `RendererLoss` weighs them."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

_EPSILON = 1e-6


def masked_l1(a: Tensor, b: Tensor, mask: Tensor) -> Tensor:
    """Mean absolute difference of (B, C, H, W) inside mask (B, 1, H, W)."""
    return ((a - b).abs() * mask).sum() / (a.shape[1] * mask.sum()).clamp(min=1.0)


def masked_l2(a: Tensor, b: Tensor, mask: Tensor) -> Tensor:
    """Mean squared difference of (B, C, H, W) inside mask (B, 1, H, W)."""
    return ((a - b).square() * mask).sum() / (a.shape[1] * mask.sum()).clamp(min=1.0)


def gradient_difference(a: Tensor, b: Tensor, mask: Tensor) -> Tensor:
    """Mean absolute difference of the horizontal and vertical differences inside the mask: edges, not shades."""
    horizontal = (a[..., 1:] - a[..., :-1]) - (b[..., 1:] - b[..., :-1])
    vertical = (a[..., 1:, :] - a[..., :-1, :]) - (b[..., 1:, :] - b[..., :-1, :])
    inside_h, inside_v = mask[..., 1:] * mask[..., :-1], mask[..., 1:, :] * mask[..., :-1, :]
    total = (horizontal.abs() * inside_h).sum() + (vertical.abs() * inside_v).sum()
    return total / (a.shape[1] * mask.sum()).clamp(min=1.0)


def ssim(a: Tensor, b: Tensor, mask: Tensor | None = None, window: int = 7, stride: int = 1) -> Tensor:
    """Structural similarity (Wang et al. 2004) of (B, C, H, W) in [0, 1], mean over windows weighted by their centre.

    An even window of 7 x 7: at 256 pixels per person the usual 11 x 11 blurs a face into one value, and pooling is
    twenty times faster on a CPU than a Gaussian. No gradient reaches `b`. mask: (B, 1, H, W) weights.
    """

    def mean(x: Tensor) -> Tensor:
        return F.avg_pool2d(x, window, stride)

    with torch.no_grad():
        mean_b, mean_bb = mean(b), mean(b * b)
    mean_a, mean_aa, mean_ab = mean(a), mean(a * a), mean(a * b)
    variance_a, variance_b, covariance = mean_aa - mean_a**2, mean_bb - mean_b**2, mean_ab - mean_a * mean_b
    c1, c2 = 0.01**2, 0.03**2
    above = (2 * mean_a * mean_b + c1) * (2 * covariance + c2)
    similarity = above / ((mean_a**2 + mean_b**2 + c1) * (variance_a + variance_b + c2))
    if mask is None:
        return similarity.mean()
    half = window // 2
    centre = mask[..., half : mask.shape[-2] - half : stride, half : mask.shape[-1] - half : stride]
    return (similarity * centre).sum() / (a.shape[1] * centre.sum()).clamp(min=1.0)


def dice(probability: Tensor, mask: Tensor) -> Tensor:
    """1 - the Dice coefficient of (B, 1, H, W), mean over the batch (DINAR eq. 5)."""
    overlap = (probability * mask).sum((1, 2, 3))
    return (1 - 2 * overlap / (probability.sum((1, 2, 3)) + mask.sum((1, 2, 3))).clamp(min=_EPSILON)).mean()


@dataclass(frozen=True)
class LossWeights:
    """Weights of eq. 5 for colours in [0, 1]."""

    l1: float = 4.0  # L1 rather than L2: half the blur where two answers are possible
    ssim: float = 0.5
    gradient: float = 1.0
    dice: float = 1.0
    bce: float = 1.0  # Dice alone leaves the rim undecided
    composite: float = 2.0  # over a random even ground, so that a glow or a dark rim costs something
    lpips: float = 0.0  # needs weights that cannot ship; see docs/training.md


class RendererLoss:
    """loss(rgb, logits, target rgb, target mask, ground) -> total and its parts, by name."""

    def __init__(self, weights: LossWeights = LossWeights(), device: torch.device | str = "cpu"):
        self.weights = weights
        self._lpips = None
        if weights.lpips:
            from neural_core.training.perceptual import load_lpips

            self._lpips = load_lpips(device)

    def __call__(
        self, rgb: Tensor, logits: Tensor, target: Tensor, mask: Tensor, ground: Tensor
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Pictures (B, 3, H, W), logits and mask (B, 1, H, W), ground (B, 3, 1, 1) random colours."""
        probability = torch.sigmoid(logits)
        drawn = rgb * probability + ground * (1 - probability)
        wanted = target * mask + ground * (1 - mask)
        either = torch.maximum(mask, probability.detach())
        inside = target * mask + rgb.detach() * (1 - mask)  # SSIM windows at the rim see no false edge
        parts = {
            "l1": masked_l1(rgb, target, mask),
            "ssim": 1 - ssim(rgb, inside, mask, stride=2),
            "gradient": gradient_difference(rgb, target, mask),
            "dice": dice(probability, mask),
            "bce": F.binary_cross_entropy_with_logits(logits, mask),
            "composite": masked_l1(drawn, wanted, either),
        }
        if self._lpips is not None:
            parts["lpips"] = self._lpips(rgb * mask, target * mask)
        total = torch.stack([getattr(self.weights, name) * value for name, value in parts.items()]).sum()
        return total, parts
