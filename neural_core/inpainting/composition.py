"""What was seen and what was imagined, in one texture (DINAR eq. 7), without a seam between them.

The paper blends with a blurred mask. A blur cannot hide a difference of light between the two, so here the imagined
part keeps its gradients and meets what was seen without a step: one screened Poisson problem on the body's surface,
across chart borders, whose corrections fade away from the border.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from neural_core.body.model import BodyModel
from neural_core.texture import Atlas, PartialTexture
from neural_core.texture.completion import CompletionConfig, holes
from neural_core.texture.poisson import screened_poisson
from neural_core.texture.surface_graph import seam_neighbours, surface_edges


@dataclass(frozen=True)
class CompositionConfig:
    pull: float = 0.02  # towards the imagined colour: corrections fade over 1/sqrt = 7 texels of 256 (4 cm)
    least_pull: float = 0.05  # share of it in holes a few texels wide, which take after their rims
    data: float = 0.5  # pull of a half-trusted texel towards its sample
    certain: float = 0.999  # confidence from which a texel stays as it was seen
    surprise: float = 0.2  # colour distance between seen and imagined at which a seen texel spreads half as much
    least_spread: float = 0.05  # a strand of hair or a print at the border says nothing of the colour behind it


@torch.no_grad()
def compose_known(
    partial: PartialTexture,
    imagined: Tensor,
    atlas: Atlas,
    body: BodyModel,
    config: CompositionConfig | None = None,
) -> Tensor:
    """The whole texture (3, R, R), dilated; texels of full confidence are those of the photo, exactly.

    Args:
        partial: what was seen, at the atlas's resolution R. imagined: (3, R, R) a whole texture, dilated.
    """
    config = config or CompositionConfig()
    if not partial.rgb.shape[-1] == imagined.shape[-1] == atlas.resolution:
        raise ValueError(f"textures of {partial.rgb.shape[-1]} and {imagined.shape[-1]}, atlas of {atlas.resolution}")
    seen, guess, confidence = (
        atlas.at_texels(x).double().cpu().numpy() for x in (partial.rgb, imagined, partial.confidence)
    )
    fixed = confidence >= config.certain
    pairs, weights = surface_edges(atlas, body)
    a, b = pairs.T
    stray = np.square(seen - guess).sum(1) / config.surprise**2
    agreement = np.maximum(1 / (1 + stray), config.least_spread)
    border = fixed[a] != fixed[b]
    weights = np.where(border, weights * np.where(fixed[a], agreement[a], agreement[b]), weights)
    step = guess[a] - guess[b]
    seams = len(seam_neighbours(atlas, body))  # the last edges: across a chart border nothing imagined is an edge
    if seams:
        step[-seams:] = 0.0
    deep, _ = holes(confidence, atlas, CompletionConfig())
    pull = config.pull * (config.least_pull + (1 - config.least_pull) * deep)
    data = np.where(fixed, 0.0, config.data * agreement * confidence / (1.02 - np.minimum(confidence, 1.0)))
    solved = screened_poisson(seen, fixed, pairs, weights, step, data, guess, pull)
    c = np.where(fixed, 1.0, confidence)[:, None]
    return atlas.dilate(atlas.image(torch.from_numpy(c * seen + (1 - c) * solved).float().to(atlas.uv.device)))
