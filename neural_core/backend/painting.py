"""What the user painted in Blender, in the texture that the renderer reads and in the avatar's file."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from neural_core.avatar import Avatar
from neural_core.backend.requests import RequestError, text
from neural_core.texture import NeuralTexture
from neural_core.wire import Message

_SAME = 1.5 / 255  # a texel that Blender kept comes back within rounding
_LARGEST_SIDE = 8192


def painted_picture(request: Message, name: str) -> Tensor:
    """(3, D, D) float32 sRGB from an array (D, D, 3) uint8 of a request, row 0 at v = 1; raises RequestError."""
    pixels = request.arrays.get(name)
    square = pixels is not None and pixels.ndim == 3 and pixels.shape[0] == pixels.shape[1] and pixels.shape[2] == 3
    if pixels is None or not square or pixels.dtype != np.uint8 or not 8 <= len(pixels) <= _LARGEST_SIDE:
        raise RequestError(
            f"A painted texture has to be square, of 8 to {_LARGEST_SIDE} pixels: give the avatar's picture its own "
            "size back."
        )
    return torch.from_numpy(pixels.copy()).permute(2, 0, 1).float() / 255


def repaint(texture: NeuralTexture, picture: Tensor) -> NeuralTexture:
    """The texture with everything that differs in picture (3, D, D) painted over.

    Painted texels count as seen in a photo, so that the renderer keeps to them.
    """
    detail = texture.detail
    size = detail.shape[-1]
    if picture.shape[-1] != size:
        picture = F.interpolate(picture[None], (size, size), mode="bilinear", antialias=True, align_corners=False)[0]
    picture = picture.to(detail.device)
    changed = ((picture - detail).abs().amax(0, keepdim=True) > _SAME).float()
    if not bool(changed.any()):
        return texture
    coarse = texture.data.shape[-1]
    share = F.adaptive_avg_pool2d(changed, coarse)  # (1, R, R) how much of a coarse texel was painted over
    change = F.adaptive_avg_pool2d((picture - detail) * changed, coarse)
    data = texture.data.clone()
    layout = texture.layout
    data[layout.rgb] = (data[layout.rgb] + change.to(data.device)).clamp(0, 1)
    for channel in (layout.sampled, layout.filled):
        data[channel] = torch.maximum(data[channel], share.to(data.device))
    return NeuralTexture(data, torch.lerp(detail, picture, changed), layout)


def save(request: Message) -> None:
    """Answer `save_texture`: {path} and `texture` (D, D, 3) uint8 go into the avatar's file.

    Raises:
        RequestError, AvatarFileError, OutputError.
    """
    path = Path(text(request, "path"))
    avatar = Avatar.load(path)
    replace(avatar, texture=repaint(avatar.texture, painted_picture(request, "texture"))).save(path)
