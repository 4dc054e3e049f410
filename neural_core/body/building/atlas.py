"""The UV atlas of the open body: seams, flat charts, mirror-symmetric layout."""

import numpy as np

from neural_core.body.building.packing import Piece, pack
from neural_core.body.building.seams import HalfSkin, cut_body
from neural_core.body.building.source import FIRST_EYE
from neural_core.body.building.unwrap import Chart, cut_open, flatten
from neural_core.body.open_file import UV_STEPS
from neural_core.body.skeleton import JOINT_INDEX

_FACE_SCALE = 1.35  # the face against the skull inside the head chart, linear
_TOE_SCALE, _FINGER_SCALE = 0.7, 0.9
_PACKING_TRIALS = 600


def build_atlas(
    vertices: np.ndarray, faces: np.ndarray, weights: np.ndarray, joints: np.ndarray, base: np.ndarray,
    mirror: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:  # fmt: skip
    """uv (T, 2), face_uv (F, 3) and the chart (F,) of each face; right charts are u -> 1 - u of the left ones.

    Charts 0, 1, ... of the left half come first; those of the right half follow, torso and head keep one number.
    """
    half = HalfSkin(vertices, faces, weights, joints, base)
    label = cut_body(half)
    on_axis = abs(vertices[:, 0]) < 1e-5
    charts, pieces = [], []
    for c in range(label.max() + 1):
        chart = cut_open(half.faces[label == c], half.seams, on_axis)
        scale = _triangle_scale(chart, vertices, weights, c == _head_chart(half, label))
        flat = flatten(chart, vertices[chart.vertex], scale)
        charts.append(chart)
        pieces.append(Piece(flat, chart.faces, _sizes(half, label, c), bool(chart.axis.any())))
    placed, share = pack(pieces, _PACKING_TRIALS)
    print(f"atlas: {100 * share:.1f} % used, {2 * len(charts) - sum(c.axis.any() for c in charts)} charts")
    return _both_halves(faces, half.face_ids, label, charts, placed, mirror)


def _head_chart(half: HalfSkin, label: np.ndarray) -> int:
    return int(
        label[
            (half.weights[half.faces, JOINT_INDEX["head"]].mean(1) * (half.base[half.faces[:, 0]] < FIRST_EYE)).argmax()
        ]
    )


def _triangle_scale(chart: Chart, vertices: np.ndarray, weights: np.ndarray, is_head: bool) -> np.ndarray:
    """(m,) wanted relative size of triangles: more for the face, less for toes and fingers so that none overlap."""
    z = vertices[chart.vertex][chart.faces].mean(1)[:, 2]
    ramp = np.clip((z - 0.05) / 0.08, 0, 1)  # from the ears, z = .05, to the cheeks, z = .13
    face = 1 + (_FACE_SCALE - 1) * ramp * ramp * (3 - 2 * ramp)
    shares = weights[chart.vertex][chart.faces].mean(1)
    toes, fingers = shares[:, JOINT_INDEX["left_foot"]], shares[:, 25:40].sum(1)
    return face if is_head else 1 - (1 - _TOE_SCALE) * toes - (1 - _FINGER_SCALE) * fingers


def _sizes(half: HalfSkin, label: np.ndarray, c: int) -> tuple[float, float]:
    """Allowed linear texel density of a chart, relative to the torso."""
    faces = half.faces[label == c]
    centre = half.v[faces].mean((0, 1))
    if half.base[faces[0, 0]] >= FIRST_EYE:
        front = centre[2] > half.joint("left_eye_smplhf")[2]
        return (1.6, 2.2) if front else (0.6, 0.6)
    if c == _head_chart(half, label):
        return 1.15, 1.6
    if centre[0] > 0.7:  # hands
        return 1.05, 1.5
    if centre[1] < -1.15:  # feet
        return 0.85, 1.2
    return (0.95, 1.3) if centre[0] > 0.3 else (1.0, 1.0)


def _both_halves(faces, left_ids, label, charts, placed, mirror):
    """Mirror the left charts; the vertices on the axis of torso and head are shared."""
    face_uv = np.zeros((len(faces), 3), int)
    chart_of_face = np.zeros(len(faces), int)
    partner = _mirrored_faces(faces, mirror)
    uv: list[np.ndarray] = []
    count, right = 0, len(charts)
    for c, (chart, points) in enumerate(zip(charts, placed, strict=True)):
        ids = left_ids[label == c]
        face_uv[ids] = chart.faces + count
        chart_of_face[ids] = c
        new = np.arange(len(points)) + count + len(points)
        keep = ~chart.axis
        new[chart.axis] = np.where(chart.axis)[0] + count
        new[keep] = count + len(points) + np.arange(keep.sum())
        for k, corners in zip(ids, chart.faces, strict=True):
            other, order = partner[k]
            face_uv[other] = new[corners[order]]
            chart_of_face[other] = c if chart.axis.any() else right
        right += not chart.axis.any()
        points = np.where(chart.axis[:, None], points * [0, 1] + [0.5, 0], points)
        uv += [points, points[keep] * [-1, 1] + [1, 0]]
        count += len(points) + int(keep.sum())
    # On the grid of the file already here, in double precision, so that both halves are rounded alike.
    rounded = 0.5 + np.round((np.concatenate(uv) - 0.5) * UV_STEPS) / UV_STEPS
    return rounded, face_uv, chart_of_face


def _mirrored_faces(faces: np.ndarray, mirror: np.ndarray) -> dict[int, tuple[int, list[int]]]:
    """For each face: the face on the other side, and which of this face's corners its three corners come from."""
    where = {tuple(sorted(f)): i for i, f in enumerate(faces.tolist())}
    partner = {}
    for i, f in enumerate(faces.tolist()):
        image = [int(mirror[x]) for x in f]
        other = where[tuple(sorted(image))]
        partner[i] = other, [image.index(x) for x in faces[other].tolist()]
    return partner
