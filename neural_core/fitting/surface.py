"""Normals and diffusion on a mesh."""

import numpy as np
import scipy.sparse
import torch
from torch import Tensor


def vertex_normals(vertices: Tensor, faces: Tensor) -> Tensor:
    """Unit normals (V, 3), area weighted, of vertices (V, 3) and faces (F, 3)."""
    a, b, c = vertices[faces].unbind(1)
    normals = torch.zeros_like(vertices)
    normals.index_add_(0, faces.reshape(-1), torch.linalg.cross(b - a, c - a).repeat_interleave(3, 0))
    return torch.nn.functional.normalize(normals, dim=1)


def smoothed(values: Tensor, faces: Tensor, steps: int) -> Tensor:
    """Values (V, C) after `steps` of half-way diffusion to the mean of their neighbours along the edges."""
    mean = _neighbour_mean(faces, len(values))
    array = values.detach().cpu().numpy()
    for _ in range(steps):
        array = (array + mean @ array) / 2
    return torch.from_numpy(array).to(values)


def stretched_over(vertices: Tensor, normals: Tensor, faces: Tensor, steps: int) -> Tensor:
    """How far (V,), metres, a membrane over the surface stands off it: it spans hollows and lies on all that bulges.

    An obstacle problem, relaxed for `steps`; each widens the hollows that are spanned by about an edge.
    """
    mean = _neighbour_mean(faces, len(vertices))
    surface, outwards = vertices.cpu().numpy(), normals.cpu().numpy()
    height = np.zeros((len(surface), 1), np.float32)
    for _ in range(steps):
        points = surface + height * outwards
        height = np.maximum(height + ((mean @ points - points) * outwards).sum(1, keepdims=True), 0)
    return torch.from_numpy(height[:, 0]).to(vertices)


def _neighbour_mean(faces: Tensor, count: int) -> scipy.sparse.csr_matrix:
    """(V, V) matrix that averages the neighbours along the edges; a lone vertex keeps its value."""
    triangles = faces.cpu().numpy()
    a, b = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]]).T
    one = np.ones(2 * len(a), np.float32)
    touching = scipy.sparse.csr_matrix((one, (np.r_[a, b], np.r_[b, a])), shape=(count, count))
    touching.data[:] = 1.0  # edges come once from each of their triangles
    degree = np.asarray(touching.sum(1))[:, 0]
    touching = touching + scipy.sparse.diags((degree == 0).astype(np.float32))
    return scipy.sparse.csr_matrix(scipy.sparse.diags(1 / np.maximum(degree, 1)).astype(np.float32) @ touching)
