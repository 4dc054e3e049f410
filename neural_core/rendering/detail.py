"""The 1024 x 1024 texture on the picture, without aliasing."""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from neural_core.body.model import BodyModel
from neural_core.rasterizer import Fragments, interpolate
from neural_core.texture.atlas import lookup

_COARSEST = 3  # beyond 1/8 of the resolution neighbouring charts of the atlas run into one another


def draw_texture(texture: Tensor, fragments: Fragments, body: BodyModel, minification: float) -> Tensor:
    """Texture (C, R, R) in every covered pixel: (C, H, W), 0 elsewhere; `minification` is texels per pixel."""
    level = min(max(math.log2(max(minification, 1e-6)), 0.0), float(_COARSEST))
    uv = interpolate(fragments, body.face_uv, body.uv)[fragments.mask][None]  # (1, m, 2)
    finer = math.floor(level)
    values = _at_level(texture, uv, finer)
    if level > finer:
        values = torch.lerp(values, _at_level(texture, uv, finer + 1), level - finer)
    picture = texture.new_zeros(texture.shape[0], *fragments.mask.shape)
    return picture.masked_scatter(fragments.mask, values[:, 0])


def _at_level(texture: Tensor, uv: Tensor, level: int) -> Tensor:
    return lookup(F.avg_pool2d(texture[None], 2**level)[0] if level else texture, uv)
