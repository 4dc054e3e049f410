"""Cameras that see a whole posed person at about nine tenths of the picture's height."""

import math

import numpy as np
import torch
from torch import Tensor

from neural_core.camera import Camera, look_at


def random_camera(rng: np.random.Generator, points: Tensor, height: int, width: int, frontal: bool) -> Camera:
    """A camera on posed points (n, 3): yaw near the front or anywhere, a little from above or below, jittered.

    The person fills about 90 % of the height, less where the arms would not fit the width. CPU tensors.
    """
    yaw = rng.normal(0, 0.35) if frontal else rng.uniform(-math.pi, math.pi)
    pitch = math.radians(rng.normal(4, 6) if frontal else rng.uniform(-12, 25))
    field = math.radians(rng.uniform(18, 50))
    fill = rng.uniform(0.82, 0.95)
    shift = rng.uniform(-0.02, 0.02, 2)
    focal = 0.5 * height / math.tan(field / 2)
    points = points.cpu()
    centre = (points.amin(0) + points.amax(0)) / 2
    direction = torch.tensor([math.sin(yaw) * math.cos(pitch), math.sin(pitch), math.cos(yaw) * math.cos(pitch)])
    distance = float((points.amax(0) - points.amin(0))[1]) / (2 * math.tan(field / 2))
    for _ in range(3):  # perspective makes the near side larger: correct the distance by what is seen
        camera = look_at(centre + direction * distance, centre, focal, width, height)
        pixels, _ = camera.project(points)
        low, high = pixels.amin(0), pixels.amax(0)
        size = float(torch.maximum((high[1] - low[1]) / (fill * height), (high[0] - low[0]) / (0.96 * width)))
        # Aim at the middle of what is seen.
        offset = (low + high) / 2 - pixels.new_tensor([width / 2, height / 2])
        in_world = camera.R.T @ torch.cat([offset / focal * distance, offset.new_zeros(1)])
        centre = centre + in_world
        distance *= size
    aim = torch.from_numpy(shift).float() * distance * 0.5
    centre = centre + camera.R.T @ torch.cat([aim, aim.new_zeros(1)])
    return look_at(centre + direction * distance, centre, focal, width, height)
