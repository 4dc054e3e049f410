"""The atlas as training needs it: batched gathers that dilate charts and look at the other side of the body."""

from dataclasses import dataclass

import torch
from torch import Tensor

from neural_core.body.model import BodyModel
from neural_core.texture.atlas import Atlas
from neural_core.texture.surface_graph import mirror_texels


@dataclass(frozen=True)
class TexelMaps:
    """Where each texel of an R x R atlas takes its value from.

    Attributes:
        nearest: (R * R,) long, the nearest texel inside a chart.
        mirror: (R * R,) long, the texel on the other side of the body; -1 where there is none.
    """

    nearest: Tensor
    mirror: Tensor

    @staticmethod
    def of(body: BodyModel, resolution: int) -> "TexelMaps":
        atlas = Atlas.of(body, resolution)
        rows = mirror_texels(atlas, body)
        flat = torch.full((resolution**2,), -1, dtype=torch.int64, device=rows.device)
        flat[atlas.texels] = torch.where(rows >= 0, atlas.texels[rows.clamp(min=0)], -1)
        return TexelMaps(atlas.nearest.reshape(-1), flat)

    def to(self, device: torch.device | str) -> "TexelMaps":
        return TexelMaps(self.nearest.to(device), self.mirror.to(device))

    def dilate(self, texture: Tensor) -> Tensor:
        """(B, C, R, R) with every texel between the charts taken from the nearest one inside."""
        return texture.flatten(2)[:, :, self.nearest].view_as(texture)

    def mirrored(self, texture: Tensor, known: Tensor) -> tuple[Tensor, Tensor]:
        """Textures (B, C, R, R) and what is known of them (B, 1, R, R), both from the other side of the body."""
        there = (self.mirror >= 0).to(known.dtype)
        index = self.mirror.clamp(min=0)
        return (
            (texture.flatten(2)[:, :, index] * there).view_as(texture),
            (known.flatten(2)[:, :, index] * there).view_as(known),
        )
