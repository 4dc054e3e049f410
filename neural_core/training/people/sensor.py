"""What a phone and a segmenter do to a picture: background, blur, noise, JPEG, and a mask that is a little wrong."""

import io
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor


@dataclass(frozen=True)
class SensorConfig:
    """Sizes in pixels of a picture 256 high; they scale with the picture."""

    blur: tuple[float, float] = (0.0, 0.6)
    noise: tuple[float, float] = (0.0, 0.02)  # sRGB; phones indoors reach 0.02 after their own denoising
    jpeg: tuple[int, int] = (60, 96)
    mask_error: tuple[float, float] = (0.3, 1.6)  # how far the mask's edge wanders
    mask_softness: tuple[float, float] = (0.5, 1.5)
    mask_coarse: tuple[float, float] = (1.0, 2.5)  # pixels of the picture that one of the segmenter's covers
    mask_bites: float = 0.35  # share of photos where parts of the person are missed, or background taken along
    mask_bite: tuple[float, float] = (2.0, 7.0)  # radius of what is missed


def take_picture(
    rgba: Tensor, rng: np.random.Generator, config: SensorConfig = SensorConfig()
) -> tuple[Tensor, Tensor]:
    """A photo and its estimated mask from a rendered person.

    Args:
        rgba: (4, H, W) premultiplied, CPU.

    Returns:
        image (3, H, W) sRGB with a background, and mask (H, W) in [0, 1].
    """
    _, height, width = rgba.shape
    scale = height / 256
    image = rgba[:3] + (1 - rgba[3:]) * _background(height, width, rng)
    image = _blur(image, scale * rng.uniform(*config.blur))
    grain = torch.from_numpy(rng.standard_normal((3, height, width), dtype=np.float32))
    image = (image + grain * rng.uniform(*config.noise)).clamp(0, 1)
    image = _jpeg(image, int(rng.integers(*config.jpeg)))
    return image, _estimated_mask(rgba[3], scale, rng, config)


def _background(height: int, width: int, rng: np.random.Generator) -> Tensor:
    """A wall and a floor with soft blotches: its colours leak into rim pixels, as they do in photos."""
    wall, floor = rng.uniform(0.1, 0.95, (2, 3, 1, 1))
    grey = rng.uniform(0, 0.9)
    wall, floor = (c * (1 - grey) + c.mean() * grey for c in (wall, floor))
    horizon = rng.uniform(0.6, 1.0)
    rows = np.linspace(0, 1, height)[None, :, None]
    below = 1 / (1 + np.exp(-(rows - horizon) * 40))
    base = torch.from_numpy(wall * (1 - below) + floor * below).float().expand(3, height, width)
    size = int(rng.integers(3, 16))
    blotches = torch.from_numpy(rng.standard_normal((1, 3, size, size), dtype=np.float32))
    blotches = F.interpolate(blotches, (height, width), mode="bicubic", align_corners=False)[0]
    return (base + rng.uniform(0, 0.15) * blotches).clamp(0, 1)


def _blur(image: Tensor, sigma: float) -> Tensor:
    """Gaussian blur of (C, H, W)."""
    if sigma < 0.2:
        return image
    half = int(3 * sigma) + 1
    x = torch.arange(-half, half + 1).float()
    kernel = torch.exp(-(x**2) / (2 * sigma**2))
    kernel = kernel / kernel.sum()
    padded = F.pad(image[:, None], (half, half, half, half), mode="replicate")
    return F.conv2d(F.conv2d(padded, kernel.view(1, 1, 1, -1)), kernel.view(1, 1, -1, 1))[:, 0]


def _jpeg(image: Tensor, quality: int) -> Tensor:
    pixels = (image.permute(1, 2, 0) * 255).round().byte().numpy()
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=quality)
    with Image.open(buffer) as decoded:
        return torch.from_numpy(np.array(decoded)).permute(2, 0, 1).float() / 255


def _estimated_mask(alpha: Tensor, scale: float, rng: np.random.Generator, config: SensorConfig) -> Tensor:
    """The true coverage, its edge moved by a smooth random field and softened."""
    height, width = alpha.shape
    size = int(rng.integers(5, 14))
    field = torch.from_numpy(rng.standard_normal((1, 2, size, size), dtype=np.float32))
    field = F.interpolate(field, (height, width), mode="bicubic", align_corners=False)[0]
    moved = field * (scale * rng.uniform(*config.mask_error))
    row, column = torch.meshgrid(torch.arange(height) + 0.5, torch.arange(width) + 0.5, indexing="ij")
    grid = torch.stack([2 * (column + moved[0]) / width - 1, 2 * (row + moved[1]) / height - 1], -1)
    warped = F.grid_sample(alpha[None, None], grid[None], align_corners=False, padding_mode="border")[0]
    soft = _blur(warped, scale * rng.uniform(*config.mask_softness))[0]
    # A segmenter is biased outwards or inwards by a fraction of a pixel, and steeper than the blur.
    mask = ((soft - 0.5 + rng.uniform(-0.15, 0.15)) * 1.6 + 0.5).clamp(0, 1)
    coarse = rng.uniform(*config.mask_coarse)
    if coarse > 1.3:
        size = max(8, round(height / coarse)), max(8, round(width / coarse))
        mask = F.interpolate(mask[None, None], size, mode="area")
        mask = F.interpolate(mask, (height, width), mode="bilinear", align_corners=False)[0, 0]
    return _bitten(mask, alpha, scale, rng, config)


def _bitten(mask: Tensor, alpha: Tensor, scale: float, rng: np.random.Generator, config: SensorConfig) -> Tensor:
    """Wisps of hair, dark legs and shoes that are missed, and background that is taken along, at places on the rim."""
    chance, number = rng.random(), int(rng.integers(1, 4))
    places, radii, kinds = rng.random(3), rng.uniform(*config.mask_bite, 3) * scale, rng.random(3)
    height, width = mask.shape
    rim = torch.nonzero((alpha > 0.5) & (F.avg_pool2d(alpha[None, None], 3, 1, 1)[0, 0] < 0.95))
    if chance > config.mask_bites or len(rim) == 0:
        return mask
    row, column = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    for place, radius, kind in zip(places[:number], radii, kinds):
        at = rim[int(place * len(rim))]
        inside = 1 - (((row - at[0]) ** 2 + (column - at[1]) ** 2).sqrt() / float(radius)).clamp(0, 1) ** 3
        mask = mask * (1 - inside) if kind < 0.65 else torch.maximum(mask, inside)
    return mask
