"""Where MediaPipe's 478 face points lie on the open body: rendered, detected and cast back many times.

A point is cast onto the *outer* skin only: never through the slit of the mouth or between the lids onto the eyeball,
never onto the other lip. The irises (468-477) lie on the eyeballs. Every view counts by how squarely it sees a point,
so the sides of the face come from turned heads. Left and right are averaged.
"""

from typing import Any

import numpy as np
import torch
from scipy import sparse
from scipy.optimize import linear_sum_assignment
from scipy.sparse import csgraph

from neural_core.body.building.pictures import shaded, skin_colours
from neural_core.body.model import BodyModel
from neural_core.body.parameters import BodyParameters
from neural_core.body.skeleton import JOINT_INDEX
from neural_core.camera import Camera, look_at

UPPER_LIP = (13, 80, 81, 82, 191, 310, 311, 312, 415, 11, 12, 0, 37, 267, 38, 268, 72, 302)
LOWER_LIP = (14, 87, 88, 95, 178, 317, 318, 324, 402, 15, 16, 17, 86, 316, 85, 315, 84, 314)
MIDLINE = (
    0,
    1,
    2,
    4,
    5,
    6,
    8,
    9,
    10,
    11,
    12,
    13,
    14,
    15,
    16,
    17,
    18,
    19,
    94,
    151,
    152,
    164,
    168,
    175,
    195,
    197,
    199,
    200,
)
IRISES = tuple(range(468, 478))
_SIZE = 640
_VIEWS = 32
_CLOSEST = 150  # triangles looked at for each point
_STEP = 5e-4  # metres of distance that one edge of difference counts
_OUTLINE = 0.35  # cosine against the camera below which a point counts as seen at the outline
_HEAD_CENTRE = np.array([0.0, -0.03, 0.05])  # between the ears; y from the eyes
_SIDE_YAW = 0.75  # radians


def face_landmarks(body: BodyModel, lips: np.ndarray, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Triangle (478,) and barycentrics (478, 3)."""
    allowed = _allowed_triangles(body)
    plain, flipped = _measure(body, lips, allowed, np.random.default_rng(seed))
    partner = _partners(plain, flipped)
    mean = (plain + flipped[partner]) / 2
    mean = (mean + mean[partner] * [-1, 1, 1]) / 2
    return _snap(body, mean, partner, allowed)


def _measure(body: BodyModel, lips: np.ndarray, allowed: dict, rng: np.random.Generator) -> list[np.ndarray]:
    """Median points on the template (478, 3) from plain pictures and from flipped ones."""
    import mediapipe

    solutions: Any = mediapipe.solutions  # untyped
    detector = solutions.face_mesh.FaceMesh(static_image_mode=True, refine_landmarks=True, min_detection_confidence=0.2)
    views: tuple[list, list] = [], []  # (478, 4) points and their weights, and the direction of the camera
    for _ in range(_VIEWS):
        picture, ids, vertices, camera = _random_view(body, lips, rng)
        for mirrored in (False, True):
            found = detector.process(np.ascontiguousarray(picture[:, ::-1]) if mirrored else picture)
            if found.multi_face_landmarks is None:
                continue
            pixels = np.array([(p.x, p.y) for p in found.multi_face_landmarks[0].landmark]) * _SIZE
            if mirrored:
                pixels[:, 0] = _SIZE - pixels[:, 0]
            views[mirrored].append((_cast(body, vertices, camera, ids, pixels, allowed), camera.R[2].numpy()))
    print(f"face landmarks: {len(views[0])} + {len(views[1])} of {2 * _VIEWS} views show a face")
    centre = body.joint_template[JOINT_INDEX["left_eye_smplhf"]].numpy() * [0, 1, 0] + _HEAD_CENTRE
    return [_consensus(np.stack([s for s, _ in v]), -np.stack([d for _, d in v]), centre) for v in views]


def _partners(plain: np.ndarray, flipped: np.ndarray) -> np.ndarray:
    """(478,) the landmark on the other side of the face; itself in the middle.

    In a flipped picture a point lies where its partner lies in the plain one, and partners have (nearly: the mesh is
    not quite symmetric) the same number of edges to every point of the midline. The irises are no part of the mesh.
    """
    from mediapipe.python.solutions.face_mesh_connections import FACEMESH_TESSELATION

    ends = np.array(list(FACEMESH_TESSELATION)).T
    graph = sparse.coo_matrix((np.ones(ends.shape[1]), ends), (468, 468)).tocsr()
    steps = np.zeros((478, len(MIDLINE)))
    steps[:468] = csgraph.shortest_path(graph, directed=False, unweighted=True)[:, list(MIDLINE)]
    cost = np.linalg.norm(plain[:, None] - flipped[None], axis=2) + _STEP * np.abs(steps[:, None] - steps[None]).sum(2)
    partner = np.arange(478)
    middle = np.isin(partner, MIDLINE)
    for group in (~middle & (partner < 468), partner >= 468):
        ids = np.where(group)[0]
        both = cost[np.ix_(ids, ids)] + cost[np.ix_(ids, ids)].T + 1e3 * np.eye(len(ids))
        partner[ids] = ids[linear_sum_assignment(both)[1]]
    if not (partner[partner] == np.arange(478)).all():
        raise AssertionError("the left-right map of the face points is not an involution")
    return partner


def _random_view(body: BodyModel, lips: np.ndarray, rng: np.random.Generator):
    """A picture of a random face, the triangles seen in it, its vertices (V, 3) and its camera."""
    betas = torch.zeros(1, 20)
    betas[0, 10:] = torch.from_numpy(rng.normal(0, 0.7, 10))
    actions = torch.zeros(1, 52)
    jaw = torch.tensor([[float(rng.choice([0.0, 0.0, 0.15, 0.3])), 0, 0]])
    vertices = body(BodyParameters.zeros(betas=betas, actions=actions, jaw_pose=jaw)).vertices[0]
    eyes = vertices[body.weights[:, JOINT_INDEX["left_eye_smplhf"]] > 0.5].mean(0) * torch.tensor([0.0, 1.0, 0.5])
    yaw, pitch = rng.uniform(-_SIDE_YAW, _SIDE_YAW), rng.uniform(-0.15, 0.15)
    direction = torch.tensor([np.sin(yaw) * np.cos(pitch), np.sin(pitch), np.cos(yaw) * np.cos(pitch)]).float()
    centre = eyes - torch.tensor([0.0, 0.02, 0.0])
    camera = look_at(centre + 1.5 * direction, centre, 1.5 * _SIZE / rng.uniform(0.36, 0.5), _SIZE, _SIZE)
    colours = skin_colours(body, lips) * float(rng.uniform(0.75, 1.1))
    return *shaded(vertices, body.faces, camera, colours, rng.uniform(0.3, 0.9)), vertices, camera


def _allowed_triangles(body: BodyModel) -> dict[str, np.ndarray]:
    """Front-facing triangles of the head seen from outside: of the skin, of either lip's side, of the eyeballs."""
    seen = np.zeros(len(body.faces), bool)
    centre = body.joint_template[JOINT_INDEX["left_eye_smplhf"]] * torch.tensor([0.0, 1.0, 0.5])
    for yaw in (0.0, 0.5, -0.5, 1.0, -1.0, 1.5, -1.5):
        for pitch in (0.0, 0.35, -0.35):
            at = torch.tensor([np.sin(yaw) * np.cos(pitch), np.sin(pitch), np.cos(yaw) * np.cos(pitch)]).float()
            camera = look_at(centre + 2 * at, centre, 2 * 900 / 0.3, 900, 900)
            ids = shaded(body.template, body.faces, camera, torch.ones(body.num_vertices, 3))[1]
            ids = np.unique(ids.numpy())[1:]
            corners = body.template[body.faces[ids]].numpy()
            normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
            seen[ids[(normal * (camera.position.numpy() - corners.mean(1))).sum(1) > 0]] = True
    w = body.weights[body.faces].mean(1).numpy()  # (F, 55)
    eye = w[:, [JOINT_INDEX["left_eye_smplhf"], JOINT_INDEX["right_eye_smplhf"]]].sum(1) > 0.5
    head = w[:, [JOINT_INDEX["head"], JOINT_INDEX["jaw"], JOINT_INDEX["neck"]]].sum(1) > 0.5
    lower = w[:, JOINT_INDEX["jaw"]] > 0.5
    skin = seen & head & ~eye
    return {"skin": skin, "upper": skin & ~lower, "lower": skin & lower, "eye": seen & eye}


def _kinds() -> list[str]:
    kinds = ["skin"] * 478
    for ids, kind in ((UPPER_LIP, "upper"), (LOWER_LIP, "lower"), (IRISES, "eye")):
        for i in ids:
            kinds[i] = kind
    return kinds


def _cast(
    body: BodyModel, vertices: torch.Tensor, camera: Camera, ids: torch.Tensor, pixels: np.ndarray, allowed: dict
) -> np.ndarray:
    """Detected pixels (478, 2) to points on the template and weights (478, 4).

    Each goes to the nearest, in the picture, of the allowed triangles that face the camera and are not hidden.
    """
    faces = body.faces.numpy()
    flat = camera.project(vertices)[0].numpy()
    visible = np.zeros(len(faces), bool)
    visible[ids[ids >= 0].numpy()] = True
    corners = vertices[body.faces].numpy()
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    view = camera.position.numpy() - corners.mean(1)
    facing = (normal * view).sum(1) / (np.linalg.norm(normal, axis=1) * np.linalg.norm(view, axis=1) + 1e-20)
    template = body.template.numpy()
    out = np.zeros((478, 4))
    kinds = _kinds()
    for kind in set(kinds):
        points = np.array([i for i in range(478) if kinds[i] == kind])
        candidates = np.where(allowed[kind] & visible & (facing > 0.05))[0]
        for i in points:
            far = np.linalg.norm(flat[faces[candidates]].mean(1) - pixels[i], axis=1)
            close = candidates[np.argsort(far)[:_CLOSEST]]
            bary, distance = _nearest_in_picture(flat[faces[close]], pixels[i])
            k = distance.argmin()
            out[i, :3] = bary[k] @ template[faces[close[k]]]
            # A point that fell beside the skin, as at the outline of a turned head, is no evidence.
            out[i, 3] = facing[close[k]] ** 2 * np.exp(-distance[k] / 4) + 1e-6
    return out


def _nearest_in_picture(triangles: np.ndarray, point: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Barycentrics (n, 3) of the nearest point of triangles (n, 3, 2), and the distance in pixels (n,)."""
    from trimesh.triangles import closest_point, points_to_barycentric

    flat = np.concatenate([triangles, np.zeros((len(triangles), 3, 1))], 2)
    target = np.tile([*point, 0.0], (len(triangles), 1))
    near = closest_point(flat, target)
    return points_to_barycentric(flat, near), np.linalg.norm(near - target, axis=1)


def _consensus(samples: np.ndarray, directions: np.ndarray, centre: np.ndarray) -> np.ndarray:
    """(478, 3) from samples (views, 478, 4) seen from directions (views, 3), each point from its own side.

    A point on the far side of a turned face is drawn at its outline by the detector, and falls on the wrong skin.
    """
    points = _weighted_median(samples[..., :3], samples[..., 3])
    for _ in range(3):
        outwards = (points - centre) / np.linalg.norm(points - centre, axis=1, keepdims=True)
        facing = np.clip(directions @ outwards.T - _OUTLINE, 0, 1) ** 2  # (views, 478)
        points = _weighted_median(samples[..., :3], samples[..., 3] * facing + 1e-9)
    return points


def _weighted_median(samples: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """(views, n, 3) and (views, n) to (n, 3), each coordinate by itself."""
    order = np.argsort(samples, axis=0)
    total = np.cumsum(np.take_along_axis(np.repeat(weights[..., None], 3, 2), order, 0), 0)
    middle = (total >= total[-1] / 2).argmax(0)
    return np.take_along_axis(np.take_along_axis(samples, order, 0), middle[None], 0)[0]


def _snap(body: BodyModel, points: np.ndarray, partner: np.ndarray, allowed: dict) -> tuple[np.ndarray, np.ndarray]:
    """Points (478, 3) to the nearest allowed triangle; a right point is the exact mirror image of its left partner."""
    from trimesh.triangles import closest_point, points_to_barycentric

    assert body.mirror is not None
    template, faces, mirror = body.template.double().numpy(), body.faces.numpy(), body.mirror.numpy()
    face_of = {tuple(sorted(f)): i for i, f in enumerate(faces.tolist())}
    triangle, barycentric, kinds = np.zeros(478, int), np.zeros((478, 3)), _kinds()
    for i in range(478):
        if points[i, 0] < points[partner[i], 0]:
            continue  # the right one of a pair
        at = points[i] * [0, 1, 1] if partner[i] == i else points[i]
        candidates = np.where(allowed[kinds[i]])[0]
        corners = template[faces[candidates]]
        near = closest_point(corners, np.tile(at, (len(candidates), 1)))
        k = np.linalg.norm(near - at, axis=1).argmin()
        bary = np.clip(points_to_barycentric(corners[k : k + 1], near[k : k + 1])[0], 0, 1)
        triangle[i], barycentric[i] = candidates[k], bary / bary.sum()
        if partner[i] != i:
            image = [int(mirror[x]) for x in faces[candidates[k]]]
            other = face_of[tuple(sorted(image))]
            triangle[partner[i]] = other
            barycentric[partner[i]] = [barycentric[i][image.index(x)] for x in faces[other].tolist()]
    return triangle, barycentric
