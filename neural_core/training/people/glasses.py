"""Glasses, drawn on the face: at the size of a training picture their frames are what is seen of them."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from neural_core.training.people.fabrics import random_colour
from neural_core.training.people.noise import smoothstep


@dataclass(frozen=True)
class Glasses:
    """kind: "thin" | "thick" | "sun". frame: (3,) sRGB."""

    kind: str
    frame: Tensor


def draw_glasses(rng: np.random.Generator) -> Glasses | None:
    colour, choice, share = random_colour(rng), rng.random(), rng.random()
    black = torch.tensor([0.05, 0.045, 0.04])
    kind = "thin" if share < 0.09 else "thick" if share < 0.18 else "sun"
    return Glasses(kind, black if choice < 0.7 else colour) if share < 0.25 else None


def put_on_glasses(glasses: Glasses, eyes: Tensor, points: Tensor, colour: Tensor) -> Tensor:
    """Colour (n, 3) of skin and eyes at canonical points (n, 3) under glasses; eyes: (2, 3) joints of the mean body."""
    middle = eyes.mean(0)
    x, y, z = (points - middle).unbind(1)
    apart = float((eyes[0, 0] - eyes[1, 0]).abs()) / 2
    thick = {"thin": 0.0020, "thick": 0.0042, "sun": 0.0034}[glasses.kind]
    half = (0.0235, 0.0205) if glasses.kind != "sun" else (0.027, 0.0225)
    # A rounded rectangle about each eye, in front projection.
    across, up = (x.abs() - apart - 0.001) / half[0], (y + 0.002) / half[1]
    ring = (across.abs() ** 3 + up.abs() ** 3) ** (1 / 3)
    front = smoothstep(-0.02, -0.008, z)
    rim = smoothstep(thick / half[1], 0.5 * thick / half[1], (ring - 1).abs()) * front
    bridge = ((y - 0.004).abs() < 0.6 * thick + 0.0006) & (x.abs() < apart - half[0] + 0.004) & (z > 0)
    temple = ((y - 0.005).abs() < 0.6 * thick + 0.001) & (x.abs() > apart + half[0] - 0.006) & (z > -0.095)
    frame = torch.maximum(rim, (bridge | temple).float())
    lens = smoothstep(1.02, 0.97, ring) * front * (0.88 if glasses.kind == "sun" else 0.0)
    colour = colour * (1 - lens[:, None]) + 0.03 * lens[:, None]
    return colour * (1 - frame[:, None]) + glasses.frame.to(points.device) * frame[:, None]
