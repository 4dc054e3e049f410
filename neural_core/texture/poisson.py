"""One screened Poisson problem on the graph of a texture's texels (Perez et al. 2003, Poisson image editing)."""

import numpy as np
from scipy.sparse import coo_matrix, diags
from scipy.sparse.linalg import splu


def screened_poisson(
    colour: np.ndarray,
    fixed: np.ndarray,
    pairs: np.ndarray,
    weights: np.ndarray,
    step: np.ndarray,
    data: np.ndarray,
    expected: np.ndarray,
    pull: np.ndarray,
) -> np.ndarray:
    """Colours (n, 3) in [0, 1] that keep the fixed ones and otherwise agree best with all that is wished.

    Args:
        colour: (n, 3) of the texels. fixed: (n,) bool, whose colour stays.
        pairs: (e, 2) neighbours a, b. weights: (e,) of their wish. step: (e, 3) wished colour of a minus that of b.
        data: (n,) strength of the wish to keep `colour`. expected: (n, 3) and pull: (n,) the strength towards it.
    """
    n, (a, b) = len(colour), pairs.T
    right = data[:, None] * colour + pull[:, None] * expected
    flow = step * weights[:, None]
    for c in range(3):
        right[:, c] += np.bincount(a, flow[:, c], n) - np.bincount(b, flow[:, c], n)
    graph = coo_matrix((np.r_[weights, weights], (np.r_[a, b], np.r_[b, a])), shape=(n, n)).tocsr()
    matrix = (diags(np.asarray(graph.sum(1))[:, 0] + data + pull) - graph).tocsr()
    free, known = np.nonzero(~fixed)[0], np.nonzero(fixed)[0]
    solution = colour.copy()
    if len(free):
        rows = matrix[free]
        factor = splu(rows[:, free].tocsc(), permc_spec="MMD_AT_PLUS_A", options={"SymmetricMode": True})
        solution[free] = np.clip(factor.solve(right[free] - rows[:, known] @ colour[known]), 0, 1)
    return solution
