"""A small network that knows people: which part of the body a pixel shows, and which point of the atlas.

Trained on the project's own people, it gives the distance of pictures that LPIPS (Zhang et al. 2018) takes from a
network trained on photographs: differences of unit-length features, at several scales.
"""

from dataclasses import asdict, dataclass, fields
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from neural_core.networks.blocks import ResBlock
from neural_core.networks.files import load_network, save_weights, shipped

FORMAT = "likeness-segmenter"
FORMAT_VERSION = 1


@dataclass(frozen=True)
class SegmenterConfig:
    """Widths of the levels at 1, 1/2, 1/4, 1/8 of the picture's size; parts: classes, background included."""

    widths: tuple[int, ...] = (16, 32, 64, 96)
    parts: int = 10  # training.perceptual.PARTS and two more: ground, and clothes beyond the body

    def to_json(self) -> dict:
        return asdict(self)

    @staticmethod
    def from_json(data: dict) -> "SegmenterConfig":
        """Raises ValueError or TypeError on unknown names or values that make no network."""
        if set(data) != {field.name for field in fields(SegmenterConfig)}:
            raise ValueError("other fields")
        config = SegmenterConfig(tuple(data["widths"]), data["parts"])
        whole = (*config.widths, config.parts)
        if any(not isinstance(n, int) or not 1 <= n <= 1024 for n in whole) or not 2 <= len(config.widths) <= 6:
            raise ValueError("sizes must be whole numbers from 1 to 1024, of two to six levels")
        return config


SEGMENTER_CONFIGS = {
    "tiny": SegmenterConfig(widths=(8, 8, 16)),
    "small": SegmenterConfig(),
    "base": SegmenterConfig(widths=(32, 64, 128, 256, 256)),
}


class Segmentation(NamedTuple):
    """At half the picture's size: parts (B, parts, H/2, W/2) logits, uv (B, 2, H/2, W/2)."""

    parts: Tensor
    uv: Tensor


class SegmenterNetwork(nn.Module):
    """An encoder whose levels are the features, and a light decoder that makes them worth something."""

    def __init__(self, config: SegmenterConfig):
        super().__init__()
        self.config, widths = config, config.widths
        self.enter = nn.Conv2d(3, widths[0], 3, padding=1)
        self.down = nn.ModuleList(
            nn.Sequential(nn.Conv2d(a, b, 3, stride=2, padding=1), ResBlock(b, b)) for a, b in pairwise(widths)
        )
        self.up = nn.ModuleList(nn.Conv2d(b, a, 1) for a, b in pairwise(widths[1:]))
        self.head = nn.Conv2d(widths[1], config.parts + 2, 3, padding=1)

    @property
    def multiple(self) -> int:
        """Height and width of every picture must be multiples of this."""
        return 2 ** (len(self.config.widths) - 1)

    def features(self, picture: Tensor) -> list[Tensor]:
        """(B, 3, H, W) in [0, 1] to the levels, fine to coarse: (B, C, H / 2^k, W / 2^k)."""
        levels = [F.leaky_relu(self.enter(picture * 2 - 1), 0.2)]
        for down in self.down:
            levels.append(down(levels[-1]))
        return levels

    def forward(self, picture: Tensor) -> Segmentation:
        levels = self.features(picture)
        x = levels[-1]
        for level in reversed(range(len(self.up))):
            x = levels[level + 1] + F.interpolate(self.up[level](F.silu(x)), scale_factor=2.0, mode="bilinear")
        parts, uv = self.head(F.silu(x)).float().split([self.config.parts, 2], 1)
        return Segmentation(parts, torch.sigmoid(uv))


class PerceptualDistance(nn.Module):
    """distance(a, b) of pictures (B, 3, H, W) in [0, 1]: 0 for equal ones, at most 4. The gradient reaches `a` only."""

    def __init__(self, network: SegmenterNetwork):
        super().__init__()
        self.network = network.eval().requires_grad_(False)

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        with torch.no_grad():
            wanted = [_unit(level) for level in self.network.features(_padded(b, self.network.multiple))]
        drawn = [_unit(level) for level in self.network.features(_padded(a, self.network.multiple))]
        return torch.stack([(x - y).square().sum(1).mean() for x, y in zip(drawn, wanted)]).mean()


def _unit(features: Tensor) -> Tensor:
    """Features of length one in every pixel; where all are near zero they stay near zero, with a gradient."""
    x = features.float()
    return x * torch.rsqrt(x.square().sum(1, keepdim=True) + 1e-4)


def _padded(picture: Tensor, multiple: int) -> Tensor:
    height, width = picture.shape[-2:]
    return F.pad(picture, (0, -width % multiple, 0, -height % multiple), mode="replicate")


def save_segmenter(path: Path, config: SegmenterConfig, tensors: dict[str, Tensor], provenance: dict[str, Any]) -> None:
    """Write weights; raises OutputError."""
    save_weights(path, FORMAT, FORMAT_VERSION, config.to_json(), tensors, provenance)


def load_segmenter(path: Path | str | None = None, device: torch.device | str = "cpu") -> SegmenterNetwork:
    """A trained segmenter, by default the one that ships; raises WeightsError."""
    path = Path(path or shipped("perceptual"))
    return load_network(
        path, FORMAT, FORMAT_VERSION, "segmenter", lambda c: SegmenterNetwork(SegmenterConfig.from_json(c))
    ).to(device)
