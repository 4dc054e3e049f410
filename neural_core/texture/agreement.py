"""One colour that many colours agree on."""

from collections.abc import Sequence

import numpy as np

_CLOSER = (0.4, 0.3, 0.2)  # colour distances (sRGB) within which a colour counts, from turn to turn


def agreed(colour: np.ndarray, weight: np.ndarray, distances: Sequence[float] = _CLOSER) -> np.ndarray:
    """(3,) what most of the colours (n, 3) agree on: their mean, reweighted by how near they lie to the one before."""
    votes = weight
    for distance in distances:
        value = _mean(colour, votes)
        votes = weight / (1 + np.square(colour - value).sum(1) / distance**2) ** 2
    return _mean(colour, votes)


def _mean(colour: np.ndarray, weight: np.ndarray) -> np.ndarray:
    return (weight[:, None] * colour).sum(0) / max(float(weight.sum()), 1e-9)
