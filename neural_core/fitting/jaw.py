"""The jaw and the lower cheeks, brought to the outline of the face in the photo.

The shape space has few faces: a jaw that is a few pixels wider than the photo's samples hair and backdrop. The face
mesh's oval is no silhouette (its points turn with the head and hide behind it), so each of its points is compared with
the same point of the body, across the oval only, since along it they slide. What moves is a Gaussian process over the
skin of the rest body: smooth, nearly symmetric, given that mouth, nose, eyes, ears and neck stay as fitted.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import normalize

from neural_core.body.identity import SameBody
from neural_core.body.model import BodyModel
from neural_core.body.skeleton import JOINT_INDEX
from neural_core.fitting.clothing_regions import clothing_regions, smoothstep
from neural_core.fitting.observation import FACE_POINTS
from neural_core.fitting.result import BodyFit
from neural_core.fitting.surface import vertex_normals
from neural_core.photo.evidence import PhotoEvidence

# The face mesh's oval from below one cheekbone round the chin to the other; neighbours are the ones before and after.
_OVAL = (454, 323, 361, 288, 397, 365, 379, 378, 400, 377, 152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234)
_JAW = _OVAL[1:-1]


@dataclass(frozen=True)
class JawConfig:
    """Lengths in metres."""

    spread: float = 0.008  # standard deviation of jaws about those of the shape space; half-way jaws show worst
    reach: float = 0.03  # over which the skin moves together
    lopsided: float = 0.5  # share of the spread by which the two sides may differ
    noise: float = 0.002  # of a point of the oval, besides half a pixel
    held: float = 0.0015  # by which the rest of the face, ears and neck may move
    most: float = 0.012
    frontal: tuple[float, float] = (0.85, 0.97)  # cosine of the head's turn away: none of it is believed, all of it
    edge: tuple[float, float] = (0.0, 0.15)  # cosine of skin and view from which a point of the oval is in sight,
    aside: tuple[float, float] = (0.6, 0.85)  # and up to which it is an outline


@torch.no_grad()
def fit_jaw(evidence: PhotoEvidence, body: BodyModel, fit: BodyFit, config: JawConfig | None = None) -> Tensor:
    """Rest offsets (V, 3), metres, of jaw and lower cheeks; zero without a face, and for heads turned away."""
    config = config or JawConfig()
    offsets = torch.zeros_like(body.template)
    process = _process(SameBody(body), config)
    if evidence.face is None or process is None:
        return offsets
    posed = body(fit.parameters)
    vertices, camera = posed.vertices[0], fit.camera
    forwards = camera.R @ posed.rotations[0, JOINT_INDEX["head"], :, 2]
    trust = smoothstep(-forwards[2], *config.frontal)
    if trust <= 0:
        return offsets

    # Metres across the oval in the picture, and what a metre in the rest pose along x, y and z adds to them.
    points = process.at_points(vertices)
    moved = [process.at_points(body(fit.parameters, axis.expand_as(offsets)).vertices[0]) for axis in torch.eye(3)]
    pixels, depth = camera.project(points)
    pixel = (torch.ones_like(depth) if camera.orthographic else depth) / camera.K[0, 0]
    face = torch.from_numpy(np.ascontiguousarray(evidence.face, np.float32))
    wanted, across = face[list(process.marks)], _across(face)[list(process.places)]
    apart = ((wanted - pixels) * across).sum(1) * pixel
    by_axis = [((camera.project(one)[0] - pixels) * across).sum(1) * pixel for one in moved]
    rows = torch.stack(by_axis, 1)  # (n, 3)

    view = normalize(-camera.R.T @ camera.t - points, dim=1)
    facing = (normalize(process.at_points(vertex_normals(vertices, body.faces)), dim=1) * view).sum(1)
    weight = trust * smoothstep(facing, *config.edge) * (1 - smoothstep(facing, *config.aside))
    noise = (config.noise**2 + (pixel / 2) ** 2) / weight.clamp(min=1e-4)
    covariance = torch.einsum("ia,ijab,jb->ij", rows, process.among, rows) + noise.diag()
    pull = rows * torch.linalg.solve(covariance, apart)[:, None]
    change = torch.einsum("viab,ib->va", process.onto, pull)
    length = change.norm(dim=1, keepdim=True).clamp(min=1e-9)
    offsets[process.vertices] = change * (config.most * torch.tanh(length / config.most) / length)
    return offsets


def _across(face: Tensor) -> Tensor:
    """Unit normals (len(_JAW), 2) of the oval of face points (478, 2), outwards."""
    oval = face[list(_OVAL)]
    along = oval[2:] - oval[:-2]
    normal = normalize(torch.stack([along[:, 1], -along[:, 0]], 1), dim=1)
    outwards = oval[1:-1] - face[list(FACE_POINTS)].mean(0)
    return normal * (normal * outwards).sum().sign()


@dataclass(frozen=True)
class _Process:
    """Covariances of displacements in the rest pose, given what is held.

    Attributes:
        marks: the known points of the oval, and places: which of `_JAW` they are. corners: (n, 3) vertices, and
            barycentric: (n, 3), of the triangles they lie on. vertices: (m,) that may move.
        onto: (m, n, 3, 3) of vertices and points. among: (n, n, 3, 3) of points.
    """

    marks: tuple[int, ...]
    places: tuple[int, ...]
    corners: Tensor
    barycentric: Tensor
    vertices: Tensor
    onto: Tensor
    among: Tensor

    def at_points(self, values: Tensor) -> Tensor:
        """(V, C) to (n, C)."""
        return (values[self.corners] * self.barycentric[..., None]).sum(1)


@lru_cache(maxsize=2)
@torch.no_grad()
def _process(same: SameBody, config: JawConfig) -> _Process | None:
    body = same.body
    triangle, weights = body.landmarks.face_triangle, body.landmarks.face_barycentric
    places = tuple(k for k, mark in enumerate(_JAW) if triangle[mark] >= 0)
    if not places:
        return None
    marks = tuple(_JAW[k] for k in places)

    def on_rest(points: tuple[int, ...]) -> Tensor:
        known = [point for point in points if triangle[point] >= 0]
        return (body.template[body.faces[triangle[known]]] * weights[known][..., None]).sum(1)

    regions = clothing_regions(body)
    neck = body.weights[:, JOINT_INDEX["neck"]] > 0.6
    inner = on_rest(tuple(point for point in FACE_POINTS if point not in _JAW))
    held = [inner, body.template[regions.ears][::6], body.template[neck][::12], body.template[regions.eyes][::40]]
    held, points = torch.cat(held), on_rest(marks)
    head = body.weights[:, [JOINT_INDEX[name] for name in ("neck", "head", "jaw")]].sum(1) > 0.05
    vertices = torch.nonzero(head)[:, 0]

    # Displacements of points that are mirror images are, too, but for the lopsided part.
    fixed = _covariance(held, held, config) + config.held**2 * torch.eye(3 * len(held))
    known = torch.linalg.solve(fixed.double(), _covariance(held, points, config).double()).float()

    def given(at: Tensor) -> Tensor:
        matrix = _covariance(at, points, config) - _covariance(at, held, config) @ known
        return matrix.reshape(len(at), 3, len(points), 3).permute(0, 2, 1, 3).contiguous()

    near = vertices[torch.cdist(body.template[vertices], points).amin(1) < 4 * config.reach]
    corners = body.faces[triangle[list(marks)]]
    return _Process(marks, places, corners, weights[list(marks)], near, given(body.template[near]), given(points))


def _covariance(a: Tensor, b: Tensor, config: JawConfig) -> Tensor:
    """(3 n, 3 m) of the displacements of points (n, 3) and (m, 3) of the rest body."""
    mirror = a.new_tensor([-1.0, 1.0, 1.0])

    def near(q: Tensor) -> Tensor:
        return torch.exp(-torch.cdist(a, q).square() / (2 * config.reach**2))

    own, other = torch.kron(near(b), torch.eye(3)), torch.kron(near(b * mirror), mirror.diag())
    even, odd = own + other, own - other
    return config.spread**2 * (even + config.lopsided**2 * odd) / (1 + config.lopsided**2)
