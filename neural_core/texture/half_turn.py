"""The other side of the body: where a point comes to lie when the body at rest makes half a turn about the vertical.

The front of a garment, turned so, is a plausible back: the same cloth at the same height, neither mirrored nor meeting
its own copy at the side. The body at rest spreads its limbs in one plane: the left sleeve's back gets the right one's
front.
"""

import torch
from torch import Tensor

from neural_core.body.model import BodyModel
from neural_core.camera import Camera
from neural_core.rasterizer import rasterize
from neural_core.texture.atlas import Atlas

_PIXEL = 0.004  # metres; only the triangle is taken from a pixel, the point in it is exact


def half_turn(atlas: Atlas, body: BodyModel) -> tuple[Tensor, Tensor]:
    """For the covered texels: uv (n, 2) of the point on the other side, and (n,) bool, whether there is one."""
    position = atlas.on_surface(body.template[:, :2], body.faces)
    wanted = position * position.new_tensor([-1.0, 1.0])  # where to look on the other side
    a, b, c = body.template[body.faces, :2].unbind(1)
    forward = _cross(b - a, c - a)[atlas.triangle.reshape(-1)[atlas.texels]]  # the sign of the normal's z
    uv, found = torch.zeros_like(wanted), torch.zeros(len(wanted), dtype=torch.bool, device=wanted.device)
    for side in (1.0, -1.0):  # seen from the front, seen from behind
        mine = forward * side < 0
        uv[mine], found[mine] = _from_one_side(wanted[mine], body, side)
    return uv, found


def _from_one_side(point: Tensor, body: BodyModel, side: float) -> tuple[Tensor, Tensor]:
    """uv (n, 2) of what lies at x, y (n, 2), metres, seen along z from before (side 1) or behind (-1)."""
    low = body.template[:, :2].amin(0) - 2 * _PIXEL
    width, height = ((body.template[:, :2].amax(0) - low) / _PIXEL + 2).ceil().long().tolist()
    # The camera looks along its +z with y down: half a turn about x for the front, about y and x for the back.
    flat = torch.cat([(body.template[:, :2] - low) / _PIXEL, -side * body.template[:, 2:] + 10], 1)
    eye, zero = torch.eye(3, device=flat.device), torch.zeros(3, device=flat.device)
    fragments = rasterize(flat, body.faces, Camera(eye, eye, zero, width, height, orthographic=True))
    at = ((point - low) / _PIXEL).floor().long()
    inside = (at >= 0).all(1) & (at[:, 0] < width) & (at[:, 1] < height)
    at = at * inside[:, None]
    triangle = fragments.triangle[at[:, 1], at[:, 0]]
    triangle, found = triangle.clamp(min=0), inside & (triangle >= 0)
    a, b, c = body.template[body.faces[triangle], :2].unbind(1)
    area = _cross(b - a, c - a)
    found &= area.abs() > 1e-9
    share = torch.stack([_cross(b - point, c - point), _cross(c - point, a - point), _cross(a - point, b - point)], 1)
    share = (share / torch.where(area.abs() > 1e-9, area, 1.0)[:, None]).clamp(-0.5, 1.5)
    return (body.uv[body.face_uv[triangle]] * share[..., None]).sum(1), found


def _cross(a: Tensor, b: Tensor) -> Tensor:
    return a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]
