"""The pictures a drawn frame is handed on as, one function each; row 0 on top unless said otherwise."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from neural_core.body import BodyModel
from neural_core.camera import Camera
from neural_core.rasterizer import Rasterizer, interpolate
from neural_core.rendering import Frame


@dataclass(frozen=True)
class Posed:
    """A body as it stands in the world: vertices (V, 3), metres."""

    body: BodyModel
    vertices: Tensor
    rasterize: Rasterizer


@dataclass(frozen=True)
class Drawn:
    """A composed frame, and what it was drawn from."""

    frame: Frame
    camera: Camera
    people: tuple[Posed, ...]


def rgba(drawn: Drawn) -> Tensor:
    """(H, W, 4) sRGB, straight alpha."""
    return torch.cat([drawn.frame.rgb, drawn.frame.alpha[None]]).permute(1, 2, 0)


def display(drawn: Drawn) -> Tensor:
    """(H, W, 4) half precision, scene-linear, alpha premultiplied, bottom row first: ready for a graphics card."""
    rgb, alpha = drawn.frame.rgb, drawn.frame.alpha
    linear = torch.where(rgb <= 0.04045, rgb / 12.92, ((rgb.clamp(min=0) + 0.055) / 1.055) ** 2.4)  # IEC 61966-2-1
    return torch.cat([linear * alpha, alpha[None]]).permute(1, 2, 0).flip(0).half()


def surface(drawn: Drawn, values: Callable[[Posed], tuple[Tensor, Tensor]]) -> Tensor:
    """(H, W, C) what lies on the bodies' surface, of the nearest in each pixel; 0 where no avatar is seen.

    values: of a body, (n, C) and the triangles (F, 3) that index them. One sample per pixel: mixing two places of a
    surface gives a third that is not there.
    """
    picture = depth = None
    for person in drawn.people:
        fragments = person.rasterize(person.vertices, person.body.faces, drawn.camera)
        attributes, triangles = values(person)
        own = interpolate(fragments, triangles, attributes)
        if picture is None or depth is None:
            picture, depth = own, fragments.depth
        else:
            nearer = fragments.depth < depth
            picture, depth = torch.where(nearer[..., None], own, picture), torch.where(nearer, fragments.depth, depth)
    assert picture is not None  # a frame has people
    return picture * (drawn.frame.alpha > 0)[..., None]


def uv(drawn: Drawn) -> Tensor:
    """(H, W, 3) texture coordinates, v up, and 1 where there is a surface."""

    def values(person: Posed) -> tuple[Tensor, Tensor]:
        flat = person.body.uv
        return torch.cat([flat, torch.ones_like(flat[:, :1])], dim=1), person.body.face_uv

    return surface(drawn, values)


def normal(drawn: Drawn) -> Tensor:
    """(H, W, 3) unit normals in the world, 0 where there is no surface."""
    picture = surface(drawn, lambda person: (vertex_normals(person), person.body.faces))
    return F.normalize(picture, dim=-1)


def vertex_normals(person: Posed) -> Tensor:
    """(V, 3) unit normals, each triangle weighing by its area."""
    a, b, c = person.vertices[person.body.faces].unbind(1)
    across = torch.linalg.cross(b - a, c - a)  # (F, 3)
    sums = torch.zeros_like(person.vertices)
    for corner in person.body.faces.unbind(1):
        sums.index_add_(0, corner, across)
    return F.normalize(sums, dim=1)


PICTURES: Mapping[str, Callable[[Drawn], Tensor]] = {
    "rgba": rgba,
    "depth": lambda drawn: drawn.frame.depth,
    "mask": lambda drawn: drawn.frame.alpha,
    "normal": normal,
    "uv": uv,
    "display": display,
}
ALWAYS = ("rgba", "depth", "mask")  # what is answered when a request names none
# Per pixel, for a frame without avatars.
_CHANNELS = {"rgba": (4,), "depth": (), "mask": (), "normal": (3,), "uv": (3,), "display": (4,)}


def empty(name: str, height: int, width: int) -> Tensor:
    """A picture of nothing."""
    dtype = torch.float16 if name == "display" else torch.float32
    return torch.full((height, width, *_CHANNELS[name]), float("inf") if name == "depth" else 0.0, dtype=dtype)


def as_array(picture: Tensor) -> np.ndarray:
    """For the wire: float16 stays, everything else is float32."""
    kind = np.float16 if picture.dtype == torch.float16 else np.float32
    return np.ascontiguousarray(picture.cpu().numpy(), dtype=kind)
