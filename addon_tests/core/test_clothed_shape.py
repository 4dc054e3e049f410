"""The clothed shape: recovers known clothes from their outline, outwards only, and leaves bare what is bare."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from neural_core.body import BodyModel, BodyParameters, load_open_body
from neural_core.body.skeleton import JOINT_INDEX
from neural_core.camera import Camera, look_at
from neural_core.errors import Cancelled
from neural_core.fitting import BodyFit, ClothedConfig, fit_clothed_shape
from neural_core.fitting.clothing_shell import ClothingShell
from neural_core.photo import PhotoEvidence
from neural_core.progress import Progress
from neural_core.rasterizer import rasterize

CONFIG = ClothedConfig(side=256)
CAMERA = look_at(torch.tensor([0.1, -0.4, 3.2]), torch.tensor([0.0, -0.5, 0.0]), 560.0, 360, 420)


@pytest.fixture(scope="module")
def body() -> BodyModel:
    return load_open_body()


@pytest.fixture(scope="module")
def standing() -> BodyParameters:
    """Arms down and a little away, feet apart."""
    pose = torch.zeros(1, 21, 3)
    for side, sign in (("left", 1.0), ("right", -1.0)):
        pose[0, JOINT_INDEX[f"{side}_shoulder"] - 1, 2] = -0.95 * sign
        pose[0, JOINT_INDEX[f"{side}_hip"] - 1, 2] = 0.06 * sign
    return BodyParameters.zeros(1, body_pose=pose)


@pytest.fixture(scope="module")
def shell(body) -> ClothingShell:
    return ClothingShell.of(body, CONFIG)


def evidence_of(mask: np.ndarray) -> PhotoEvidence:
    height, width = mask.shape
    return PhotoEvidence(
        image=np.zeros((height, width, 3), np.float32),
        mask=mask.astype(np.float32),
        pose=np.zeros((33, 3), np.float32),
        pose_world=np.zeros((33, 3), np.float32),
        face=None,
        hands=(None, None),
        focal=float(CAMERA.K[0, 0]),
        focal_source="guess",
        person_height_px=float(height),
        full_body=True,
        warnings=(),
    )


def outline(body: BodyModel, parameters: BodyParameters, offsets: torch.Tensor, camera: Camera) -> torch.Tensor:
    return rasterize(body(parameters, offsets).vertices[0], body.faces, camera).mask


def overlap(a: torch.Tensor, b: torch.Tensor) -> float:
    return float((a & b).sum() / (a | b).sum())


def smooth_clothes(shell: ClothingShell, seed: int) -> torch.Tensor:
    """Offsets (V, 3) drawn from the prior's smoothness about a coat two to three centimetres thick."""
    generator = torch.Generator().manual_seed(seed)
    factor = torch.linalg.cholesky(shell.basis.precision)
    noise = torch.randn(len(factor), 1, generator=generator)
    drawn = torch.linalg.solve_triangular(factor.T, noise, upper=True)[:, 0]
    return shell.offsets(0.3 * drawn + 0.025 * (shell.basis.values.sum(0) > 0))


@pytest.fixture(scope="module")
def coat(body, standing, shell) -> tuple[torch.Tensor, torch.Tensor]:
    """True offsets, and those fitted to their outline."""
    truth = smooth_clothes(shell, 1)
    mask = outline(body, standing, truth, CAMERA)
    return truth, fit_clothed_shape(evidence_of(mask.numpy()), body, BodyFit(standing, CAMERA), CONFIG)


def test_known_clothes_are_recovered_from_their_outline(body, standing, coat):
    truth, fitted = coat
    mask = outline(body, standing, truth, CAMERA)
    bare = overlap(outline(body, standing, torch.zeros_like(truth), CAMERA), mask)
    clothed = overlap(outline(body, standing, fitted, CAMERA), mask)
    assert bare < 0.87
    assert clothed > 0.965


def test_what_the_photo_does_not_show_follows_from_the_sides(body, standing, coat):
    truth, fitted = coat
    side = look_at(torch.tensor([3.2, -0.4, 0.0]), torch.tensor([0.0, -0.5, 0.0]), 560.0, 360, 420)
    seen_from_the_side = outline(body, standing, truth, side)
    bare = overlap(outline(body, standing, torch.zeros_like(truth), side), seen_from_the_side)
    assert overlap(outline(body, standing, fitted, side), seen_from_the_side) > bare + 0.4 * (1 - bare)


def test_the_shell_goes_little_under_the_skin_and_keeps_to_its_room(body, shell, coat):
    _, fitted = coat
    along = (fitted * shell.direction).sum(1)
    assert (along >= -shell.inset - 1e-6).all()
    assert shell.inset.max() <= 0.021
    torch.testing.assert_close(fitted, along[:, None] * shell.direction)
    assert (along <= shell.room * 2).all()


def test_nothing_on_face_ears_eyes_and_hands(shell, coat):
    _, fitted = coat
    for name in ("face", "ears", "eyes", "hands", "inside"):
        region = getattr(shell.regions, name)
        assert region.sum() > 10, name
        assert fitted[region].abs().max() == 0, name


def test_front_and_back_of_the_torso_are_alike(body, shell):
    """A symmetric outline gives the same thickness before and behind."""
    parameters = BodyParameters.zeros(1)
    straight = look_at(torch.tensor([0.0, -0.5, 30.0]), torch.tensor([0.0, -0.5, 0.0]), 5000.0, 360, 420)
    coefficients = torch.where(shell.basis.values.sum(0) > 0, 0.03, 0.0)
    mask = outline(body, parameters, shell.offsets(coefficients), straight)
    fitted = fit_clothed_shape(evidence_of(mask.numpy()), body, BodyFit(parameters, straight), CONFIG)
    rest, thickness = body.template, (fitted * shell.direction).sum(1) - shell.hollows
    belly = body.joint_template[JOINT_INDEX["spine1"]]
    near = shell.regions.torso & ((rest[:, 1] - belly[1]).abs() < 0.08) & (rest[:, 0].abs() < 0.05)
    front, back = thickness[near & (rest[:, 2] > belly[2])], thickness[near & (rest[:, 2] < belly[2])]
    assert float(front.mean()) == pytest.approx(float(back.mean()), abs=0.006)
    assert float(front.mean()) > 0.002


def test_left_mirrors_right_where_the_outline_does(body, shell):
    if body.mirror is None:
        pytest.skip("this body is not symmetric")
    parameters = BodyParameters.zeros(1)
    straight = look_at(torch.tensor([0.0, -0.5, 30.0]), torch.tensor([0.0, -0.5, 0.0]), 5000.0, 360, 420)
    mask = outline(body, parameters, smooth_clothes(shell, 2), straight)
    mask = mask | mask.flip(1)
    fitted = fit_clothed_shape(evidence_of(mask.numpy()), body, BodyFit(parameters, straight), CONFIG)
    thickness = fitted.norm(dim=1)
    assert (thickness - thickness[body.mirror]).abs().mean() < 0.1 * thickness.mean()


def test_a_tight_outline_adds_almost_nothing(body, standing):
    mask = outline(body, standing, torch.zeros(body.num_vertices, 3), CAMERA)
    fitted = fit_clothed_shape(evidence_of(mask.numpy()), body, BodyFit(standing, CAMERA), CONFIG)
    assert fitted.norm(dim=1).mean() < 0.003
    assert overlap(outline(body, standing, fitted, CAMERA), mask) > 0.97


def test_legs_do_not_grow_into_each_other(body, shell):
    """A skirt fills the gap between the legs in the mask; each leg keeps to its side of the rest body."""
    parameters = BodyParameters.zeros(1)
    mask = outline(body, parameters, torch.zeros(body.num_vertices, 3), CAMERA).numpy().copy()
    for row in range(240, 380):
        columns = np.nonzero(mask[row])[0]
        if len(columns):
            mask[row, columns[0] : columns[-1] + 1] = True
    fitted = fit_clothed_shape(evidence_of(mask), body, BodyFit(parameters, CAMERA), CONFIG)
    legs = shell.regions.legs
    assert fitted[legs].norm(dim=1).max() > 0.02
    x = body.template[legs, 0]
    crossing = ((x + fitted[legs, 0]) * x.sign()).clamp(max=0)
    assert crossing.min() > -0.01


def test_hips_do_not_grow_for_an_arm_that_the_fit_misses(body, standing, shell):
    """The person's left hand hangs beside the hip, the fitted one is raised: the mask there is an arm's."""
    mask = outline(body, standing, torch.zeros(body.num_vertices, 3), CAMERA).numpy().copy()
    joints, _ = CAMERA.project(body(standing).joints[0])
    hip = joints[JOINT_INDEX["left_hip"]]
    mask[int(hip[1]) - 60 : int(hip[1]) + 25, int(hip[0]) : int(hip[0]) + 34] = True
    raised = standing.body_pose.clone()
    raised[0, JOINT_INDEX["left_shoulder"] - 1, 2] = 0.0
    fit = BodyFit(replace(standing, body_pose=raised), CAMERA)
    evidence = evidence_of(mask)
    pose = evidence.pose.copy()
    for landmark, rise in ((13, -60), (15, -10), (19, 15)):
        pose[landmark] = (float(hip[0]) + 22, float(hip[1]) + rise, 1.0)
    blind = fit_clothed_shape(evidence, body, fit, CONFIG)
    told = fit_clothed_shape(replace(evidence, pose=pose), body, fit, CONFIG)
    height = body.joint_template[JOINT_INDEX["pelvis"], 1]
    hips = shell.regions.torso & ((body.template[:, 1] - height).abs() < 0.1)
    assert told[hips].norm(dim=1).mean() < 0.5 * blind[hips].norm(dim=1).mean()


def test_the_picture_border_is_no_outline(body, standing, shell):
    """Of a half-body photo the torso is clothed, and legs that nobody saw are not."""
    truth = smooth_clothes(shell, 3)
    cut = CAMERA.crop(0, 0, CAMERA.width, 190)
    mask = outline(body, standing, truth, cut)
    fitted = fit_clothed_shape(evidence_of(mask.numpy()), body, BodyFit(standing, cut), CONFIG)
    assert overlap(outline(body, standing, fitted, cut), mask) > 0.95
    shins = shell.regions.legs & (body.template[:, 1] < body.joint_template[JOINT_INDEX["left_knee"], 1])
    assert fitted[shins].norm(dim=1).mean() < 0.012


def test_the_same_again_gives_the_same_bytes(body, standing, coat):
    truth, fitted = coat
    mask = outline(body, standing, truth, CAMERA)
    again = fit_clothed_shape(evidence_of(mask.numpy()), body, BodyFit(standing, CAMERA), CONFIG)
    assert torch.equal(fitted, again)


def test_an_empty_mask_and_a_cancelled_fit(body, standing):
    empty = np.zeros((CAMERA.height, CAMERA.width), np.float32)
    fitted = fit_clothed_shape(evidence_of(empty), body, BodyFit(standing, CAMERA), replace(CONFIG, iterations=1))
    assert fitted.isfinite().all()
    with pytest.raises(Cancelled):
        fit_clothed_shape(
            evidence_of(empty), body, BodyFit(standing, CAMERA), CONFIG, Progress(is_cancelled=lambda: True)
        )


def test_clothes_move_with_the_body(body, standing, coat):
    """Offsets are of the rest pose: a bent elbow turns the sleeve with it."""
    _, fitted = coat
    bent = standing.body_pose.clone()
    bent[0, JOINT_INDEX["left_elbow"] - 1, 1] = -1.2
    forearm = body.weights[:, JOINT_INDEX["left_elbow"]] > 0.99
    thickness = []
    for parameters in (standing, replace(standing, body_pose=bent)):
        moved = body(parameters, fitted).vertices[0] - body(parameters).vertices[0]
        thickness.append(moved[forearm].norm(dim=1))
    torch.testing.assert_close(thickness[0], thickness[1], rtol=0.02, atol=1e-5)


@pytest.fixture(scope="module")
def padded(shell) -> torch.Tensor:
    """Clothes three centimetres thick behind, half a centimetre in front: no outline from the front tells."""
    back = shell.direction[:, 2] < -0.5
    return torch.where(back, 0.03, 0.005)[:, None] * shell.direction * shell.freedom[:, None]


def test_expected_clothes_stay_where_the_outline_says_nothing(body, standing, shell, padded):
    mask = outline(body, standing, padded, CAMERA)
    fit = BodyFit(standing, CAMERA)
    told = fit_clothed_shape(evidence_of(mask.numpy()), body, fit, CONFIG, expected=padded)
    blind = fit_clothed_shape(evidence_of(mask.numpy()), body, fit, CONFIG)
    back = shell.regions.torso & (shell.direction[:, 2] < -0.8) & (shell.freedom > 0.9)
    thickness, guess = (x[back].norm(dim=1).mean() for x in (told, blind))
    assert float(thickness) == pytest.approx(0.03, abs=0.004)
    assert abs(float(guess) - 0.03) > 0.01


def test_the_outline_wins_over_what_was_expected(body, standing, coat, shell):
    """Expected bare, expected twice too thick: the outline of the coat is met all the same, on both sides."""
    truth, _ = coat
    mask = outline(body, standing, truth, CAMERA)
    evidence, fit = evidence_of(mask.numpy()), BodyFit(standing, CAMERA)
    sides = shell.regions.torso & (shell.direction[:, 0].abs() > 0.9) & (shell.freedom > 0.9)
    for expected in (0 * truth, 2 * truth):
        before = overlap(outline(body, standing, expected, CAMERA), mask)
        fitted = fit_clothed_shape(evidence, body, fit, CONFIG, expected=expected)
        assert before < 0.87
        assert overlap(outline(body, standing, fitted, CAMERA), mask) > 0.95
        error, wrong = ((x - truth)[sides].norm(dim=1).mean() for x in (fitted, expected))
        assert error < 0.5 * wrong
