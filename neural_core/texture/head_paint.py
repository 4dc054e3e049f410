"""The unseen part of a head: hair where hair is expected, skin where skin is, and no blend of both.

Behind the ears a completion meets skin on one side and hair on the other, and spreads both. Here every texel of the
head is hair or skin first (what was seen tells its neighbours, the hairline the rest), and then takes the colour of its
own kind: of its neighbours', and farther away what most of the seen hair agrees on. A scalp that shows skin is bald.
"""

from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from neural_core.body.model import BodyModel
from neural_core.texture.atlas import Atlas
from neural_core.texture.heads import HeadConfig, SkinModel
from neural_core.texture.poisson import screened_poisson
from neural_core.texture.regions import body_regions
from neural_core.texture.rings import ring_prior
from neural_core.texture.sampling import PartialTexture
from neural_core.texture.surface_graph import surface_edges


@dataclass(frozen=True)
class PaintConfig:
    head: HeadConfig = field(default_factory=HeadConfig)
    bald: float = 0.9  # share of skin in the seen scalp from which there is no hair to paint
    least_scalp: float = 0.02  # share of the scalp that must be seen for it to say anything
    certain: float = 0.5  # confidence from which a texel counts as seen
    label_pull: float = 0.1  # of the hairline on what was not seen, against 1 of each neighbour: 3 texels
    colour_pull: float = 0.003  # of a kind's own colour: 18 texels of 256, so that light changes gently
    learnt: float = 0.5  # share of the imagined colour in what is expected of hair, the rest is the seen hair's
    edge: float = 0.4  # width of the border between the kinds, in units of the field that decides
    hanging: float = 0.5  # share of hair beside the neck from which hair hangs behind it, too
    like_hair: float = 0.2  # colour distance from the scalp's hair within which what is beside the neck is hair
    ring: float = 0.01  # metres of height in which that share is counted


@torch.no_grad()
def paint_head(
    imagined: Tensor, partial: PartialTexture, atlas: Atlas, body: BodyModel, config: PaintConfig | None = None
) -> Tensor:
    """The imagined texture (3, R, R), dilated, with the head's unseen texels painted from its seen hair and skin.

    Args:
        partial: what was seen, at the atlas's resolution R. imagined: a whole texture, dilated.
    """
    config = config or PaintConfig()
    skin = SkinModel.of(partial, atlas, body, config.head)
    if skin is None:
        return imagined
    colour, confidence, facing, guess = (
        atlas.at_texels(x).double().cpu().numpy() for x in (partial.rgb, partial.confidence, partial.facing, imagined)
    )
    regions = body_regions(body)
    weights = torch.stack([regions[name].weight for name in ("face", "scalp", "neck")], 1)
    at = atlas.on_surface(torch.cat([weights, body.template], 1), body.faces).double().cpu().numpy()
    face, scalp, neck = at[:, :3].T
    on_face, skin_colour = skin.at_texels(atlas)
    of_scalp = confidence * scalp
    if of_scalp.sum() < config.least_scalp * scalp.sum():
        return imagined

    # What looks like skin and touches the face's skin is skin; a straw hat looks like it, too, but ends at a brim.
    hairy = ~on_face
    if (of_scalp * ~hairy).sum() > config.bald * of_scalp.sum():  # bald, or hair like skin: the scalp is one kind
        hairy = scalp > 0.5
    hair_colour = _agreed(colour, of_scalp * hairy)
    like_hair = hairy & (np.square(colour - hair_colour).sum(1) < config.like_hair**2)
    hairy = np.where(neck > 0.5, like_hair, hairy)
    hangs = _hanging(at[:, 3:], confidence * (neck > 0.5), like_hair, config)
    rings, belief = ring_prior(colour, confidence * hairy, facing, atlas, body)
    hair_expected = belief[:, None] * rings + (1 - belief[:, None]) * hair_colour
    hair_expected = config.learnt * guess + (1 - config.learnt) * hair_expected

    rows = np.nonzero(face + scalp + neck > 0.3)[0]
    seen, hair = confidence[rows] >= config.certain, hairy[rows]
    graph = _within(rows, *surface_edges(atlas, body), len(colour))
    hairline = np.clip(scalp + neck * hangs, 0, 1)[rows, None].repeat(3, 1)
    told = hair[:, None].repeat(3, 1).astype(float)
    kind = _spread(told, seen, np.zeros_like(hairline), hairline, graph, config.label_pull)[:, :1]
    share = np.clip((kind - 0.5) / config.edge + 0.5, 0, 1)
    of_hair, of_skin = (
        _spread(colour[rows], seen & chosen, expected, expected, graph, config.colour_pull)
        for chosen, expected in ((hair, hair_expected[rows]), (~hair, skin_colour[rows]))
    )
    painted = share * of_hair + (1 - share) * of_skin
    mine = np.clip(face + scalp + neck * hangs, 0, 1)[rows, None]
    guess[rows] = np.where(seen[:, None], colour[rows], mine * painted + (1 - mine) * guess[rows])
    return atlas.dilate(atlas.image(torch.from_numpy(guess).float().to(imagined.device)))


def _spread(
    values: np.ndarray,
    fixed: np.ndarray,
    slopes: np.ndarray,
    expected: np.ndarray,
    graph: tuple[np.ndarray, np.ndarray],
    pull: float,
) -> np.ndarray:
    """Values (m, 3) of the fixed ones over the rest, with the slopes of one field and pulled towards another."""
    pairs, weights = graph
    step = slopes[pairs[:, 0]] - slopes[pairs[:, 1]]
    nothing = np.zeros(len(values))
    return screened_poisson(values, fixed, pairs, weights, step, nothing, expected, nothing + pull)


def _agreed(colour: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """(3,) what most of the colours (n, 3) agree on: iterated reweighting."""
    votes = weight
    for distance in (0.4, 0.3, 0.2):
        value = (votes[:, None] * colour).sum(0) / max(votes.sum(), 1e-9)
        votes = weight / (1 + np.square(colour - value).sum(1) / distance**2) ** 2
    return (votes[:, None] * colour).sum(0) / max(votes.sum(), 1e-9)


def _hanging(position: np.ndarray, confidence: np.ndarray, like_hair: np.ndarray, config: PaintConfig) -> np.ndarray:
    """(n,) in [0, 1], how much hair hangs at the height of each texel: as far down as most beside the neck is hair."""
    weight = confidence * np.clip(np.abs(position[:, 0]) / 0.04 - 0.5, 0, 1)
    use = weight > 0
    if not use.any():
        return np.zeros(len(position))
    top = position[use, 1].max()
    ring = ((top - position[use, 1]) / config.ring).astype(int)
    mass, hair = np.bincount(ring, weight[use]), np.bincount(ring, (weight * like_hair)[use])
    down = hair < config.hanging * np.maximum(mass, 1e-6)
    end = top - config.ring * (int(down.argmax()) if down.any() else len(down))
    return np.clip((position[:, 1] - end) / config.ring + 0.5, 0, 1) if end < top else np.zeros(len(position))


def _within(rows: np.ndarray, pairs: np.ndarray, weights: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """The edges inside a part of the graph, numbered by its rows."""
    number = np.full(count, -1)
    number[rows] = np.arange(len(rows))
    inside = number[pairs].min(1) >= 0
    return number[pairs[inside]], weights[inside]
