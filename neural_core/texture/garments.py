"""Where one garment ends and the next begins, along the rings of a region.

A garment has one hue and a shade that fades: along the rings its two coordinates of chroma are constant and its
lightness is a line. Rings are cut into as few such pieces as fit them; between two pieces lies a hem, as sharp as a
ring, wherever the fit puts it, though slanted hems and folds make the rings' own colours change over a hand's width. A
border where lightness alone changes may be shade: it is a hem only if the seen texels change there at once.
"""

from dataclasses import dataclass

import numpy as np

from neural_core.texture.oklab import oklab


@dataclass(frozen=True)
class GarmentConfig:
    lightness: float = 0.5  # how much a difference of lightness counts against one of chroma (Oklab)
    piece: float = 0.004  # what one more piece costs: squared distances (Oklab) summed over rings
    least: float = 0.03  # metres, the narrowest piece
    hue: float = 0.03  # difference of chroma from which a border is one of garments whatever the light,
    shade: float = 0.06  # with this share of that of lightness: no shade makes black of white
    near: float = 0.08  # metres on each side of a border that tell what it is
    slant: float = 0.024  # metres beside it that do not tell hue: rings there mix what a slanted hem divides
    crisp: float = 0.75  # share of a step of lightness that must happen within 3 cm, side by side and in the rings,
    beside: float = 0.7  # and side by side alone: light falling off to the floor fades there, though a majority jumps
    faint: float = 0.08  # step of lightness (Oklab) below which it is a fold or the shadow of a hand
    mixture: float = 0.1  # metres below which a piece between two others may be no more than their mixture
    even: float = 0.16  # metres of a garment over which its shade is averaged


def garments(
    colour: np.ndarray, weight: np.ndarray, columns: np.ndarray, width: float, config: GarmentConfig
) -> np.ndarray:
    """The garment (count,) of each ring: 0 at the lowest, one more after each hem.

    Args:
        colour: (count, 3) sRGB that the rings agree on. weight: (count,) in [0, 1], how sure a ring is.
        columns: (k, count) lightness (Oklab) of the seen texels side by side, nan where none. width: metres of a ring.
    """
    flat, sure = oklab(colour), weight + 1e-3
    hems, reach, slant = [], round(config.near / width), round(config.slant / width)
    starts = _pieces(flat * [config.lightness, 1, 1], sure, width, config)
    for low, start, high in zip(starts, starts[1:], [*starts[2:], len(colour)]):
        below, above = slice(max(low, start - reach), start), slice(start, min(high, start + reach))
        step = _step(flat, sure, below, above)
        around = slice(max(0, start - reach), start + reach)
        at_once = [_at_once(rows[:, around], step[0], width) for rows in (columns, flat[None, :, 0])]
        sharp = abs(step[0]) > config.faint and np.mean(at_once) > config.crisp and at_once[0] > config.beside
        below = slice(below.start, start - min(slant, (start - low - 1) // 2))
        above = slice(start + min(slant, (high - start - 1) // 2), above.stop)
        hue = _step(flat, sure, below, above)[1:]
        if np.linalg.norm([config.shade * step[0], *hue]) > config.hue or sharp:
            hems.append(start)
    return np.isin(np.arange(len(colour)), hems).cumsum()


def same_garment(one: np.ndarray, other: np.ndarray, config: GarmentConfig) -> np.ndarray:
    """(n,) bool, whether sRGB colours (n, 3) may be one cloth in two lights."""
    one, other = oklab(one), oklab(other)
    light, other_light = (np.maximum(each[:, :1], 1e-3) for each in (one, other))
    hue = (one[:, 1:] / light - other[:, 1:] / other_light) * np.minimum(light, other_light)  # both in the dimmer light
    return np.linalg.norm(np.concatenate([config.shade * (light - other_light), hue], 1), axis=1) < config.hue


def _step(flat: np.ndarray, sure: np.ndarray, below: slice, above: slice) -> np.ndarray:
    """(3,) the mean of flat (n, 3) above minus that below."""
    return np.average(flat[above], 0, sure[above]) - np.average(flat[below], 0, sure[below])


def _pieces(flat: np.ndarray, sure: np.ndarray, width: float, config: GarmentConfig) -> list[int]:
    """First rings of the pieces, without narrow ones that only mix their neighbours' colours: a slanted hem."""
    starts = _cut(flat, sure, max(1, round(config.least / width)), config.piece)
    index = 1
    while index + 1 < len(starts):
        low, start, end, high = [*starts, len(flat)][index - 1 : index + 3]
        below, own, above = (np.average(flat[i:j], 0, sure[i:j]) for i, j in ((low, start), (start, end), (end, high)))
        line = above - below
        length = max(float(line @ line), 1e-9)
        share = float((own - below) @ line) / length
        stray = float(np.square(own - below - share * line).sum())
        if (end - start) * width < config.mixture and 0.1 < share < 0.9 and stray < 0.1 * length:
            like_below = int(((flat[start:end] - below) @ line < 0.5 * length).sum())
            starts[index : index + 2] = [start + like_below]
        else:
            index += 1
    return starts


def _at_once(columns: np.ndarray, step: float, width: float) -> float:
    """Share of a step of lightness, at most 1, that most columns (k, rings) take together within 3 cm."""
    span = max(1, round(0.03 / width))
    change = (columns[:, span:] - columns[:, :-span]) * np.sign(step)
    change = change[np.isfinite(change).mean(1) > 0.5]
    known = np.isfinite(change).any(0)
    return min(1.0, float(np.nanmedian(change[:, known], 0).max()) / max(abs(step), 0.05)) if known.any() else 0.0


def even(
    colour: np.ndarray, weight: np.ndarray, garment: np.ndarray, width: float, config: GarmentConfig
) -> np.ndarray:
    """Colours (count, 3) averaged within each garment (count,), the nearest rings most."""
    place = np.arange(len(colour)) * width
    near = (1 + np.square((place[:, None] - place) / config.even)) ** -2.0
    near = near * (garment[:, None] == garment) * (weight + 1e-3)
    return near @ colour / near.sum(1, keepdims=True)


def _cut(flat: np.ndarray, weight: np.ndarray, least: int, piece: float) -> list[int]:
    """First rings of the pieces that cost least (dynamic programming over all borders)."""
    cost = _costs(flat, weight) + piece
    n = len(flat)
    best, back = np.full(n + 1, np.inf), np.zeros(n + 1, int)
    best[0] = 0
    for end in range(1, n + 1):
        last = max(1, end - least + 1)
        total = best[:last] + cost[:last, end]
        back[end] = total.argmin()
        best[end] = total[back[end]]
    starts, end = [], n
    while end > 0:
        end = int(back[end])
        starts.append(end)
    return starts[::-1]


def _costs(flat: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """(n + 1, n + 1) squared error of rings [i, j) as one piece: a line of lightness, constant chroma."""
    x = np.arange(len(flat)) / len(flat)

    def summed(values: np.ndarray) -> np.ndarray:
        """Weighted sums over [i, j) of (n,) or (n, 3)."""
        weighted = (values.T * weight).T
        total = np.concatenate([np.zeros_like(weighted[:1]), np.cumsum(weighted, 0)])
        return total[None] - total[:, None]

    w = np.maximum(summed(np.ones(len(flat))), 1e-9)
    sx, sxx, sf = summed(x), summed(x * x), summed(flat)
    error = (summed(flat**2) - sf**2 / w[..., None]).sum(2)
    spread = np.maximum(sxx - sx**2 / w, 1e-9)
    slope = summed(x * flat[:, 0]) - sx * sf[..., 0] / w
    return np.maximum(error - slope**2 / spread, 0)
