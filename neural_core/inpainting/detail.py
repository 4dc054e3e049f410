"""The detail texture through completion: seen texels stay as sharp as the photo, imagined ones are smooth.

What cloth and hair need besides is woven in afterwards (inpainting.fabric).
"""

import torch
from torch import Tensor

from neural_core.body.model import BodyModel
from neural_core.inpainting.composition import CompositionConfig, compose_known
from neural_core.texture import Atlas, CompletionConfig, PartialTexture
from neural_core.texture.completion import add_detail, reduce_partial


@torch.no_grad()
def carry_detail(
    partial: PartialTexture,
    imagined: Tensor,
    atlas: Atlas,
    body: BodyModel,
    config: CompositionConfig | None = None,
) -> Tensor:
    """The completed texture (3, D, D) at the resolution of `partial`, D, dilated.

    The imagined texture is composed with what was seen at its own resolution R and enlarged; where the other side of
    the body was seen, mirrored left to right, its fine detail is added; else the answer is smooth.

    Args:
        partial: what was seen, at the resolution D of `atlas`. imagined: (3, R, R) a whole texture, dilated.
    """
    work = Atlas.of(body, imagined.shape[-1])
    coarse = reduce_partial(partial, atlas, work)
    smooth = compose_known(coarse, imagined, work, body, config)
    return atlas.dilate(add_detail(partial, coarse, smooth, atlas, work, body, CompletionConfig()))
