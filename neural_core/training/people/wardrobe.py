"""The one mesh that every synthetic person wears: the body, shells copied from its skin, and tubes.

All people share this topology. What a person does not wear, and everything beyond a hem, is cut away by a level set
per vertex that the rasterizer clips at zero; so hems, necklines and hairlines are smooth and nothing is remeshed.
"""

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
import torch
from torch import Tensor

from neural_core.body.model import BodyModel
from neural_core.body.skeleton import JOINT_INDEX
from neural_core.training.people.skin import face_pictures

# Tubes: points around, rows along. Rows are about 2.5 cm apart on the longest skirt, one pixel is about 0.8 cm.
TUBES = {
    "skirt": (72, 40), "coat": (72, 40), "curtain": (80, 36), "knot": (24, 14), "collar": (48, 9), "brim": (48, 4),
    "bag": (28, 14),
}  # fmt: skip

STEP = 0.8  # of a Laplacian step: near the largest that does not oscillate, so few steps smooth much


@dataclass(frozen=True)
class Shell:
    """A copy of a region of the skin.

    Attributes:
        source: (n,) body vertices.
        neighbours: (n, K) local indices, itself included; share: (n, K) weights of one smoothing step, 0 on padding.
    """

    source: Tensor
    neighbours: Tensor
    share: Tensor

    def smooth(self, values: Tensor) -> Tensor:
        """A Laplacian step on (n, C), the region's border held fixed; a gather, so the same on every device."""
        around = values.index_select(0, self.neighbours.reshape(-1)).view(*self.neighbours.shape, -1)
        return (around * self.share[..., None]).sum(1)


@dataclass(frozen=True)
class Wardrobe:
    """Static topology of body + shells + tubes.

    Attributes:
        layers: names in order; `slices[name]` are a layer's vertices.
        faces: (F, 3) long; face_layer: (F,) long; vertex_faces: (N, K) long, incident faces, F where there are fewer.
        source: (S,) body vertex of each vertex of body and shells (tubes come after them).
        shells: the shell layers; whole: all of the body, for smoothing over its surface.
        skin: (V,) bool, the connected outer skin; eyes: (V,) bool, the eyeballs.
        face: (3, P, P) lips, brows and eye outlines (skin.face_pictures).
        places: (55, 3) rest joints of the mean body as numbers, so that nothing waits for a device.
    """

    body: BodyModel
    layers: tuple[str, ...]
    slices: dict[str, slice]
    faces: Tensor
    face_layer: Tensor
    vertex_faces: Tensor
    source: Tensor
    shells: dict[str, Shell]
    whole: Shell
    skin: Tensor
    eyes: Tensor
    face: Tensor
    places: np.ndarray

    @property
    def size(self) -> int:
        return self.vertex_faces.shape[0]

    @property
    def device(self) -> torch.device:
        return self.faces.device

    def joint(self, name: str) -> Tensor:
        """(3,) rest joint of the mean body."""
        return self.body.joint_template[JOINT_INDEX[name]]

    def height(self, name: str) -> float:
        """Height of a rest joint of the mean body, metres."""
        return self.place(name)[1]

    def place(self, name: str) -> tuple[float, float, float]:
        """`joint` as numbers."""
        x, y, z = self.places[JOINT_INDEX[name]].tolist()
        return x, y, z


_CACHE: dict[tuple[int, str], Wardrobe] = {}


def load_wardrobe(body: BodyModel) -> Wardrobe:
    """The wardrobe of a body, on the body's device; built once per body object (about a second)."""
    key = (id(body), str(body.device))
    if key not in _CACHE:
        _CACHE[key] = _build(body)
    return _CACHE[key]


def _build(body: BodyModel) -> Wardrobe:
    faces = body.faces.cpu().numpy()
    count = body.num_vertices
    skin, eyes = _components(faces, body)
    all_faces, layers, slices = [faces], ["body"], {"body": slice(0, count)}
    face_layer, shells, n = [np.zeros(len(faces), int)], {}, count
    for name, region in _regions(body, skin).items():
        source, local, neighbours, share = _cut_out(faces, region)
        shells[name] = Shell(*(torch.from_numpy(a).to(body.device) for a in (source, neighbours, share)))
        slices[name] = slice(n, n + len(source))
        all_faces.append(local + n)
        face_layer.append(np.full(len(local), len(layers)))
        layers.append(name)
        n += len(source)
    source = torch.cat([torch.arange(count), *(s.source.cpu() for s in shells.values())])
    for name, (around, rows) in TUBES.items():
        local = _tube_faces(around, rows)
        slices[name] = slice(n, n + around * rows)
        all_faces.append(local + n)
        face_layer.append(np.full(len(local), len(layers)))
        layers.append(name)
        n += around * rows
    whole = _cut_out(faces, np.ones(count, bool))
    merged = np.concatenate(all_faces)
    return Wardrobe(
        body=body,
        layers=tuple(layers),
        slices=slices,
        faces=torch.from_numpy(merged).to(body.device),
        face_layer=torch.from_numpy(np.concatenate(face_layer)).to(body.device),
        vertex_faces=torch.from_numpy(_incident_faces(merged, n)).to(body.device),
        source=source.to(body.device),
        shells=shells,
        whole=Shell(*(torch.from_numpy(a).to(body.device) for a in (whole[0], *whole[2:]))),
        skin=torch.from_numpy(skin).to(body.device),
        eyes=torch.from_numpy(eyes).to(body.device),
        face=face_pictures(body).to(body.device),
        places=body.joint_template.cpu().numpy(),
    )


def _components(faces: np.ndarray, body: BodyModel) -> tuple[np.ndarray, np.ndarray]:
    """Which vertices belong to the outer skin (largest connected part) and to the eyeballs."""
    count = body.num_vertices
    edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]]])
    graph = sp.coo_matrix((np.ones(len(edges)), (edges[:, 0], edges[:, 1])), shape=(count, count))
    _, label = sp.csgraph.connected_components(graph, directed=False)
    skin = label == np.bincount(label).argmax()
    eye_joints = [JOINT_INDEX["left_eye_smplhf"], JOINT_INDEX["right_eye_smplhf"]]
    eyes = ~skin & (body.weights[:, eye_joints].sum(1) > 0.5).cpu().numpy()
    return skin, eyes


def _regions(body: BodyModel, skin: np.ndarray) -> dict[str, np.ndarray]:
    """Generous skin regions that each garment is cut from, anchored at the mean body's joints."""
    x, y, _ = body.template.cpu().numpy().T
    joint = {name: body.joint_template[i].cpu().numpy() for name, i in JOINT_INDEX.items()}
    arms = np.abs(x) < joint["left_wrist"][0] + 0.04
    pelvis, neck, head = joint["pelvis"][1], joint["neck"][1], joint["head"][1]
    return {
        "pants": skin & (y < pelvis + 0.20) & (np.abs(x) < 0.4),
        "top": skin & arms & (y > pelvis - 0.21) & (y < neck + 0.06),
        "jacket": skin & arms & (y > pelvis - 0.27) & (y < neck + 0.06),
        "shoes": skin & (y < joint["left_ankle"][1] + 0.27),
        "hair": skin & (y > head - 0.085) & (np.abs(x) < 0.2),
        "hat": skin & (y > head + 0.015) & (np.abs(x) < 0.2),
        "hood": skin & (y > neck - 0.06) & (np.abs(x) < 0.16),
    }


def _cut_out(faces: np.ndarray, region: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Source vertices, local faces, and a Laplacian step (neighbours, share) that leaves the region's border."""
    inside = region[faces].all(1)
    used = np.unique(faces[inside])
    index = np.full(len(region), -1)
    index[used] = np.arange(len(used))
    local = index[faces[inside]]
    edges = np.concatenate([local[:, [0, 1]], local[:, [1, 2]], local[:, [2, 0]]])
    edges = np.unique(np.concatenate([edges, edges[:, ::-1]]), axis=0)
    degree = np.bincount(edges[:, 0], minlength=len(used))
    rank = np.arange(len(edges)) - (np.cumsum(degree) - degree)[edges[:, 0]]
    neighbours = np.tile(np.arange(len(used))[:, None], (1, 1 + degree.max()))
    share = np.zeros(neighbours.shape, np.float32)
    neighbours[edges[:, 0], 1 + rank] = edges[:, 1]
    share[edges[:, 0], 1 + rank] = STEP / degree[edges[:, 0]]
    share[:, 0] = 1 - STEP
    border = np.zeros(len(region), bool)
    border[np.unique(faces[~inside])] = True
    pinned = border[used]
    share[pinned] = 0
    share[pinned, 0] = 1
    return used, local, neighbours, share


def _tube_faces(around: int, rows: int) -> np.ndarray:
    """Triangles of a tube whose vertex (row, k) has index row * around + k; outward for rows going down."""
    row, k = np.meshgrid(np.arange(rows - 1), np.arange(around), indexing="ij")
    a, b = row * around + k, row * around + (k + 1) % around
    c, d = a + around, b + around
    return np.concatenate([np.stack([a, c, b], -1).reshape(-1, 3), np.stack([b, c, d], -1).reshape(-1, 3)])


def _incident_faces(faces: np.ndarray, count: int) -> np.ndarray:
    """(N, K) faces around each vertex, padded with len(faces): normals as a gather, deterministic on CUDA too."""
    vertex = faces.reshape(-1)
    order = np.argsort(vertex, kind="stable")
    vertex, face = vertex[order], order // 3
    start = np.searchsorted(vertex, np.arange(count))
    rank = np.arange(len(vertex)) - start[vertex]
    table = np.full((count, int(rank.max()) + 1), len(faces))
    table[vertex, rank] = face
    return table
