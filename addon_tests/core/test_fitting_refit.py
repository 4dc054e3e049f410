"""A fit corrected by hand, on a person whose evidence is exact: pins hold, the rest stays, taken back is taken back."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from neural_core.body import BodyParameters, load_open_body
from neural_core.camera import look_at
from neural_core.fitting import BodyFit
from neural_core.fitting.pose_prior import mean_pose
from neural_core.fitting.refit import refit_body, variables_of
from neural_core.fitting.report import body_mask
from neural_core.fitting.variables import Variables
from neural_core.photo import PhotoEvidence
from neural_core.photo.edits import PINS, PhotoEdits, Stroke, edited, painted

WIDTH, HEIGHT, TALL = 240, 360, 300.0


@pytest.fixture(scope="module")
def body():
    return load_open_body()


@pytest.fixture(scope="module")
def base(body) -> BodyFit:
    generator = torch.Generator().manual_seed(3)
    parameters = BodyParameters.zeros(
        1,
        betas=0.5 * torch.randn(1, 20, generator=generator),
        global_orient=torch.tensor([[0.0, 0.4, 0.0]]),
        body_pose=mean_pose()[None],
    )
    soles = float(body(parameters).vertices[..., 1].min())
    camera = look_at(torch.tensor([0.0, 1.3, 3.4]), torch.tensor([0.0, 0.85, 0.0]), 560.0, WIDTH, HEIGHT)
    return BodyFit(replace(parameters, transl=torch.tensor([[0.0, -soles, 0.0]])), camera)


@pytest.fixture(scope="module")
def evidence(body, base) -> PhotoEvidence:
    out = body(base.parameters)
    points = body.landmarks.pose_points(out.joints, out.rotations)[0]
    pixels = base.camera.project(points)[0].numpy()
    return PhotoEvidence(
        image=np.zeros((HEIGHT, WIDTH, 3), np.float32),
        mask=body_mask(out.vertices[0], body, base.camera).astype(np.float32),
        pose=np.column_stack([pixels, np.ones(33)]).astype(np.float32),
        pose_world=base.camera.to_camera(points).numpy(),
        face=None,
        hands=(None, None),
        focal=560.0,
        focal_source="guess",
        person_height_px=TALL,
        full_body=True,
        warnings=(),
    )


def refit(evidence, body, base, edits: PhotoEdits, start=None) -> BodyFit:
    return refit_body(evidence, edited(evidence, edits), edits.pinned, body, base, start)


def landmarks(body, fit: BodyFit) -> np.ndarray:
    out = body(fit.parameters, correctives=False)
    return fit.camera.project(body.landmarks.pose_points(out.joints, out.rotations)[0])[0].numpy()


def pin(body, base, name: str, dx: float, dy: float) -> dict[str, tuple[float, float]]:
    x, y = landmarks(body, base)[PINS[name]]
    return {name: (float(x + dx), float(y + dy))}


def test_variables_of_a_fit_are_that_fit(body, base):
    v = Variables(variables_of(base, body, 560.0))
    assert torch.allclose(v.camera_rotation()[0], base.camera.R, atol=1e-5)
    pelvis = base.camera.to_camera(body(base.parameters).joints[0, 0])
    assert torch.allclose(v.pelvis_in_camera()[0], pelvis, atol=1e-5)
    assert torch.allclose(v.body_parameters().full_pose(), base.parameters.full_pose(), atol=1e-6)
    assert torch.allclose(v.all_betas(), base.parameters.betas, atol=1e-6)


def test_without_corrections_nothing_moves(evidence, body, base):
    fit = refit(evidence, body, base, PhotoEdits())
    assert np.abs(landmarks(body, fit) - landmarks(body, base)).max() < 0.02
    assert fit.errors["residual_percent"] < 0.05


@pytest.mark.parametrize(
    "name, dx, dy", [("left_elbow", 14.0, -6.0), ("right_wrist", -10.0, -12.0), ("left_knee", 9, 0)]
)
def test_a_pin_holds_and_the_other_side_stays(evidence, body, base, name, dx, dy):
    edits = PhotoEdits(pin(body, base, name, dx, dy))
    fit = refit(evidence, body, base, edits)
    moved = np.linalg.norm(landmarks(body, fit) - landmarks(body, base), axis=1) * 100 / TALL
    error = np.linalg.norm(landmarks(body, fit)[PINS[name]] - edits.pins[name]) * 100 / TALL
    assert error < 0.4
    other = "right" if name.startswith("left") else "left"
    limbs = ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")
    assert max(moved[PINS[f"{other}_{limb}"]] for limb in limbs) < 1.5
    assert abs(float(body(fit.parameters).vertices[0, :, 1].min())) < 1e-4
    again = refit(evidence, body, base, edits)
    assert torch.equal(again.parameters.body_pose, fit.parameters.body_pose)  # whatever was dragged before it


def test_drafts_lead_to_the_pin(evidence, body, base):
    edits = PhotoEdits(pin(body, base, "left_wrist", 10.0, -10.0))
    fit, errors = base, []
    for _ in range(3):
        fit = refit(evidence, body, base, edits, start=fit)
        errors.append(np.linalg.norm(landmarks(body, fit)[PINS["left_wrist"]] - edits.pins["left_wrist"]))
    assert errors[-1] < 1.5 and errors[0] < 10


def test_focal_length_moves_the_camera_not_the_person(evidence, body, base):
    fit = refit(evidence, body, base, PhotoEdits(focal=1120.0))
    away = [float(f.camera.to_camera(body(f.parameters).joints[0, 0])[2]) for f in (base, fit)]
    assert away[1] / away[0] == pytest.approx(2, rel=0.06)
    assert float(fit.camera.K[0, 0]) == 1120.0
    assert np.linalg.norm(landmarks(body, fit) - landmarks(body, base), axis=1).mean() * 100 / TALL < 0.5


def test_a_painted_mask_pushes_the_outline(evidence, body, base):
    """The left forearm painted on at its inner side and away at its outer side: the arm moves in."""
    elbow, wrist = landmarks(body, base)[[13, 15]]
    along = (wrist - elbow) / np.linalg.norm(wrist - elbow)
    outwards = TALL * 0.03 * np.array([along[1], -along[0]])
    inner, outer = (tuple(map(tuple, (elbow + s * outwards, wrist + s * outwards))) for s in (-1, 1))
    edits = PhotoEdits(strokes=(Stroke(inner, TALL * 0.03, add=True), Stroke(outer, TALL * 0.025, add=False)))
    fit = refit(evidence, body, base, edits)
    moved = (landmarks(body, fit) - landmarks(body, base))[[13, 15]].mean(0)
    assert moved @ outwards / np.linalg.norm(outwards) < -0.001 * TALL  # against landmarks that say otherwise


def test_followers_go_with_their_pin_unless_pinned(evidence):
    x, y = (float(v) for v in evidence.pose[PINS["left_ankle"], :2])
    toe = (x + 30, y + 30)
    corrected = edited(evidence, PhotoEdits({"left_ankle": (x + 5, y - 3), "left_toe": toe}))
    assert np.allclose(corrected.pose[29, :2] - evidence.pose[29, :2], (5, -3), atol=1e-4)
    assert np.allclose(corrected.pose[31, :2], toe)
    assert np.array_equal(corrected.pose[28], evidence.pose[28])


def test_strokes_lie_on_top_of_each_other():
    mask = np.zeros((60, 80), np.float32)
    line = ((20.0, 30.0), (60.0, 30.0))
    added = painted(mask, (Stroke(line, 6.0, True),))
    assert added[30, 40] == 1 and added[30, 24] == 1 and added[42, 40] == 0
    assert added.sum() == pytest.approx(40 * 12 + np.pi * 36, rel=0.1)
    cut = painted(mask, (Stroke(line, 6.0, True), Stroke(((40.5, 30.5),), 3.0, False)))
    assert cut[30, 40] == 0 and cut[30, 46] == 1
    assert not mask.any()
    far = painted(mask, (Stroke(((-1e9, 30.0), (1e9, 30.0)), 5.0, True),))
    assert far[30].min() == 1 and far[10].max() == 0
