"""Cloth that hangs free of the body: skirts, coat tails, and the collars, hoods and scarves that lie around a neck.

A skirt is a tube whose rings are the convex hull of whatever is inside it *in the current pose*, widened downwards as
cloth under gravity is: so it stretches over a stride instead of being cut open by a leg.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from neural_core.body.skeleton import JOINT_INDEX
from neural_core.training.people.garments import Sewing, hull_radius, opening_level
from neural_core.training.people.noise import noise, smoothstep
from neural_core.training.people.outfit import Outfit
from neural_core.training.people.wardrobe import TUBES, Wardrobe

CYLINDER = 0.16  # metres, radius of the cylinder on which a tube's fabric coordinates live


@dataclass(frozen=True)
class Drape:
    """One hanging tube of a person.

    Attributes:
        layer: name. inside: (m,) merged vertices that it must enclose, in any pose.
        heights: (rows,) above the pelvis in the pelvis' frame, metres, descending.
        slope: (rows,) metres of radius gained per metre of fall. margin: metres of clearance.
        folds: (rows, around) factor on the radius.
    """

    layer: str
    inside: Tensor
    heights: Tensor
    slope: Tensor
    margin: float
    folds: Tensor

    def drape(self, vertices: Tensor, rotation: Tensor, pelvis: Tensor) -> Tensor:
        """Tube vertices (rows * around, 3) around posed `vertices` (N, 3), pelvis rotation (3, 3) and position (3,)."""
        around, rows = TUBES[self.layer]
        angles = torch.arange(around, device=vertices.device) / around * 2 * torch.pi
        local = (vertices[self.inside] - pelvis) @ rotation
        pitch = self.heights[0] - self.heights[1]
        row = torch.div(self.heights[0] - local[:, 1], pitch, rounding_mode="floor").long()
        centre = local.new_tensor([0.0, 0.035])
        hull = hull_radius(local[:, [0, 2]] - centre, row, rows, angles)
        hull = torch.where(hull > 0, hull + self.margin, hull)
        # Three neighbours around, so that a knee does not print through as a spike.
        hull = torch.maximum(hull, (torch.roll(hull, 1, 1) + torch.roll(hull, -1, 1)) / 2)
        radius = [hull[0]]
        for k in range(1, rows):
            radius.append(torch.maximum(hull[k], radius[-1] + self.slope[k] * pitch))
        ring = torch.stack(radius)
        smooth = torch.nn.functional.avg_pool2d(
            torch.nn.functional.pad(ring[None, None], (1, 1, 0, 0), mode="circular"), (1, 3), stride=1
        )[0, 0]
        ring = torch.maximum(ring, smooth) * self.folds
        x, z = ring * angles.sin() + centre[0], ring * angles.cos() + centre[1]
        points = torch.stack([x, self.heights[:, None].expand_as(x), z], -1).reshape(-1, 3)
        return points @ rotation.T + pelvis


def hang_skirt(sewing: Sewing, outfit: Outfit) -> Drape:
    """A skirt, or the lower half of a dress."""
    wardrobe = sewing.wardrobe
    start = outfit.waist + 0.01 if outfit.skirt == "skirt" else 0.09
    y = wardrobe.body.template[:, 1] - wardrobe.height("pelvis")
    hidden = (y < start - 0.03) & (y > -outfit.skirt_length + 0.08) & _lower_body(wardrobe, trunk=True)
    drape = _tube(sewing, outfit, "skirt", start, outfit.skirt_length, 0.009)
    sewing.hide_body(torch.where(hidden, -1.0, 1.0))
    return drape


def cut_skirt_under(sewing: Sewing, outfit: Outfit, hem: float) -> None:
    """End a skirt inside the jacket that covers its waist, `hem` above the pelvis; not in the gap in front."""
    where = sewing.wardrobe.slices["skirt"]
    x, y, z = sewing.rest[where].unbind(1)
    level = float(sewing.joints[0, 1]) + hem + 0.04 - y
    if outfit.opening > 0:
        gap = opening_level(sewing, outfit, x, y) - 0.05
        level = torch.where((z > float(sewing.joints[0, 2]) + 0.03) & (gap < 0), torch.ones_like(level), level)
    sewing.level[where] = torch.minimum(sewing.level[where], level)


def hang_coat_tails(sewing: Sewing, outfit: Outfit) -> Drape:
    """The coat below the waist, from inside the jacket's hem, open in front where the jacket is."""
    drape = _tube(sewing, outfit, "coat", 0.035, outfit.coat_length, 0.015)
    points = sewing.rest[sewing.wardrobe.slices["coat"]]
    x, y, z = points.unbind(1)
    gap = opening_level(sewing, outfit, x, y)
    where = sewing.wardrobe.slices["coat"]
    front = z > float(sewing.joints[0, 2]) + 0.03
    cut_skirt_under(sewing, outfit, -0.04)
    sewing.level[where] = torch.where(front, torch.minimum(sewing.level[where], gap), sewing.level[where])
    return drape


def _tube(sewing: Sewing, outfit: Outfit, layer: str, start: float, length: float, margin: float) -> Drape:
    """Lay a hanging tube from `start` above the pelvis to `length` below it, in the rest pose; return its recipe."""
    wardrobe = sewing.wardrobe
    device = wardrobe.device
    around, rows = TUBES[layer]
    scale = float(sewing.joints[0, 1] - sewing.joints[JOINT_INDEX["left_ankle"], 1]) / (
        wardrobe.height("pelvis") - wardrobe.height("left_ankle")
    )
    template_heights = torch.linspace(start, -length, rows, device=device)
    angles = torch.arange(around, device=device) / around * 2 * torch.pi
    circle = torch.stack([angles.sin(), angles.cos(), angles * 0], 1)
    wave = torch.sin(outfit.folds * angles + 2 * noise(circle * 1.5 + sewing.shift))
    fallen = (start - template_heights).clamp(min=0)[:, None]
    depth = outfit.fold_depth * smoothstep(0.05, 0.35, fallen) * (0.3 + fallen)
    slope = outfit.slope if layer == "skirt" else max(0.5 * outfit.slope, 0.02)
    # Above the hips cloth follows the body; below, a skirt keeps the hips' width or flares.
    slopes = torch.where(template_heights > -0.02, -0.6, slope)
    covered = _lower_body(wardrobe, trunk=True)
    on_skin = covered[wardrobe.source]
    worn = torch.zeros(wardrobe.size, dtype=torch.bool, device=device)
    worn[: len(on_skin)] = on_skin & (sewing.level[: len(on_skin)] > 0)
    worn[: len(covered)] = covered & wardrobe.skin
    if layer == "coat":
        worn[wardrobe.slices["skirt"]] = sewing.level[wardrobe.slices["skirt"]] > 0
    inside = torch.nonzero(worn).squeeze(1)
    drape = Drape(layer, inside, template_heights * scale, slopes, margin, 1 + depth * wave)
    where = wardrobe.slices[layer]
    rest = sewing.rest.clone()
    sewing.rest[where] = drape.drape(rest, torch.eye(3, device=device), sewing.joints[0])
    sewing.level[where] = (template_heights + length + 0.01)[:, None].expand(rows, around).reshape(-1)
    return drape


def _lower_body(wardrobe: Wardrobe, trunk: bool) -> Tensor:
    """(V,) skin that a skirt or coat goes around: legs without feet, and the trunk without arms."""
    names = ["pelvis", "left_hip", "right_hip", "left_knee", "right_knee", "spine1"] + (["spine2"] if trunk else [])
    share = wardrobe.body.weights[:, [JOINT_INDEX[n] for n in names]].sum(1)
    return share > 0.6


def lay_collar(sewing: Sewing, outfit: Outfit, rng: np.random.Generator) -> Tensor:
    """A shirt collar, a hood lying on the back, or a scarf: a roll around the neck. Returns weights (n, 55)."""
    wardrobe = sewing.wardrobe
    around, rows = TUBES["collar"]
    device = wardrobe.device
    angles = torch.arange(around, device=device) / around * 2 * torch.pi
    back = smoothstep(0.2, -0.8, angles.cos())
    width, rise = {
        "shirt": (0.022 + 0.0 * back, 0.030 + 0.012 * back),
        "hood": (0.035 + rng.uniform(0.03, 0.07) * back, 0.030 + 0.035 * back),
        "scarf": (0.045 + 0.0 * back, 0.055 + 0.02 * back),
    }[str(outfit.collar)]
    drop = {"shirt": 0.005, "hood": 0.02 + rng.uniform(0.03, 0.12) * back, "scarf": 0.025}[str(outfit.collar)]
    neck = sewing.joints[JOINT_INDEX["neck"]]
    base = neck[1] - 0.035 + 0.020 * back  # a neckline dips in front
    near = wardrobe.skin & ((sewing.body[:, 1] - neck[1]).abs() < 0.035) & (sewing.body[:, 0].abs() < 0.09)
    centre = neck[[0, 2]] + neck.new_tensor([0.0, -0.005])
    flat = sewing.body[near][:, [0, 2]] - centre
    inner = hull_radius(flat, torch.zeros(len(flat), dtype=torch.long, device=device), 1, angles)[0].clamp(max=0.085)
    lumps = 1 + 0.25 * noise(torch.stack([angles.sin(), angles.cos(), angles * 0], 1) * 2.5 + sewing.shift)
    s = torch.linspace(0, 1, rows, device=device)[:, None]
    radius = inner + 0.006 + width * lumps * s**0.8
    height = base + rise * lumps * torch.sin(torch.pi * s**0.7) - drop * s
    # Rows run from the outside in, so that the faces look outwards (a tube's rows go down).
    x, y, z = radius * angles.sin() + centre[0], height, radius * angles.cos() + centre[1]
    points = torch.stack([x, y, z], -1).flip(0)
    gap = torch.full_like(x, 1.0)
    if outfit.collar != "scarf" and rng.random() < 0.7:
        wrapped = torch.remainder(angles + torch.pi, 2 * torch.pi) - torch.pi
        gap = (wrapped.abs() * radius - 0.008 - 0.03 * s).flip(0)
    where = wardrobe.slices["collar"]
    sewing.rest[where] = points.reshape(-1, 3)
    sewing.level[where] = gap.reshape(-1)
    weights = torch.zeros(rows * around, 55, device=device)
    up = smoothstep(-0.05, 0.02, points[..., 1].reshape(-1) - neck[1]) * 0.5
    weights[:, JOINT_INDEX["neck"]] = up
    weights[:, JOINT_INDEX["spine3"]] = 1 - up
    return weights
