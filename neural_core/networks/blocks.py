"""Building blocks of the renderer."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class PixelNorm(nn.Module):
    """Scales the features of every pixel to unit mean square (Karras et al. 2018), then by a learned gain.

    Batch norm is unstable at the small batches a CPU can afford, and group norm mixes in how much empty picture
    surrounds a person; this depends on neither batch nor crop.
    """

    def __init__(self, channels: int):
        super().__init__()
        self.gain = nn.Parameter(torch.ones(channels))

    def forward(self, x: Tensor) -> Tensor:  # (B, C, H, W)
        scale = torch.rsqrt(x.float().square().mean(1, keepdim=True) + 1e-4)
        return x * scale.to(x.dtype) * self.gain.to(x.dtype)[:, None, None]


def start_at_zero(layer: nn.Module) -> None:
    """Set every parameter of a layer to 0, so that at first it adds nothing."""
    for parameter in layer.parameters():
        nn.init.zeros_(parameter)


class ResBlock(nn.Module):
    """norm, SiLU, conv, twice, beside a 1 x 1 skip where the width changes (He et al. 2016, pre-activation)."""

    def __init__(self, channels_in: int, channels_out: int):
        super().__init__()
        self.norm1 = PixelNorm(channels_in)
        self.conv1 = nn.Conv2d(channels_in, channels_out, 3, padding=1)
        self.norm2 = PixelNorm(channels_out)
        self.conv2 = nn.Conv2d(channels_out, channels_out, 3, padding=1)
        self.skip = nn.Conv2d(channels_in, channels_out, 1) if channels_in != channels_out else nn.Identity()
        start_at_zero(self.conv2)  # a new block passes its input on

    def forward(self, x: Tensor) -> Tensor:
        h = self.conv1(F.silu(self.norm1(x)))
        return self.skip(x) + self.conv2(F.silu(self.norm2(h)))


def two_convolutions(channels_in: int, channels_out: int, width: int | None = None) -> nn.Sequential:
    """Two 3 x 3 convolutions with an activation between: an input branch or a head of appendix E."""
    width = width or channels_out
    return nn.Sequential(
        nn.Conv2d(channels_in, width, 3, padding=1),
        nn.LeakyReLU(0.2),
        nn.Conv2d(width, channels_out, 3, padding=1),
    )
