"""Textures and drawings without learning, or without one part of the walk: what the whole is measured against."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from neural_core.body.model import BodyModel
from neural_core.camera import Camera
from neural_core.inpainting.completing import complete_textures
from neural_core.networks.files import shipped
from neural_core.rendering import Frame
from neural_core.sight import DETAIL_RESOLUTION, NEURAL_RESOLUTION, Sight, generated, sample_photo
from neural_core.texture import Atlas, NeuralTexture, PartialTexture
from neural_core.texture.merging import MergingConfig, colour_lines, merge
from neural_core.texture.poisson import screened_poisson
from neural_core.texture.preview import shade_with_alpha
from neural_core.texture.sampling import SamplingConfig
from neural_core.texture.surface_graph import mirror_texels, surface_edges

NO_OCCLUSION = SamplingConfig(occlusion=None)
_DEFAULT = SamplingConfig()
_ISLANDS = 1e-9  # pull to the mean colour: decides where no heat flows
_EQUAL = MergingConfig(sharpness=0.0, lead=0.0)


@dataclass(frozen=True)
class Shown:
    """What one photo, or several merged, show of the body: at detail and at neural resolution, and the garment hint.

    latent: (C, R, R) the learned channels of the first photo, where a generator ships.
    """

    detail: PartialTexture
    small: PartialTexture
    hint: Tensor
    latent: Tensor | None = None


def sample(sight: Sight, rest_offsets: Tensor, body: BodyModel, config: SamplingConfig = _DEFAULT) -> Shown:
    """A photo on the atlas, as in the product, with any sampling configuration."""
    evidence, fit = sight.evidence, sight.fit
    limbs = sight.limbs if config.occlusion is not None else None  # what arms hide is occlusion, too
    resolutions = DETAIL_RESOLUTION, NEURAL_RESOLUTION
    (detail, small), hint = sample_photo(evidence, body, fit, rest_offsets, resolutions, limbs, config)
    return Shown(detail, small, hint, generated(evidence, body, fit, rest_offsets))


def matched(shown: Sequence[Shown]) -> list[Shown]:
    """Several photos in the colours of the first, as the product merges them."""
    lines = colour_lines([s.small for s in shown])
    return [replace(s, detail=line(s.detail), small=line(s.small)) for line, s in zip(lines, shown)]


def averaged(shown: Sequence[Shown]) -> Shown:
    """Several photos with equal weights where they saw the body, not weighted by facing (eq. 6 with infinite tau)."""
    detail, small = (merge([getattr(s, name) for s in shown], _EQUAL) for name in ("detail", "small"))
    return Shown(detail, small, torch.stack([s.hint for s in shown]).mean(0), shown[0].latent)


def completed(shown: Shown, body: BodyModel, method: str = "classical", seed: int = 0) -> NeuralTexture:
    """By one of the product's own methods: "classical" is mirror, rings, garments and screened Poisson."""
    (whole,) = complete_textures(shown.detail, shown.small, body, method=method, seed=seed)
    return NeuralTexture.build(whole.rgb, shown.small, whole.detail, garment_hint=shown.hint, latent=shown.latent)


def mirror_and_harmonic(shown: Shown, body: BodyModel) -> NeuralTexture:
    """What anybody would try first: the unseen from the body's other side, left for right, the rest by heat flow."""
    small = shown.small
    atlas = Atlas.of(body, small.rgb.shape[-1])
    colour, known = atlas.at_texels(small.rgb), atlas.at_texels(small.known)
    other = mirror_texels(atlas, body)
    mirrored = ~known & (other >= 0) & known[other.clamp(min=0)]
    colour = torch.where(mirrored[:, None], colour[other.clamp(min=0)], colour).double().numpy()
    fixed = (known | mirrored).numpy()
    pairs, weights = surface_edges(atlas, body)
    mean = np.broadcast_to(colour[fixed].mean(0) if fixed.any() else 0.5, colour.shape)
    nothing = np.zeros(len(colour))
    flow = screened_poisson(
        colour, fixed, pairs, weights, np.zeros((len(pairs), 3)), nothing, mean, nothing + _ISLANDS
    )  # fmt: skip
    whole = atlas.dilate(atlas.image(torch.from_numpy(flow).float()))
    size = shown.detail.rgb.shape[-1]
    enlarged = F.interpolate(whole[None], (size, size), mode="bilinear", align_corners=False)[0]
    detail = Atlas.of(body, size).dilate(torch.where(shown.detail.known, shown.detail.rgb, enlarged))
    return NeuralTexture.build(whole, small, detail, garment_hint=shown.hint, latent=shown.latent)


def can_inpaint() -> bool:
    """Whether the weights of the diffusion are installed."""
    return all(shipped(name).is_file() for name in ("codec", "denoiser"))


def mean_colour(shown: Shown, body: BodyModel) -> NeuralTexture:
    """Everything unseen in the mean colour of what was seen."""
    known = shown.small.known
    mean = shown.small.rgb[:, known].mean(1) if bool(known.any()) else torch.full((3,), 0.5)
    return _filled_with(mean, shown, body)


def not_inpainted(shown: Shown, body: BodyModel) -> NeuralTexture:
    """What was seen, and nothing else: the renderer alone makes up the rest (DINAR, figure 7)."""
    return _filled_with(torch.zeros(3), shown, body)


def _filled_with(colour: Tensor, shown: Shown, body: BodyModel) -> NeuralTexture:
    def fill(partial: PartialTexture) -> Tensor:
        atlas = Atlas.of(body, partial.rgb.shape[-1])
        return atlas.dilate(torch.where(partial.known, partial.rgb, colour[:, None, None]))

    return NeuralTexture.build(
        fill(shown.small), shown.small, fill(shown.detail), garment_hint=shown.hint, latent=shown.latent
    )


def pasted(vertices: Tensor, body: BodyModel, camera: Camera, partial: PartialTexture) -> Frame:
    """The photo's texture rasterised as it is on the clothed body, black where the photo showed nothing."""
    rgb, alpha = shade_with_alpha(vertices, body, camera, partial.rgb * partial.known)
    return Frame(rgb, alpha[0], torch.full_like(alpha[0], float("inf")))
