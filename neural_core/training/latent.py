"""The learned channels of a batch's textures, made of the source photos as stage (a) makes them (DINAR 3.1)."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from neural_core.networks.files import shipped
from neural_core.networks.stylegan import TextureEncoder, TextureGenerator, load_generator
from neural_core.training.data import Batch, Pairs, PeoplePool, rasterise, recoloured, source_texture
from neural_core.training.request import TrainingRequest
from neural_core.training.texels import TexelMaps


@dataclass(frozen=True)
class Latents:
    """Encoder and generator as an earlier stage left them; they are not trained."""

    encoder: TextureEncoder
    generator: TextureGenerator

    @staticmethod
    def of(request: TrainingRequest) -> "Latents | None":
        """Those of --use generator=FILE, or the shipped ones; None where there are none."""
        if "generator" not in request.uses and not shipped("generator").is_file():
            return None
        return Latents(*load_generator(request.weights("generator"), request.device))

    @torch.no_grad()
    def channels(self, rgb: Tensor, mask: Tensor, maps: TexelMaps | None, size: int) -> Tensor:
        """(B, C, size, size) of source photos."""
        return latent_channels(rgb, mask, self.encoder, self.generator, maps, size)


def source_photos(pool: PeoplePool, pairs: Pairs, device: torch.device) -> tuple[Tensor, Tensor]:
    """The photos that the textures of pairs were taken from: rgb (B, 3, H, W) straight, mask (B, 1, H, W)."""
    rows = [(int(person), int(view)) for person, view in zip(pairs.person, pairs.source)]
    rgb = torch.stack([pool.read(person, "rgb", view) for person, view in rows]).to(device)
    mask = torch.stack([pool.read(person, "mask", view) for person, view in rows]).to(device).float()[:, None] / 255
    rgb = recoloured(rgb, pairs.colours.to(device))
    return (rgb / mask.clamp(min=1 / 255)).clamp(0, 1), mask


def latent_channels(
    rgb: Tensor, mask: Tensor, encoder: TextureEncoder, generator: TextureGenerator, maps: TexelMaps | None, size: int
) -> Tensor:
    """(B, C, size, size) of photos rgb (B, 3, H, W), mask (B, 1, H, W)."""
    latent = F.interpolate(generator(encoder(rgb, mask)).float(), (size, size), mode="bilinear")
    return latent if maps is None else maps.dilate(latent)


def batch_with_latent(
    pairs: Pairs,
    rgb: Tensor,
    mask: Tensor,
    encoder: TextureEncoder,
    generator: TextureGenerator,
    maps: TexelMaps | None,
    kept: Tensor | None = None,
) -> Batch:
    """`training.data.prepare` with the latent channels that encoder and generator make of the source photos.

    kept: (B, 1, 1, 1) bool, whose channels are not zero; None keeps all.
    """
    texture, partial = source_texture(pairs, maps)
    latent = latent_channels(rgb, mask, encoder, generator, maps, texture.shape[-1])
    if kept is not None:
        latent = latent * kept
    return rasterise(pairs, torch.cat([texture, latent, partial], 1))
