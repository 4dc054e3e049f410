"""Other meshes of the scene cut out what lies behind them, with smooth edges."""

from dataclasses import replace

import torch
from torch import Tensor
from torch.nn import functional as F

from neural_core.camera import Camera
from neural_core.rasterizer import rasterize
from neural_core.rendering import Frame

_SAMPLES = {"final": 3, "draft": 1, "plain": 1}  # per pixel and axis along edges; 3 gives an edge ten levels
_MOST_SAMPLES = 4096 * 4096  # for memory: 0.2 GB


@torch.no_grad()
def hold_out(
    frames: list[Frame], vertices: Tensor, faces: Tensor, camera: Camera, near: float, quality: str
) -> list[Frame]:
    """The same frames, alpha lowered by the share of each pixel in which the meshes are nearer.

    One sample per pixel says where the edges run; only the rectangle around those gets more.

    Args:
        frames: pictures of `camera`. vertices: (n, 3) world. faces: (m, 3) long. near: metres.
        quality: final, draft or plain.
    """
    visible = torch.stack([frame.alpha > 0 for frame in frames])  # (N, H, W)
    part = _rectangle(visible.any(0))
    if part is None or not len(faces):
        return frames
    depths = torch.stack([frame.depth for frame in frames])  # (N, H, W)
    blocked = torch.zeros_like(depths)
    blocked[:, part[0], part[1]] = _blocked(depths, part, vertices, faces, camera, near, samples=1)
    edges = _rectangle(_edges(blocked, visible))
    if edges is not None:
        height, width = depths[:, edges[0], edges[1]].shape[1:]
        affordable = int((_MOST_SAMPLES / (width * height)) ** 0.5)
        samples = min(_SAMPLES[quality], max(affordable, 1))
        if samples > 1:
            blocked[:, edges[0], edges[1]] = _blocked(depths, edges, vertices, faces, camera, near, samples)
    return [replace(frame, alpha=frame.alpha * (1 - share)) for frame, share in zip(frames, blocked)]


def _blocked(
    depths: Tensor,
    part: tuple[slice, slice],
    vertices: Tensor,
    faces: Tensor,
    camera: Camera,
    near: float,
    samples: int,
) -> Tensor:
    """(N, h, w) share of each pixel of a part of the picture in which the meshes are nearer than depths (N, H, W)."""
    depths = depths[:, part[0], part[1]]
    height, width = depths.shape[1:]
    window = camera.crop(part[1].start, part[0].start, width, height).resize(width * samples, height * samples)
    nearest = rasterize(vertices, faces, window, near).depth.reshape(height, samples, width, samples)
    return (nearest < depths[:, :, None, :, None]).float().mean((2, 4))


def _edges(blocked: Tensor, visible: Tensor) -> Tensor:
    """(H, W) bool, where visible neighbours in one of the layers (N, H, W) are not all free or all blocked."""

    def near(chosen: Tensor) -> Tensor:
        return F.max_pool2d((chosen * visible)[None], 3, stride=1, padding=1)[0] > 0

    return (near(blocked) & near(1 - blocked) & visible).any(0)


def _rectangle(chosen: Tensor) -> tuple[slice, slice] | None:
    """Rows and columns around all chosen pixels of (H, W) bool; None when there are none."""
    rows, columns = chosen.any(1).nonzero(), chosen.any(0).nonzero()
    if not len(rows):
        return None
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)
