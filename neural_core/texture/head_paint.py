"""The unseen part of a head: hair where hair is expected, skin where skin is, and no blend of both.

Behind the ears a completion meets skin on one side and hair on the other, and spreads both. Here every texel of the
head is hair or skin first (what was seen tells its neighbours, the hairline the rest), and then takes the colour of its
own kind: of its neighbours', and farther away what most of the seen hair agrees on. A scalp that shows skin is bald.
Where a garment's neckline was seen (texture.necklines) it is the third kind: behind, too, it ends in a line.
"""

from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from neural_core.body.model import BodyModel
from neural_core.body.skeleton import JOINT_INDEX
from neural_core.texture.agreement import agreed
from neural_core.texture.atlas import Atlas
from neural_core.texture.heads import HeadConfig, SkinModel
from neural_core.texture.necklines import HAIR, Neckline, NecklineConfig
from neural_core.texture.poisson import screened_poisson
from neural_core.texture.regions import body_regions
from neural_core.texture.rings import ring_prior
from neural_core.texture.sampling import PartialTexture
from neural_core.texture.surface_graph import surface_edges


@dataclass(frozen=True)
class PaintConfig:
    head: HeadConfig = field(default_factory=HeadConfig)
    neckline: NecklineConfig = field(default_factory=NecklineConfig)
    bald: float = 0.9  # share of skin in the seen scalp from which there is no hair to paint
    least_scalp: float = 0.02  # share of the scalp that must be seen for it to say anything
    certain: float = 0.5  # confidence from which a texel counts as seen
    label_pull: float = 0.1  # of the hairline on what was not seen, against 1 of each neighbour: 3 texels
    colour_pull: float = 0.003  # of a kind's own colour: 18 texels of 256, so that light changes gently
    face_on: float = 0.5  # facing from which seen skin spreads: at the rim of a face hair and backdrop are mixed in
    # Share of the imagined colour in what is expected of hair, the rest is the seen hair's; on necks, where the
    # imagined is a blend with the collar, all is.
    learnt: float = 0.5
    edge: float = 0.4  # width of the border between the kinds, in units of the field that decides
    hanging: float = 0.5  # share of hair beside the neck from which hair hangs behind it, too
    ring: float = 0.01  # metres of height in which that share is counted
    nape: float = 0.06  # metres above the neck joint at which hair ends behind,
    behind: float = 0.01  # metres behind it from which a neck is its nape
    skin_shade: tuple[float, float] = (
        0.3,
        1.2,
    )  # of what was imagined against a neck's skin, which is believed by half,
    cloth_shade: tuple[float, float] = (0.75, 1.2)  # and against cloth, where it may be a blend with skin
    line: float = 0.01  # metres over which the expectation changes at a neckline and at the nape's hairline
    crisp: float = 0.15  # the same as `edge`, for cloth: it ends in a line
    below: tuple[float, float] = (0.05, 0.2)  # metres below a neckline over which what was imagined comes back


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
    hair_colour = agreed(colour, of_scalp * hairy)
    like_hair = hairy & (np.square(colour - hair_colour).sum(1) < HAIR**2)
    hairy = np.where(neck > 0.5, like_hair, hairy)
    hangs = _hanging(at[:, 3:], confidence * (neck > 0.5), like_hair, config)
    pairs, weights = surface_edges(atlas, body)
    worn = Neckline.of(
        at[:, 3:],
        colour,
        np.where(confidence >= config.certain, confidence, 0),
        on_face,
        skin_colour,
        hair_colour,
        face + scalp > 0.5,
        pairs,
        body,
        config.neckline,
    )
    joint = body.joint_template[JOINT_INDEX["neck"]].cpu().numpy()
    over, back = at[:, 4] - joint[1] - config.nape, joint[2] - config.behind - at[:, 5]
    hangs = np.maximum(hangs, np.clip(over / config.line + 0.5, 0, 1) * np.clip(back / config.line + 0.5, 0, 1))
    hairline = np.clip(scalp + neck * hangs, 0, 1)
    whole = np.clip(face + scalp + neck * hangs, 0, 1)  # how much of a texel is painted
    cloth, below = np.zeros(len(colour), bool), np.zeros(len(colour))
    if worn is not None:
        cloth, hairy = worn.cloth, np.where(worn.near, worn.hair, hairy)
        if not worn.bare:
            hairline = np.maximum(hairline, worn.near & (worn.above > 0))
        skin_colour = np.where(
            (worn.near & (neck > 0.5))[:, None], _shaded(worn.skin, guess, config.skin_shade), skin_colour
        )
        below = np.clip(0.5 - worn.above / config.line, 0, 1) * (1 - hairline)
        near, far = config.below
        whole = np.clip((worn.above + far) / (far - near), 0, 1) * np.maximum(whole, worn.near)

    def expected(stuff: np.ndarray, plain: np.ndarray) -> np.ndarray:
        """(n, 3) colours of the rings of one stuff (n,), and plain (3,) where they say nothing."""
        rings, belief, _ = ring_prior(colour, confidence * stuff, facing, atlas, body)
        return belief[:, None] * rings + (1 - belief[:, None]) * plain

    learnt = config.learnt * (1 - neck[:, None])
    hair_expected = learnt * guess + (1 - learnt) * expected(hairy & ~cloth, hair_colour)
    bare = ~hairy & ~cloth & (facing >= config.face_on)
    stuffs = [(hairy & ~cloth, hair_expected), (bare, skin_colour)]
    if worn is not None:
        stuffs.append((cloth, _shaded(expected(cloth, worn.tone), guess, config.cloth_shade)))

    rows = np.nonzero((face + scalp + neck > 0.3) | (whole > 0))[0]
    seen = confidence[rows] >= config.certain
    graph = _within(rows, pairs, weights, len(colour))
    told = np.stack([hairy, cloth, cloth], 1)[rows].astype(float)
    prior = np.stack([hairline, below, below], 1)[rows]
    kind = _spread(told, seen, np.zeros_like(prior), prior, graph, config.label_pull)
    of_hair, of_cloth = np.clip((kind[:, :2] - 0.5) / [config.edge, config.crisp] + 0.5, 0, 1).T[:, :, None]
    painted = [
        _spread(colour[rows], seen & chosen[rows], wish[rows], wish[rows], graph, config.colour_pull)
        for chosen, wish in stuffs
    ]
    mixed = of_hair * painted[0] + (1 - of_hair) * painted[1]
    if worn is not None:
        mixed = of_cloth * painted[2] + (1 - of_cloth) * mixed
    mine = whole[rows, None]
    known = seen & ((face + scalp + neck)[rows] > 0.3)
    guess[rows] = np.where(known[:, None], colour[rows], mine * mixed + (1 - mine) * guess[rows])
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


def _shaded(stuff: np.ndarray, guess: np.ndarray, within: tuple[float, float]) -> np.ndarray:
    """Colours (n or 1, 3) half as dark as what was imagined (n, 3): it knows that napes lie in the shade."""
    shade = guess.sum(1, keepdims=True) / np.maximum(stuff.sum(-1, keepdims=True), 1e-3)
    return np.clip(stuff * np.sqrt(np.clip(shade, *within)), 0, 1)


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
