"""A plain picture of a textured body: what pasting the texture gives without any learned renderer."""

import torch
from torch import Tensor

from neural_core.body.model import BodyModel
from neural_core.camera import Camera
from neural_core.rasterizer import interpolate, rasterize
from neural_core.texture.atlas import Atlas, lookup


@torch.no_grad()
def shade(
    vertices: Tensor,
    body: BodyModel,
    camera: Camera,
    texture: Tensor,
    background: float = 1.0,
    supersample: int = 2,
) -> Tensor:
    """The body with its texture, unlit, over an even background: (3, H, W) sRGB.

    Args:
        vertices: (V, 3) posed, world, metres. texture: (3, R, R) sRGB. supersample: samples per pixel side.
    """
    rgb, alpha = shade_with_alpha(vertices, body, camera, texture, supersample)
    return rgb * alpha + background * (1 - alpha)


@torch.no_grad()
def shade_with_alpha(
    vertices: Tensor, body: BodyModel, camera: Camera, texture: Tensor, supersample: int = 2
) -> tuple[Tensor, Tensor]:
    """Straight colours (3, H, W) sRGB and coverage (1, H, W) of the textured body."""
    large = camera.resize(camera.width * supersample, camera.height * supersample)
    fragments = rasterize(vertices, body.faces, large)
    dilated = Atlas.of(body, texture.shape[-1]).dilate(texture)
    colour = lookup(dilated, interpolate(fragments, body.face_uv, body.uv))
    covered = fragments.mask.float()[None]
    packed = torch.nn.functional.avg_pool2d(torch.cat([colour * covered, covered])[None], supersample)[0]
    return packed[:3] / packed[3:].clamp(min=1e-6), packed[3:]
