"""What a camera's shutter makes of somebody who moves: every part of the drawing is smeared along its way.

While the shutter is open a fast hand goes its own width further. Each pixel of the picture takes the mean of what
passes it, as if everything about it moved as the nearest surface does (McGuire et al. 2012, without the second layer).
"""

import math
from dataclasses import replace

import torch
from torch import Tensor
from torch.nn import functional as F

from neural_core.camera import Camera
from neural_core.rasterizer import interpolate, rasterize
from neural_core.rendering.frame import Frame

_SHRINK = 4  # the field of velocities is smooth
_STEP = 3.0  # pixels between two looks
_MOST_LOOKS = 24
_LEAST = 1.0  # pixels: less is no blur


def exposed(frame: Frame, vertices: Tensor, velocity: Tensor, faces: Tensor, camera: Camera) -> Frame:
    """A drawn frame as an open shutter sees it, in the middle of the exposure.

    Args:
        vertices: (V, 3) world, as drawn. velocity: (V, 3) metres per exposure. faces: (F, 3).
    """
    way = camera.project(vertices + velocity / 2)[0] - camera.project(vertices - velocity / 2)[0]  # (V, 2) pixels
    height, width = frame.alpha.shape
    way = way.nan_to_num(0.0, 0.0, 0.0).clamp(-width, width)  # of points beside the camera
    small = camera.resize(max(1, width // _SHRINK), max(1, height // _SHRINK))
    fragments = rasterize(vertices, faces, small)
    here = fragments.mask.float()[..., None]
    field = _spread(torch.cat([interpolate(fragments, faces, way) * here, here], 2).permute(2, 0, 1)[None], way)
    longest = float(field.norm(dim=1).max()) if bool(fragments.mask.any()) else 0.0
    if longest < _LEAST:
        return frame
    field = F.interpolate(field, (height, width), mode="bilinear", align_corners=False)[0]
    looks = min(math.ceil(longest / _STEP) + 1, _MOST_LOOKS)
    y, x = torch.meshgrid(torch.arange(height) + 0.5, torch.arange(width) + 0.5, indexing="ij")
    layers = torch.cat([frame.rgb * frame.alpha, frame.alpha[None]])[None]
    passing = torch.zeros_like(layers)
    for share in torch.linspace(-0.5, 0.5, looks).tolist():
        grid = torch.stack([(x - share * field[0]) / width, (y - share * field[1]) / height], -1) * 2 - 1
        passing += F.grid_sample(layers, grid[None], align_corners=False) / looks
    alpha = passing[0, 3].clamp(0, 1)
    rgb = torch.where(alpha > 0, passing[0, :3] / alpha.clamp(min=1e-6), frame.rgb)
    return replace(frame, rgb=rgb.clamp(0, 1), alpha=alpha)


def _spread(field: Tensor, way: Tensor) -> Tensor:
    """(1, 2, h, w) a field known where its third layer is one, carried on beyond as far as anything moves."""
    reach = float(way.norm(dim=1).max()) / _SHRINK
    for _ in range(min(math.ceil(reach / 2) + 2, 64)):
        field = torch.where(field[:, 2:] > 0, field, F.avg_pool2d(field, 5, 1, 2))
    return field[:, :2] / field[:, 2:].clamp(min=1e-6)
