"""Random light: a low-order ambient field and one sun, and how much of both each vertex sees."""

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor


@dataclass(frozen=True)
class Light:
    """ambient: (9, 3) for `ambient_basis`. sun: (3,) direction to it. sun_colour: (3,). exposure: factor."""

    ambient: Tensor
    sun: Tensor
    sun_colour: Tensor
    exposure: float


def random_light(rng: np.random.Generator) -> Light:
    """Studio, outdoor or indoor light; sky brighter than ground, slightly warm or cold."""
    kind = rng.choice(["studio", "outdoor", "indoor"])
    level = rng.uniform(*{"studio": (0.55, 0.9), "outdoor": (0.4, 0.7), "indoor": (0.35, 0.6)}[kind])
    warmth = rng.uniform(-0.10, 0.10)
    tint = np.array([1 + warmth + rng.uniform(-0.03, 0.03), 1.0, 1 - warmth + rng.uniform(-0.03, 0.03)])
    ambient = np.zeros((9, 3))
    ambient[0] = level * tint
    ambient[1] = rng.uniform(-0.05, 0.3) * level * tint
    ambient[2:4] = rng.uniform(-0.3, 0.3, (2, 1)) * level
    ambient[4:] = rng.normal(0, 0.05, (5, 1)) * level
    azimuth, elevation = rng.uniform(0, 2 * np.pi), np.radians(rng.uniform(10, 75))
    sun = np.array([np.sin(azimuth) * np.cos(elevation), np.sin(elevation), np.cos(azimuth) * np.cos(elevation)])
    strength = rng.uniform(*{"studio": (0.1, 0.5), "outdoor": (0.3, 1.0), "indoor": (0.1, 0.6)}[kind])
    colour = 1.3 * strength * np.array([1 + rng.uniform(0, 0.1), 1.0, 1 - rng.uniform(0, 0.1)])
    as_tensor = lambda array: torch.from_numpy(array).float()  # noqa: E731
    return Light(as_tensor(ambient), as_tensor(sun), as_tensor(colour), float(np.exp(rng.normal(0.22, 0.2))))


def ambient_basis(normals: Tensor) -> Tensor:
    """(n, 9) second-order basis of unit normals (n, 3); index 1 is up."""
    x, y, z = normals.unbind(-1)
    return torch.stack([torch.ones_like(x), y, z, x, x * y, y * z, 3 * z * z - 1, x * z, x * x - y * y], -1)


def sky_directions(count: int, device: torch.device) -> Tensor:
    """(count, 3) directions spread over the sky and a little below the horizon (Fibonacci)."""
    k = torch.arange(count, device=device) + 0.5
    height = 1 - 1.35 * k / count
    turn = torch.pi * (1 + 5**0.5) * k
    flat = (1 - height**2).sqrt()
    return torch.stack([turn.cos() * flat, height, turn.sin() * flat], 1)


def visibility(vertices: Tensor, visible: Tensor, directions: Tensor, cell: float, bias: float) -> Tensor:
    """How much of each direction every vertex sees, by splatting all vertices into coarse depth maps.

    Args:
        vertices: (P, N, 3) poses. visible: (N,) bool, vertices that cast shadows. directions: (D, 3) unit.
        cell: metres per map cell, above the vertex spacing; bias: metres a blocker must be nearer.

    Returns:
        (P, N, D) in [0, 1].
    """
    poses = len(vertices)
    number = len(directions)
    centre = (vertices.amax(1) + vertices.amin(1)) / 2
    local = vertices - centre[:, None]
    size = int(2.0 * float(local.norm(dim=-1).max()) / cell) + 3
    helper = torch.where(directions[:, 1:2].abs() > 0.9, *torch.eye(3, device=vertices.device)[[0, 1]][:, None])
    right = F.normalize(torch.linalg.cross(directions, helper), dim=1)
    up = torch.linalg.cross(right, directions)
    frame = torch.stack([right, up, directions], 1)  # (D, 3, 3)
    seen = torch.einsum("dij,pnj->pdni", frame, local)
    at = (seen[..., :2] / cell + size / 2).long()
    index = at[..., 1] * size + at[..., 0]
    height = seen[..., 2]
    caster = torch.where(visible, height, torch.full_like(height, -1e3))
    maps = torch.full((poses, number, size * size), -1e3, device=vertices.device)
    maps.scatter_reduce_(2, index, caster, "amax")
    maps = F.max_pool2d(maps.view(poses, number, size, size), 3, stride=1, padding=1)  # closes holes between vertices
    blocker = maps.view(poses, number, -1).gather(2, index)
    free = ((height + 1.6 * bias - blocker) / (0.6 * bias)).clamp(0, 1)
    return free.permute(0, 2, 1)
