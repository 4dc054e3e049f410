"""Flattens charts with little stretch: Tutte's embedding, then SLIM on the symmetric Dirichlet energy.

Tutte 1963; Rabinovich et al. 2017, "Scalable Locally Injective Mappings". A chart that is its own mirror image is
given as its left half, whose axis vertices stay on x = 0: the layout is symmetric by construction.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import splu

_ITERATIONS = 100
_FILLING_WEIGHT = 0.05
_CLEARANCE = 0.001  # metres between parts of one chart, about one texel at 1024
_NOTCH = 5  # border vertices
_OPENING_ROUNDS = 60
_PULL = 20.0  # of a border vertex that overlaps, against the energy of 1 m^2 of skin


@dataclass(frozen=True)
class Chart:
    """A cut piece of skin. faces (m, 3) into its own corners; vertex (n,) on the body; axis (n,) on the midline."""

    faces: np.ndarray
    vertex: np.ndarray
    axis: np.ndarray


def cut_open(faces: np.ndarray, seams: set, on_axis: np.ndarray) -> Chart:
    """Vertices of `faces` (m, 3) doubled along seams. on_axis: (V,) bool; axis edges are those not in seams."""
    m = len(faces)
    corner_of = np.arange(3 * m)

    def root(i: int) -> int:
        while corner_of[i] != i:
            corner_of[i] = corner_of[corner_of[i]]
            i = corner_of[i]
        return i

    edges: dict = {}
    for f in range(m):
        for k in range(3):
            a, b = int(faces[f, k]), int(faces[f, (k + 1) % 3])
            edges.setdefault((min(a, b), max(a, b)), []).append({a: 3 * f + k, b: 3 * f + (k + 1) % 3})
    axis_roots = set()
    for (a, b), sides in edges.items():
        if (a, b) in seams:
            continue
        if len(sides) == 2:
            for x in (a, b):
                corner_of[root(sides[0][x])] = root(sides[1][x])
        elif on_axis[a] and on_axis[b]:
            axis_roots |= {sides[0][a], sides[0][b]}
    roots = np.array([root(i) for i in range(3 * m)])
    unique, index = np.unique(roots, return_inverse=True)
    axis = np.zeros(len(unique), bool)
    axis[index[list(axis_roots)]] = True
    return Chart(index.reshape(m, 3), faces.reshape(-1)[unique], axis)


def flatten(chart: Chart, points: np.ndarray, scale: np.ndarray | None = None) -> np.ndarray:
    """(n, 2) positions, in the unit of `points` (n, 3), triangles keeping their orientation.

    Args:
        scale: (m,) wanted size of each triangle, relative; None for one everywhere.
    """
    rest = _triangles_in_plane(points[chart.faces]) * (1.0 if scale is None else scale[:, None, None])
    area = 0.5 * _cross(rest[:, 1], rest[:, 2])
    start, filling = _tutte(chart, points)
    # Holes (eyes, mouth, arm) keep their size and do not fold over themselves: their filling resists a little.
    sides = np.linalg.norm(points[filling[:, 0]] - points[filling[:, 1]], axis=1) * _mean_scale(scale)
    open_sides = np.array([sides[filling[:, 2] == k].sum() for k in filling[:, 2]])
    on_axis = np.array([chart.axis[filling[filling[:, 2] == k, :2]].any() for k in filling[:, 2]], bool)
    radius = open_sides / np.where(on_axis, np.pi, 2 * np.pi)
    zero = np.zeros_like(sides)
    wedge = np.stack([np.stack(x, 1) for x in ((zero, zero), (sides, zero), (sides / 2, radius))], 1)
    faces, rest = np.concatenate([chart.faces, filling]), np.concatenate([rest, wedge])
    area = np.concatenate([area, _FILLING_WEIGHT * 0.5 * sides * radius])
    axis = np.r_[chart.axis, np.zeros(len(start) - len(points), bool)]
    for k in set(filling[on_axis, 2].tolist()):
        axis[k] = True
    flat = 0.5 * _cross(*(start[faces][:, k] - start[faces][:, 0] for k in (1, 2)))
    if (flat <= 0).any():
        raise AssertionError(f"Tutte's embedding folds {int((flat <= 0).sum())} triangles")
    start *= np.sqrt(area.sum() / flat.sum())
    flattening = _Flattening(faces, rest, area, axis)
    x = flattening.relax(start, _ITERATIONS)
    return _without_overlap(flattening, x, chart.faces)[: len(points)]


def _mean_scale(scale: np.ndarray | None) -> float:
    return 1.0 if scale is None else float(scale.mean())


def _cross(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]


def _triangles_in_plane(corners: np.ndarray) -> np.ndarray:
    """(m, 3, 3) triangles in space to (m, 3, 2) congruent ones with the first corner at the origin."""
    a, b = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    length = np.linalg.norm(a, axis=1)
    along = (a * b).sum(1) / length
    height = np.linalg.norm(np.cross(a, b), axis=1) / length
    zero = np.zeros_like(length)
    return np.stack([np.stack([zero, zero], 1), np.stack([length, zero], 1), np.stack([along, height], 1)], 1)


def boundary_loops(faces: np.ndarray) -> list[list[int]]:
    """Oriented loops of edges that belong to one face."""
    directed = {(int(f[k]), int(f[(k + 1) % 3])) for f in faces for k in range(3)}
    follow = {a: b for a, b in directed if (b, a) not in directed}
    loops = []
    while follow:
        first, second = next(iter(follow.items()))
        loop = [first]
        del follow[first]
        while second != first:
            loop.append(second)
            second = follow.pop(second)
        loops.append(loop)
    return loops


def _tutte(chart: Chart, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """An embedding without folds: outer boundary on a circle (axis on its chord), holes filled by one vertex each.

    Returns the positions, filling vertices last, and the filling triangles (k, 3), filling vertex last.
    """
    faces, n = chart.faces, len(points)
    loops = sorted(boundary_loops(faces), key=lambda loop: -_length(points, loop))
    extra: list[tuple[int, int, int]] = []
    for loop in loops[1:]:
        extra += [(b, a, n) for a, b in zip(loop, loop[1:] + loop[:1], strict=True)]
        n += 1
    outer, axis_length = loops[0], 0
    if chart.axis.any():
        outer, axis_length, bridge = _axis_first(outer, chart.axis, n)
        extra += bridge
        n += bool(bridge)
    filled = np.concatenate([faces, np.array(extra, int).reshape(-1, 3)])
    where = np.zeros((n, 2))
    if axis_length:  # going down the chord x = 0, then round the half circle on the side x > 0
        step = np.arange(axis_length + 1) / axis_length
        where[outer[: axis_length + 1]] = np.stack([0 * step, 1 - 2 * step], 1)
        rest = outer[axis_length + 1 :]
        angle = -np.pi / 2 + np.pi * np.arange(1, len(rest) + 1) / (len(rest) + 1)
    else:
        rest, angle = outer, 2 * np.pi * np.arange(len(outer)) / len(outer)
    where[rest] = np.stack([np.cos(angle), np.sin(angle)], 1)
    i = np.concatenate([filled[:, [0, 1, 2]].ravel(), filled[:, [1, 2, 0]].ravel()])
    j = np.concatenate([filled[:, [1, 2, 0]].ravel(), filled[:, [0, 1, 2]].ravel()])
    adjacent = sparse.coo_matrix((np.ones(len(i)), (i, j)), (n, n)).tocsr()
    adjacent.data[:] = 1
    laplacian = (sparse.diags(np.asarray(adjacent.sum(1)).ravel()) - adjacent).tocsc()
    free = np.setdiff1d(np.arange(n), outer)
    where[free] = splu(laplacian[free][:, free]).solve(-laplacian[free][:, outer] @ where[outer])
    return where, np.array(extra, int).reshape(-1, 3)


def _length(points: np.ndarray, loop: list[int]) -> float:
    p = points[loop]
    return float(np.linalg.norm(p - np.roll(p, 1, 0), axis=1).sum())


def _axis_first(loop: list[int], axis: np.ndarray, extra_vertex: int) -> tuple[list[int], int, list]:
    """The loop turned so that it begins with the axis; a gap in the axis (the mouth) is bridged by one vertex."""
    k = len(loop)
    on = np.array([axis[loop[i]] and axis[loop[(i + 1) % k]] for i in range(k)])
    starts = [i for i in range(k) if on[i] and not on[i - 1]]
    runs = []  # (first, number of off edges before it)
    for s in starts:
        before = 0
        while not on[s - 1 - before]:
            before += 1
        runs.append((before, s))
    first = max(runs)[1]
    loop, on = loop[first:] + loop[:first], np.roll(on, -first)
    last = int(np.where(on)[0].max())  # last axis edge
    off = [i for i in range(last) if not on[i]]
    if not off:
        return loop, last + 1, []
    a, b = off[0], off[-1] + 1  # vertices loop[a] .. loop[b] go round the gap
    gap = loop[a : b + 1]
    bridge = [(y, x, extra_vertex) for x, y in pairwise(gap)]
    shorter = [*loop[: a + 1], extra_vertex, *loop[b:]]
    return shorter, last + 1 - (b - a) + 2, bridge


class _Flattening:
    """SLIM for triangles with rest shapes (m, 3, 2): repeated least squares towards the nearest rotations."""

    def __init__(self, faces: np.ndarray, rest: np.ndarray, area: np.ndarray, axis: np.ndarray):
        n, m = len(axis), len(faces)
        self.area, self.count = area, n
        # Gradient of the hat functions in each rest triangle.
        plain = 0.5 * _cross(rest[:, 1], rest[:, 2])
        opposite = np.stack([rest[:, (k + 2) % 3] - rest[:, (k + 1) % 3] for k in range(3)], 1)
        gradient = np.stack([-opposite[..., 1], opposite[..., 0]], -1) / (2 * plain)[:, None, None]  # (m, 3, 2)
        rows = np.repeat(np.arange(m), 3)
        self.D = [sparse.csr_matrix((gradient[..., c].ravel(), (rows, faces.ravel())), (m, n)) for c in (0, 1)]
        self.free = np.r_[np.where(~axis)[0], n + np.arange(n)]  # u of the axis stays 0
        self.pulled: dict[int, np.ndarray] = {}  # vertices drawn towards points, to open overlaps

    def jacobians(self, x: np.ndarray) -> np.ndarray:
        return np.stack([self.D[0] @ x, self.D[1] @ x], -1)  # (m, 2, 2): [component, derivative]

    def energy(self, x: np.ndarray) -> float:
        J = self.jacobians(x)
        det = np.linalg.det(J)
        if (det <= 0).any():
            return np.inf
        square = (J * J).sum((1, 2))
        pull = sum(float(((x[i] - p) ** 2).sum()) for i, p in self.pulled.items())
        return float((self.area * (square + square / det**2)).sum()) + _PULL * pull

    def relax(self, x: np.ndarray, iterations: int) -> np.ndarray:
        value = self.energy(x)
        for _ in range(iterations):
            step, t, new = self._step(x), 1.0, np.inf
            while t > 1e-9 and not (new := self.energy(x + t * step)) < value:
                t *= 0.7
            if t <= 1e-9 or value - new < 1e-7 * value:
                break
            x, value = x + t * step, new
        return x

    def _step(self, x: np.ndarray) -> np.ndarray:
        U, s, Vt = np.linalg.svd(self.jacobians(x))
        flip = np.linalg.det(U @ Vt) < 0
        U[flip, :, 1] *= -1
        near_one = abs(s - 1) < 1e-6
        w = np.sqrt(np.where(near_one, 4.0, (s - s**-3) / np.where(near_one, 1.0, s - 1)))
        W = (U * w[:, None]) @ U.transpose(0, 2, 1) * np.sqrt(self.area)[:, None, None]
        target = W @ (U @ Vt)
        blocks, values = [], []
        for i in (0, 1):
            for c, D in enumerate(self.D):
                blocks.append(sparse.hstack([sparse.diags(W[:, i, 0]) @ D, sparse.diags(W[:, i, 1]) @ D]))
                values.append(target[:, i, c])
        n = self.count
        if self.pulled:
            ids = np.array(list(self.pulled))
            goal = np.array(list(self.pulled.values()))
            columns = np.r_[ids, n + ids]
            ones = np.full(len(columns), np.sqrt(_PULL))
            blocks.append(sparse.csr_matrix((ones, (np.arange(len(columns)), columns)), (len(columns), 2 * n)))
            values.append(goal.T.ravel() * np.sqrt(_PULL))
        A = sparse.vstack(blocks).tocsr()
        b = np.concatenate(values) - A @ x.T.ravel()
        A = A[:, self.free]
        step = np.zeros(2 * n)
        step[self.free] = splu((A.T @ A + 1e-8 * sparse.eye(len(self.free))).tocsc()).solve(A.T @ b)
        return step.reshape(2, n).T


def _without_overlap(flattening: _Flattening, x: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Between fingers and toes the skin is a saddle and flat pieces overlap: their borders are drawn in."""
    loops, touching = boundary_loops(faces), 0
    for _ in range(_OPENING_ROUNDS):
        touching = 0
        for loop in loops:
            p = x[loop]
            along = np.roll(p, -1, 0) - np.roll(p, 1, 0)
            inward = np.stack([-along[:, 1], along[:, 0]], 1) / (np.linalg.norm(along, axis=1, keepdims=True) + 1e-20)
            # Sides of a notch are near each other at its end; only true overlap counts there.
            near = np.stack([np.roll(loop, s) for s in range(-_NOTCH, _NOTCH + 1)], 1)
            too_close = _inside_others(x, faces, near, p - _CLEARANCE * inward)
            too_close |= _inside_others(x, faces, near[:, _NOTCH : _NOTCH + 1], p - 0.02 * _CLEARANCE * inward)
            for k in np.where(too_close)[0]:
                flattening.pulled[loop[k]] = p[k] + _CLEARANCE * inward[k]
                touching += 1
        if not touching:
            return x
        x = flattening.relax(x, 4)
    raise AssertionError(f"a flat chart overlaps itself at {touching} places")


def _inside_others(x: np.ndarray, faces: np.ndarray, near: np.ndarray, points: np.ndarray) -> np.ndarray:
    """(k,) whether points (k, 2) lie in a triangle that touches none of the vertices near (k, q) them."""
    a, b, c = (x[faces[:, k]] for k in range(3))
    p = points[:, None]

    def left(u: np.ndarray, v: np.ndarray) -> np.ndarray:  # (k, m)
        return (v - u)[:, 0] * (p[..., 1] - u[:, 1]) - (v - u)[:, 1] * (p[..., 0] - u[:, 0]) > 0

    point, face = np.where(left(a, b) & left(b, c) & left(c, a))
    apart = ~(faces[face][:, :, None] == near[point][:, None, :]).any((1, 2))
    out = np.zeros(len(points), bool)
    out[point[apart]] = True
    return out
