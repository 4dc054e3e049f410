"""Shoes: the foot's outline from above, toes merged, on a flat sole."""

import torch
from torch import Tensor

from neural_core.training.people.garments import Sewing, hull_radius, lay_shell
from neural_core.training.people.noise import smoothstep
from neural_core.training.people.outfit import Outfit


def put_on_shoes(sewing: Sewing, outfit: Outfit) -> None:
    """Low shoes or boots: the foot's convex outline from above, toes merged, on a flat sole."""
    wardrobe = sewing.wardrobe
    y = wardrobe.body.template[:, 1]
    level = wardrobe.height("left_ankle") + outfit.shoe_height - y
    if outfit.trousers in ("long", "leggings"):
        hem = wardrobe.height("left_ankle") + outfit.trouser_hem
        level = torch.minimum(level, hem + 0.025 - y)

    def last(points: Tensor, source: Tensor) -> Tensor:
        skin = sewing.body[source]
        ground = skin[:, 1].min()
        height = skin[:, 1] - ground
        angles = torch.arange(72, device=points.device) / 72 * 2 * torch.pi
        points = points.clone()
        for sign in (1.0, -1.0):
            foot = torch.nonzero((skin[:, 0] * sign > 0) & (height < 0.075)).squeeze(1)
            centre = skin[foot][:, [0, 2]].mean(0)
            outline = hull_radius(skin[foot][:, [0, 2]] - centre, torch.zeros_like(foot), 1, angles)[0] + 0.008
            flat = points[foot][:, [0, 2]] - centre
            radius = flat.norm(dim=1).clamp(min=1e-4)
            column = (torch.atan2(flat[:, 0], flat[:, 1]) / (2 * torch.pi) * 72).round().long() % 72
            up = (height[foot] / 0.075).clamp(0, 1)
            target = outline[column] * (1 - 0.32 * up**2)
            weight = smoothstep(0.62, 0.85, radius / target) * smoothstep(1.0, 0.6, up)
            moved = flat * ((radius + (target - radius) * weight) / radius)[:, None] + centre
            points[foot] = torch.stack([moved[:, 0], points[foot][:, 1], moved[:, 1]], 1)
        low = smoothstep(0.035, 0.0, height)
        lowered = torch.where(height < 0.012, ground - 0.016, points[:, 1] - 0.012 * low)
        return torch.stack([points[:, 0], lowered, points[:, 2]], 1)

    lay_shell(sewing, "shoes", level, 0.007, 25, last, hide=0.0)
