"""What colour an unseen place should have: that of the seen places at the same height of the same region.

For every region the seen texels are gathered in rings along its axis, and each ring takes the colour that most of them
agree on. Empty rings take from wider and wider neighbourhoods, and from the other side's limb.
"""

from dataclasses import dataclass

import numpy as np
import torch
from scipy import ndimage

from neural_core.body.model import BodyModel
from neural_core.texture.atlas import Atlas
from neural_core.texture.regions import Region, body_regions


@dataclass(frozen=True)
class RingConfig:
    width: float = 0.008  # metres of a ring: a hem on the back stays as sharp as a texel of the 256 atlas
    windows: tuple[float, ...] = (0.005, 0.02, 0.05, 0.15)  # metres, standard deviations of the neighbourhoods
    enough: float = 4.0  # texels of evidence at which a window is believed as much as all wider ones together
    other_side: float = 0.1  # weight of the other arm's or leg's texels: decisive only where this one was not seen
    border: float = 0.25  # weight of a texel that faces the camera, against 1 of one at the border of what was seen:
    #                       the back of an open jacket is jacket, not the shirt between its halves
    agree: tuple[float, ...] = (0.5, 0.3, 0.2, 0.14, 0.1, 0.1)  # colour distance of agreement, narrowed step by step
    strayed: float = 0.1  # metres of decay of the belief beyond the last seen ring


def ring_prior(
    colour: np.ndarray,
    confidence: np.ndarray,
    facing: np.ndarray,
    atlas: Atlas,
    body: BodyModel,
    config: RingConfig | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Expected colours (n, 3) of all covered texels and belief in them (n,) in [0, 1].

    Args:
        colour: (n, 3) and confidence: (n,) of the covered texels, 0 where not seen. facing: (n,) cosines.
    """
    config = config or RingConfig()
    regions = body_regions(body)
    fields = {name: _at_texels(region, atlas, body) for name, region in regions.items()}
    evidence = confidence * (config.border + (1 - config.border) * (1 - facing))
    total, belief = np.zeros_like(colour), np.zeros(len(colour))
    for name, region in regions.items():
        weight, along = fields[name]
        samples = [(along, colour, evidence * weight**2)]  # squared: a ring is made by its region's core
        if region.twin is not None:
            twin_weight, twin_along = fields[region.twin]
            samples.append((twin_along, colour, config.other_side * evidence * twin_weight**2))
        rings = _Rings(samples, along[weight > 0.01], config)
        value, trust = rings.at(along)
        total += (weight * trust)[:, None] * value
        belief += weight * trust
    known = belief > 1e-6
    total[known] /= belief[known, None]
    return total, np.clip(belief, 0, 1)


class _Rings:
    """The agreed colour along one region's axis."""

    def __init__(self, samples, extent: np.ndarray, config: RingConfig):
        along = np.concatenate([s[0] for s in samples])
        colour = np.concatenate([s[1] for s in samples])
        weight = np.concatenate([s[2] for s in samples])
        low, high = (extent.min(), extent.max()) if len(extent) else (0.0, 0.0)
        use = (weight > 1e-3) & (along >= low) & (along <= high)
        along, colour, weight = along[use], colour[use], weight[use]
        self.low, self.width = low, config.width
        self.count = int((high - low) / config.width) + 1
        ring = np.clip(((along - low) / config.width).astype(np.int64), 0, self.count - 1)
        self.colour, self.trust = np.zeros((self.count, 3)), np.zeros(self.count)
        if not len(ring):
            return
        # Agreement (iterated reweighting): begin with everything in a wide window, then let outvoted texels go.
        mass = np.bincount(ring, weight, self.count)
        value = self._smooth(ring, colour, weight, mass, config)
        for distance in config.agree:
            stray = np.square(colour - value[ring]).sum(1) / distance**2
            value = self._smooth(ring, colour, weight / (1 + stray) ** 2, mass, config)
        self.colour = value
        far = np.full(self.count, np.inf)
        if (mass >= 1).any():
            far = np.asarray(ndimage.distance_transform_edt(mass < 1), np.float64) * config.width
        self.trust = np.exp(-far / config.strayed)

    def _smooth(self, ring: np.ndarray, colour: np.ndarray, weight: np.ndarray, mass: np.ndarray, config: RingConfig):
        """Colours (count, 3) from the narrowest windows in which the evidence, mass (count,), is enough."""
        voting = np.bincount(ring, weight, self.count)
        sums = np.stack([np.bincount(ring, weight * colour[:, c], self.count) for c in range(3)], 1)
        value = np.broadcast_to(sums.sum(0) / voting.sum(), sums.shape)
        for window in reversed(config.windows):
            sigma = window / config.width
            evidence = ndimage.gaussian_filter1d(mass, sigma, mode="constant") * sigma * 2.5  # texels in the window
            near = ndimage.gaussian_filter1d(voting, sigma, mode="constant")[:, None]
            near_sum = ndimage.gaussian_filter1d(sums, sigma, axis=0, mode="constant")
            share = (evidence / (evidence + config.enough))[:, None]
            value = np.where(near > 1e-9, share * near_sum / np.maximum(near, 1e-9) + (1 - share) * value, value)
        return value

    def at(self, along: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Colours (n, 3) and trust (n,) at coordinates along (n,)."""
        centres = self.low + (np.arange(self.count) + 0.5) * self.width
        value = np.stack([np.interp(along, centres, self.colour[:, c]) for c in range(3)], 1)
        return value, np.interp(along, centres, self.trust)


def _at_texels(region: Region, atlas: Atlas, body: BodyModel) -> tuple[np.ndarray, np.ndarray]:
    both = atlas.on_surface(torch.stack([region.weight, region.along], 1), body.faces).double().cpu().numpy()
    return both[:, 0], both[:, 1]
