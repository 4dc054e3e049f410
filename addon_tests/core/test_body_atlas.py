"""The UV atlas of the open body: few charts, little waste, mirror-symmetric, no seam on the backs of torso and head."""

from collections import defaultdict

import numpy as np
import pytest

from neural_core.body import load_open_body
from neural_core.body.skeleton import JOINT_INDEX


@pytest.fixture(scope="module")
def atlas():
    body = load_open_body()
    return body, body.uv.double().numpy(), body.face_uv.numpy(), body.faces.numpy()


def _areas(uv, face_uv):
    a, b, c = (uv[face_uv[:, k]] for k in range(3))
    return 0.5 * ((b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0])


def _charts(face_uv):
    """Chart of each face: faces that share a texture coordinate belong together."""
    root = np.arange(face_uv.max() + 1)

    def find(i):
        while root[i] != i:
            root[i] = root[root[i]]
            i = root[i]
        return i

    for a, b, c in face_uv:
        root[find(a)] = root[find(b)] = find(c)
    labels = np.array([find(i) for i in face_uv[:, 0]])
    return np.unique(labels, return_inverse=True)[1]


def _seam_edges(faces, face_uv):
    """Edges of the mesh (a, b) whose two faces disagree about the texture coordinates."""
    seen = defaultdict(list)
    for f, t in zip(faces.tolist(), face_uv.tolist(), strict=True):
        for k in range(3):
            pair = sorted([(f[k], t[k]), (f[(k + 1) % 3], t[(k + 1) % 3])])
            seen[pair[0][0], pair[1][0]].append((pair[0][1], pair[1][1]))
    return np.array([edge for edge, uses in seen.items() if len(uses) == 2 and uses[0] != uses[1]])


def test_at_most_sixteen_charts_use_seventy_percent(atlas):
    _, uv, face_uv, _ = atlas
    assert _charts(face_uv).max() + 1 <= 16
    assert np.abs(_areas(uv, face_uv)).sum() >= 0.70
    assert uv.min() > 0.004 and uv.max() < 0.996  # four texels of 1024 to the border of the picture


def test_layout_is_mirror_symmetric(atlas):
    """The texel partner of (u, v) is (1 - u, v), for the partner vertices of every face."""
    body, uv, face_uv, faces = atlas
    mirror = body.mirror.numpy()
    corners = defaultdict(set)
    for f, t in zip(faces.tolist(), face_uv.tolist(), strict=True):
        for vertex, at in zip(f, t, strict=True):
            corners[vertex].add((round(uv[at, 0] * 65534), round(uv[at, 1] * 65534)))
    for vertex, places in corners.items():
        assert {(65534 - u, v) for u, v in places} == corners[int(mirror[vertex])]


def test_no_triangle_is_flipped_or_empty(atlas):
    _, uv, face_uv, _ = atlas
    assert (_areas(uv, face_uv) > 0).all()


def test_nothing_overlaps(atlas):
    """No triangle's centre lies in another triangle."""
    _, uv, face_uv, _ = atlas
    t = uv[face_uv]
    centre = t.mean(1)
    order = np.argsort(centre[:, 0])
    sorted_u = centre[order, 0]
    first = np.searchsorted(sorted_u, t[:, :, 0].min(1))
    last = np.searchsorted(sorted_u, t[:, :, 0].max(1))
    v_low, v_high = t[:, :, 1].min(1), t[:, :, 1].max(1)
    for i in range(len(t)):
        near = order[first[i] : last[i]]
        near = near[(centre[near, 1] > v_low[i]) & (centre[near, 1] < v_high[i]) & (near != i)]
        p = centre[near][:, None]
        a, b = t[i], np.roll(t[i], -1, 0)
        side = (b - a)[:, 0] * (p[..., 1] - a[:, 1]) - (b - a)[:, 1] * (p[..., 0] - a[:, 0])
        assert not (side > 0).all(1).any()


def test_charts_keep_their_distance(atlas):
    """At least eight texels at 1024 between charts, so that each can be dilated by four."""
    from scipy.spatial import cKDTree

    _, uv, face_uv, _ = atlas
    chart = _charts(face_uv)
    a, b, c = (uv[face_uv[:, k]] for k in range(3))
    points = np.concatenate([a, b, c, (a + b) / 2, (b + c) / 2, (c + a) / 2])
    owner = np.tile(chart, 6)
    for k in range(chart.max() + 1):
        mine = owner == k
        distance, _ = cKDTree(points[~mine]).query(points[mine])
        assert distance.min() * 1024 >= 8


def test_no_seam_on_the_back_of_torso_and_head(atlas):
    body, _, face_uv, faces = atlas
    v, edges = body.template.numpy(), _seam_edges(faces, face_uv)
    hip, neck, shoulder = (
        body.joint_template[JOINT_INDEX[name]].numpy() for name in ("left_hip", "neck", "left_shoulder")
    )
    middle = v[edges].mean(1)
    corners = v[faces]
    normal = np.zeros_like(v)
    face_normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    np.add.at(normal, faces.ravel(), np.repeat(face_normal, 3, 0))
    backwards = normal[edges].mean(1)[:, 2] < 0
    torso = (middle[:, 1] > hip[1] - 0.03) & (middle[:, 1] < neck[1] - 0.08)
    torso &= np.abs(middle[:, 0]) < shoulder[0] - 0.03  # the rings at the arms lie further out
    assert not (torso & backwards).any()
    head = body.weights[:, JOINT_INDEX["head"]].numpy()[edges].min(1) > 0.95
    crown = head & (middle[:, 2] < v[:, 2].max() - 0.16) & (np.abs(middle[:, 0]) < 0.05)
    assert not crown.any()


def test_there_is_a_front_seam_to_find(atlas):
    """The seam walk sees the cut down the front: it would also see one down the back."""
    body, _, face_uv, faces = atlas
    middle = body.template.numpy()[_seam_edges(faces, face_uv)].mean(1)
    front = (np.abs(middle[:, 0]) < 1e-4) & (middle[:, 2] > 0.05) & (middle[:, 1] > -0.3) & (middle[:, 1] < 0)
    assert front.sum() > 8


def test_face_has_more_texels_than_the_torso(atlas):
    body, uv, face_uv, faces = atlas
    a, b, c = body.template.double().numpy()[faces].transpose(1, 0, 2)
    skin = 0.5 * np.linalg.norm(np.cross(b - a, c - a), axis=1)
    texels = np.sqrt(_areas(uv, face_uv) / skin) * 1024 / 100  # per centimetre
    centre = (a + b + c) / 3
    face = (centre[:, 2] > 0.13) & (centre[:, 1] > 0.13)
    torso = (np.abs(centre[:, 0]) < 0.12) & (centre[:, 1] < -0.1) & (centre[:, 1] > -0.4)
    assert np.median(texels[face]) > 1.3 * np.median(texels[torso])
    assert np.median(texels[torso]) > 5
