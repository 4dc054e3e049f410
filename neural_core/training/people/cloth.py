"""Cloth as a camera sees it: fabric laid along the body, seams, bands, buttons, prints, and folds as bent normals."""

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from neural_core.training.people.accessories import Accessories, draw_on_cloth
from neural_core.training.people.fabrics import Fabric, leather_fabric, random_colour, random_fabric
from neural_core.training.people.noise import noise, noise_with_gradient, smoothstep
from neural_core.training.people.outfit import Outfit
from neural_core.training.people.prints import random_print
from neural_core.training.people.wardrobe import Wardrobe


@dataclass(frozen=True)
class Material:
    """One garment's cloth and decoration. Lengths in metres on the mean body.

    Attributes:
        band: colour of the hem band or None. sleeve, sole: colour or None.
        picture: (4, P, P) print, its half width and centre (x, y above the neck); on the back too when `both_sides`.
        front: "plain" | "buttons" | "zip". pocket, laces: drawn when True.
    """

    fabric: Fabric
    band: Tensor | None = None
    sleeve: Tensor | None = None
    sole: Tensor | None = None
    picture: Tensor | None = None
    picture_size: float = 0.1
    picture_at: tuple[float, float] = (0.0, 0.0)
    both_sides: bool = False
    front: str = "plain"
    pocket: bool = False
    laces: bool = False


def draw_materials(rng: np.random.Generator, outfit: Outfit, worn: Accessories, tone: Tensor) -> dict[str, Material]:
    """Materials by layer name. All are drawn for every person, worn or not, to keep the random stream aligned.

    Args:
        tone: (3,) sRGB of the skin, which shows through lace.
    """
    plain = lambda: str(rng.choice(["solid", "solid", "heather"]))  # noqa: E731
    trousers = "denim" if rng.random() < 0.45 else plain() if rng.random() < 0.85 else None
    if outfit.trousers == "leggings":
        trousers = plain()
    folds = 0.3 + 0.7 * outfit.looseness if outfit.trousers != "leggings" else 0.15
    band = lambda share: random_colour(rng) if rng.random() < share else None  # noqa: E731
    top_fabric = random_fabric(rng, wrinkles=0.4 + 0.6 * outfit.fit, tone=tone)
    front = str(rng.choice(["plain", "buttons", "zip"], p=[0.72, 0.22, 0.06]))
    if outfit.collar == "shirt" and outfit.jacket is None:
        front = "buttons"
    has_print = rng.random() < (0.6 if top_fabric.kind in ("solid", "heather") else 0.12)
    small = rng.random() < 0.3
    top = Material(
        top_fabric,
        band=band(0.25),
        sleeve=band(0.10),
        picture=random_print(rng) if has_print else None,
        picture_size=rng.uniform(0.03, 0.05) if small else rng.uniform(0.09, 0.16),
        picture_at=(rng.uniform(0.05, 0.08) if small else 0.0, -rng.uniform(0.14, 0.22)),
        both_sides=bool(rng.random() < 0.12),
        front="plain" if has_print else front,
        pocket=bool(rng.random() < 0.12),
    )
    over = random_fabric(
        rng,
        str(rng.choice(["solid", "solid", "solid", "heather", "denim", "plaid", "knit", "puffer"])),
        1.0,
        rng.uniform(0.02, 0.12),
        neutral=0.8,
    )
    leather = leather_fabric(rng)
    if rng.random() < 0.14:
        over = leather
    skirt = Material(random_fabric(rng, wrinkles=0.6, tone=tone), band=band(0.15))
    collar = top if outfit.collar != "scarf" and outfit.jacket is None else Material(over)
    if outfit.collar == "scarf":
        collar = Material(random_fabric(rng))
    jacket = Material(
        over, band=band(0.15), front="zip" if outfit.opening <= 0 else "plain", pocket=bool(rng.random() < 0.2)
    )
    hat = Material(random_fabric(rng, str(rng.choice(["solid", "knit", "heather", "stripes"])), 0.3), band=band(0.5))
    sole = random_colour(rng) if rng.random() < 0.5 else torch.full((3,), float(rng.uniform(0.45, 0.92)))
    shoe = Material(
        random_fabric(rng, plain(), 0.2, rng.uniform(0.05, 0.3), neutral=0.9),
        sole=sole,
        laces=bool(rng.random() < 0.5),
    )
    bag = Material(random_fabric(rng, "solid", 0.3, rng.uniform(0.03, 0.2)).dyed(worn.bag_colour))
    return {
        "pants": Material(random_fabric(rng, trousers, wrinkles=folds, neutral=0.86), front="plain"),
        "top": top,
        "jacket": jacket,
        "coat": Material(over),
        "skirt": Material(top_fabric) if outfit.skirt == "dress" else skirt,
        "collar": collar,
        "hood": collar,
        "hat": hat,
        "brim": Material(hat.fabric),
        "shoes": shoe,
        "bag": bag,
    }


def fabric_coordinates(wardrobe: Wardrobe, layer: str, points: Tensor) -> tuple[Tensor, Tensor]:
    """Metres along the cloth (n, 2) at canonical points (n, 3), around and down; and which points lie on a sleeve."""
    x, y, z = points.unbind(1)
    neck, knee = wardrobe.joint("neck"), wardrobe.joint("left_knee")
    shoulder = wardrobe.place("left_shoulder")[0]
    sleeve = (x.abs() > shoulder + 0.01 - 0.15 * (y - 0.03)) & (y > wardrobe.height("pelvis") + 0.15)
    sleeve = sleeve & torch.full_like(sleeve, layer in ("top", "jacket"))
    legs = torch.full_like(sleeve, layer == "pants") & (y < wardrobe.height("pelvis") - 0.15)
    side = torch.where(x >= 0, 1.0, -1.0)
    around = torch.atan2(x, z - neck[2] + 0.005) * 0.16
    around = torch.where(legs, torch.atan2(x - side * (knee[0] - 0.01), z - 0.02) * 0.085, around)
    around = torch.where(sleeve, torch.atan2(y - 0.03, z - 0.03) * 0.06, around)
    along = torch.where(sleeve, x.abs() - 0.2, -y)
    return torch.stack([around, along], 1), sleeve


def cloth_colour(
    wardrobe: Wardrobe,
    outfit: Outfit,
    worn: Accessories,
    layer: str,
    material: Material,
    points: Tensor,
    level: Tensor,
    shift: Tensor,
) -> Tensor:
    """(n, 3) sRGB of a garment at canonical points (n, 3), `level` (n,) metres inside its hem."""
    device = points.device
    coordinates, sleeve = fabric_coordinates(wardrobe, layer, points)
    grid = torch.remainder(coordinates / material.fabric.size, 1.0) * 2 - 1
    tile = F.pad(material.fabric.tile.to(device)[None], (1, 1, 1, 1), mode="circular")
    grid = grid * (tile.shape[-1] - 2) / tile.shape[-1]
    colour = F.grid_sample(tile, grid[None, None], align_corners=False)[0, :, 0].T
    x, y, z = points.unbind(1)
    neck, pelvis = wardrobe.joint("neck"), wardrobe.height("pelvis")
    front = z > neck[2] + 0.015

    def paint(colour: Tensor, where: Tensor, paint_colour: Tensor) -> Tensor:
        return torch.where(where[:, None], paint_colour.to(device), colour)

    if material.sleeve is not None:
        colour = paint(colour, sleeve, material.sleeve)
    if material.picture is not None:
        across, up = material.picture_at
        flat = torch.stack([torch.where(front, x - across, -x - across), neck[1] + up - y], 1) / material.picture_size
        sampled = F.grid_sample(material.picture.to(device)[None], flat[None, None], align_corners=False)[0, :, 0].T
        shown = sampled[:, 3] * ((front | material.both_sides) & ~sleeve)
        colour = colour * (1 - shown[:, None]) + sampled[:, :3] * shown[:, None]
    if material.front == "buttons":
        colour = torch.where(((x.abs() - 0.0155).abs() < 0.002)[:, None] & front[:, None], colour * 0.6, colour)
        button = (torch.remainder(y, 0.075) - 0.0375) ** 2 + x**2 < 0.006**2
        colour = torch.where((button & front)[:, None], (1 - colour.mean(1, keepdim=True)) * 0.85, colour)
    if material.front == "zip":
        colour = paint(colour, (x.abs() < 0.006) & front, torch.tensor([0.5, 0.5, 0.5]))
    if material.pocket:
        frame = torch.maximum((x.abs() - 0.075).abs() / 0.04, (y - neck[1] + 0.19).abs() / 0.045)
        colour = torch.where(((frame > 0.93) & (frame < 1.05) & front)[:, None], colour * 0.6, colour)
    hem = torch.ones_like(front)
    if layer == "jacket" and outfit.jacket == "coat":
        hem = y > pelvis + 0.10  # below, the coat goes on
    if material.band is not None:
        colour = paint(colour, (level < 0.024) & hem, material.band)
    colour = torch.where(((level > 0.017) & (level < 0.021) & hem)[:, None], colour * 0.78, colour)
    if material.fabric.kind == "denim" and layer == "pants":
        wear = 0.25 * noise(points * 9 + shift) + 0.5 * torch.exp(-(((y - pelvis + 0.30) / 0.12) ** 2))
        colour = colour * (1 + 0.2 * wear.clamp(0, 1))[:, None] + 0.02 * wear.clamp(0, 1)[:, None]
        wear = torch.where(front, wear, wear * 0.6)
        outseam = ((coordinates[:, 0] / 0.085).abs() - torch.pi / 2).abs() < 0.04
        fly = (x.abs() < 0.004) & front & (y > pelvis - 0.1)
        colour = torch.where(((outseam & (y < pelvis - 0.1)) | fly)[:, None], colour * 0.7, colour)
    colour = draw_on_cloth(wardrobe, outfit, worn, layer, points, sleeve, colour)
    if layer == "shoes":
        ankle = wardrobe.joint("left_ankle")
        sole = y < float(wardrobe.body.template[:, 1].min()) + 0.024
        colour = paint(colour, sole, material.sole if material.sole is not None else colour.new_tensor([0.9, 0.9, 0.9]))
        if material.laces:
            lace = (torch.remainder(z, 0.018) < 0.006) & (y > ankle[1] - 0.035) & (z > 0.03) & (z < 0.10)
            lace = lace & ((x.abs() - ankle[0] - 0.022).abs() < 0.018)
            colour = paint(colour, lace, torch.tensor([0.9, 0.9, 0.9]))
    fading = 0.025 * noise(points * 12 + shift + 2) + 0.02 * noise(points * 30 + shift)
    return (colour * (1 + fading)[:, None]).clamp(0, 1)


QUILTING = 0.075  # metres between the seams of a padded jacket


def quilted_slope(points: Tensor, sleeve: Tensor) -> Tensor:
    """(n, 3) slope of a padded jacket's tubes, which run around trunk and sleeves."""
    along = torch.where(sleeve, points[:, 0], points[:, 1])
    phase = torch.remainder(along / QUILTING, 1.0) * 2 - 1
    slope = -2.2 * phase * phase.abs()
    zero = torch.zeros_like(slope)
    return torch.stack([torch.where(sleeve, slope, zero), torch.where(sleeve, zero, slope), zero], 1)


def fold_slope(wardrobe: Wardrobe, points: Tensor, sleeve: Tensor, shift: Tensor) -> Tensor:
    """(n, 3) slope of the folds' height at canonical points, rest axes: ridged noise, long along the limb's girth.

    Folds are 7-20 cm apart (noise in features per metre) and gather at elbows, knees, ankles and the waist.
    """
    y = points[:, 1]
    elbow, knee = wardrobe.place("left_elbow")[0], wardrobe.height("left_knee")
    around = torch.where(sleeve, 0.95, torch.where(y < knee + 0.26, 0.35, 0.45))[:, None]
    warp = 0.6 * noise(points * 5 + shift)[:, None]
    slope = torch.zeros_like(points)
    for scale, share, offset in (((17.0, 5.0, 9.0), around, 0.0), ((5.0, 18.0, 7.0), 1 - around, 3.3)):
        stretch = points.new_tensor(scale)
        for octave, weight in ((1.0, 1.0), (2.1, 0.5)):
            value, gradient = noise_with_gradient((points * stretch + warp + offset + shift) * octave)
            ridge = value / (value * value + 0.08).sqrt()
            slope = slope + share * weight * octave * ridge[:, None] * gradient * stretch
    gather = 0.45 + 0.75 * smoothstep(0.1, 1.2, noise(points * 7 + shift + 5))
    gather = gather + 0.5 * torch.exp(-(((points[:, 0].abs() - elbow) / 0.07) ** 2)) * sleeve
    for height, width, strength in ((knee, 0.09, 0.5), (wardrobe.height("left_ankle") + 0.08, 0.06, 0.4)):
        gather = gather + strength * torch.exp(-(((y - height) / width) ** 2))
    gather = gather + 0.35 * torch.exp(-(((y - wardrobe.height("pelvis") - 0.10) / 0.08) ** 2))
    return slope * gather[:, None]
