"""Belts, ties, braces, straps, lapels and pockets: what is drawn on cloth by its place on the mean body."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from neural_core.training.people.fabrics import random_colour
from neural_core.training.people.outfit import Outfit
from neural_core.training.people.wardrobe import Wardrobe

_LEATHER = np.array(
    [(0.06, 0.05, 0.05), (0.24, 0.14, 0.08), (0.40, 0.26, 0.15), (0.12, 0.08, 0.06), (0.75, 0.72, 0.68)]
)
_TORSO = ("top", "jacket", "coat", "skirt")


@dataclass(frozen=True)
class Accessories:
    """What a person carries and wears on top of clothes; colours (3,) sRGB, None: not worn.

    Attributes:
        bag: None | "backpack" | "shoulder" | "crossbody"; bag_side: +1 hangs at the left hip, -1 at the right;
        bag_size: factor; bag_colour. strap: half width, metres.
        belt, tie, braces: colours. lapels: darkness of a jacket's lapels, 0 none. pockets: on jackets, coats, hoodies.
    """

    bag: str | None
    bag_side: float
    bag_size: float
    bag_colour: Tensor
    strap: float
    belt: Tensor | None
    tie: Tensor | None
    braces: Tensor | None
    lapels: float
    pockets: bool


def draw_accessories(rng: np.random.Generator, outfit: Outfit) -> Accessories:
    """Every number is drawn for every person, so that one choice does not shift the others."""
    u = rng.uniform(size=16)
    leather = [
        torch.from_numpy(_LEATHER[rng.integers(len(_LEATHER))] * rng.uniform(0.8, 1.2)).float() for _ in range(2)
    ]
    colours = [random_colour(rng) for _ in range(3)]
    bag = None
    if not outfit.hood_up:
        bag = None if u[2] > 0.22 else "backpack" if u[2] < 0.09 else "shoulder" if u[2] < 0.14 else "crossbody"
    shirt = outfit.collar == "shirt" and outfit.neck == "crew"
    return Accessories(
        bag=bag,
        bag_side=1.0 if u[3] < 0.5 else -1.0,
        bag_size=0.75 + 0.6 * u[4],
        bag_colour=leather[0] if u[5] < 0.5 else colours[0],
        strap=0.008 + 0.016 * u[6],
        belt=leather[1] if u[7] < (0.6 if outfit.tucked and outfit.trousers else 0.15) else None,
        tie=colours[1] if u[8] < (0.4 if shirt else 0.02) else None,
        braces=colours[2] if u[9] < 0.03 and outfit.jacket is None and outfit.trousers else None,
        lapels=0.1 + 0.4 * u[10] if outfit.jacket and outfit.collar is None and u[11] < 0.6 else 0.0,
        pockets=bool(u[12] < 0.6),
    )


def draw_on_cloth(
    wardrobe: Wardrobe, outfit: Outfit, worn: Accessories, layer: str, points: Tensor, sleeve: Tensor, colour: Tensor
) -> Tensor:
    """Colour (n, 3) of a layer's cloth at canonical points (n, 3) with everything that lies on it.

    Args:
        sleeve: (n,) bool, points on a sleeve, which nothing is drawn on.
    """
    x, y, z = points.unbind(1)
    neck, pelvis = wardrobe.height("neck"), wardrobe.height("pelvis")
    front, trunk = z > wardrobe.place("neck")[2] + 0.015, ~sleeve & (y > pelvis - 0.16)

    def paint(where: Tensor, over: Tensor | float) -> None:
        nonlocal colour
        new = over.to(colour.device) if isinstance(over, Tensor) else colour * over
        colour = torch.where(where[:, None], new, colour)

    def line(distance: Tensor, width: float, where: Tensor, shade: float = 0.62) -> None:
        paint((distance.abs() < width) & where, shade)

    if layer == "jacket" and worn.lapels:
        t = ((neck - 0.01 - y) / 0.26).clamp(0, 1)
        outside = x.abs() - max(outfit.opening, 0.0) * (0.6 + 1.2 * (neck - y).clamp(0, 1))
        edge = outside - 0.055 * torch.sin(torch.pi * (0.15 + 0.85 * t))
        on = front & trunk & (t > 0) & (t < 1)
        paint(on & (edge < 0), 1 - 0.4 * worn.lapels)
        line(edge, 0.004, on, 0.5)
    if worn.pockets and layer in ("jacket", "coat"):
        line(y - pelvis + 0.01, 0.005, front & trunk & ((x.abs() - 0.105).abs() < 0.045), 0.55)
        paint(front & trunk & ((x.abs() - 0.105).abs() < 0.045) & ((y - pelvis - 0.015).abs() < 0.02), 0.92)
    if worn.pockets and layer == "top" and outfit.collar == "hood":
        side = 0.13 - 0.5 * (y - pelvis - 0.03).clamp(min=0)
        inside = front & (y > pelvis - 0.02) & (y < pelvis + 0.13)
        line(x.abs() - side, 0.004, inside)
        line(y - pelvis - 0.13, 0.004, front & (x.abs() < 0.08))
    if layer == "pants" and worn.pockets:
        corner = ((x.abs() - 0.145) ** 2 + (y - pelvis - 0.075) ** 2).sqrt()
        line(corner - 0.065, 0.003, front & (y < pelvis + 0.07), 0.7)
        square = torch.maximum((x.abs() - 0.072).abs() / 0.055, (y - pelvis + 0.035).abs() / 0.065)
        line(square - 1, 0.06, ~front & (y > pelvis - 0.16), 0.72)
    if layer == "top" and worn.tie is not None:
        t = ((neck - 0.025 - y) / (neck - pelvis - 0.10)).clamp(0, 1.2)
        half = torch.where(t < 0.06, 0.016, 0.010 + 0.024 * t)
        paint(front & (t > 0) & (t < 1) & (x.abs() < half), worn.tie * 1.0)
        line(t - 0.06, 0.008, front & (x.abs() < 0.016), 0.7)
    if worn.braces is not None and layer in ("top", "pants"):
        apart = torch.where(front, 0.075, 0.015 + 0.35 * (y - pelvis - 0.2).abs().clamp(max=0.25))
        paint(trunk & ((x.abs() - apart).abs() < 0.011) & (y > pelvis + 0.02), worn.braces)
    if worn.belt is not None:
        over = layer in ("jacket", "coat", "skirt") or (layer == "top" and not outfit.trousers)
        at = pelvis + (0.085 if over else outfit.waist - 0.02)
        on = ((y - at).abs() < 0.017) & trunk & (layer in ("pants", *_TORSO))
        on = on & (layer != "top" or not outfit.trousers)
        paint(on, worn.belt)
        paint(on & front & ((x.abs() - 0.02).abs() < 0.006), colour.new_tensor([0.55, 0.52, 0.42]))
    if worn.bag is not None and layer in _TORSO:
        paint(trunk & _under_strap(worn, x, y, front, neck, pelvis), worn.bag_colour * 0.85)
    return colour


def _under_strap(worn: Accessories, x: Tensor, y: Tensor, front: Tensor, neck: float, pelvis: float) -> Tensor:
    """(n,) bool, cloth that the bag's straps lie on."""
    width = worn.strap
    if worn.bag == "backpack":
        apart = 0.088 + 0.9 * (neck - 0.20 - y).clamp(min=0)
        return ((x.abs() - apart).abs() < 0.010 + width) & (front | (y > neck - 0.05)) & (y > neck - 0.30)
    if worn.bag == "shoulder":
        return ((x * worn.bag_side - 0.115).abs() < width) & (y > pelvis + 0.02)
    # From the other shoulder across chest and back to the hip where the bag hangs.
    fallen = (neck - 0.01 - y) / (neck - pelvis)
    middle = worn.bag_side * (-0.095 + 0.27 * fallen)
    slope = 0.27 / (neck - pelvis)
    return ((x - middle).abs() < width * (1 + slope**2) ** 0.5) & (fallen < 1.1)
