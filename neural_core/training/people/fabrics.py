"""Fabrics: colours people really wear, and tileable patterns with fine, high-contrast detail."""

import colorsys
import math
from dataclasses import dataclass, replace

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

SIZE = 128  # texels of a tile; a tile is 20-60 cm of cloth, so a texel is finer than a pixel of a 256-pixel picture

# sRGB. Black, greys, white, navy, denim, beige, khaki, burgundy, brown: most of a street's clothes.
_NEUTRAL_SHARES = np.array([3, 3, 3, 2.5, 2, 1.5, 1.5, 2, 2.5, 1.5, 2.5, 1.5, 1, 1.5, 1, 1, 1, 1])
_NEUTRAL = np.array(
    [
        (0.05, 0.05, 0.055), (0.08, 0.08, 0.09), (0.11, 0.11, 0.12), (0.17, 0.17, 0.18), (0.30, 0.30, 0.31),
        (0.48, 0.48, 0.49), (0.66, 0.66, 0.66), (0.86, 0.86, 0.85), (0.94, 0.94, 0.93), (0.90, 0.88, 0.82),
        (0.10, 0.13, 0.23), (0.16, 0.20, 0.33), (0.35, 0.45, 0.60), (0.76, 0.69, 0.57), (0.56, 0.46, 0.34),
        (0.30, 0.30, 0.22), (0.36, 0.16, 0.15), (0.30, 0.20, 0.14),
    ]
)  # fmt: skip
_DENIM = np.array(
    [
        (0.11, 0.15, 0.26),
        (0.18, 0.25, 0.38),
        (0.30, 0.39, 0.53),
        (0.07, 0.08, 0.11),
        (0.46, 0.55, 0.66),
        (0.33, 0.34, 0.36),
    ]
)
PATTERNS = (
    "solid", "heather", "stripes", "pinstripe", "plaid", "dots", "camo", "checker", "floral", "houndstooth", "argyle",
    "leopard", "knit", "fairisle", "denim", "lace", "puffer",
)  # fmt: skip
_SHARES = np.array(
    [0.40, 0.12, 0.08, 0.03, 0.07, 0.04, 0.03, 0.03, 0.05, 0.02, 0.02, 0.02, 0.04, 0.02, 0.03, 0.03, 0.0]
)


@dataclass(frozen=True)
class Fabric:
    """tile: (3, SIZE, SIZE) sRGB, periodic; size: metres it covers. wrinkles: depth factor. gloss: specular share."""

    kind: str
    tile: Tensor
    size: float
    wrinkles: float
    gloss: float

    def dyed(self, colour: Tensor) -> "Fabric":
        """The same cloth in another colour (3,)."""
        shade = self.tile.mean(0, keepdim=True) / self.tile.mean().clamp(min=1e-3)
        return replace(self, tile=(shade * colour[:, None, None]).clamp(0, 1))


def leather_fabric(rng: np.random.Generator) -> Fabric:
    """Black or brown leather: grain, sharp folds and a sheen."""
    colour = np.array([(0.05, 0.05, 0.055), (0.10, 0.07, 0.06), (0.22, 0.12, 0.07), (0.36, 0.20, 0.11)])[
        rng.integers(4)
    ]
    grain = 1 + 0.10 * _blurred(rng, 0.8) + 0.05 * _blurred(rng, 3.0)
    tile = torch.from_numpy(colour).float()[:, None, None] * grain
    return Fabric("leather", tile.clamp(0, 1), 0.2, rng.uniform(0.9, 1.5), rng.uniform(0.25, 0.6))


def random_colour(rng: np.random.Generator, neutral: float = 0.68) -> Tensor:
    """(3,) sRGB; `neutral` is the share of black, grey, white, navy, beige and brown."""
    if rng.random() < neutral:
        colour = _NEUTRAL[rng.choice(len(_NEUTRAL), p=_NEUTRAL_SHARES / _NEUTRAL_SHARES.sum())] * rng.uniform(
            0.85, 1.08
        )
    else:
        vivid = rng.random() < 0.18
        hue, saturation = rng.random(), rng.uniform(0.6, 0.95) if vivid else rng.uniform(0.12, 0.6)
        colour = np.array(colorsys.hsv_to_rgb(hue, saturation, rng.uniform(0.2, 0.92)))
    return torch.from_numpy(colour.clip(0, 1)).float()


def random_fabric(
    rng: np.random.Generator,
    kind: str | None = None,
    wrinkles: float = 1.0,
    gloss: float = 0.03,
    neutral: float = 0.68,
    tone: Tensor | None = None,
) -> Fabric:
    """A fabric of a given kind, or of any; pairs of colours differ in lightness often enough to make crisp patterns."""
    kind = str(rng.choice(PATTERNS, p=_SHARES / _SHARES.sum())) if kind is None else kind
    colours = [random_colour(rng, neutral) for _ in range(4)]
    if rng.random() < 0.5:  # white or black against anything
        colours[1] = torch.full((3,), 0.92 if colours[0].mean() < 0.45 else 0.07)
    if kind == "lace" and tone is not None:
        colours[1] = tone * 0.8  # what is seen through the holes
    tile = _paint(kind, colours, rng)
    fine, coarse = _blurred(rng, 1.0), _blurred(rng, 10.0)
    tile = tile * (1 + rng.uniform(0, 0.05) * fine + rng.uniform(0, 0.03) * coarse)
    size = rng.uniform(0.16, 0.5)
    return Fabric(kind, tile.clamp(0, 1), size, wrinkles * rng.uniform(0.4, 1.2), gloss)


def _paint(kind: str, colours: list[Tensor], rng: np.random.Generator) -> Tensor:
    """(3, SIZE, SIZE) tile of one pattern."""
    a, b, c, d = colours
    v, u = torch.meshgrid(torch.arange(SIZE) / SIZE, torch.arange(SIZE) / SIZE, indexing="ij")
    tile = a[:, None, None].expand(3, SIZE, SIZE).clone()

    def over(tile: Tensor, mask: Tensor, colour: Tensor) -> Tensor:
        return tile * (1 - mask.float()) + colour[:, None, None] * mask.float()

    if kind == "heather":
        yarn = 0.5 * (a + b)
        return over(tile, (0.4 + 0.3 * _blurred(rng, 0.8)).clamp(0, 1), yarn)
    if kind in ("stripes", "pinstripe"):
        count = int(rng.integers(2, 9) if kind == "stripes" else rng.integers(8, 16))
        share = rng.uniform(0.2, 0.65) if kind == "stripes" else 0.12
        t = (v if rng.random() < (0.8 if kind == "stripes" else 0.1) else u) * count
        tile = over(tile, t % 1 < share, b)
        return over(tile, (t + 0.3) % 1 < 0.1, c) if kind == "stripes" and rng.random() < 0.4 else tile
    if kind == "plaid":
        count, share = int(rng.integers(2, 7)), rng.uniform(0.3, 0.6)
        for t in (u, v):
            tile = over(tile, 0.5 * ((t * count) % 1 < share), b)
            tile = over(tile, 0.7 * ((t * count + 0.15) % 1 < 0.08), c)
        return tile
    if kind == "dots":
        count, radius = int(rng.integers(2, 6)) * 2, rng.uniform(0.15, 0.35)
        x = (u * count) % 1 - 0.5
        y = (v * count + 0.5 * ((u * count).floor() % 2)) % 1 - 0.5
        return over(tile, x * x + y * y < radius**2, b)
    if kind == "camo":
        for threshold, colour in ((0.1, b), (0.7, c), (1.1, d)):
            tile = over(tile, _blurred(rng, rng.uniform(4, 8)) > threshold, colour)
        return tile
    if kind == "checker":
        count = 2 * int(rng.integers(1, 6))
        return over(tile, ((u * count).floor() + (v * count).floor()) % 2, b)
    if kind == "floral":
        return _scatter_flowers(tile, u, v, [b, c, d], rng, over)
    if kind == "houndstooth":
        count = int(rng.integers(4, 10))
        x, y = (u * count * 4).floor() % 4, (v * count * 4).floor() % 4
        tooth = torch.where((x < 2) == (y < 2), x < 2, (x + y) % 4 < 2)
        return over(tile, tooth, b)
    if kind == "argyle":
        count = int(rng.integers(2, 5))
        x, y = ((u * count) % 1 - 0.5).abs(), ((v * count) % 1 - 0.5).abs()
        tile = over(tile, x + y < 0.5, b)
        return over(tile, ((x - y).abs() < 0.03), c)
    if kind == "leopard":
        field = _blurred(rng, 3.0)
        tile = over(tile, field > 0.5, d * 0.3)
        return over(tile, field > 1.0, b)
    if kind == "knit":
        rows, columns = int(rng.integers(14, 30)), int(rng.integers(10, 20))
        ribs = 1 + 0.22 * torch.sin(2 * math.pi * (v * rows + 0.35 * (2 * math.pi * u * columns).sin().abs()))
        return tile * ribs
    if kind == "fairisle":
        bands = [b, c, d]
        for k in range(12):
            motif = rng.integers(0, 2, 16).astype(np.float32)
            mask = torch.from_numpy(np.tile(motif, SIZE // 16))[None] * ((v * 12).floor() == k)
            tile = over(tile, mask, bands[k % 3])
        return tile
    if kind == "lace":
        count = int(rng.integers(5, 11))
        x, y = (u * count) % 1 - 0.5, (v * count + 0.5 * ((u * count).floor() % 2)) % 1 - 0.5
        petals = 0.30 + 0.12 * torch.cos(int(rng.integers(4, 8)) * torch.atan2(y, x))
        return over(tile, ((x * x + y * y).sqrt() < petals) & ((x * x + y * y) > 0.01), b)
    if kind == "puffer":
        return tile * (1 + 0.03 * _blurred(rng, 2.0))
    if kind == "denim":
        base = torch.from_numpy(_DENIM[rng.integers(len(_DENIM))]).float()[:, None, None].expand(3, SIZE, SIZE)
        twill = 0.10 * torch.sin((u + v) * 2 * math.pi * 32)
        return base * (1 + twill + 0.07 * _blurred(rng, 1.0) + 0.06 * _blurred(rng, 8.0))
    return tile


def _scatter_flowers(
    tile: Tensor, u: Tensor, v: Tensor, colours: list[Tensor], rng: np.random.Generator, over
) -> Tensor:
    for colour in colours:
        count, radius = int(rng.integers(5, 16)), rng.uniform(0.03, 0.09)
        at = torch.from_numpy(rng.random((count, 2, 1, 1))).float()
        turn = torch.from_numpy(rng.uniform(0, 2 * math.pi, (count, 1, 1))).float()
        x, y = (u - at[:, 0] + 0.5) % 1 - 0.5, (v - at[:, 1] + 0.5) % 1 - 0.5
        petals = 0.7 + 0.4 * torch.sin(int(rng.integers(3, 7)) * torch.atan2(y, x) + turn)
        tile = over(tile, ((x * x + y * y).sqrt() < radius * petals).any(0), colour)
    return tile


def _blurred(rng: np.random.Generator, sigma: float) -> Tensor:
    """(SIZE, SIZE) periodic Gaussian noise of unit variance."""
    field = torch.from_numpy(rng.standard_normal((1, 1, SIZE, SIZE))).float()
    half = min(int(3 * sigma) + 1, SIZE // 2)
    x = torch.arange(-half, half + 1).float()
    kernel = torch.exp(-(x**2) / (2 * sigma**2))
    kernel = kernel / kernel.sum()
    field = F.conv2d(F.pad(field, (half, half, 0, 0), mode="circular"), kernel.view(1, 1, 1, -1))
    field = F.conv2d(F.pad(field, (0, 0, half, half), mode="circular"), kernel.view(1, 1, -1, 1))[0, 0]
    return field / field.std()
