"""Backpacks and bags: a soft box that hangs on the trunk; its straps are drawn on the cloth (accessories)."""

import torch
from torch import Tensor

from neural_core.body.skeleton import JOINT_INDEX
from neural_core.training.people.accessories import Accessories
from neural_core.training.people.garments import Sewing
from neural_core.training.people.noise import noise
from neural_core.training.people.wardrobe import TUBES


def hang_bag(sewing: Sewing, worn: Accessories) -> Tensor:
    """Lay the bag against the outermost cloth; returns its weights (n, 55)."""
    wardrobe = sewing.wardrobe
    device = wardrobe.device
    around, rows = TUBES["bag"]
    joint = lambda name: sewing.joints[JOINT_INDEX[name]]  # noqa: E731
    size = worn.bag_size
    weights = torch.zeros(around * rows, 55, device=device)
    clothes = sewing.rest[: len(wardrobe.source)][sewing.level[: len(wardrobe.source)] > 0]
    if worn.bag == "backpack":
        half = torch.tensor([0.15 * size, 0.21 * size, 0.075 * size], device=device)
        height = joint("neck")[1] - 0.06 - half[1]
        near = clothes[((clothes[:, 1] - height).abs() < half[1]) & (clothes[:, 0].abs() < 0.12)]
        centre = torch.stack([height * 0, height, near[:, 2].min() - 0.8 * half[2]])
        weights[:, JOINT_INDEX["spine3"]], weights[:, JOINT_INDEX["spine2"]] = 0.6, 0.4
    else:
        half = torch.tensor([0.045 * size, 0.11 * size, 0.14 * size], device=device)
        height = joint("pelvis")[1] + (0.13 if worn.bag == "shoulder" else 0.0)
        near = clothes[((clothes[:, 1] - height).abs() < half[1]) & (clothes[:, 0].abs() < 0.4)]
        side = (near[:, 0] * worn.bag_side).max()
        centre = torch.stack([worn.bag_side * (side + 0.8 * half[0]), height, joint("pelvis")[2] - 0.01])
        weights[:, 0], weights[:, JOINT_INDEX["spine1"]] = 0.6, 0.4
    box = _soft_box(around, rows, device)
    sag = 1 + 0.05 * noise(box * 2 + sewing.shift)[:, None]
    where = wardrobe.slices["bag"]
    sewing.rest[where] = centre + box * half * sag
    sewing.level[where] = 1.0
    return weights


def _soft_box(around: int, rows: int, device: torch.device) -> Tensor:
    """(rows * around, 3) points of a box with round edges, half sizes 1, rows from the top down."""
    angle = torch.arange(around, device=device) / around * 2 * torch.pi
    polar = torch.linspace(0, torch.pi, rows, device=device)[:, None]

    def soft(t: Tensor) -> Tensor:
        return t.sign() * t.abs() ** 0.45

    ring = soft(polar.sin())
    x, z = ring * soft(angle.sin()), ring * soft(angle.cos())
    return torch.stack([x, soft(polar.cos()).expand_as(x), z], -1).reshape(-1, 3)
