"""The texture codec: textures to small latents and back through a codebook (VQGAN; DINAR 3.3 and 4.1)."""

from pathlib import Path
from typing import Any, NamedTuple

import torch
from diffusers.models.autoencoders.vq_model import VQModel
from torch import Tensor, nn
from torch.nn import functional as F

from neural_core.inpainting.config import CodecConfig
from neural_core.networks.blocks import start_at_zero
from neural_core.networks.files import load_network, save_weights, shipped

FORMAT = "likeness-codec"
FORMAT_VERSION = 1


class Coded(NamedTuple):
    """A texture sent through the codec in training.

    Attributes:
        texture: (B, C, R, R) decoded. commitment: () what codes and latents differ by. latent: (B, 6, r, r) as the
            encoder made it. codes: (B * r * r,) long, the codes used.
    """

    texture: Tensor
    commitment: Tensor
    latent: Tensor
    codes: Tensor


class TextureCodec(nn.Module):
    """`diffusers.VQModel` over folded texels, with latents of zero mean and unit variance outside.

    As in the paper, what is diffused is the continuous latent; it is quantised when decoded. Dilate textures between
    the charts before (`Atlas.dilate`), so that no chart's border is an edge.

    Beside the networks runs a linear codec of patches, which `begin` sets to their principal components: colours are
    right from the first step, and training, however short, is spent on what is finer.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, config: CodecConfig):
        super().__init__()
        self.config = config
        levels, folded = len(config.widths), config.channels * config.fold**2
        self.model = VQModel(
            in_channels=folded,
            out_channels=folded,
            down_block_types=("DownEncoderBlock2D",) * levels,
            up_block_types=("UpDecoderBlock2D",) * levels,
            block_out_channels=config.widths,
            layers_per_block=config.layers,
            latent_channels=config.latent,
            num_vq_embeddings=config.codes,
            vq_embed_dim=config.latent,
            norm_num_groups=16,
            mid_block_add_attention=config.attention,
        )
        patch = config.channels * config.reduction**2
        self.analysis = nn.Conv2d(patch, config.latent, 1)
        self.synthesis = nn.Conv2d(config.latent, patch, 1)
        # Statistics of the latents, kept by training: the diffusion's noise has unit variance, so must they.
        self.register_buffer("mean", torch.zeros(config.latent))
        self.register_buffer("deviation", torch.ones(config.latent))

    @property
    def codebook(self) -> Tensor:
        """(codes, 6)."""
        return self.model.quantize.embedding.weight

    @torch.no_grad()
    def begin(self, textures: Tensor) -> None:
        """Set the linear codec to the principal components of patches of textures (n, C, R, R), the networks to 0."""
        patches = self._patches(textures).movedim(1, -1).flatten(0, 2)  # (m, patch)
        mean = patches.mean(0)
        axes = torch.linalg.svd(torch.cov((patches - mean).T))[0][:, : self.config.latent]  # (patch, 6)
        self.analysis.weight.copy_(axes.T[:, :, None, None])
        self.analysis.bias.copy_(-axes.T @ mean)  # type: ignore[union-attr]
        self.synthesis.weight.copy_(axes[:, :, None, None])
        self.synthesis.bias.copy_(mean)  # type: ignore[union-attr]
        start_at_zero(self.model.quant_conv)  # the encoder's last layer
        start_at_zero(self.model.decoder.conv_out)

    def encode_raw(self, texture: Tensor) -> Tensor:
        """Textures (B, C, R, R) in [0, 1] to latents (B, 6, r, r) before quantisation, in the codebook's units."""
        folded = F.pixel_unshuffle(texture * 2 - 1, self.config.fold)
        return self.analysis(self._patches(texture)) + self.model.encode(folded, return_dict=False)[0]

    def encode(self, texture: Tensor) -> Tensor:
        """Textures (B, C, R, R) in [0, 1] to latents (B, 6, r, r) of zero mean and unit variance."""
        return (self.encode_raw(texture).float() - self.mean[:, None, None]) / self.deviation[:, None, None]

    def decode(self, latent: Tensor, quantise: bool = True) -> Tensor:
        """The inverse of `encode`, through the codebook unless told otherwise; (B, C, R, R), rgb in about [0, 1]."""
        raw = latent * self.deviation[:, None, None] + self.mean[:, None, None]
        return self._draw(self.model.quantize(raw)[0] if quantise else raw)

    def forward(self, texture: Tensor, quantise: bool = True) -> Coded:
        """Through the codec and back, for training; without the codebook the commitment is 0."""
        latent = self.encode_raw(texture)
        if not quantise:
            no_codes = torch.zeros(0, dtype=torch.long, device=texture.device)
            return Coded(self._draw(latent), torch.zeros((), device=texture.device), latent, no_codes)
        with torch.autocast(latent.device.type, enabled=False):  # distances of near codes need all digits
            quantised, commitment, (_, _, codes) = self.model.quantize(latent.float())
        return Coded(self._draw(quantised), commitment, latent, codes)

    def _draw(self, quantised: Tensor) -> Tensor:
        """Textures (B, C, R, R) of latents that went through the codebook."""
        rough = F.pixel_shuffle(self.synthesis(quantised).float(), self.config.reduction)
        fine = F.pixel_shuffle(self.model.decoder(self.model.post_quant_conv(quantised)).float(), self.config.fold)
        return (rough + fine + 1) / 2

    def _patches(self, texture: Tensor) -> Tensor:
        """(B, C * reduction ** 2, r, r) in [-1, 1]."""
        return F.pixel_unshuffle(texture * 2 - 1, self.config.reduction)


def save_codec(path: Path, config: CodecConfig, tensors: dict[str, Tensor], provenance: dict[str, Any]) -> None:
    """Write weights in half precision; raises OutputError."""
    save_weights(path, FORMAT, FORMAT_VERSION, config.to_json(), tensors, provenance)


def load_codec(path: Path | str | None = None, device: torch.device | str = "cpu") -> TextureCodec:
    """A trained codec, by default the one that ships; raises WeightsError."""
    path = Path(path or shipped("codec"))
    return load_network(path, FORMAT, FORMAT_VERSION, "codec", lambda c: TextureCodec(CodecConfig.from_json(c))).to(
        device
    )
