"""Photos of one pose tell each other the depth of limbs."""

from dataclasses import replace

import numpy as np
import pytest
import roma
import torch

from neural_core.body import BodyParameters, load_open_body
from neural_core.body.skinning import rotation_matrices
from neural_core.camera import look_at
from neural_core.fitting import BodyFit
from neural_core.fitting.several import agree
from neural_core.training.people.estimate import FitNoise, wrong_rotations
from neural_core.training.people.poses import random_pose


@pytest.fixture(scope="module")
def body():
    return load_open_body()


def truth(seed: int, kind: str = "stand") -> BodyParameters:
    return BodyParameters.zeros().with_full_pose(random_pose(np.random.default_rng(seed), kind)[None])


def joints(fit: BodyParameters, body) -> torch.Tensor:
    return body(fit, correctives=False).joints[0, :22]


def fitted(true: BodyParameters, body, yaw: float, seed: int) -> BodyFit:
    """With the errors of a fit to a photo from `yaw` degrees, in a world turned so that it faces the person."""
    angle = np.deg2rad(yaw)
    eye = torch.tensor([5 * np.sin(angle), 0.2, 5 * np.cos(angle)]).float()
    camera = look_at(eye, torch.zeros(3), 1200.0, 800, 1000)
    local = rotation_matrices(true.full_pose())
    rest = body.rest(true)[1][0]
    wrong = wrong_rotations(rest, local, camera.R[None], eye[None], np.random.default_rng(seed), FitNoise())
    turn = roma.rotvec_to_rotmat(torch.tensor([0.0, -angle, 0.0]).float())
    wrong[:, 0] = turn @ wrong[:, 0]
    posed = true.with_full_pose(roma.rotmat_to_rotvec(wrong))
    # The root turns about the rest pelvis: the camera goes round it with the world.
    moved = turn @ (eye - rest[0]) + rest[0]
    return BodyFit(posed, replace(camera, R=camera.R @ turn.T, t=-camera.R @ turn.T @ moved))


def error(fit: BodyFit, true: BodyParameters, body) -> float:
    """Metres, after the best rotation and shift."""
    found, wanted = joints(fit.parameters, body), joints(true, body)
    found, wanted = found - found.mean(0), wanted - wanted.mean(0)
    return float((found @ roma.special_procrustes(found.T @ wanted) - wanted).norm(dim=1).mean())


def test_a_photo_from_the_side_halves_the_errors_of_limbs(body):
    before, after = [], []
    for seed in range(6):
        true = truth(seed)
        fits = [fitted(true, body, yaw, 10 * seed + k) for k, yaw in enumerate((0, 90, 180, -90))]
        together = agree(fits, body)
        before.append(error(fits[0], true, body))
        after.append(error(together[0], true, body))
        for fit, corrected in zip(fits, together):  # each stays where it was in its own picture
            was, _ = fit.camera.project(joints(fit.parameters, body))
            now, _ = fit.camera.project(joints(corrected.parameters, body))
            assert (now - was).norm(dim=1).mean() < 6  # of some 430 pixels of height
    assert np.mean(after) < 0.65 * np.mean(before)


def test_photos_of_another_pose_change_nothing(body):
    fits = [fitted(truth(0), body, 0, 1), fitted(truth(1, "sit"), body, 90, 2), fitted(truth(5, "walk"), body, 180, 3)]
    assert all(one is fit for one, fit in zip(agree(fits, body), fits))


def test_a_limb_that_moved_between_two_photos_stays_as_each_shows_it(body):
    fits = [fitted(truth(0), body, 0, 1), fitted(truth(0), body, 90, 2)]
    raised = truth(0).full_pose().clone()
    raised[0, 16, 2] += 1.4  # the left arm
    fits[1] = fitted(truth(0).with_full_pose(raised), body, 90, 2)
    together = agree(fits, body)[0]
    elbow = [rotation_matrices(fit.parameters.full_pose())[0, 18] for fit in (fits[0], together)]
    assert torch.allclose(*elbow, atol=1e-4)
    assert (joints(together.parameters, body) - joints(fits[0].parameters, body))[[18, 20]].norm(dim=1).max() < 0.12


def test_one_photo_stays_as_it_is(body):
    fit = fitted(truth(3), body, 0, 0)
    assert agree([fit], body) == [fit]
