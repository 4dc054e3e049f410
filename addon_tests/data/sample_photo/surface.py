"""Pieces of the body's surface as Blender meshes."""

import bpy
import numpy as np

from .person import FACES


def to_blender(points: np.ndarray) -> np.ndarray:
    return np.stack([points[:, 0], -points[:, 2], points[:, 1]], 1)


def mesh_object(name: str, vertices: np.ndarray, faces: np.ndarray) -> bpy.types.Object:
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata(to_blender(vertices).tolist(), [], faces.tolist())
    mesh.shade_smooth()
    thing = bpy.data.objects.new(name, mesh)
    bpy.context.scene.collection.objects.link(thing)
    return thing


def cut(keep: np.ndarray, vertices: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Vertices, faces and original ids of the part of the body surface where all corners are kept."""
    faces = FACES[keep[FACES].all(1)]
    used = np.unique(faces)
    index = np.full(len(vertices), -1)
    index[used] = np.arange(len(used))
    return vertices[used], index[faces], used


def vertex_normals(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    n = np.cross(vertices[faces[:, 1]] - vertices[faces[:, 0]], vertices[faces[:, 2]] - vertices[faces[:, 0]])
    out = np.zeros_like(vertices)
    for k in range(3):
        np.add.at(out, faces[:, k], n)
    return out / np.maximum(np.linalg.norm(out, axis=1, keepdims=True), 1e-12)


def smooth(vertices: np.ndarray, faces: np.ndarray, times: int, pin_border: bool = True) -> np.ndarray:
    """Laplacian smoothing with the border held."""
    edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    unique, count = np.unique(np.sort(edges, 1), axis=0, return_counts=True)
    pinned = np.zeros(len(vertices), bool)
    if pin_border:
        pinned[unique[count == 1].ravel()] = True
    degree = np.bincount(unique.ravel(), minlength=len(vertices))[:, None]
    out = vertices.copy()
    for _ in range(times):
        total = np.zeros_like(out)
        np.add.at(total, unique[:, 0], out[unique[:, 1]])
        np.add.at(total, unique[:, 1], out[unique[:, 0]])
        out = np.where(pinned[:, None], out, total / np.maximum(degree, 1))
    return out


def scatter(vertices, faces, rng, count):
    """Random surface points: positions, normals and the barycentric mixture of any per-vertex array."""
    t = vertices[faces]
    area = np.linalg.norm(np.cross(t[:, 1] - t[:, 0], t[:, 2] - t[:, 0]), axis=1)
    pick = rng.choice(len(faces), count, p=area / area.sum())
    r = rng.random((count, 2))
    flip = r.sum(1) > 1
    r[flip] = 1 - r[flip]
    b = np.stack([1 - r.sum(1), r[:, 0], r[:, 1]], 1)
    return pick, b
