"""Cameras that see a whole posed person at about nine tenths of the picture's height."""

import math

import numpy as np
import torch
from torch import Tensor

from neural_core.camera import Camera, look_at


def random_camera(rng: np.random.Generator, points: Tensor, height: int, width: int, frontal: bool) -> Camera:
    """A camera on posed points (n, 3): yaw near the front or anywhere, a little from above or below, jittered."""
    yaw = rng.normal(0, 0.35) if frontal else rng.uniform(-math.pi, math.pi)
    pitch = math.radians(rng.normal(4, 6) if frontal else rng.uniform(-12, 25))
    field = math.radians(rng.uniform(18, 50))
    fill = rng.uniform(0.82, 0.95)
    shift = rng.uniform(-0.02, 0.02, 2)
    return framing_camera(points, height, width, yaw, pitch, field, fill, (float(shift[0]), float(shift[1])))


def cameras_all_round(points: Tensor, height: int, width: int) -> list[Camera]:
    """Eleven cameras around posed points (n, 3): eight at the height of the eye and a little above by turns, the first
    in front; two from high above for crown and shoulders, and one from below for chin and soles.

    Pitches of the eight differ little: what hangs in front of something else (a hem before the shins) moves with pitch
    against the body that the texture lies on, and the merged texture would show it twice.
    """
    directions = [(2 * math.pi * k / 8, (0.0, 0.17)[k % 2]) for k in range(8)]
    directions += [(0.4, 0.95), (math.pi + 0.4, 0.95), (0.2, -0.85)]
    return [framing_camera(points, height, width, yaw, pitch, math.radians(25), 0.97) for yaw, pitch in directions]


def framing_camera(
    points: Tensor,
    height: int,
    width: int,
    yaw: float,
    pitch: float,
    field: float,
    fill: float,
    shift: tuple[float, float] = (0.0, 0.0),
) -> Camera:
    """A camera whose picture of points (n, 3) fills `fill` of the height, less where the arms would not fit the width.

    Args:
        yaw, pitch: radians, of the direction from the person to the camera; yaw 0 is in front (+z), pitch > 0 above.
        field: vertical field of view, radians. shift: of the aim, in half distances, camera axes. CPU tensors.
    """
    focal = 0.5 * height / math.tan(field / 2)
    cloud = points[::4].cpu().numpy().astype(np.float64)  # in numpy: on a GPU these would be a thousand tiny launches
    centre = (cloud.min(0) + cloud.max(0)) / 2
    direction = np.array([math.sin(yaw) * math.cos(pitch), math.sin(pitch), math.cos(yaw) * math.cos(pitch)])
    right = np.array([math.cos(yaw), 0.0, -math.sin(yaw)])
    R = np.stack([right, np.cross(-direction, right), -direction])
    distance = (cloud.max(0) - cloud.min(0))[1] / (2 * math.tan(field / 2))
    for _ in range(3):  # perspective makes the near side larger: correct the distance by what is seen
        local = (cloud - centre) @ R.T + [0.0, 0.0, distance]
        pixels = local[:, :2] / local[:, 2:].clip(1e-2) * focal
        low, high = pixels.min(0), pixels.max(0)
        size = max((high[1] - low[1]) / (fill * height), (high[0] - low[0]) / (0.96 * width))
        # Aim at the middle of what is seen.
        centre = centre + np.array([*((low + high) / 2 / focal * distance), 0.0]) @ R
        distance *= size
    centre = centre + np.array([*shift, 0.0]) * distance * 0.5 @ R
    eye, target = (torch.from_numpy(point).float() for point in (centre + direction * distance, centre))
    return look_at(eye, target, focal, width, height)
