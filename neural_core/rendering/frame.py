"""A drawn picture of one or several avatars."""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Frame:
    """A picture with straight (not premultiplied) alpha.

    Attributes:
        rgb: (3, H, W) sRGB [0, 1], meaningful where alpha > 0.
        alpha: (H, W) [0, 1].
        depth: (H, W) metres along the camera's +z, inf where nothing is.
    """

    rgb: Tensor
    alpha: Tensor
    depth: Tensor

    @staticmethod
    def empty(height: int, width: int, device: torch.device | str = "cpu") -> "Frame":
        return Frame(
            rgb=torch.zeros(3, height, width, device=device),
            alpha=torch.zeros(height, width, device=device),
            depth=torch.full((height, width), float("inf"), device=device),
        )
