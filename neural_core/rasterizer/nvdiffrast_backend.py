"""nvdiffrast on CUDA behind the same protocol: only its visibility is used (Laine et al. 2020).

An optional accelerator under NVIDIA's own licence; nothing needs it. Its ids differ from the reference only where a
pixel centre lies on an edge. It was written after its documentation and is checked against a stand-in: no CUDA
machine was at hand.
"""

import importlib
from functools import lru_cache
from types import ModuleType
from typing import Any

import torch
from torch import Tensor

from neural_core.camera import Camera
from neural_core.errors import BackendError
from neural_core.rasterizer.fragments import Fragments, surface_points

_TILE = 8  # its CUDA rasterizer takes pictures of whole 8 x 8 tiles


@torch.no_grad()
def rasterize(vertices: Tensor, faces: Tensor, camera: Camera, near: float = 0.01) -> Fragments:
    """As `torch_backend.rasterize`, for vertices on a CUDA device.

    Raises:
        BackendError: nvdiffrast is not installed.
    """
    nvdiffrast = load()
    width, height = -(-camera.width // _TILE) * _TILE, -(-camera.height // _TILE) * _TILE
    clip = clip_positions(vertices, camera, width, height, near)
    context = _context(nvdiffrast, str(vertices.device))
    raster, _ = nvdiffrast.rasterize(context, clip[None], faces.int(), resolution=[height, width], grad_db=False)
    triangle = raster[0, : camera.height, : camera.width, 3].long() - 1
    empty = torch.zeros(*triangle.shape, 3, device=vertices.device)
    seen = Fragments(triangle, empty, empty[..., 0])
    weights = surface_points(seen, vertices, faces, camera)  # its own are float32 of clip space and coarser
    corner_depth = camera.to_camera(vertices)[:, 2][faces[triangle[seen.mask]]]
    depth = torch.full(triangle.shape, torch.inf, device=vertices.device)
    depth[seen.mask] = (weights * corner_depth).sum(1)
    empty[seen.mask] = weights
    return Fragments(triangle, empty, depth)


def load() -> ModuleType:
    """nvdiffrast's torch interface, imported on first use.

    Raises:
        BackendError: it is not installed.
    """
    try:
        return importlib.import_module("nvdiffrast.torch")
    except ImportError as error:
        raise BackendError(
            "The rasterizer 'nvdiffrast' is not installed; install it on a CUDA machine, or use the rasterizer 'torch'."
        ) from error


def clip_positions(vertices: Tensor, camera: Camera, width: int, height: int, near: float) -> Tensor:
    """(V, 4) clip coordinates of vertices (V, 3) in a picture padded to width x height at its right and lower side.

    nvdiffrast's first row is y = -1, so clip y points down as pixels do and nothing has to be flipped.
    """
    points = camera.to_camera(vertices)
    x, y, w = camera.homogeneous(points).unbind(1)
    far = points[:, 2].max().clamp(min=2 * near) * 1.01
    pixel_x, pixel_y = x * camera.K[0, 0] + w * camera.K[0, 2], y * camera.K[1, 1] + w * camera.K[1, 2]
    z = points[:, 2]
    if camera.orthographic:
        clip_z = (2 * z - near - far) / (far - near)
    else:
        clip_z = ((far + near) * z - 2 * far * near) / (far - near)
    return torch.stack([2 * pixel_x / width - w, 2 * pixel_y / height - w, clip_z, w], 1)


@lru_cache(maxsize=8)
def _context(nvdiffrast: ModuleType, device: str) -> Any:
    return nvdiffrast.RasterizeCudaContext(device=device)
