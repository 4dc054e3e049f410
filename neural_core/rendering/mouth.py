"""What shows between open lips. The open body has no mouth inside: one would see the back of the head from within."""

from dataclasses import dataclass

import torch
from torch import Tensor

from neural_core.body.model import BodyModel
from neural_core.camera import Camera
from neural_core.rasterizer import Fragments, Rasterizer
from neural_core.texture.atlas import lookup

_LIPS = (13, 14)  # of the face mesh: the middle of the upper and of the lower lip
_CORNERS = (78, 308)  # of the mouth, inside
_NEAR = 0.02  # metres from them to the middle of the opening
_SLIT, _SHADE = 0.7, 0.45  # of the lips' colour, where they touch and where the mouth is open: it is dark inside
_PARTED = (0.06, 0.2)  # widths of the mouth between the lips: they touch, it is open


@dataclass(frozen=True)
class Mouth:
    """A sheet across the opening.

    Attributes:
        faces: (n, 3) of the body's vertices. rim: (m, 2) texture coordinates of the lips.
        lips: (4, 3) vertices and lips_at: (4, 3) their weights: upper and lower lip, right and left corner inside.
    """

    faces: Tensor
    rim: Tensor
    lips: Tensor
    lips_at: Tensor

    @staticmethod
    def of(body: BodyModel) -> "Mouth | None":
        """None where the body has no opening at its lips, as SMPL-X, whose mouth has an inside."""
        triangle = body.landmarks.face_triangle[list(_LIPS)]
        if (triangle < 0).any():
            return None
        lips = body.template[body.faces[triangle]].mean((0, 1))
        for loop in _openings(body.faces):
            if (body.template[loop].mean(0) - lips).norm() < _NEAR:
                on_rim = torch.isin(body.faces, loop)
                sheet = _sheet(body.template[loop], loop)
                marks = list(_LIPS + _CORNERS)
                corners = body.faces[body.landmarks.face_triangle[marks]]
                return Mouth(sheet, body.uv[body.face_uv[on_rim]], corners, body.landmarks.face_barycentric[marks])
        return None

    def shown(self, vertices: Tensor, camera: Camera, fragments: Fragments, rasterize: Rasterizer) -> Tensor:
        """(H, W) bool, where one looks between the lips of vertices (V, 3)."""
        sheet = rasterize(vertices, self.faces, camera)
        return sheet.mask & (sheet.depth < fragments.depth)

    def colour(self, texture: Tensor, vertices: Tensor) -> Tensor:
        """(3, 1) of what is seen between the lips of vertices (V, 3), from a texture (3, R, R)."""
        lips = lookup(texture, self.rim[None])[:, 0].median(1, keepdim=True).values
        upper, lower, right, left = (vertices[self.lips] * self.lips_at[..., None]).sum(1)
        gap = (upper - lower).norm() / (right - left).norm()
        closed, open_ = _PARTED
        parted = ((gap - closed) / (open_ - closed)).clamp(0, 1)
        return lips * (_SLIT + (_SHADE - _SLIT) * parted)


def _openings(faces: Tensor) -> list[Tensor]:
    """Loops of vertices along edges that have one triangle only, in the triangles' direction."""
    edges = torch.cat([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]).tolist()
    there = {tuple(edge) for edge in edges}
    following = {a: b for a, b in edges if (b, a) not in there}
    loops = []
    while following:
        loop = [next(iter(following))]
        while (after := following.pop(loop[-1], None)) is not None and after != loop[0]:
            loop.append(after)
        loops.append(torch.tensor(loop, device=faces.device))
    return loops


def _sheet(points: Tensor, loop: Tensor) -> Tensor:
    """(n, 3) triangles across a slit: a strip between its two sides, from one corner to the other."""
    loop = loop.roll(-int(points[:, 0].argmax()))
    low, high = 0, len(loop)
    triangles = []
    while high - low > 2:  # one vertex of each side in turn
        triangles.append((low % len(loop), low + 1, high - 1))
        low += 1
        if high - low > 2:
            triangles.append((low, high - 2, high - 1))
            high -= 1
    return loop[torch.tensor(triangles, device=loop.device)]
