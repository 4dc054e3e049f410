"""Whether somebody who is found again is who was lost: by the colours of what they wear."""

import cv2
import numpy as np

# Distance from which it is somebody else. The same person from elsewhere: .04 at most, in 30 % more or less light .15,
# in half the light .14 on the median; three of four strangers: more (24 synthetic people).
OTHER = 0.15
_NEW = 0.03  # and from which the same person shows a new side
_BINS = (4, 12, 12)  # of L, a, b: few of L, for light changes most
_RANGE = ((0.0, 100.0), (-60.0, 60.0), (-60.0, 60.0))
_PIXELS = 20_000  # of a person are enough
_LEAST = 50  # pixels of half a body


class Appearance:
    """All sides of one person that were surely seen."""

    def __init__(self, image: np.ndarray, mask: np.ndarray):
        """image: (H, W, 3) in [0, 1]. mask: (H, W) in [0, 1]."""
        self.sides = [colours(image, mask)]

    def distance(self, image: np.ndarray, mask: np.ndarray) -> float:
        """0 to 1: to the side that is likest."""
        return _distance(self.sides, colours(image, mask))

    def learn(self, image: np.ndarray, mask: np.ndarray, sure: bool = False) -> None:
        """Of a frame in which this seems to be the person. sure: whatever they look like there."""
        seen = colours(image, mask)
        if _NEW < _distance(self.sides, seen) < (np.inf if sure else OTHER):
            self.sides.append(seen)


def colours(image: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """(2, N) roots of histograms in Lab of the upper and the lower half of the person; zeros where there is nobody."""
    histograms = np.zeros((2, int(np.prod(_BINS))), np.float32)
    rows = np.nonzero((mask > 0.5).any(1))[0]
    if not len(rows):
        return histograms
    middle = (int(rows[0]) + int(rows[-1]) + 1) // 2
    for half, part in zip(histograms, (slice(rows[0], middle), slice(middle, rows[-1] + 1))):
        pixels = image[part][mask[part] > 0.5].astype(np.float32)
        if len(pixels) < _LEAST:
            continue
        pixels = pixels[:: -(-len(pixels) // _PIXELS)]
        lab = cv2.cvtColor(pixels[None], cv2.COLOR_RGB2LAB)[0]
        counts = np.histogramdd(lab, _BINS, _RANGE)[0]
        for axis in range(3):
            counts = _blurred(counts, axis)
        half[:] = np.sqrt(counts / max(counts.sum(), 1)).reshape(-1)
    return histograms


def _distance(sides: list[np.ndarray], seen: np.ndarray) -> float:
    """One less the Bhattacharyya coefficient, mean of both halves; of the halves that both show."""
    best = 1.0
    for side in sides:
        both = (side.any(1)) & (seen.any(1))
        if both.any():
            best = min(best, float(1 - (side * seen).sum(1)[both].mean()))
    return best


def _blurred(counts: np.ndarray, axis: int) -> np.ndarray:
    """A quarter of each bin to both neighbours: who stands on the border of two bins jumps less."""
    end = [(1, 1) if k == axis else (0, 0) for k in range(3)]
    wide = np.moveaxis(np.pad(counts, end, mode="edge"), axis, 0)
    return np.moveaxis((wide[:-2] + 2 * wide[1:-1] + wide[2:]) / 4, 0, axis)
