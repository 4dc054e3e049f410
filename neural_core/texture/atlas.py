"""The texture atlas of a body: which point of its surface each texel shows.

The one place of the uv <-> texel convention: v points up and row 0 of a texture lies at v = 1, so texel (row, column)
of an R x R texture has its centre at u = (column + .5) / R, v = 1 - (row + .5) / R; `grid_sample` wants
(2u - 1, 1 - 2v) with align_corners=False.
"""

from functools import cached_property

import numpy as np
import torch
from scipy import ndimage
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from torch import Tensor

from neural_core.body.model import BodyModel
from neural_core.camera import Camera
from neural_core.rasterizer import rasterize

_CACHED_ATLASES = 8  # two resolutions of a body on two devices, and some room for tests


def uv_to_texel(uv: Tensor, resolution: int) -> Tensor:
    """Texture coordinates (..., 2) to continuous (row, column) (..., 2); texel centres lie at half integers."""
    return torch.stack([1 - uv[..., 1], uv[..., 0]], -1) * resolution


def texel_to_uv(texel: Tensor, resolution: int) -> Tensor:
    """The inverse of `uv_to_texel`."""
    scaled = texel / resolution
    return torch.stack([scaled[..., 1], 1 - scaled[..., 0]], -1)


def lookup(texture: Tensor, uv: Tensor) -> Tensor:
    """Bilinear values of a texture (C, R, R) at uv (H, W, 2), as (C, H, W). Dilate it first (`Atlas.dilate`)."""
    grid = torch.stack([2 * uv[..., 0] - 1, 1 - 2 * uv[..., 1]], -1)
    return torch.nn.functional.grid_sample(
        texture[None], grid[None].to(texture.dtype), mode="bilinear", padding_mode="border", align_corners=False
    )[0]


def texels_per_metre(body: BodyModel, vertices: Tensor, resolution: int) -> float:
    """Median density of the atlas on a posed body (V, 3)."""
    corners, flat = vertices[body.faces], body.uv[body.face_uv]
    surface = torch.linalg.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]).norm(dim=1)
    a, b = flat[:, 1] - flat[:, 0], flat[:, 2] - flat[:, 0]
    unwrapped = (a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]).abs()
    usable = (surface > 1e-10) & (unwrapped > 0)
    return resolution * float((unwrapped[usable] / surface[usable]).sqrt().median())


class Atlas:
    """The surface point behind every texel of an R x R texture.

    Attributes:
        uv: (T, 2) and face_uv: (F, 3), kept from the body. resolution: R.
        triangle: (R, R) long, -1 between the charts. barycentric: (R, R, 3).
        covered: (R, R) bool, the texel's centre lies in a chart.
        chart: (R, R) long, the chart a texel belongs to after dilation (defined everywhere).
        face_chart: (F,) long, the chart of each triangle.
        nearest: (R, R) long, flat index of the covered texel whose colour `dilate` gives to each texel.
    """

    def __init__(self, uv: Tensor, face_uv: Tensor, resolution: int):
        self.uv, self.face_uv, self.resolution = uv, face_uv, resolution
        R = float(resolution)
        # The atlas is what an orthographic camera sees of the unwrapped mesh.
        row_column = uv_to_texel(uv, 1)
        flat = torch.stack([row_column[:, 1], row_column[:, 0], torch.ones_like(uv[:, 0])], 1)
        K = torch.tensor([[R, 0.0, 0.0], [0.0, R, 0.0], [0.0, 0.0, 1.0]], device=uv.device)
        eye, zero = torch.eye(3, device=uv.device), torch.zeros(3, device=uv.device)
        fragments = rasterize(flat, face_uv, Camera(K, eye, zero, resolution, resolution, orthographic=True))
        self.triangle, self.barycentric, self.covered = fragments.triangle, fragments.barycentric, fragments.mask
        self.face_chart = _charts(uv, face_uv)
        self.nearest = _nearest_covered(self.covered)
        self.chart = self.face_chart[self.triangle.reshape(-1)[self.nearest]]

    @staticmethod
    def of(body: BodyModel, resolution: int) -> "Atlas":
        """The body's atlas, kept for the next call (rasterizing 1024 x 1024 takes about a second)."""
        key = (id(body.uv), id(body.face_uv), resolution)  # a kept atlas keeps both tensors alive: ids stay theirs
        if key not in _atlases:
            if len(_atlases) >= _CACHED_ATLASES:
                _atlases.pop(next(iter(_atlases)))
            _atlases[key] = Atlas(body.uv, body.face_uv, resolution)
        return _atlases[key]

    def dilate(self, texture: Tensor) -> Tensor:
        """Texture (C, R, R) with every texel between the charts taken from the nearest texel inside one."""
        return texture.reshape(texture.shape[0], -1)[:, self.nearest.reshape(-1)].view_as(texture)

    @cached_property
    def texels(self) -> Tensor:
        """(n,) long, flat indices of the covered texels in row-major order: the rows of per-texel arrays."""
        return torch.nonzero(self.covered.reshape(-1)).squeeze(1)

    @cached_property
    def row_of(self) -> Tensor:
        """(R * R,) long, the row in `texels` of each flat texel after dilation."""
        rows = torch.full((self.resolution**2,), -1, dtype=torch.int64, device=self.uv.device)
        rows[self.texels] = torch.arange(len(self.texels), device=self.uv.device)
        return rows[self.nearest.reshape(-1)]

    @cached_property
    def texel_uv(self) -> Tensor:
        """(n, 2) texture coordinates of the covered texels' centres."""
        R = self.resolution
        centre = torch.stack([torch.div(self.texels, R, rounding_mode="floor"), self.texels % R], 1) + 0.5
        return texel_to_uv(centre, R)

    def on_surface(self, attributes: Tensor, faces: Tensor) -> Tensor:
        """Vertex attributes (V, C), indexed by the mesh's faces (F, 3), at the covered texels: (n, C)."""
        corners = attributes[faces[self.triangle.reshape(-1)[self.texels]]]  # (n, 3, C)
        return (corners * self.barycentric.reshape(-1, 3)[self.texels][..., None]).sum(1)

    def image(self, values: Tensor, fill: float = 0.0) -> Tensor:
        """Per-texel values (n,) or (n, C) as a picture (R, R) or (C, R, R); `fill` between the charts."""
        R = self.resolution
        columns = values[:, None] if values.ndim == 1 else values
        picture = torch.full((columns.shape[1], R * R), fill, dtype=values.dtype, device=values.device)
        picture[:, self.texels] = columns.T
        picture = picture.view(-1, R, R)
        return picture[0] if values.ndim == 1 else picture

    def at_texels(self, picture: Tensor) -> Tensor:
        """The inverse of `image`: (R, R) or (C, R, R) at the covered texels, (n,) or (n, C)."""
        if picture.ndim == 2:
            return picture.reshape(-1)[self.texels]
        return picture.reshape(picture.shape[0], -1)[:, self.texels].T

    def texel_of(self, uv: Tensor, chart: Tensor | None = None) -> Tensor:
        """Rows (k,) in `texels` of the texels that hold uv (k, 2); -1 where another chart (k,) holds it."""
        R = self.resolution
        at = uv_to_texel(uv, R).floor().long().clamp(0, R - 1)
        flat = at[:, 0] * R + at[:, 1]
        rows = self.row_of[flat]
        if chart is not None:
            rows = torch.where(self.chart.reshape(-1)[flat] == chart, rows, -1)
        return rows


def _charts(uv: Tensor, face_uv: Tensor) -> Tensor:
    """Chart number (F,) of each triangle: the connected components of the unwrapped mesh."""
    f = face_uv.cpu().numpy()
    edges = np.concatenate([f[:, [0, 1]], f[:, [1, 2]]])
    graph = coo_matrix((np.ones(len(edges), np.int8), (edges[:, 0], edges[:, 1])), shape=(len(uv), len(uv)))
    label = connected_components(graph, directed=False)[1][f[:, 0]]
    return torch.from_numpy(np.unique(label, return_inverse=True)[1].astype(np.int64)).to(uv.device)


def _nearest_covered(covered: Tensor) -> Tensor:
    """(R, R) long, flat index of the nearest covered texel."""
    at = np.asarray(ndimage.distance_transform_edt(~covered.cpu().numpy(), return_distances=False, return_indices=True))
    return torch.from_numpy(at[0].astype(np.int64) * covered.shape[1] + at[1]).to(covered.device)


_atlases: dict[tuple, Atlas] = {}
