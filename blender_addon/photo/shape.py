"""The fitted body as flat geometry over the photo: triangles that face the camera, their light, the outline."""

from dataclasses import dataclass

import numpy as np

_DARK, _LIGHT = np.array([0.16, 0.30, 0.46], np.float32), np.array([0.80, 0.93, 1.0], np.float32)
_LIGHT_DIRECTION = np.array([-0.4, -0.6, -1.0], np.float32) / np.float32(1.233)  # over the camera's left shoulder


@dataclass(frozen=True)
class Edges:
    """The edges of a closed mesh: ends (E, 2) and the two faces beside each (E, 2)."""

    ends: np.ndarray
    faces: np.ndarray

    @staticmethod
    def of(faces: np.ndarray) -> "Edges":
        """Edges that belong to exactly two faces (F, 3)."""
        ends = np.sort(np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]), axis=1)
        owner = np.tile(np.arange(len(faces)), 3)
        key = ends[:, 0].astype(np.int64) * (int(faces.max()) + 1) + ends[:, 1]
        order = np.argsort(key, kind="stable")
        key = key[order]
        first = np.flatnonzero(key[1:] == key[:-1])
        pair = np.stack([owner[order[first]], owner[order[first + 1]]], axis=1)
        return Edges(ends[order[first]], pair)


@dataclass(frozen=True)
class Drawing:
    """triangles (n, 3) that face the camera, the farthest first; colors (V, 4); lines (m, 2): ends of the outline."""

    triangles: np.ndarray
    colors: np.ndarray
    lines: np.ndarray


def draw_shape(vertices: np.ndarray, faces: np.ndarray, edges: Edges) -> Drawing:
    """Clay with light from the camera's side.

    Args:
        vertices: (V, 3) x, y in pixels (y down) and depth in metres. faces: (F, 3).
    """
    corners = vertices[faces]
    a, b = corners[:, 1, :2] - corners[:, 0, :2], corners[:, 2, :2] - corners[:, 0, :2]
    # Counter-clockwise seen from outside is clockwise where y points down.
    front = a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0] < 0
    triangles = faces[front]
    triangles = triangles[np.argsort(-corners[front, :, 2].mean(1))]
    beside = front[edges.faces]
    lines = edges.ends[beside[:, 0] != beside[:, 1]]
    shade = (_normals(vertices, faces) @ _LIGHT_DIRECTION).clip(0, 1)[:, None]
    colors = np.ones((len(vertices), 4), np.float32)
    colors[:, :3] = _DARK + (_LIGHT - _DARK) * shade
    return Drawing(triangles, colors, lines)


def _normals(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """(V, 3) unit normals in camera axes, the body as if seen from far away."""
    pixels_per_metre = max(float(np.ptp(vertices[:, 1])), 1.0) / 1.7
    points = vertices * np.array([1, 1, pixels_per_metre], np.float32)
    corners = points[faces]
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    total = np.stack(
        [sum(np.bincount(faces[:, k], normal[:, axis], len(vertices)) for k in range(3)) for axis in range(3)], axis=1
    )
    return (total / np.maximum(np.linalg.norm(total, axis=1, keepdims=True), 1e-9)).astype(np.float32)
