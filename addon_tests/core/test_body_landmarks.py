"""Landmarks lie where a camera can see them: on the outer skin, with mouth and eyes closed to rays."""

import numpy as np
import pytest
import torch

from neural_core.body import BodyParameters, load_open_body
from neural_core.body.skeleton import JOINT_INDEX

UPPER_INNER_LIP = (13, 80, 81, 82, 191, 310, 311, 312, 415)
LOWER_INNER_LIP = (14, 87, 88, 95, 178, 317, 318, 324, 402)
IRISES = list(range(468, 478))
PARTNERS = ((33, 263), (61, 291), (159, 386), (145, 374), (234, 454), (172, 397), (50, 280), (98, 327), (468, 473))
FLIP = np.array([-1.0, 1.0, 1.0])


@pytest.fixture(scope="module")
def body():
    return load_open_body()


def _points(body, vertices):
    corners = vertices[body.faces[body.landmarks.face_triangle]]
    return (corners * body.landmarks.face_barycentric[..., None]).sum(1).double().numpy()


def _lids(faces):
    """Triangles that close the holes of the mesh: mouth and both eyes; and the extra vertices' loops."""
    directed = {(int(f[k]), int(f[(k + 1) % 3])) for f in faces for k in range(3)}
    follow = {a: b for a, b in directed if (b, a) not in directed}
    loops = []
    while follow:
        start, at = next(iter(follow.items()))
        loop = [start]
        del follow[start]
        while at != start:
            loop.append(at)
            at = follow.pop(at)
        loops.append(loop)
    return loops


def _first_hit(origins, direction, triangles):
    """Distance (n,) along a direction to the nearest of triangles (m, 3, 3), inf where none."""
    a, e1, e2 = triangles[:, 0], triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0]
    p = np.cross(direction, e2)
    determinant = (e1 * p).sum(1)
    ok = np.abs(determinant) > 1e-14
    a, e1, e2, p, determinant = a[ok], e1[ok], e2[ok], p[ok], determinant[ok]
    out = np.full(len(origins), np.inf)
    for i, origin in enumerate(origins):
        s = origin - a
        u = (s * p).sum(1) / determinant
        q = np.cross(s, e1)
        v, t = (q @ direction) / determinant, (e2 * q).sum(1) / determinant
        hit = (u >= 0) & (v >= 0) & (u + v <= 1) & (t > 0)
        if hit.any():
            out[i] = t[hit].min()
    return out


def outer_skin_points(template, faces, triangle, points):
    """(478,) bool: from the point a ray leaves the head in some direction that the skin there faces."""
    head = faces[(template[faces][:, :, 1] > 0.05).all(1)]
    blockers = [template[head]]
    for loop in _lids(faces):
        ring = template[loop]
        centre = np.broadcast_to(ring.mean(0), ring.shape)
        blockers.append(np.stack([ring, np.roll(ring, -1, 0), centre], 1))
    blockers = np.concatenate(blockers)
    corners = template[faces[triangle]]
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    free = np.zeros(len(points), bool)
    for yaw in (0.0, 0.6, -0.6, 1.2, -1.2):
        for pitch in (0.0, -0.6, 0.6):
            d = np.array([np.sin(yaw) * np.cos(pitch), np.sin(pitch), np.cos(yaw) * np.cos(pitch)])
            ask = np.where(~free & (normal @ d > 0.1))[0]
            free[ask] |= np.isinf(_first_hit(points[ask] + 2e-4 * normal[ask], d, blockers))
    return free


def test_every_face_point_lies_on_the_outer_skin(body):
    template, faces = body.template.double().numpy(), body.faces.numpy()
    triangle = body.landmarks.face_triangle.numpy()
    assert (triangle >= 0).all()
    free = outer_skin_points(template, faces, triangle, _points(body, body.template))
    free[IRISES] = True  # they lie on the eyeballs, between the lids
    assert free.all(), np.where(~free)[0]


def test_the_ray_test_catches_a_point_behind_the_mouth(body):
    """The defect it was made for: a point at the back of the head, seen through the slit of the mouth."""
    template, faces = body.template.double().numpy(), body.faces.numpy()
    mouth = _points(body, body.template)[[13, 14]].mean(0)
    inside = mouth - [0, 0, 0.05]
    corners = template[faces]
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    centre = corners.mean(1)
    behind = (np.abs(centre[:, :2] - inside[:2]).max(1) < 0.02) & (centre[:, 2] < 0.05) & (normal[:, 2] < 0)
    triangle = np.where(behind)[0][:1]
    assert not outer_skin_points(template, faces, triangle, centre[triangle] + 1e-4 * FLIP)[0]


def test_lids_and_lips_are_skin_and_irises_are_eyes(body):
    eyes = body.weights[:, [JOINT_INDEX["left_eye_smplhf"], JOINT_INDEX["right_eye_smplhf"]]].sum(1)
    on_eye = eyes[body.faces[body.landmarks.face_triangle]].mean(1) > 0.5
    assert on_eye[IRISES].all() and int(on_eye.sum()) == len(IRISES)


def test_inner_lips_part_when_the_jaw_opens(body):
    opened = body(BodyParameters.zeros(jaw_pose=torch.tensor([[0.3, 0, 0]]))).vertices[0]
    change = _points(body, opened) - _points(body, body.template)
    assert np.abs(change[list(UPPER_INNER_LIP)]).max() < 0.006
    assert change[list(LOWER_INNER_LIP)][:, 1].max() < -0.001 and change[14, 1] < -0.01


def test_face_points_are_mirror_images(body):
    points = _points(body, body.template)
    for left, right in PARTNERS:
        assert np.abs(points[left] * FLIP - points[right]).max() < 1e-5
    for middle in (0, 1, 4, 10, 13, 14, 17, 152, 168):
        assert abs(points[middle, 0]) < 2e-4


def test_face_points_are_where_anatomy_says(body):
    points, J = _points(body, body.template), body.joint_template.numpy()
    eye = J[JOINT_INDEX["left_eye_smplhf"]]
    assert points[4, 2] > points[:, 2].max() - 0.004  # the tip of the nose is foremost
    assert np.linalg.norm(points[473][:2] - eye[:2]) < 0.004  # left iris in front of the left eye
    assert points[386, 1] > points[374, 1] and points[13, 1] > points[14, 1] > points[17, 1] > points[152, 1]
    assert points[263, 0] > points[362, 0] > 0  # 263 is the outer corner of the person's left eye
    assert points[10, 1] > points[151, 1] > points[9, 1] > points[168, 1]


def test_face_points_agree_with_mediapipe_mesh_order(body):
    """No two neighbours of the detector's mesh lie far apart: a swapped or stray point would."""
    connections = pytest.importorskip("mediapipe.python.solutions.face_mesh_connections")
    points = _points(body, body.template)
    edges = np.array(sorted(connections.FACEMESH_TESSELATION))
    length = np.linalg.norm(points[edges[:, 0]] - points[edges[:, 1]], axis=1)
    assert length.max() < 0.04


def test_pose_points_are_near_the_parts_they_name(body):
    lm = body.landmarks
    at = lm.pose_points(body.joint_template[None], torch.eye(3).expand(1, 55, 3, 3))[0].numpy()
    partner = {1: 4, 2: 5, 3: 6, 7: 8, 9: 10, **{i: i + 1 for i in range(11, 33, 2)}}
    for left, right in partner.items():
        assert np.abs(at[left] * FLIP - at[right]).max() < 1e-4
        assert at[left, 0] > 0
    J = {n: body.joint_template[JOINT_INDEX[n]].numpy() for n in JOINT_INDEX}
    for i, name in ((11, "shoulder"), (13, "elbow"), (15, "wrist"), (25, "knee"), (27, "ankle")):
        assert np.linalg.norm(at[i] - J[f"left_{name}"]) < 0.04
    assert at[29, 2] < at[27, 2] < at[31, 2]  # heel, ankle, toes from back to front


def test_pose_points_follow_the_body(body):
    pose = torch.zeros(1, 55, 3)
    pose[0, JOINT_INDEX["left_shoulder"], 2] = -1.2
    output = body(BodyParameters.zeros().with_full_pose(pose))
    at = body.landmarks.pose_points(output.joints, output.rotations)[0]
    wrist = output.joints[0, JOINT_INDEX["left_wrist"]]
    assert (at[15] - wrist).norm() < 0.03 and wrist[1] < -0.3


def test_finger_tips_end_the_fingers(body):
    for side, s in ((0, 1), (1, -1)):
        tips = body.template[body.landmarks.hand_tip_vertex[side]]
        last = body.landmarks.hand_joint[side][[3, 7, 11, 15, 19]]
        length = (tips - body.joint_template[last]).norm(dim=1)
        assert (length > 0.012).all() and (length < 0.035).all()
        hand = body.template[:, 0] * s > 0.7
        assert (tips[2, 0] * s) > (body.template[hand, 0] * s).max() - 0.002  # the middle finger reaches furthest
    assert (body.landmarks.hand_joint[:, [4, 8, 12, 16, 20]] == -1).all()
