"""The neural renderer theta of DINAR, eq. 4 and appendix E: a rasterised texture becomes a person and a mask."""

import math
from dataclasses import replace
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from neural_core.networks.blocks import PixelNorm, ResBlock, start_at_zero, two_convolutions
from neural_core.networks.config import RendererConfig
from neural_core.texture.push_pull import push_pull

_RIM = 3  # pixels within which the body's outline may be cut back; 2.3 cm
_FILLED = slice(4, 5)  # of the texture's channels: where a photo saw the surface, small gaps included


class RendererOutput(NamedTuple):
    """What the trunk says, before texture and body mask are mixed in, so that both can be mixed in at a finer scale.

    Attributes:
        rgb: (B, 3, H, W) the network's own colour, [0, 1].
        gate: (B, 1, H, W) logit of copying the rasterised texture instead, where no photo saw the surface.
        growth: (B, 1, H, W) logit added to the body's mask: clothes and hair beyond it, or fit errors within.
    """

    rgb: Tensor
    gate: Tensor
    growth: Tensor


class RendererNetwork(nn.Module):
    """Three inputs through two convolutions each, a U-Net of ResNet blocks, two heads (appendix E).

    Own additions: the trunk runs at 1/fold resolution; what the photo saw is copied, for wherever a fit is a little off
    a network can only blur it, and a gate says how far the rest of the texture is; around the body the texture's
    colours are spread outwards, where clothes and hair will be; the mask is a correction of the body's mask.
    """

    def __init__(self, config: RendererConfig):
        super().__init__()
        self.config = config
        c, folded = config, config.fold**2
        self.texture_in = two_convolutions(c.texture_channels * folded, c.texture_width)
        self.uv_in = two_convolutions((2 + 4 * c.uv_octaves) * folded, c.uv_width)
        self.mask_in = two_convolutions(folded, c.mask_width)

        joined = c.texture_width + c.uv_width + c.mask_width
        self.down = nn.ModuleList()
        for level, (width, count) in enumerate(zip(c.widths, c.blocks)):
            before, stride = (joined, 1) if level == 0 else (c.widths[level - 1], 2)
            enter = nn.Conv2d(before, width, 3, stride=stride, padding=1)
            self.down.append(nn.Sequential(enter, *(ResBlock(width, width) for _ in range(count))))
        self.up = nn.ModuleList(
            ResBlock(c.widths[level + 1] + c.widths[level], c.widths[level]) for level in range(len(c.widths) - 1)
        )

        self.last_norm = PixelNorm(c.widths[0])
        self.rgb_head = two_convolutions(c.widths[0], 4 * folded, c.widths[0])  # colour and gate
        self.mask_head = two_convolutions(c.widths[0], folded, c.widths[0])
        for head in (self.rgb_head, self.mask_head):
            start_at_zero(head[-1])  # the first picture is the pasted texture in the body's mask

    def heads(self, texture_raster: Tensor, uv: Tensor, uv_mask: Tensor) -> RendererOutput:
        """Raw outputs for inputs as in `forward`; H and W are multiples of `config.multiple`."""
        fold = self.config.fold
        uv_mask = uv_mask.to(texture_raster.dtype)
        texture = torch.cat([spread_colours(texture_raster, uv_mask), texture_raster[:, 3:] * uv_mask], 1)
        # A texture without learned channels has zeros there (training shows such ones, too); unknown ones are cut off.
        texture = F.pad(texture, (0, 0, 0, 0, 0, self.config.texture_channels - texture.shape[1]))
        x = torch.cat(
            [
                self.texture_in(F.pixel_unshuffle(texture, fold)),
                self.uv_in(F.pixel_unshuffle(self._encode(uv) * uv_mask, fold)),
                self.mask_in(F.pixel_unshuffle(uv_mask, fold)),
            ],
            dim=1,
        )
        levels = []
        for down in self.down:
            x = down(x)
            levels.append(x)
        for level in reversed(range(len(self.up))):
            x = self.up[level](torch.cat([F.interpolate(x, scale_factor=2.0, mode="nearest"), levels[level]], 1))
        x = F.silu(self.last_norm(x))
        colour = F.pixel_shuffle(self.rgb_head(x).float(), fold)
        growth = F.pixel_shuffle(self.mask_head(x).float(), fold)
        return RendererOutput(torch.sigmoid(colour[:, :3]), colour[:, 3:] + self.config.gate_prior, growth)

    def forward(self, texture_raster: Tensor, uv: Tensor, uv_mask: Tensor) -> tuple[Tensor, Tensor]:
        """Draw.

        Args:
            texture_raster: (B, C, H, W) texture looked up in every pixel: rgb, sampled, filled, garment hint, and the
                learned channels that the network reads, or none.
            uv: (B, 2, H, W) texture coordinates. uv_mask: (B, 1, H, W) 1 where the body is.

        Returns:
            rgb (B, 3, H, W) in [0, 1] and mask logits (B, 1, H, W).
        """
        return self.mix(self.heads(texture_raster, uv, uv_mask), texture_raster, uv_mask)

    def mix(self, out: RendererOutput, texture_raster: Tensor, uv_mask: Tensor) -> tuple[Tensor, Tensor]:
        """Copy gate and body mask: rgb (B, 3, H, W) and mask logits (B, 1, H, W)."""
        uv_mask = uv_mask.float()
        k = torch.maximum(torch.sigmoid(out.gate), texture_raster[:, _FILLED].float() * uv_mask)  # the seen is copied
        rgb = k * spread_colours(texture_raster.float(), uv_mask) + (1 - k) * out.rgb
        # Clothes may hang closer than the body believes, but a bite or a hole deep inside it is never right.
        deep = 1 - F.max_pool2d(1 - uv_mask, 2 * _RIM + 1, 1, _RIM)
        growth = torch.where(deep > 0, out.growth.clamp(min=-0.5 * self.config.mask_prior), out.growth)
        # The body's mask has stairs; without the smoothing they show in every enlarged silhouette.
        return rgb, _smooth(growth + self.config.mask_prior * (2 * uv_mask - 1))

    def _encode(self, uv: Tensor) -> Tensor:
        """(B, 2, H, W) to (B, 2 + 4 * octaves, H, W): sines and cosines tell neighbouring texels apart."""
        waves = [uv * 2 - 1]
        for octave in range(self.config.uv_octaves):
            angle = uv * (2 * math.pi * 2**octave)
            waves += [torch.sin(angle), torch.cos(angle)]
        return torch.cat(waves, 1)


def widened(network: RendererNetwork, latent: int) -> RendererNetwork:
    """The same renderer with `latent` learned texture channels; new ones change nothing at first: weights of zero."""
    channels = RendererConfig().texture_channels + latent
    new = channels - network.config.texture_channels  # none where the renderer was trained with a generator before
    config = replace(network.config, texture_channels=channels)
    wide = RendererNetwork(config)
    state = dict(network.state_dict())
    first = state["texture_in.0.weight"]  # (width, channels * fold^2, 3, 3); pixel_unshuffle keeps channels together
    state["texture_in.0.weight"] = F.pad(first, (0, 0, 0, 0, 0, new * config.fold**2))
    wide.load_state_dict(state)
    return wide


def spread_colours(texture_raster: Tensor, uv_mask: Tensor) -> Tensor:
    """The texture's rgb (B, 3, H, W), continued around the body by about 30 pixels; grey beyond."""
    return push_pull(texture_raster[:, :3], uv_mask, levels=5, empty=0.5)


def _smooth(picture: Tensor) -> Tensor:
    """(B, 1, H, W) under a binomial filter of sigma 1."""
    kernel = picture.new_tensor([1.0, 4.0, 6.0, 4.0, 1.0]) / 16
    rows = F.conv2d(F.pad(picture, (0, 0, 2, 2), mode="replicate"), kernel.view(1, 1, 5, 1))
    return F.conv2d(F.pad(rows, (2, 2, 0, 0), mode="replicate"), kernel.view(1, 1, 1, 5))
