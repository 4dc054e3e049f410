"""What colour an unseen place should have: that of the seen places at the same height of the same region.

For every region the seen texels are gathered in rings along its axis, and each ring takes the colour that most of them
agree on. Empty rings take from wider and wider neighbourhoods, and from the other side's limb. Then the rings are cut
into garments (texture.garments): hems are edges, and a garment's shade is low-passed.
"""

from dataclasses import dataclass, field

import numpy as np
import torch
from scipy import ndimage

from neural_core.body.model import BodyModel
from neural_core.texture.atlas import Atlas
from neural_core.texture.garments import GarmentConfig, even, garments, same_garment
from neural_core.texture.oklab import oklab
from neural_core.texture.regions import Region, body_regions


@dataclass(frozen=True)
class RingConfig:
    width: float = 0.008  # metres of a ring: a hem on the back stays as sharp as a texel of the 256 atlas
    windows: tuple[float, ...] = (0.005, 0.02)  # metres, standard deviations of the neighbourhoods of one limb alone
    pooled: float = 0.05  # metres, of the neighbourhood of both sides' limbs; beyond, its last colours go on
    enough: float = 8.0  # texels of evidence at which a window is believed as much as the wider ones
    other_side: float = 0.1  # weight of the other arm's or leg's texels: decisive only where this one was not seen
    border: float = 0.25  # weight of a texel that faces the camera, against 1 of one at the border of what was seen:
    #                       the back of an open jacket is jacket, not the shirt between its halves
    agree: tuple[float, ...] = (0.5, 0.3, 0.2, 0.14, 0.1, 0.1)  # colour distance of agreement, narrowed step by step
    sharp: float = 1.5  # power of the regions' weights where they meet: a neckline, a cuff, an ankle are edges
    shoe: tuple[float, float, float] = (0.12, 0.12, 0.12)  # sRGB, of feet of which next to nothing was seen
    foot: float = 20.0  # texels of evidence of both feet below which that is so
    garments: GarmentConfig = field(default_factory=GarmentConfig)
    meeting: float = 0.05  # share of a texel from which a region reaches there, where trunk and arm meet
    strayed: float = 0.4  # metres of decay of the belief beyond the last seen ring: trousers go on below the picture


def ring_prior(
    colour: np.ndarray,
    confidence: np.ndarray,
    facing: np.ndarray,
    atlas: Atlas,
    body: BodyModel,
    config: RingConfig | None = None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Expected colours (n, 3) of all covered texels, belief in them (n,) in [0, 1], where a sleeve is set in (n,) bool.

    There trunk and arm are of one garment: where their colours differ, it is shade, which has no edge.

    Args:
        colour: (n, 3) and confidence: (n,) of the covered texels, 0 where not seen. facing: (n,) cosines.
    """
    config = config or RingConfig()
    regions = body_regions(body)
    fields = {name: _at_texels(region, atlas, body) for name, region in regions.items()}
    position = atlas.on_surface(body.template, body.faces).double().cpu().numpy()
    evidence = confidence * (config.border + (1 - config.border) * (1 - facing))
    total, shares, belief = np.zeros_like(colour), np.zeros(len(colour)), np.zeros(len(colour))
    parts: dict[str, tuple[np.ndarray, np.ndarray]] = {}
    for name, region in regions.items():
        weight, along = fields[name]
        across = position[:, 2 if name.endswith("foot") else 1 if "_" in name else 0]  # at a right angle to the axis
        samples = [(along, colour, evidence * weight**2, across)]  # squared: a ring is made by its region's core
        if region.twin is not None:
            twin_weight, twin_along = fields[region.twin]
            samples.append((twin_along, colour, evidence * twin_weight**2, across))
        if name.endswith("foot") and sum(each.sum() for _, _, each, _ in samples) < config.foot:
            value, trust = np.broadcast_to(config.shoe, colour.shape), 1e3 * (weight > 0.5)  # a guess, with an edge
        else:
            value, trust = _Rings(samples, along[weight > 0.01], config).at(along)
        share = weight**config.sharp * trust
        parts[name] = share, value
        total += share[:, None] * value
        shares += share
        belief += weight * trust
    known = shares > 0
    total[known] /= shares[known, None]
    sleeves = [_set_in(parts["trunk"], parts[f"{side}_arm"], config) for side in ("left", "right")]
    return total, np.clip(belief, 0, 1), np.logical_or(*sleeves)


def _set_in(trunk: tuple[np.ndarray, np.ndarray], arm: tuple[np.ndarray, np.ndarray], config: RingConfig) -> np.ndarray:
    """(n,) bool, where trunk and arm, each (share (n,), colour (n, 3)), meet in one garment."""
    both = np.minimum(trunk[0], arm[0]) > config.meeting * (trunk[0] + arm[0])
    return both & same_garment(trunk[1], arm[1], config.garments)


class _Rings:
    """The agreed colour along one region's axis.

    Args:
        samples: (along, colour, weight, across) of the region's texels, then of its twin's; across: metres, where in
            their ring they lie. extent: along, where asked for.
    """

    def __init__(self, samples: list[tuple[np.ndarray, ...]], extent: np.ndarray, config: RingConfig):
        along, colour, both, across = (np.concatenate(column) for column in zip(*samples))
        own = np.repeat([1.0, config.other_side][: len(samples)], [len(s[0]) for s in samples])
        low, high = (extent.min(), extent.max()) if len(extent) else (0.0, 0.0)
        use = (both > 1e-3) & (along >= low) & (along <= high)
        along, colour, both, own, across = along[use], colour[use], both[use], own[use], across[use]
        self.low, self.width = low, config.width
        self.count = int((high - low) / config.width) + 1
        ring = np.clip(((along - low) / config.width).astype(np.int64), 0, self.count - 1)
        self.colour, self.trust = np.zeros((self.count, 3)), np.zeros(self.count)
        if not len(ring):
            return
        # Agreement (iterated reweighting): begin with everything in a wide window, then let outvoted texels go. Where a
        # limb shows nothing for far, both sides vote alike, so that both go on in the same colour.
        mass, votes = np.bincount(ring, both * own, self.count), both
        value = self._smooth(ring, colour, votes, own, mass, config)
        for distance in config.agree:
            stray = np.square(colour - value[ring]).sum(1) / distance**2
            votes = both / (1 + stray) ** 2
            value = self._smooth(ring, colour, votes, own, mass, config)
        sure = np.minimum(mass / config.enough, 1.0)
        columns = _columns(ring, across, colour, self.count)
        garment = garments(value, sure, columns, config.width, config.garments)
        self.colour = even(value, sure, garment, config.width, config.garments)
        far = np.full(self.count, np.inf)
        if (mass >= 1).any():
            far = np.asarray(ndimage.distance_transform_edt(mass < 1), np.float64) * config.width
        self.trust = np.exp(-far / config.strayed)

    def _smooth(self, ring, colour, votes, own, mass: np.ndarray, config: RingConfig) -> np.ndarray:
        """Colours (count, 3) from the narrowest windows in which the evidence, mass (count,), is enough."""
        value = self._window(ring, colour, votes, config.pooled)[0]
        evidence = self._window(ring, colour, np.ones(len(ring)), config.pooled)[1]
        seen = np.nonzero(evidence >= min(config.enough, evidence.max()))[0]
        value = np.stack([np.interp(np.arange(self.count), seen, value[seen, c]) for c in range(3)], 1)
        for window in reversed(config.windows):
            narrow, near = self._window(ring, colour, votes * own, window)
            sigma = window / self.width
            evidence = ndimage.gaussian_filter1d(mass, sigma, mode="constant") * sigma * 2.5  # texels in the window
            share = np.where(near > 1e-9, evidence / (evidence + config.enough), 0.0)[:, None]
            value = share * narrow + (1 - share) * value
        return value

    def _window(self, ring, colour, weight, window: float) -> tuple[np.ndarray, np.ndarray]:
        """Weighted mean colour (count, 3) in a Gaussian window, metres, and the weight in it (count,)."""
        sigma = window / self.width
        total = np.stack([np.bincount(ring, weight * x, self.count) for x in (*colour.T, np.ones(len(ring)))], 1)
        total = ndimage.gaussian_filter1d(total, sigma, axis=0, mode="constant") * sigma * 2.5
        return total[:, :3] / np.maximum(total[:, 3:], 1e-12), total[:, 3]

    def at(self, along: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Colours (n, 3) and trust (n,) at coordinates along (n,)."""
        centres = self.low + (np.arange(self.count) + 0.5) * self.width
        value = np.stack([np.interp(along, centres, self.colour[:, c]) for c in range(3)], 1)
        return value, np.interp(along, centres, self.trust)


def _columns(ring: np.ndarray, across: np.ndarray, colour: np.ndarray, count: int) -> np.ndarray:
    """Lightness (k, count) of the texels in columns of 2 cm beside each other, nan where there are none."""
    column = np.floor((across - across.min()) / 0.02).astype(np.int64)
    cell, cells = column * count + ring, (column.max() + 1) * count
    number = np.bincount(cell, minlength=cells)
    total = np.bincount(cell, oklab(colour)[:, 0], cells)
    return np.where(number > 0, total / np.maximum(number, 1), np.nan).reshape(-1, count)


def _at_texels(region: Region, atlas: Atlas, body: BodyModel) -> tuple[np.ndarray, np.ndarray]:
    both = atlas.on_surface(torch.stack([region.weight, region.along], 1), body.faces).double().cpu().numpy()
    return both[:, 0], both[:, 1]
