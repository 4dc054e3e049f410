"""What a rasterizer returns, and how attributes are interpolated over it."""

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from neural_core.camera import Camera


@dataclass(frozen=True)
class Fragments:
    """The nearest surface in every pixel.

    Attributes:
        triangle: (H, W) int64, index of the visible triangle, -1 where nothing is seen.
        barycentric: (H, W, 3) perspective-correct weights of its three corners, 0 where nothing is seen.
        depth: (H, W) metres along the camera's +z, inf where nothing is seen.
    """

    triangle: Tensor
    barycentric: Tensor
    depth: Tensor

    @property
    def mask(self) -> Tensor:
        """(H, W) bool, True where a surface is seen."""
        return self.triangle >= 0


class Rasterizer(Protocol):
    """Any backend: vertices (V, 3) in the world, faces (F, 3) long, camera, to fragments; no gradient."""

    def __call__(self, vertices: Tensor, faces: Tensor, camera: Camera) -> Fragments: ...


def interpolate(fragments: Fragments, faces: Tensor, attributes: Tensor) -> Tensor:
    """Corner attributes (N, C), indexed by faces (F, 3), over the picture: (H, W, C), 0 where nothing is seen."""
    mask = fragments.mask
    corners = attributes[faces[fragments.triangle[mask]]]  # (m, 3, C)
    values = (corners * fragments.barycentric[mask][..., None]).sum(1)
    picture = attributes.new_zeros(*mask.shape, attributes.shape[1])
    return picture.masked_scatter(mask[..., None], values)


def surface_points(fragments: Fragments, vertices: Tensor, faces: Tensor, camera: Camera) -> Tensor:
    """Differentiable barycentrics (m, 3) of the m covered pixels in row-major order, ids held fixed.

    Moeller-Trumbore with the ray through each pixel centre; gradients reach `vertices` (V, 3).
    """
    rows, columns = torch.nonzero(fragments.mask, as_tuple=True)
    corners = camera.to_camera(vertices)[faces[fragments.triangle[rows, columns]]]  # (m, 3, 3)
    x = (columns.to(corners) + 0.5 - camera.K[0, 2]) / camera.K[0, 0]
    y = (rows.to(corners) + 0.5 - camera.K[1, 2]) / camera.K[1, 1]
    o, one = torch.zeros_like(x), torch.ones_like(x)
    if camera.orthographic:
        origin, direction = torch.stack([x, y, o], -1), torch.stack([o, o, one], -1)
    else:
        origin, direction = torch.zeros_like(corners[:, 0]), torch.stack([x, y, one], -1)
    v0, v1, v2 = corners.unbind(1)
    e1, e2, s = v1 - v0, v2 - v0, origin - v0
    p, q = torch.linalg.cross(direction, e2), torch.linalg.cross(s, e1)
    determinant = (e1 * p).sum(-1)
    b1, b2 = (s * p).sum(-1) / determinant, (direction * q).sum(-1) / determinant
    return torch.stack([1 - b1 - b2, b1, b2], -1)
