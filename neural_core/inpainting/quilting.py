"""More of the same stuff: patches laid side by side, cut where they differ least.

Efros and Freeman 2001, Image Quilting for Texture Synthesis and Transfer, over the places of an atlas that are wanted;
a patch is chosen for its likeness to the place (colour, part of the body), then for how it continues its neighbours.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

LUMA = np.array([0.299, 0.587, 0.114], np.float32)
_FAINT = 2e-3  # contrast below which stuff is plain


@dataclass(frozen=True)
class QuiltConfig:
    patch: float = 0.045  # metres, side of a patch
    overlap: float = 0.25  # of a patch, with its neighbours
    whole: float = 0.97  # share of a patch that may be taken
    colour: float = 0.12  # colour distance at which a patch is of another garment
    light: float = 0.5  # weight of a difference of brightness, against 1 of one of hue: light differs all round
    near: float = 0.5  # cost within which patches are of one garment
    plain: float = 0.3  # quantile of its patches' contrast that is the stuff's own, without hems, prints and pockets
    excess: float = 0.35  # difference of contrast (log) that costs as much as another garment's colour
    most: float = 4.0  # cost beyond which no patch is of this garment
    candidates: int = 32  # patches whose borders are compared
    tolerance: float = 1.2  # of the least border error, among which one is drawn
    used: float = 0.3  # cost of each earlier use of a patch
    limit: float = 2.5  # times the stuff's own contrast, beyond which detail is cut


class Stuff(NamedTuple):
    """Where patches come from.

    Attributes:
        detail: (R, R, 3), mean 0. low: (R, R, 3) the colours around it. usable: (R, R) bool. part: (R, R) int, of the
            body. texel: metres.
    """

    detail: np.ndarray
    low: np.ndarray
    usable: np.ndarray
    part: np.ndarray
    texel: float


class Sheet(NamedTuple):
    """What is being made, changed in place: detail and low (the sources' colours) (R, R, 3), written (R, R) bool."""

    detail: np.ndarray
    low: np.ndarray
    written: np.ndarray


def quilt(sheet: Sheet, wanted: np.ndarray, stuff: Stuff, apart: np.ndarray, seed: int, config: QuiltConfig) -> None:
    """Patches over all that is wanted (R, R) and not written.

    Args:
        apart: (parts, parts) cost of bringing a patch of one part to another.
    """
    patches = _Patches.of(stuff, config)
    if not len(patches.row):
        return
    random = np.random.default_rng(seed)
    side, R = patches.side, len(wanted)
    overlap = max(round(side * config.overlap), 2)
    fixed = sheet.written.copy()
    luma = stuff.detail @ LUMA
    windows = sliding_window_view(luma, (side, side))
    used = np.zeros(len(patches.row))
    for top in range(0, R - side + 1, side - overlap):
        for left in range(0, R - side + 1, side - overlap):
            place = np.s_[top : top + side, left : left + side]
            take = wanted[place] & ~fixed[place]
            if not take.any():
                continue
            low = stuff.low[place][take].mean(0)
            part = np.bincount(stuff.part[place][take]).argmax()
            cost = unlike(patches.low - low, config) + apart[patches.part, part]
            least = cost.min()
            if least > config.most:
                continue
            typical = np.quantile(patches.contrast[cost <= least + config.near], config.plain) + _FAINT
            cost += np.square(np.log((patches.contrast + _FAINT) / typical) / config.excess) + config.used * used
            best = np.argpartition(cost, min(config.candidates, len(cost) - 1))[: config.candidates]
            limit, known = config.limit * typical, sheet.written[place]
            now = np.clip(sheet.detail[place] @ LUMA, -limit, limit)
            error = np.square(np.clip(windows[patches.row[best], patches.column[best]], -limit, limit) - now)
            border = (error * known).sum((1, 2)) / max(known.sum(), 1) / typical**2 + cost[best]
            chosen = best[random.choice(np.nonzero(border <= config.tolerance * border.min())[0])]
            row, column = patches.row[chosen], patches.column[chosen]
            used += np.exp(-np.square(2 / side) * (np.square(patches.row - row) + np.square(patches.column - column)))
            source = np.s_[row : row + side, column : column + side]
            new = np.clip(stuff.detail[source], -limit, limit)
            take = _cut(np.square(new @ LUMA - now), known, overlap) & ~fixed[place]
            sheet.detail[place][take], sheet.low[place][take] = new[take], stuff.low[source][take]
            sheet.written[place] |= wanted[place]


class _Patches(NamedTuple):
    """Rows and columns (p,) of the corners of patches; low (p, 3), contrast (p,), part (p,) of the body."""

    side: int
    row: np.ndarray
    column: np.ndarray
    low: np.ndarray
    contrast: np.ndarray
    part: np.ndarray

    @staticmethod
    def of(stuff: Stuff, config: QuiltConfig) -> "_Patches":
        side = max(round(config.patch / stuff.texel), 4)
        step = max(side // 6, 1)
        row, column = np.nonzero(_means(stuff.usable, side, step) >= config.whole)
        low = np.stack([_means(stuff.low[..., c], side, step)[row, column] for c in range(3)], 1)
        contrast = np.sqrt(_means(np.square(stuff.detail @ LUMA), side, step)[row, column].clip(min=0))  # sums round
        row, column = row * step, column * step
        return _Patches(side, row, column, low, contrast, stuff.part[row + side // 2, column + side // 2])


def unlike(difference: np.ndarray, config: QuiltConfig) -> np.ndarray:
    """Squared distance (...) of colours that differ by (..., 3), in units of `colour`."""
    light = difference @ LUMA
    hue = difference - light[..., None]
    return (np.square(hue).sum(-1) + config.light**2 * np.square(light)) / config.colour**2


def _cut(error: np.ndarray, known: np.ndarray, overlap: int) -> np.ndarray:
    """Which texels (side, side) a new patch takes: to the right of and below the lines of least error."""
    take = np.ones_like(known)
    if known[:, 0].mean() > 0.5:
        take &= _right_of_seam(error[:, :overlap], error.shape[1])
    if known[0].mean() > 0.5:
        take &= _right_of_seam(error[:overlap].T, error.shape[0]).T
    return take | ~known


def _right_of_seam(error: np.ndarray, width: int) -> np.ndarray:
    """(n, width) bool: right of the path of least error from the first row of error (n, overlap) to the last."""
    count, overlap = error.shape
    total = np.full((count, overlap + 2), np.inf, np.float32)  # a wall on either side
    total[:, 1:-1] = error
    for row in range(1, count):
        above = total[row - 1]
        total[row, 1:-1] += np.minimum(np.minimum(above[:-2], above[1:-1]), above[2:])
    path = np.empty(count, np.int64)
    path[-1] = total[-1].argmin()
    for row in range(count - 2, -1, -1):
        path[row] = path[row + 1] - 1 + total[row, path[row + 1] - 1 : path[row + 1] + 2].argmin()
    return np.arange(1, width + 1) >= path[:, None]


def _means(picture: np.ndarray, side: int, step: int) -> np.ndarray:
    """Means over squares of a side, whose corners lie every `step` texels."""
    total = np.pad(picture.astype(np.float64).cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    low, high = total[:-side:step, :], total[side::step, :]
    return (high[:, side::step] - low[:, side::step] - high[:, :-side:step] + low[:, :-side:step]) / side**2
