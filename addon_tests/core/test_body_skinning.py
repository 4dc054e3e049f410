"""Linear blend skinning: exact gradients, and the identities that must hold."""

import torch

from neural_core.body import BodyParameters, load_open_body
from neural_core.body.skinning import joint_transforms, rotation_matrices, skin


def _random(*shape, seed=0, scale=1.0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) * scale


def test_rotations_are_rotations_also_at_zero():
    aa = torch.cat([_random(20, 3), torch.zeros(1, 3, dtype=torch.float64), _random(5, 3, scale=1e-5)])
    R = rotation_matrices(aa)
    eye = torch.eye(3, dtype=torch.float64)
    assert (R @ R.transpose(-1, -2) - eye).abs().max() < 1e-9
    assert (torch.linalg.det(R) - 1).abs().max() < 1e-9


def test_gradient_of_rotations():
    assert torch.autograd.gradcheck(rotation_matrices, (_random(4, 3).requires_grad_(),))
    at_zero = torch.zeros(2, 3, dtype=torch.float64, requires_grad=True)
    rotation_matrices(at_zero)[:, 2, 1].sum().backward()
    assert torch.allclose(at_zero.grad, torch.tensor([[1.0, 0, 0]] * 2, dtype=torch.float64))


def test_gradient_of_skinning():
    joints, pose, rest = _random(1, 55, 3), _random(1, 55, 3, seed=1, scale=0.5), _random(1, 4, 3, seed=2)
    weights = torch.softmax(_random(4, 55, seed=3), 1)

    def posed(joints, pose, rest, weights):
        R, p = joint_transforms(rotation_matrices(pose), joints)
        return skin(rest, joints, weights, R, p).sum(1)

    inputs = tuple(x.requires_grad_() for x in (joints, pose, rest, weights))
    assert torch.autograd.gradcheck(posed, inputs, fast_mode=True)


def test_rest_pose_is_the_template():
    body = load_open_body()
    output = body(BodyParameters.zeros())
    assert (output.vertices[0] - body.template).abs().max() < 1e-6
    assert (output.joints[0] - body.joint_template).abs().max() < 1e-6


def test_turning_the_root_turns_the_whole_body_about_the_pelvis():
    body = load_open_body()
    turn = torch.tensor([[0.0, 1.2, 0.0]])
    plain, turned = body(BodyParameters.zeros()), body(BodyParameters.zeros(global_orient=turn))
    pelvis = plain.joints[:, :1]
    expected = (plain.vertices - pelvis) @ rotation_matrices(turn).transpose(-1, -2) + pelvis
    assert (turned.vertices - expected).abs().max() < 1e-5


def test_subset_poses_the_same_vertices():
    body = load_open_body()
    chosen = torch.tensor([5, 9000, 1200])
    parameters = BodyParameters.zeros(2, betas=torch.randn(2, 20)).with_full_pose(0.3 * torch.randn(2, 55, 3))
    whole, part = body(parameters), body.subset(chosen)(parameters)
    assert torch.allclose(whole.vertices[:, chosen], part.vertices, atol=1e-6)
    assert torch.allclose(whole.joints, part.joints)


def test_every_parameter_reaches_the_vertices():
    body = load_open_body()
    parameters = BodyParameters.zeros()
    tensors = {k: v.clone().requires_grad_() for k, v in parameters.to_tensors().items()}
    (body(BodyParameters(**tensors)).vertices ** 2).sum().backward()
    for name, tensor in tensors.items():
        assert tensor.grad is not None and torch.isfinite(tensor.grad).all() and tensor.grad.abs().max() > 0, name


def test_correctives_vanish_at_rest_and_keep_a_bent_elbow_full():
    body = load_open_body()
    rest = torch.eye(3).expand(1, 55, 3, 3)
    assert body.pose_correctives(rest).abs().max() == 0
    bent = BodyParameters.zeros()
    pose = bent.full_pose()
    pose[0, 18, 1] = -2.0
    bent = bent.with_full_pose(pose)
    with_, without = body(bent).vertices[0], body(bent, correctives=False).vertices[0]

    def volume(v):
        a, b, c = v[body.faces].unbind(1)
        return float((a * torch.linalg.cross(b, c)).sum() / 6)

    assert volume(with_) > volume(without) + 1e-6  # plain skinning loses volume at a bent joint
    far = body.weights[:, [16, 18]].sum(1) == 0
    assert (with_ - without)[far].abs().max() < 1e-6
