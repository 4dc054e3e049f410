"""Hair and what sits on it: a cap up to a hairline, a curtain of long hair, a bun or pony tail, hats and hoods."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from neural_core.body.skeleton import JOINT_INDEX
from neural_core.training.people.garments import Sewing, hull_radius, lay_shell
from neural_core.training.people.noise import noise, smoothstep
from neural_core.training.people.wardrobe import TUBES

STYLES = ("bald", "buzz", "short", "mid", "afro", "bob", "long", "bun", "pony")
_SHARES = (0.05, 0.10, 0.28, 0.13, 0.06, 0.12, 0.14, 0.06, 0.06)
FRINGE = {"hair": 0.010, "curtain": 0.016, "knot": 0.02}  # metres that strands reach beyond a smooth edge
# Height of the hairline above the head joint, against depth in front of the head joint (metres on the mean body).
_HAIRLINE_DEPTH = np.array([-0.158, -0.108, -0.038, -0.003, 0.027, 0.062, 0.102, 0.142])
_HAIRLINE_HEIGHT = np.array([-0.020, -0.020, -0.015, 0.040, 0.080, 0.120, 0.133, 0.140])


@dataclass(frozen=True)
class HairStyle:
    """A hair cut; lengths in metres.

    Attributes:
        style: one of STYLES. thickness: on the crown. length: below the head joint, where a curtain ends.
        parting: sideways. hairline: how much higher than usual it starts. fringe: how far it falls over the forehead.
    """

    style: str
    thickness: float
    length: float
    parting: float
    hairline: float
    fringe: float


def draw_hair(rng: np.random.Generator) -> HairStyle:
    style = str(rng.choice(STYLES, p=_SHARES))
    low, high = {
        "bald": (0.0, 0.0),
        "buzz": (0.003, 0.007),
        "short": (0.012, 0.028),
        "mid": (0.022, 0.042),
        "afro": (0.045, 0.10),
        "bob": (0.016, 0.030),
        "long": (0.014, 0.028),
        "bun": (0.008, 0.014),
        "pony": (0.008, 0.014),
    }[style]
    length = rng.uniform(0.02, 0.09) if style == "bob" else rng.uniform(0.13, 0.46)
    fringe = max(0.0, rng.uniform(-0.04, 0.045)) if style in ("short", "mid", "bob", "long", "pony", "bun") else 0.0
    return HairStyle(
        style, rng.uniform(low, high), length, rng.uniform(-0.02, 0.02), rng.uniform(-0.012, 0.012), fringe
    )


def hairline_level(sewing: Sewing, hair: HairStyle) -> Tensor:
    """(V,) metres inside the hairline on the mean head."""
    wardrobe = sewing.wardrobe
    template, head = wardrobe.body.template, wardrobe.joint("head")
    points = template - head
    depth = points[:, 2].cpu().numpy()
    line = torch.from_numpy(np.interp(depth, _HAIRLINE_DEPTH, _HAIRLINE_HEIGHT)).float().to(points.device)
    line = line - hair.fringe * smoothstep(0.045, 0.085, points[:, 2])
    ear = points.new_tensor([0.075, 0.057, 0.017])
    ears = torch.minimum((points - ear).norm(dim=1), (points - ear * points.new_tensor([-1, 1, 1])).norm(dim=1))
    level = torch.minimum(
        points[:, 1] - line - hair.hairline + 0.004 * noise(template * 60 + sewing.shift), ears - 0.034
    )
    if hair.style in ("bob", "long", "afro"):
        level = torch.where(ears < 0.05, level + 0.03, level)
    return level


def grow(sewing: Sewing, hair: HairStyle, rng: np.random.Generator) -> dict[str, Tensor]:
    """Lay hair on the head; returns weights (n, 55) of its tubes by layer."""
    if hair.style == "bald":
        return {}
    wardrobe = sewing.wardrobe
    template = wardrobe.body.template
    level = hairline_level(sewing, hair)
    coarse, fine = noise(template * 22 + sewing.shift), noise(template * 60 + sewing.shift)
    lumps = 1 + (0.30 * coarse + 0.12 * fine) * (0.4 if hair.style in ("bun", "pony", "buzz") else 1.0)
    parted = 1 - 0.5 * torch.exp(-(((template[:, 0] - hair.parting) / 0.008) ** 2)) * (
        hair.style in ("bob", "long", "mid")
    )
    rise = smoothstep(-0.01, 0.05 if hair.style == "afro" else 0.035, level)
    lay_shell(sewing, "hair", level, hair.thickness * rise * lumps * parted + 0.002, 4, hide=0.012)
    if hair.style in ("bob", "long"):
        return {"curtain": _curtain(sewing, hair, rng)}
    if hair.style in ("bun", "pony"):
        return {"knot": _knot(sewing, hair, rng)}
    return {}


def _curtain(sewing: Sewing, hair: HairStyle, rng: np.random.Generator) -> Tensor:
    """Long hair: a tube around head, neck and shoulders, open over the face, ragged at the tips."""
    wardrobe = sewing.wardrobe
    around, rows = TUBES["curtain"]
    device = wardrobe.device
    angles = torch.arange(around, device=device) / around * 2 * torch.pi
    wrapped = torch.remainder(angles + torch.pi, 2 * torch.pi) - torch.pi
    head = sewing.joints[JOINT_INDEX["head"]]
    crown = float(sewing.body[wardrobe.skin, 1].max())
    heights = torch.linspace(crown - 0.012, float(head[1]) - hair.length, rows, device=device)
    pitch = heights[0] - heights[1]
    centre = head[[0, 2]] + head.new_tensor([0.0, -0.008])
    back = smoothstep(-0.2, 0.5, -angles.cos())

    def hull(select: Tensor) -> Tensor:
        points = sewing.body[select]
        row = torch.div(heights[0] - points[:, 1], pitch, rounding_mode="floor").long()
        return hull_radius(points[:, [0, 2]] - centre, row, rows, angles)

    template = wardrobe.body.template
    skull = wardrobe.skin & (template[:, 1] > wardrobe.height("head") - 0.045) & (template[:, 0].abs() < 0.092)
    shoulders = wardrobe.skin & (template[:, 0].abs() < 0.2) & (template[:, 1] > wardrobe.height("pelvis") + 0.05)
    radius = torch.cummax(hull(skull), 0).values.clamp(max=0.13)
    below = smoothstep(float(head[1]) - 0.03, float(head[1]) - 0.07, heights)[:, None]
    radius = radius + (torch.maximum(radius, hull(shoulders)) - radius) * back * below + 0.7 * hair.thickness + 0.004
    t = torch.linspace(0, 1, rows, device=device)[:, None]
    circle = torch.stack([angles.sin(), angles.cos(), angles * 0], 1)
    strands = 0.06 * noise(circle * 5 + sewing.shift) + 0.03 * noise(circle * 14 + sewing.shift)
    radius = radius * (1 + strands * (0.4 + 0.6 * t)) * (1 - 0.10 * t**3 * rng.uniform(-1.5, 1.0))
    x, z = radius * angles.sin() + centre[0], radius * angles.cos() + centre[1]
    points = torch.stack([x, heights[:, None].expand_as(x), z], -1).reshape(-1, 3)
    opening = torch.where(heights[:, None] > float(head[1]) + 0.125, 0.0, rng.uniform(0.9, 1.35))
    tips = 0.03 * noise(torch.stack([angles.sin() * 9, angles.cos() * 9, angles * 0], 1) + sewing.shift)
    level = torch.minimum(wrapped.abs() - opening - 0.05 * tips, (1 - t) + tips - 0.04) * 0.1
    level = torch.where(heights[:, None] > float(head[1]) + 0.14, -0.02, level)
    where = wardrobe.slices["curtain"]
    sewing.rest[where] = points
    sewing.level[where] = level.reshape(-1)
    weights = torch.zeros(rows * around, 55, device=device)
    neck = smoothstep(0.0, -0.10, points[:, 1] - head[1])
    chest = smoothstep(-0.06, -0.22, points[:, 1] - head[1])
    weights[:, JOINT_INDEX["head"]] = 1 - neck
    weights[:, JOINT_INDEX["neck"]] = neck * (1 - chest)
    weights[:, JOINT_INDEX["spine3"]] = neck * chest
    return weights


def _knot(sewing: Sewing, hair: HairStyle, rng: np.random.Generator) -> Tensor:
    """A bun or a pony tail."""
    wardrobe = sewing.wardrobe
    around, rows = TUBES["knot"]
    device = wardrobe.device
    angles = torch.arange(around, device=device) / around * 2 * torch.pi
    t = torch.linspace(0, 1, rows, device=device)[:, None]
    skin = sewing.body[wardrobe.skin]
    crown = float(skin[:, 1].max())
    head = sewing.joints[JOINT_INDEX["head"]]
    back = float(skin[(skin[:, 1] - head[1] - 0.08).abs() < 0.02, 2].min())
    if hair.style == "bun":
        drop, radius = rng.uniform(-0.01, 0.10), rng.uniform(0.028, 0.048)
        forward = 0.06 if drop < 0.03 else 0.0
        centre = torch.tensor([0.0, crown - drop, back + forward], device=device)
        polar = t * torch.pi
        wobble = 1 + 0.12 * noise(torch.stack([angles.sin(), angles.cos(), angles * 0], 1) * 3 + sewing.shift)
        ring = radius * polar.sin() * wobble
        points = (
            torch.stack([ring * angles.sin(), radius * polar.cos() * torch.ones_like(angles), ring * angles.cos()], -1)
            + centre
        )
    else:
        length, start = rng.uniform(0.15, 0.40), crown - rng.uniform(0.03, 0.10)
        ring = 0.030 * (t * torch.pi * 0.9 + 0.25).sin()
        y = start - length * t + ring * 0.3 * angles.cos()
        points = torch.stack([ring * angles.sin(), y, back + 0.02 - 0.05 * (t * 2.2).sin() + ring * angles.cos()], -1)
    where = wardrobe.slices["knot"]
    sewing.rest[where] = points.reshape(-1, 3)
    tips = (1 - t) * 0.12 if hair.style == "pony" else torch.ones_like(t)
    sewing.level[where] = tips.expand(rows, around).reshape(-1)
    weights = torch.zeros(rows * around, 55, device=device)
    weights[:, JOINT_INDEX["head"]] = 1.0
    return weights


def put_on_hat(sewing: Sewing, kind: str, rng: np.random.Generator) -> dict[str, Tensor]:
    """A beanie, a cap with a visor, or a hat with a brim all around: "brim", "bucket" (it droops), "sun" (wide)."""
    wardrobe = sewing.wardrobe
    template, head = wardrobe.body.template, wardrobe.joint("head")
    edge = head[1] + rng.uniform(0.09, 0.12)
    level = (template[:, 1] - edge + 0.25 * rng.uniform(0, 1) * (template[:, 2] - head[2])).clamp(max=1.0)
    tall = rng.uniform(0.0, 0.7) if kind not in ("beanie", "visor") else rng.uniform(0, 0.25)
    lay_shell(sewing, "hat", level, rng.uniform(0.014, 0.032) + tall * level.clamp(0, 0.08), 6, hide=None)
    sewing.cut("hair", 0.015 - level)
    width, droop = rng.uniform(0.05, 0.10), rng.uniform(0.0, 0.02)
    if kind == "beanie":
        return {}
    around, rows = TUBES["brim"]
    device = wardrobe.device
    angles = torch.arange(around, device=device) / around * 2 * torch.pi
    hat = sewing.rest[wardrobe.slices["hat"]]
    low = hat[(level[wardrobe.shells["hat"].source].abs() < 0.015)]
    height = float(low[:, 1].mean()) + 0.006
    centre = low[:, [0, 2]].mean(0)
    inner = hull_radius(low[:, [0, 2]] - centre, torch.zeros(len(low), dtype=torch.long, device=device), 1, angles)[0]
    s = torch.linspace(1, 0, rows, device=device)[:, None]  # from the outside in: faces look up
    front = smoothstep(0.55, 0.8, angles.cos())
    if kind == "sun":
        width, droop = width + 0.06, droop + 0.01
    if kind == "bucket":
        width, droop = 0.8 * width, 0.045
    radius = inner - 0.006 + (0.07 * front if kind == "visor" else width) * s
    x, z = radius * angles.sin() + centre[0], radius * angles.cos() + centre[1]
    wave = noise(torch.stack([angles.sin(), angles.cos(), angles * 0], 1) * 1.5 + sewing.shift)
    y = height - (0.012 if kind == "visor" else droop) * s + 0.08 * (width * s) * wave * (kind in ("sun", "brim"))
    where = wardrobe.slices["brim"]
    sewing.rest[where] = torch.stack([x, y.expand_as(x), z], -1).reshape(-1, 3)
    visible = (front - 0.1).expand_as(x) if kind == "visor" else torch.ones_like(x)
    sewing.level[where] = visible.reshape(-1)
    weights = torch.zeros(rows * around, 55, device=device)
    weights[:, JOINT_INDEX["head"]] = 1.0
    return {"brim": weights}


def put_hood_up(sewing: Sewing, rng: np.random.Generator) -> None:
    """A hood over the head, open around the face."""
    wardrobe = sewing.wardrobe
    template, head = wardrobe.body.template, wardrobe.joint("head")
    x, y, z = (template - head).unbind(1)
    wide, tall = rng.uniform(0.075, 0.09), rng.uniform(0.115, 0.135)
    face = (((x / wide) ** 2 + ((y - 0.045) / tall) ** 2).sqrt() - 1) * 0.08
    level = torch.maximum(face, 0.045 + rng.uniform(-0.01, 0.02) - z)
    level = torch.minimum(level, y + 0.10)
    lay_shell(sewing, "hood", level, rng.uniform(0.026, 0.045), 15, hide=0.02)
    sewing.cut("hair", 0.015 - level)
