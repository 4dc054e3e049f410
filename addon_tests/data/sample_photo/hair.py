"""Hair grown strand by strand: scalp, brows and lashes."""

import bpy
import numpy as np
from scipy.spatial import cKDTree

from .materials import hair_strands, material
from .person import BODY, FACES, SEED, TEMPLATE, weight
from .surface import scatter, to_blender, vertex_normals

BROWS = ([70, 63, 105, 66, 107], [300, 293, 334, 296, 336])
LIDS = ([33, 246, 161, 160, 159, 158, 157, 173], [263, 466, 388, 387, 386, 385, 384, 398])


def face_points(body: np.ndarray, ids: list[int]) -> np.ndarray:
    """(n, 3) positions of MediaPipe face points on the body."""
    triangles = FACES[BODY.landmarks.face_triangle.numpy()[ids]]
    return (body[triangles] * BODY.landmarks.face_barycentric.numpy()[ids][..., None]).sum(1)


def scalp_mask(points: np.ndarray) -> np.ndarray:
    """Where hair grows, on rest coordinates: above a hairline that falls from the forehead behind the ears."""
    z = points[:, 2]
    line = np.interp(z, [-0.08, 0.0, 0.045, 0.075, 0.10, 0.13, 0.16], [0.200, 0.218, 0.255, 0.285, 0.308, 0.324, 0.331])
    head = points[:, 1] > 0.18
    ear = (np.abs(points[:, 0]) > 0.074) & (z < 0.075) & (z > 0.0) & (points[:, 1] < 0.30)
    return head & (points[:, 1] > line) & ~ear


def grow(roots, normals, rng, length, comb, lift, segments=8, jitter=0.25):
    """(n, segments + 1, 3) strands that leave along the normal and bend into the comb direction and gravity."""
    n = len(roots)
    points = np.zeros((n, segments + 1, 3))
    points[:, 0] = roots - normals * 0.001
    direction = normals * lift + comb + rng.normal(0, jitter, (n, 3)) * 0.5
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    step = (length / segments)[:, None]
    for k in range(segments):
        points[:, k + 1] = points[:, k] + direction * step
        direction = direction + comb * 0.22 + np.array([0, -0.16, 0]) + rng.normal(0, jitter * 0.25, (n, 3))
        into = np.minimum((direction * normals).sum(1, keepdims=True), 0)
        direction = direction - normals * into * 0.85
        direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    return points


def hair_object(name: str, strands: np.ndarray, radius: float, made: bpy.types.Material) -> None:
    n, k = strands.shape[:2]
    curves = bpy.data.hair_curves.new(name)
    curves.add_curves([k] * n)
    curves.attributes["position"].data.foreach_set(
        "vector", to_blender(strands.reshape(-1, 3)).astype(np.float32).ravel()
    )
    taper = np.tile(np.linspace(radius, radius * 0.35, k), n).astype(np.float32)
    thickness = curves.attributes.get("radius") or curves.attributes.new("radius", "FLOAT", "POINT")
    thickness.data.foreach_set("value", taper)
    curves.materials.append(made)
    thing = bpy.data.objects.new(name, curves)
    bpy.context.scene.collection.objects.link(thing)


def grow_hair(body: np.ndarray) -> None:
    rng = np.random.default_rng(SEED)
    normals = vertex_normals(body, FACES)
    head = weight("head", "jaw") > 0.5
    eyes = weight("left_eye_smplhf", "right_eye_smplhf") > 0.5
    faces = FACES[(head & ~eyes)[FACES].all(1)]
    pick, b = scatter(body, faces, rng, 150_000)
    rest = (TEMPLATE[faces[pick]] * b[..., None]).sum(1)
    keep = scalp_mask(rest + rng.normal(0, 0.003, rest.shape))
    rest, roots = rest[keep], (body[faces[pick]] * b[..., None]).sum(1)[keep]
    n = (normals[faces[pick]] * b[..., None]).sum(1)[keep]
    n /= np.linalg.norm(n, axis=1, keepdims=True)
    top = np.clip((rest[:, 1] - 0.29) / 0.07, 0, 1)
    length = (0.018 + 0.034 * top) * rng.uniform(0.75, 1.15, len(rest))
    part = np.tanh((rest[:, 0] + 0.03) / 0.03)
    comb = np.stack([0.55 * part * top, 0.10 - 0.75 * (1 - top), -0.35 - 0.15 * top + 0.7 * (rest[:, 2] > 0.10)], 1)
    clump = np.random.default_rng(3).normal(0, 0.20, (400, 3))
    nearest = cKDTree(rest[:: max(1, len(rest) // 400)][:400]).query(rest)[1]
    brown = material("Hair", hair_strands(0.95))
    hair_object("Hair", grow(roots, n, rng, length, comb * 1.1 + clump[nearest], 0.22), 0.00013, brown)

    for ids, outward in zip(BROWS, (-1.0, 1.0)):
        line = face_points(body, ids)
        t = rng.random(700)
        at = np.stack([np.interp(t * (len(ids) - 1), np.arange(len(ids)), line[:, c]) for c in range(3)], 1)
        at += rng.normal(0, [0.0008, 0.0022, 0.0008], at.shape)
        _, vertex = cKDTree(body[head]).query(at)
        surface, n = body[head][vertex], normals[head][vertex]
        at = at - ((at - surface) * n).sum(1, keepdims=True) * n
        comb = np.tile([outward * 0.9, 0.15, -0.1], (len(at), 1)) + np.array([0, 0.6, 0]) * (t[:, None] > 0.75)
        hair_object("Brow", grow(at, n, rng, rng.uniform(0.005, 0.009, len(at)), comb, 0.25, 4, 0.15), 0.00011, brown)
    for ids in LIDS:
        line = face_points(body, ids)
        t = rng.random(110)
        at = np.stack([np.interp(t * (len(ids) - 1), np.arange(len(ids)), line[:, c]) for c in range(3)], 1)
        n = np.tile([0.0, 0.1, 1.0], (len(at), 1))
        comb = np.tile([0.0, 0.5, 0.3], (len(at), 1))
        hair_object("Lash", grow(at, n, rng, np.full(len(at), 0.006), comb, 0.8, 4, 0.2), 0.00006, brown)
