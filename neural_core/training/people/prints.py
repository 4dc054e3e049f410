"""Prints for shirts: letters, shapes and blurred pictures, as colour with coverage."""

import math

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from neural_core.training.people.fabrics import random_colour

SIZE = 96
_LETTERS = np.array(list("ABCDEFGHIJKLMNOPRSTUVWXYZ0123456789&!"))


def random_print(rng: np.random.Generator) -> Tensor:
    """(4, SIZE, SIZE) straight RGBA of a random chest print."""
    image = Image.new("RGBA", (SIZE, SIZE), (0, 0, 0, 0))
    draw = ImageDraw.Draw(image)
    kind = rng.choice(["text", "shapes", "picture", "badge"])
    if kind == "picture":
        pixels = int(rng.integers(4, 12))
        blocks = (rng.random((pixels, pixels, 3)) * 255).astype(np.uint8)
        size = (int(rng.integers(44, 84)), int(rng.integers(44, 84)))
        image.paste(Image.fromarray(blocks).resize(size, Image.Resampling.BICUBIC), (6, 6))
    if kind in ("shapes", "badge"):
        for _ in range(int(rng.integers(1, 5))):
            _shape(draw, rng)
    if kind in ("text", "badge") or rng.random() < 0.3:
        _text(draw, rng)
    return torch.from_numpy(np.array(image)).permute(2, 0, 1).float() / 255


def _colour(rng: np.random.Generator) -> tuple[int, int, int, int]:
    r, g, b = (int(255 * x) for x in random_colour(rng, neutral=0.35).tolist())
    return r, g, b, 255


def _shape(draw: ImageDraw.ImageDraw, rng: np.random.Generator) -> None:
    x, y = rng.uniform(20, 76, 2)
    radius = rng.uniform(8, 28)
    corners = int(rng.integers(2, 8))
    if corners == 2:
        fill = _colour(rng) if rng.random() < 0.6 else None
        box = (x - radius, y - radius, x + radius, y + radius)
        draw.ellipse(box, fill=fill, outline=_colour(rng), width=int(rng.integers(2, 6)))
    else:
        turn, star = rng.uniform(0, 2 * math.pi), rng.random() < 0.5
        count = corners * (2 if star else 1)
        radii = [radius * (0.45 if star and i % 2 else 1.0) for i in range(count)]
        angles = [turn + 2 * math.pi * i / count for i in range(count)]
        draw.polygon([(x + r * math.cos(t), y + r * math.sin(t)) for r, t in zip(radii, angles)], fill=_colour(rng))


def _text(draw: ImageDraw.ImageDraw, rng: np.random.Generator) -> None:
    y = float(rng.uniform(4, 40))
    colour = _colour(rng)
    for _ in range(int(rng.integers(1, 4))):
        size = int(rng.integers(12, 34))
        word = "".join(rng.choice(_LETTERS, int(rng.integers(2, 8))))
        draw.text((SIZE / 2, y), word, fill=colour, font=ImageFont.load_default(size), anchor="mt")
        y += size + 3
