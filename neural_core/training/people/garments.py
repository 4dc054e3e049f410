"""Garments cut from the skin: smoothed copies of the body pushed outward, and where they end.

`Sewing` carries the merged mesh of one person while it is dressed. Each function lays one garment on it: rest positions
and a level set (metres to the hem, negative beyond it). The body under a garment gets the opposite level, so that it
is hidden a few centimetres inside the hem and cannot poke through.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from neural_core.training.people.noise import noise, smoothstep
from neural_core.training.people.outfit import Outfit
from neural_core.training.people.wardrobe import Wardrobe

HIDE = 0.03  # metres inside a hem from where what lies below is dropped


@dataclass
class Sewing:
    """A person being dressed.

    Attributes:
        rest: (N, 3) rest positions. level: (N,) metres inside the hem. body: (V, 3) shaped skin; normals: (V, 3).
        joints: (55, 3) rest joints of this person. shift: (3,) offset into the noise, so that people differ.
    """

    wardrobe: Wardrobe
    rest: Tensor
    level: Tensor
    body: Tensor
    normals: Tensor
    joints: Tensor
    shift: Tensor

    def noise(self, points: Tensor, per_metre: float) -> Tensor:
        return noise(points * per_metre + self.shift)

    def cut(self, layer: str, level: Tensor) -> None:
        """Also cut a shell by a level set given on the whole body (V,)."""
        where = self.wardrobe.slices[layer]
        self.level[where] = torch.minimum(self.level[where], level[self.wardrobe.shells[layer].source])

    def hide_body(self, level: Tensor) -> None:
        """Drop the skin where `level` (V,) is negative."""
        self.level[: len(level)] = torch.minimum(self.level[: len(level)], level)


def lay_shell(
    sewing: Sewing,
    layer: str,
    level: Tensor,
    offset: Tensor | float,
    smoothing: int,
    shape: Callable[[Tensor, Tensor], Tensor] | None = None,
    hide: float | None = HIDE,
) -> None:
    """Lay a smoothed, offset copy of the skin. level (V,), offset (V,) or metres; shape(points, source) reshapes it."""
    wardrobe = sewing.wardrobe
    shell = wardrobe.shells[layer]
    skin, normal = sewing.body[shell.source], sewing.normals[shell.source]
    smooth = skin
    for _ in range(smoothing):
        smooth = shell.smooth(smooth)
    for _ in range(2):
        normal = shell.smooth(normal)
    normal = torch.nn.functional.normalize(normal, dim=1)
    # Smoothing sinks below bulges: lift the cloth back over the skin, then spread the lift.
    lift = ((skin - smooth) * normal).sum(1, keepdim=True).clamp(min=0)
    for _ in range(3):
        lift = torch.maximum(shell.smooth(lift), lift * 0.98)
    even = (torch.zeros_like(level) + offset)[shell.source]
    uneven = 0.6 * sewing.noise(skin, 5.0) + 0.35 * sewing.noise(skin, 11.0)
    if layer in ("pants", "top", "jacket"):
        uneven = uneven + 1.1 * _ripples(sewing, skin)
    thickness = even * (1 + 0.35 * uneven).clamp(min=0.35)
    points = smooth + normal * (lift + thickness[:, None])
    if shape is not None:
        points = shape(points, shell.source)
    where = wardrobe.slices[layer]
    sewing.rest[where] = points
    sewing.level[where] = level[shell.source]
    if hide is not None:
        below = torch.full_like(sewing.level[: len(sewing.body)], 1.0)
        below[shell.source] = hide - level[shell.source]
        sewing.hide_body(below)


def _ripples(sewing: Sewing, points: Tensor) -> Tensor:
    """(n,) folds across sleeves and legs at rest points (n, 3), so that the outline of cloth is not that of a limb."""
    around_arm = sewing.noise(points * points.new_tensor([1.0, 0.3, 0.3]), 17.0)
    across_leg = sewing.noise(points * points.new_tensor([0.35, 1.0, 0.35]), 13.0)
    arm = smoothstep(0.16, 0.24, points[:, 0].abs()) * (points[:, 1] > sewing.wardrobe.height("pelvis") + 0.2)
    ripple = across_leg + (around_arm - across_leg) * arm
    return ripple / (ripple * ripple + 0.15).sqrt()  # ridges, not hills


def widen(points: Tensor, axis: Tensor, direction: Tensor, radius: Tensor, weight: Tensor) -> Tensor:
    """Push points (n, 3) away from a limb's axis (n, 3) to at least `radius` (n,); `direction` masks coordinates."""
    away = (points - axis) * direction
    distance = away.norm(dim=1).clamp(min=1e-4)
    target = distance + (torch.maximum(distance, radius) - distance) * weight
    return points + away * ((target - distance) / distance)[:, None]


def hull_radius(points: Tensor, row: Tensor, rows: int, angles: Tensor) -> Tensor:
    """Radii (rows, len(angles)) of the convex hulls of planar points (n, 2), grouped by `row` (n,).

    x = r sin(angle), z = r cos(angle). Each row also sees its neighbours' points. An empty row gets 0.
    """
    directions = torch.stack([angles.sin(), angles.cos()])  # (2, A)
    inside = (row >= 0) & (row < rows)
    reach = points[inside] @ directions
    support = torch.zeros(rows, len(angles), device=points.device)
    support.scatter_reduce_(0, row[inside, None].expand_as(reach), reach, "amax")
    above, below = torch.roll(support, 1, 0), torch.roll(support, -1, 0)
    above[0], below[-1] = 0, 0
    support = torch.maximum(support, torch.maximum(above, below))
    # The hull's radius along an angle is where the nearest of its supporting lines cuts it.
    cosine = (angles[:, None] - angles[None]).cos()
    limit = support[:, None, :] / cosine.clamp(min=0.15)
    return torch.where(cosine > 0.15, limit, torch.full_like(limit, 9.0)).amin(2)


def trousers(sewing: Sewing, outfit: Outfit) -> None:
    """Trousers, shorts or leggings; loose legs are tubes about the leg's axis, flared towards the hem."""
    wardrobe = sewing.wardrobe
    y = wardrobe.body.template[:, 1]
    hem_joint = "left_knee" if outfit.trousers == "shorts" else "left_ankle"
    hem = wardrobe.height(hem_joint) + outfit.trouser_hem
    level = torch.minimum(wardrobe.height("pelvis") + outfit.waist - y, y - hem)

    def loosen(points: Tensor, source: Tensor) -> Tensor:
        for side, sign in ((1, 1.0), (2, -1.0)):  # hips; their knees and ankles follow by three and six
            hip, knee, ankle = (sewing.joints[j] for j in (side, side + 3, side + 6))
            thigh = ((hip[1] - points[:, 1]) / (hip[1] - knee[1])).clamp(0, 1)[:, None]
            shin = ((knee[1] - points[:, 1]) / (knee[1] - ankle[1])).clamp(0, 1.2)[:, None]
            axis = hip + (knee - hip) * thigh + (ankle - knee) * shin
            down = hip[1] - points[:, 1]
            radius = 0.060 + 0.060 * outfit.looseness + outfit.flare * smoothstep(0.2, 0.85, down)
            folds = 1 + 0.10 * outfit.looseness * sewing.noise((points - axis) * points.new_tensor([1, 0.35, 1]), 6.0)
            weight = smoothstep(0.10, 0.30, down) * (points[:, 0] * sign > 0)
            flat = points.new_tensor([1.0, 0.0, 1.0])
            points = widen(points, axis, flat, radius * folds, weight)
            # A wide leg stops where the other begins.
            middle = (points[:, 0] * sign).clamp(min=0.002) * sign
            points = torch.where((weight > 0)[:, None], torch.stack([middle, points[:, 1], points[:, 2]], 1), points)
        return points

    thickness = 0.004 if outfit.trousers == "leggings" else 0.006 + 0.008 * outfit.looseness
    lay_shell(sewing, "pants", level, thickness, 3 + int(8 * outfit.looseness), loosen)


def neckline(sewing: Sewing, outfit: Outfit, rng: np.random.Generator) -> Tensor:
    """(V,) metres inside the neck opening's edge."""
    wardrobe = sewing.wardrobe
    x, y, z = wardrobe.body.template.unbind(1)
    neck = wardrobe.joint("neck")
    front = smoothstep(-0.015, 0.045, z - neck[2])
    depth = rng.uniform(0.6, 1.3)
    top = (
        neck[1]
        + {"crew": rng.uniform(-0.03, -0.005), "v": -0.01, "turtle": rng.uniform(0.025, 0.045), "scoop": -0.015}[
            outfit.neck
        ]
    )
    if outfit.neck == "turtle":
        level = top - y
    else:
        edge = top - 0.03 * front
        if outfit.neck == "v":
            edge = edge - 0.10 * depth * (1 - x.abs() / 0.075).clamp(0, 1) * front
        if outfit.neck == "scoop":
            edge = edge - 0.07 * depth * (1 - (x / 0.10) ** 2).clamp(0, 1) * front
        stretch = torch.where(z > neck[2], 0.35 if outfit.neck in ("v", "scoop") else 0.75, 0.8)
        distance = (x**2 + ((z - neck[2]) * stretch) ** 2).sqrt()
        radius = {"crew": 0.066, "v": 0.072, "scoop": 0.092}[outfit.neck] + rng.uniform(-0.004, 0.010)
        level = torch.maximum(edge - y, distance - radius)
    chin = neck[1] + (0.02 if outfit.neck == "turtle" else -0.003)
    return torch.where(z > neck[2] + 0.04, torch.minimum(level, chin - y), level)


def top(sewing: Sewing, outfit: Outfit, rng: np.random.Generator) -> None:
    """Shirt, sweater or the bodice of a dress."""
    wardrobe = sewing.wardrobe
    x, y, _ = wardrobe.body.template.unbind(1)
    pelvis = wardrobe.height("pelvis")
    hem = pelvis + (outfit.waist - 0.02 if outfit.tucked else outfit.top_hem)
    if outfit.skirt and not outfit.cropped:
        hem = pelvis - 0.05
    level = torch.minimum(torch.minimum(neckline(sewing, outfit, rng), sleeve_end(wardrobe, outfit) - x.abs()), y - hem)
    chest = smoothstep(0.10, -0.05, y)
    thickness = 0.005 + 0.014 * outfit.fit * chest
    if not outfit.tucked:
        thickness = thickness + (0.012 + 0.008 * outfit.looseness) * smoothstep(pelvis + 0.2, pelvis + 0.05, y)
    hang = outfit.hang * outfit.fit if not outfit.tucked else 0.0
    lay_shell(
        sewing, "top", level, thickness, 5 + int(13 * outfit.fit), upper_body_shape(sewing, outfit, outfit.fit, hang)
    )


def jacket(sewing: Sewing, outfit: Outfit, rng: np.random.Generator) -> None:
    """An open or closed jacket; a coat's tails hang from it as a tube (drapes)."""
    wardrobe = sewing.wardrobe
    x, y, z = wardrobe.body.template.unbind(1)
    neck, pelvis = wardrobe.joint("neck"), wardrobe.height("pelvis")
    hem = pelvis + (0.0 if outfit.jacket == "coat" else outfit.jacket_hem)
    edge = neck[1] + rng.uniform(-0.03, 0.0) - y
    level = torch.maximum(edge, (x**2 + (0.7 * (z - neck[2])) ** 2).sqrt() - 0.068)
    level = torch.where(z > neck[2] + 0.04, torch.minimum(level, neck[1] - 0.003 - y), level)
    arm = wardrobe.joint("left_shoulder")[0], wardrobe.joint("left_wrist")[0]
    level = torch.minimum(level, arm[0] + (arm[1] - arm[0]) * rng.uniform(0.88, 0.99) - x.abs())
    level = torch.minimum(level, y - hem)
    level = torch.where(z > neck[2], torch.minimum(level, opening_level(sewing, outfit, x, y)), level)
    fit = 0.5 + 0.5 * outfit.padding
    # A coat that is cut straight has no step where its tails begin.
    hang = 0.4 * outfit.hang if outfit.jacket == "jacket" else 0.55 + 0.45 * outfit.hang
    thickness = 0.018 + 0.026 * outfit.padding
    lay_shell(sewing, "jacket", level, thickness, 19, upper_body_shape(sewing, outfit, fit, hang))
    sewing.cut("top", HIDE + 0.005 - level)


def opening_level(sewing: Sewing, outfit: Outfit, x: Tensor, y: Tensor) -> Tensor:
    """Metres outside the gap in front of an open jacket or coat; it widens downwards. Large when closed."""
    if outfit.opening <= 0:
        return torch.ones_like(x)
    below_neck = (sewing.wardrobe.height("neck") - y).clamp(0, 1.0)
    return x.abs() - outfit.opening * (0.6 + 1.2 * below_neck)


def sleeve_end(wardrobe: Wardrobe, outfit: Outfit) -> float:
    """|x| on the mean body in the T pose where the sleeve ends."""
    shoulder, wrist = wardrobe.place("left_shoulder")[0], wardrobe.place("left_wrist")[0]
    return shoulder + (wrist - shoulder) * outfit.sleeve_end


def upper_body_shape(sewing: Sewing, outfit: Outfit, fit: float, hang: float) -> Callable[[Tensor, Tensor], Tensor]:
    """Loose sleeves about the arm's axis with a cuff, and a torso that falls straight from the chest by `hang`."""

    def shape(points: Tensor, source: Tensor) -> Tensor:
        arm = torch.zeros(len(points), dtype=torch.bool, device=points.device)
        for side, sign in ((16, 1.0), (17, -1.0)):  # shoulders; their wrists follow by four
            shoulder, wrist = sewing.joints[side], sewing.joints[side + 4]
            t = (points[:, 0] - shoulder[0]) / (wrist[0] - shoulder[0])
            on_arm = (t > 0.05) & (points[:, 0] * sign > 0.12)
            axis = shoulder + (wrist - shoulder) * t.clamp(0, 1)[:, None]
            radius = (0.045 + 0.034 * fit) * (1 - 0.25 * t.clamp(0, 1))
            weight = smoothstep(0.08, 0.3, t) * on_arm * (1.0 if fit > 0.25 else 0.0)
            if outfit.sleeves == "long":
                weight = weight * (1 - 0.7 * smoothstep(0.88, 0.97, t))
            points = widen(points, axis, points.new_tensor([0.0, 1.0, 1.0]), radius, weight)
            arm |= on_arm
        return points if hang <= 0 else fall_straight(sewing, points, arm, hang)

    return shape


def fall_straight(sewing: Sewing, points: Tensor, arm: Tensor, hang: float) -> Tensor:
    """Cloth below the chest hangs from it: radius at least `hang` times the hull's running maximum."""
    chest, pelvis = float(sewing.joints[9, 1]) + 0.06, sewing.joints[0]
    rows, angles = 16, torch.arange(48, device=points.device) / 48 * 2 * torch.pi
    pitch = (chest - float(pelvis[1]) + 0.2) / rows
    row = torch.div(chest - points[:, 1], pitch, rounding_mode="floor").long()
    centre = pelvis[[0, 2]] + points.new_tensor([0.0, 0.035])
    flat = points[:, [0, 2]] - centre
    torso = ~arm
    hull = hull_radius(flat[torso], row[torso], rows, angles)
    hull = torch.cummax(hull, 0).values
    column = torch.remainder(torch.atan2(flat[:, 0], flat[:, 1]) / (2 * torch.pi) * 48, 48)
    first = column.floor().long() % 48
    share = column - column.floor()
    at = row.clamp(0, rows - 1)
    target = hull[at, first] * (1 - share) + hull[at, (first + 1) % 48] * share
    radius = flat.norm(dim=1).clamp(min=1e-4)
    below = smoothstep(0.0, 0.12, chest - points[:, 1]) * torso
    grown = radius + (torch.maximum(target, radius) - radius) * hang * below
    moved = flat * (grown / radius)[:, None] + centre
    return torch.stack([moved[:, 0], points[:, 1], moved[:, 1]], 1)
