"""The parts of the fit's objective, each by itself."""

import numpy as np
import pytest
import torch

from neural_core.body import BodyParameters, load_open_body
from neural_core.body.skeleton import JOINT_INDEX, JOINT_NAMES, mirrored
from neural_core.evaluation.fitting import procrustes
from neural_core.fitting.directions import bone_directions, corrected_directions
from neural_core.fitting.objective import geman_mcclure
from neural_core.fitting.observation import FACE_POINTS, lip_gap
from neural_core.fitting.penetration import overlap, segment_distance, thickness
from neural_core.fitting.pose_prior import beyond_limits, mean_pose, pose_prior, relaxed_hands
from neural_core.fitting.shape_prior import _measures, shape_mean
from neural_core.fitting.surface import vertex_normals
from neural_core.fitting.variables import LAYOUT, SIZE, Variables, indices
from neural_core.photo.evidence import OTHER_SIDE

FLIP = torch.tensor([1.0, -1.0, -1.0])  # a mirrored axis-angle


@pytest.fixture(scope="module")
def body():
    return load_open_body()


def test_segment_distance_against_brute_force():
    generator = torch.Generator().manual_seed(1)
    p0, p1, q0, q1 = torch.randn(4, 200, 3, generator=generator, dtype=torch.float64)
    s = torch.linspace(0, 1, 101, dtype=torch.float64)
    a = p0[:, None] + s[:, None] * (p1 - p0)[:, None]
    b = q0[:, None] + s[:, None] * (q1 - q0)[:, None]
    brute = torch.cdist(a, b).amin((1, 2))
    exact = segment_distance(p0, p1, q0, q1)
    assert (exact <= brute + 1e-9).all() and (brute - exact < 0.02).all()


def test_segment_distance_of_points_and_parallels():
    o, x, y = torch.zeros(1, 3), torch.tensor([[1.0, 0, 0]]), torch.tensor([[0, 2.0, 0]])
    assert segment_distance(o, o, y, y).item() == pytest.approx(2.0)
    assert segment_distance(o, x, y, x + y).item() == pytest.approx(2.0)
    assert segment_distance(o, x, 3 * x, 4 * x).item() == pytest.approx(2.0)


def test_penetration_only_where_limbs_enter_the_body(body):
    def joints(**turns):
        pose = mean_pose().clone()
        for name, turn in turns.items():
            pose[JOINT_INDEX[name] - 1] = torch.tensor(turn)
        return body(BodyParameters.zeros(body_pose=pose[None])).joints

    assert overlap(joints()) < 1e-6
    inside = joints(left_shoulder=(1.2, -0.8, -1.1), left_elbow=(0.0, -1.6, 0.0))
    assert overlap(inside) > 1e-4
    inside.requires_grad_()
    (gradient,) = torch.autograd.grad(overlap(inside).sum(), inside)
    step = inside - 0.05 * gradient / gradient.norm()
    assert overlap(step) < overlap(inside)


def test_arms_lie_before_the_clothes_of_the_trunk_and_hang_in_their_folds(body):
    trunk = body.weights[:, [JOINT_INDEX[f"spine{k}"] for k in (1, 2, 3)]].sum(1)
    jacket = 0.03 * trunk[:, None] * vertex_normals(body.template, body.faces)
    betas = torch.zeros(20)
    worn = thickness(body, betas, jacket)
    assert 0.02 < float(worn.max()) < 0.03 and int((worn > 0.015).sum()) == 3, "flanks and core"
    assert not thickness(body, betas, torch.zeros_like(jacket)).any()
    assert float(thickness(body, betas, 10 * jacket).max()) <= 0.061

    def joints(*shoulder: float):
        pose = mean_pose().clone()
        pose[JOINT_INDEX["left_shoulder"] - 1] = torch.tensor(shoulder)
        pose[JOINT_INDEX["left_elbow"] - 1] = torch.tensor((0.0, -1.6, 0.0))
        return body(BodyParameters.zeros(body_pose=pose[None])).joints

    before = joints(0.8, -0.6, -1.1)  # the forearm before the belly, its skin not in the trunk's
    assert overlap(before) < 1e-9 and overlap(before, worn) > 3e-5
    hanging = body(BodyParameters.zeros(body_pose=mean_pose()[None])).joints
    assert overlap(hanging, worn) < 1e-9


def _mirror_pose(pose):
    """(n, 21, 3) of the body mirrored left to right."""
    names = JOINT_NAMES[1:22]
    order = [names.index(mirrored(name)) for name in names]
    return pose[:, order] * FLIP


def test_pose_prior_is_symmetric_and_least_at_the_mean():
    pose = torch.randn(4, 21, 3, generator=torch.Generator().manual_seed(2)) * 0.5
    assert torch.allclose(pose_prior(pose), pose_prior(_mirror_pose(pose)), rtol=1e-5)
    assert pose_prior(mean_pose()[None]) < pose_prior(pose).min() and pose_prior(mean_pose()[None]) < 1e-9


def test_hinges(body):
    pose = mean_pose()[None].clone()
    shut = torch.zeros(1, 3)
    assert beyond_limits(pose, shut) == 0
    for joint, axis, value in (("left_knee", 0, -0.2), ("right_knee", 0, 2.6), ("left_elbow", 1, 0.2)):
        bent = pose.clone()
        bent[0, JOINT_INDEX[joint] - 1, axis] = value
        assert beyond_limits(bent, shut) == pytest.approx(0.04, rel=1e-3)
    assert beyond_limits(pose, torch.tensor([[-0.2, 0, 0]])) == pytest.approx(0.04, rel=1e-3)


def test_relaxed_hands_mirror_each_other_and_close_the_fingers(body):
    hands = relaxed_hands(body.hands_mean)
    assert torch.allclose(hands[:15, 2], -hands[15:, 2], atol=1e-3)

    def reach(pose):
        out = body(BodyParameters.zeros(left_hand_pose=pose[None, :15], right_hand_pose=pose[None, 15:]))
        tips = out.vertices[0][body.landmarks.hand_tip_vertex[:, 1:]]  # without the thumbs
        wrists = out.joints[0][[JOINT_INDEX["left_wrist"], JOINT_INDEX["right_wrist"]]]
        return (tips - wrists[:, None]).norm(dim=-1).mean(1)

    assert (reach(hands) < reach(body.hands_mean) - 0.005).all()
    assert (reach(hands) > 0.5 * reach(torch.zeros(30, 3))).all()  # relaxed, and no fist


def test_shape_mean(body):
    man, woman, neutral = (shape_mean(body, gender) for gender in ("male", "female", "neutral"))
    *measures, tall = _measures(body)
    measures = torch.stack(measures)
    assert tall @ woman < 0 < tall @ man and (tall @ neutral).abs() < 1e-3 * tall.norm()
    assert (measures @ woman > 0.01 * measures.norm(dim=1)).all() and (measures @ man < 0).all()
    assert (measures[:2] @ neutral < 0).all()
    for mean in (man, woman, neutral):
        assert mean.shape == (20,) and mean.norm() < 3  # nobody rare


@pytest.mark.parametrize("with_picture", [False, True])
def test_correction_of_directions_is_mirror_symmetric(with_picture):
    generator = torch.Generator().manual_seed(3)
    world = 0.3 * torch.randn(33, 3, generator=generator)
    picture = 0.2 * torch.randn(33, 2, generator=generator) if with_picture else None
    flip = torch.tensor([-1.0, 1.0, 1.0])
    corrected = corrected_directions(world, picture)
    mirror = None if picture is None else picture[OTHER_SIDE] * flip[:2]
    again = corrected_directions(world[OTHER_SIDE] * flip, mirror)
    assert torch.allclose(corrected.norm(dim=1), torch.ones(17), atol=1e-5)
    shoulder = corrected[0] * torch.tensor([1.0, -1.0, -1.0])  # left to right swaps its ends
    assert torch.allclose(again[0], shoulder, atol=2e-3)
    assert torch.allclose(again[4], corrected[6] * flip, atol=2e-3)  # left upper arm and right upper arm
    assert torch.allclose(bone_directions(world)[0], torch.nn.functional.normalize(world[12] - world[11], dim=0))


def test_variables_layout():
    v = Variables.pack(2, pose=mean_pose(), tilt=torch.tensor([0.2, 0.0]), betas=torch.ones(2, 10))
    assert v.x.shape == (2, SIZE) and sum(end - start for start, end, _, _ in LAYOUT.values()) == SIZE
    assert torch.allclose(v["pose"][1], mean_pose()) and torch.equal(
        v.all_betas(), torch.cat([torch.ones(2, 10), torch.zeros(2, 10)], dim=1)
    )
    assert indices(("root", "place")).tolist() == list(range(6))
    neck = torch.zeros(1, SIZE).index_fill(1, indices(("neck",)), 1.0)
    assert torch.nonzero(Variables(neck)["pose"][0].sum(1)).item() == JOINT_INDEX["neck"] - 1
    R = v.camera_rotation()[0]
    assert torch.allclose(R @ R.T, torch.eye(3), atol=1e-6) and torch.det(R) > 0
    assert R[2, 1] == pytest.approx(-np.sin(0.2), abs=1e-6) and R[2, 2] < 0  # looks down, and at the person's face


def test_geman_mcclure():
    r = torch.tensor([0.0, 0.01, 1e6])
    assert torch.allclose(geman_mcclure(r, 3.0), torch.tensor([0.0, 0.01, 9.0]), rtol=2e-3)


def test_lip_gap():
    face = np.zeros((478, 2), np.float32)
    face[78], face[308], face[13], face[14] = (0, 0), (50, 0), (25, -2), (25, 8)
    assert lip_gap(face) == pytest.approx(0.2) and lip_gap(None) == 0
    assert len(set(FACE_POINTS)) == len(FACE_POINTS)


def test_procrustes_undoes_a_similarity():
    generator = np.random.default_rng(4)
    points = generator.normal(size=(10, 3))
    Q, _ = np.linalg.qr(generator.normal(size=(3, 3)))
    Q *= np.sign(np.linalg.det(Q))
    assert np.allclose(procrustes(points, 1.7 * points @ Q + 3), 1.7 * points @ Q + 3)
