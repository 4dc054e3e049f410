"""Smooth periodic noise in space, with its gradient: the one source of irregularity in cloth, skin and hair."""

import functools

import torch
import torch.nn.functional as F
from torch import Tensor

_SIZE = 48  # cells along each side of the periodic volume
_PERIOD = 16.0  # one unit of a noise coordinate is 3 cells: features are about one unit wide


@functools.cache
def _volume(device: str) -> Tensor:
    """(1, 4, S+1, S+1, S+1) value and gradient per unit, periodic; made on the CPU, so the same on every device."""
    noise = torch.randn(_SIZE, _SIZE, _SIZE, generator=torch.Generator().manual_seed(5))
    kernel = torch.tensor([1.0, 4.0, 6.0, 4.0, 1.0]) / 16
    for axis in range(3):
        noise = torch.stack([kernel[i] * torch.roll(noise, i - 2, axis) for i in range(5)]).sum(0)
    noise = noise / noise.std()
    slopes = [(torch.roll(noise, -1, axis) - torch.roll(noise, 1, axis)) * 0.5 * _SIZE / _PERIOD for axis in range(3)]
    stacked = torch.stack([noise, *slopes])
    return F.pad(stacked[None], (0, 1, 0, 1, 0, 1), mode="circular").to(device)


def _sample(points: Tensor, channels: int) -> Tensor:
    grid = torch.remainder(points / _PERIOD, 1.0) * 2 - 1
    volume = _volume(str(points.device))[:, :channels]
    # The last axis of the volume is x for grid_sample: flip so that axis 0 of a point runs along axis 0 of the volume.
    return F.grid_sample(volume, grid.flip(-1)[None, :, None, None], align_corners=True)[0, :, :, 0, 0]


def noise(points: Tensor) -> Tensor:
    """Zero-mean, unit-variance noise (n,) at points (n, 3); multiply points by features per metre first."""
    return _sample(points, 1)[0]


def noise_with_gradient(points: Tensor) -> tuple[Tensor, Tensor]:
    """Noise (n,) and its gradient (n, 3) with respect to `points`."""
    sampled = _sample(points, 4)
    return sampled[0], sampled[1:].T


def smoothstep(start: float, end: float, x: Tensor) -> Tensor:
    """0 before `start`, 1 after `end`, smooth between; `start` may be the larger one."""
    t = ((x - start) / (end - start)).clamp(0, 1)
    return t * t * (3 - 2 * t)
