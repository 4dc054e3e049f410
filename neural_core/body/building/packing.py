"""Places the charts in the square so that the whole atlas is its own mirror image: (u, v) and (1 - u, v) are partners.

Torso and head, given as left halves, lie with their axis on u = 1/2; the other left charts fill the rest of the right
half square, by random search over order, rotation and relative size, each laid where it touches most.
"""

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw
from scipy.ndimage import binary_dilation
from scipy.signal import fftconvolve

_CELLS = 288  # raster cells per unit of the atlas
_SQUARE = np.ones(
    (3, 3), bool
)  # dilation by one cell a chart: two cells, 7 texels at 1024, between charts, plus rounding
_ROTATIONS = 12
_START = 0.62  # share of the atlas the first success must use


@dataclass(frozen=True)
class Piece:
    """A flattened chart: points (n, 2), faces (m, 3), allowed relative linear sizes, whether it sits on the axis."""

    points: np.ndarray
    faces: np.ndarray
    sizes: tuple[float, float]
    on_axis: bool = False

    @property
    def area(self) -> float:
        a, b, c = (self.points[self.faces[:, k]] for k in range(3))
        return 0.5 * float(((b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0]).sum())


def pack(pieces: list[Piece], trials: int, seed: int = 0) -> tuple[list[np.ndarray], float]:
    """Points (n, 2) of every piece, and the share of the atlas that is used; none is turned inside out.

    The left pieces lie in u > 1/2, but for a piece on the axis that had to be turned upside down.
    """
    rng = np.random.default_rng(seed)
    areas = np.array([p.area for p in pieces])
    low, high = np.array([p.sizes for p in pieces]).T
    best_share, best, best_sizes = _START, None, None
    for trial in range(trials):
        sizes = rng.uniform(low, high)
        if best_sizes is not None and trial % 4:  # mostly near the best so far
            sizes = np.clip(best_sizes * rng.uniform(0.96, 1.04, len(pieces)), low, high)
        share = best_share + 0.002
        while True:
            scale = np.sqrt(share / (2 * (areas * sizes**2).sum()))
            placed = _place_all(pieces, sizes * scale, rng)
            if placed is None:
                break
            best_share, best, best_sizes = share, placed, sizes
            print(f"packing, trial {trial}: {100 * share:.1f} % used, sizes {np.round(sizes, 2)}", flush=True)
            share += 0.004
    if best is None:
        raise AssertionError("the charts do not fit")
    return best, best_share


def _place_all(pieces: list[Piece], scales: np.ndarray, rng: np.random.Generator) -> list[np.ndarray] | None:
    occupied = np.zeros((_CELLS, _CELLS // 2), bool)
    placed: list[np.ndarray | None] = [None] * len(pieces)
    axis = [i for i, p in enumerate(pieces) if p.on_axis]
    axis = [axis[i] for i in rng.permutation(len(axis))]
    for rank, i in enumerate(axis):
        placed[i] = _place_on_axis(pieces[i], scales[i], occupied, rng, at_top=rank > 0)
        if placed[i] is None:
            return None
    rest = [i for i, p in enumerate(pieces) if not p.on_axis]
    for i in sorted(rest, key=lambda i: -pieces[i].area * scales[i] ** 2 * rng.uniform(0.6, 1.4)):
        placed[i] = _place_anywhere(pieces[i], scales[i], occupied, rng)
        if placed[i] is None:
            return None
    return [p for p in placed if p is not None]


def _place_on_axis(piece, scale, occupied, rng, at_top):
    flip = rng.integers(2)
    points = piece.points * scale
    if flip:  # turned by 180 degrees the left half lies at u < 1/2; its partner, where it is tried, at u > 1/2
        points = points * [1, -1]
    mask, low = _rasterized(points, piece.faces)
    mask, low = mask[:, -low[0] :], np.array([0, low[1]])
    h, w = mask.shape
    if h > occupied.shape[0] or w > occupied.shape[1]:
        return None
    free = [y for y in range(occupied.shape[0] - h + 1) if not (occupied[y : y + h, :w] & mask).any()]
    if not free:
        return None
    y = max(free) if at_top else min(free)
    occupied[y : y + h, :w] |= mask
    return points * ([-1, 1] if flip else [1, 1]) + np.array([0.5, (y - low[1]) / _CELLS])


def _place_anywhere(piece, scale, occupied, rng):
    best, start = None, rng.uniform(0, 2 * np.pi)
    walls = np.pad(occupied, 3, constant_values=True).astype(np.float32)
    for angle in start + 2 * np.pi * np.arange(_ROTATIONS) / _ROTATIONS:
        c, s = np.cos(angle), np.sin(angle)
        points = piece.points @ np.array([[c, s], [-s, c]]) * scale
        mask, low = _rasterized(points, piece.faces)
        if mask.shape[0] > occupied.shape[0] or mask.shape[1] > occupied.shape[1]:
            continue
        hits = fftconvolve(occupied.astype(np.float32), mask[::-1, ::-1].astype(np.float32), "valid")
        if hits.min() > 0.5:
            continue
        wide = np.pad(mask, 3)
        rim = binary_dilation(wide, iterations=3) & ~wide
        touching = fftconvolve(walls, rim[::-1, ::-1].astype(np.float32), "valid") / rim.sum()
        touching[hits > 0.5] = -1
        y, x = np.unravel_index(touching.argmax(), touching.shape)
        if best is None or touching[y, x] > best[0]:
            best = touching[y, x], points, mask, low, y, x
    if best is None:
        return None
    _, points, mask, low, y, x = best
    occupied[y : y + mask.shape[0], x : x + mask.shape[1]] |= mask
    return points + np.array([0.5 + (x - low[0]) / _CELLS, (y - low[1]) / _CELLS])


def _rasterized(points: np.ndarray, faces: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Cells touched by a chart, dilated by one, and the cell of its corner."""
    low = np.floor(points.min(0) * _CELLS).astype(int) - 2
    width, height = np.ceil(points.max(0) * _CELLS).astype(int) + 3 - low
    picture = Image.new("1", (int(width) * 2, int(height) * 2))
    draw = ImageDraw.Draw(picture)
    for triangle in ((points * _CELLS - low) * 2)[faces]:
        draw.polygon([tuple(p) for p in triangle], fill=1, outline=1)
    mask = np.array(picture).reshape(height, 2, width, 2).any((1, 3))
    return binary_dilation(mask, _SQUARE), low
