"""The classical completion of a partial texture, the baseline of every later one.

Unseen texels have an expectation: the mirrored texel where that was seen, else the ring of seen texels at the same
height of the same region. The completed texture keeps the expectation's gradients and meets the seen texels without a
step: one screened Poisson problem on the surface graph, across all chart borders (Poisson image editing, Perez et al.
2003, with a pull towards the expectation).
"""

from dataclasses import dataclass, field

import numpy as np
import torch
from scipy import ndimage
from torch import Tensor

from neural_core.body.model import BodyModel
from neural_core.texture.atlas import Atlas, lookup
from neural_core.texture.poisson import screened_poisson
from neural_core.texture.rings import RingConfig, ring_prior
from neural_core.texture.sampling import PartialTexture
from neural_core.texture.surface_graph import mirror_texels, surface_edges

_NOTHING, _RING, _MIRROR = 0, 1, 2  # where a texel's expected colour comes from


@dataclass(frozen=True)
class CompletionConfig:
    work_resolution: int = 256  # where the equations are solved; detail is added at the partial texture's own
    certain: float = 0.999  # confidence from which a texel is kept exactly
    data: float = 0.5  # pull of a half-trusted texel towards its sample, against 1 of each neighbour
    mirror_confidence: float = 0.5  # a mirrored texel must have been seen this well
    mirror_pull: float = 0.004  # towards the expectation: corrections fade over 1/sqrt = 16 texels (10 cm)
    ring_pull: float = 0.004  # the same: light differs from side to side
    hole: tuple[float, float] = (3.0, 12.0)  # texels from what was seen: nearer, the expectation does not pull, and
    #                                          small holes are filled from their rims; farther, it pulls in full
    surprise: float = 0.12  # colour distance from the expectation at which a seen texel spreads half as much
    least_spread: float = 0.05  # and the least share, so that no border is quite a cut
    least_belief: float = 0.05  # below which a ring says nothing
    floor: float = 1e-6  # keeps pieces that know nothing (an eyeball never seen) at the mean colour
    rings: RingConfig = field(default_factory=RingConfig)


@torch.no_grad()
def complete(partial: PartialTexture, atlas: Atlas, body: BodyModel, config: CompletionConfig | None = None) -> Tensor:
    """The whole texture (3, R, R) in [0, 1], dilated between the charts; texels of full confidence are kept exactly.

    Args:
        partial: what was seen, at the atlas's resolution R (`atlas` belongs to `body`).
    """
    config = config or CompletionConfig()
    if partial.rgb.shape[-1] != atlas.resolution:
        raise ValueError(f"partial texture of {partial.rgb.shape[-1]} texels, atlas of {atlas.resolution}")
    if not bool((partial.confidence > 0).any()):
        return torch.full_like(partial.rgb, 0.5)  # nothing was seen: neutral grey
    if atlas.resolution <= config.work_resolution:
        return atlas.dilate(_solve(partial, atlas, body, config))
    work = Atlas.of(body, config.work_resolution)
    coarse = reduce_partial(partial, atlas, work)
    smooth = work.dilate(_solve(coarse, work, body, config))
    return atlas.dilate(add_detail(partial, coarse, smooth, atlas, work, body, config))


def _solve(partial: PartialTexture, atlas: Atlas, body: BodyModel, config: CompletionConfig) -> Tensor:
    """The completed texture (3, R, R) by a direct solve over all covered texels."""
    colour, confidence, facing = (
        atlas.at_texels(x).double().cpu().numpy() for x in (partial.rgb, partial.confidence, partial.facing)
    )
    fixed = confidence >= config.certain
    expectation = _Expectation(colour, confidence, facing, atlas, body, config)
    pairs, weights = surface_edges(atlas, body)
    a, b = pairs.T
    agreement = expectation.agreement()
    border = fixed[a] != fixed[b]
    weights = np.where(border, weights * np.where(fixed[a], agreement[a], agreement[b]), weights)
    data = np.where(fixed, 0.0, config.data * agreement * confidence / (1.02 - np.minimum(confidence, 1.0)))
    step = expectation.steps(a, b, fixed)
    solved = screened_poisson(colour, fixed, pairs, weights, step, data, expectation.colour, expectation.pull)
    c = np.where(fixed, 1.0, confidence)[:, None]
    solution = c * colour + (1 - c) * solved
    return atlas.image(torch.from_numpy(solution).float().to(atlas.uv.device))


class _Expectation:
    """What the covered texels should look like, before they are made to agree with what was seen.

    Attributes:
        colour: (n, 3). pull: (n,) strength towards it. source: (n,) _MIRROR, _RING or _NOTHING.
    """

    def __init__(self, colour, confidence, facing, atlas: Atlas, body: BodyModel, config: CompletionConfig):
        self.seen, self.config = colour, config
        self.ring, belief, self.sleeve = ring_prior(colour, confidence, facing, atlas, body, config.rings)
        mirror = mirror_texels(atlas, body).cpu().numpy()
        self.mirror_seen = (mirror >= 0) & (confidence[mirror] >= config.mirror_confidence)
        self.mirror = colour[mirror]
        deep, self.in_large = holes(confidence, atlas, config)
        # A small hole takes after its rim: folds and light of the other side do not belong there.
        mirrored = self.mirror_seen & (confidence < config.certain) & (self.in_large > 0.5)
        self.source = np.where(mirrored, _MIRROR, np.where(belief > config.least_belief, _RING, _NOTHING))
        pull = np.select([mirrored, self.source == _RING], [config.mirror_pull, config.ring_pull * belief], 0.0)
        self.pull = pull * deep**2 + config.floor
        mean = (colour * confidence[:, None]).sum(0) / confidence.sum()
        self.colour = np.select([mirrored[:, None], (self.source == _RING)[:, None]], [self.mirror, self.ring], mean)

    def agreement(self) -> np.ndarray:
        """(n,) in (0, 1], how much of a seen texel's difference from expectation spreads into the unseen beside it.

        What was seen there but not expected (a strand of hair, a printed finger) is no reason to recolour the rest.
        """
        expected = np.where(self.mirror_seen[:, None], self.mirror, self.ring)
        stray = np.square(self.seen - expected).sum(1) / self.config.surprise**2
        spread = np.maximum(1 / (1 + stray), self.config.least_spread)
        return spread + (1 - spread) * (1 - self.in_large)  # a small hole is filled from its whole rim alike

    def steps(self, a: np.ndarray, b: np.ndarray, fixed: np.ndarray) -> np.ndarray:
        """Expected colour differences (e, 3) of neighbours a, b: zero where their colours have different sources,
        and where a sleeve is set in.

        A fixed texel is not filled, so it takes the source of its neighbour.
        """
        source_a = np.where(fixed[a], self.source[b], self.source[a])
        source_b = np.where(fixed[b], self.source[a], self.source[b])
        same = source_a == source_b
        ring = same & (source_a == _RING) & ~(self.sleeve[a] | self.sleeve[b])
        mirror = same & (source_a == _MIRROR) & self.mirror_seen[a] & self.mirror_seen[b]
        by_ring, by_mirror = self.ring[a] - self.ring[b], self.mirror[a] - self.mirror[b]
        return np.select([ring[:, None], mirror[:, None]], [by_ring, by_mirror], 0.0)


def holes(confidence: np.ndarray, atlas: Atlas, config: CompletionConfig) -> tuple[np.ndarray, np.ndarray]:
    """How deep in the unseen each texel lies (n,), and how large the unseen place around it is (n,), both in [0, 1]."""
    near, far = config.hole
    seen = atlas.image(torch.from_numpy(confidence > 0).to(atlas.uv.device)).cpu().numpy()
    distance = np.asarray(ndimage.distance_transform_edt(~seen & atlas.covered.cpu().numpy()))
    size = ndimage.maximum_filter(distance, 2 * int(far) + 1)
    ramps = (np.clip((x - near) / (far - near), 0, 1) for x in (distance, size))
    texels = atlas.texels.cpu().numpy()
    deep, large = (x.reshape(-1)[texels] for x in ramps)
    return deep, large


def reduce_partial(partial: PartialTexture, atlas: Atlas, work: Atlas) -> PartialTexture:
    """The partial texture at the work resolution: means over the texels of the same chart, weighted by confidence."""
    row = work.texel_of(atlas.texel_uv, atlas.chart.reshape(-1)[atlas.texels])
    keep = row >= 0
    row, n = row[keep], len(work.texels)

    def total(values: Tensor) -> Tensor:
        return torch.zeros(n, *values.shape[1:], device=values.device).index_add_(0, row, values)

    rgb, confidence, facing, sampled, filled = (
        atlas.at_texels(x)[keep].float()
        for x in (partial.rgb, partial.confidence, partial.facing, partial.sampled, partial.filled)
    )
    count, weight = total(torch.ones_like(confidence)).clamp(min=1), total(confidence)
    # A coarse texel is sure when the seen part of it is; seen by less than half, it is less.
    seen = total((confidence > 0).float())
    sure = weight / seen.clamp(min=1) * (2 * seen / count).clamp(max=1)
    sure = torch.where(sure > 0.9, torch.ones_like(sure), sure)
    mean = total(rgb * confidence[:, None]) / weight.clamp(min=1e-12)[:, None]
    return PartialTexture(
        work.image(mean),
        work.image(sure),
        work.image(total(sampled) > 0),
        work.image((total(filled) > 0) & (total(sampled) == 0)),
        work.image(total(facing) / count),
    )


def add_detail(partial, coarse, smooth: Tensor, atlas: Atlas, work: Atlas, body: BodyModel, config) -> Tensor:
    """Detail of what was seen, and of what was seen on the other side, over the smooth completion."""
    uv = atlas.texel_uv[None]
    fill = lookup(smooth, uv)[:, 0].T  # (n, 3)
    colour, confidence = atlas.at_texels(partial.rgb), atlas.at_texels(partial.confidence)
    seen = (coarse.confidence > 0).float()[None]
    smooth_seen = lookup(work.dilate(torch.cat([coarse.rgb * seen, seen])), uv)[:, 0].T
    detail = (colour - smooth_seen[:, :3] / smooth_seen[:, 3:].clamp(min=1e-3)) * confidence[:, None]
    mirror = mirror_texels(atlas, body)
    large = holes(work.at_texels(coarse.confidence).cpu().numpy(), work, config)[1]
    large = lookup(work.dilate(work.image(torch.from_numpy(large).float().to(uv.device))[None]), uv)[0, 0]
    unseen = (confidence < config.certain) & (mirror >= 0) & (large > 0.5)
    sharp = fill + torch.where(unseen[:, None], detail[mirror.clamp(min=0)], torch.zeros_like(detail))
    c = torch.where(confidence >= config.certain, torch.ones_like(confidence), confidence)[:, None]
    return atlas.image((c * colour + (1 - c) * sharp).clamp(0, 1))
