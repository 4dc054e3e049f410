"""The jaw: a known narrower one is found from the oval of the face mesh; what says nothing changes nothing."""

import math

import numpy as np
import pytest
import torch

from neural_core.body import BodyModel, BodyParameters, load_open_body
from neural_core.camera import Camera, look_at
from neural_core.fitting import BodyFit
from neural_core.fitting.clothing_regions import clothing_regions
from neural_core.fitting.jaw import _JAW, fit_jaw
from neural_core.photo import PhotoEvidence


@pytest.fixture(scope="module")
def body() -> BodyModel:
    return load_open_body()


@pytest.fixture(scope="module")
def narrow(body) -> torch.Tensor:
    """(V, 3) a jaw 6 mm narrower on each side, about the middle between its angle and the chin."""
    side = marks(body, None)[[288, 397, 365]].mean(0)
    apart = torch.stack([body.template[:, 0].abs() - side[0], *(body.template[:, 1:] - side[1:]).unbind(1)])
    inwards = 0.006 * torch.exp(-apart.square().sum(0) / (2 * 0.03**2)) * -torch.sign(body.template[:, 0])
    return torch.stack([inwards, torch.zeros_like(inwards), torch.zeros_like(inwards)], 1)


def camera_at(yaw: float) -> Camera:
    eye = torch.tensor([3.0 * math.sin(yaw), 0.25, 0.15 + 3.0 * math.cos(yaw)])
    return look_at(eye, torch.tensor([0.0, 0.2, 0.15]), 2400.0, 600, 600)


def marks(body: BodyModel, offsets: torch.Tensor | None) -> torch.Tensor:
    """(478, 3) points of the face mesh on a body at rest."""
    vertices, at = body(BodyParameters.zeros(1), offsets).vertices[0], body.landmarks
    return (vertices[body.faces[at.face_triangle]] * at.face_barycentric[..., None]).sum(1)


def evidence_of(face: np.ndarray | None) -> PhotoEvidence:
    return PhotoEvidence(
        image=np.zeros((600, 600, 3), np.float32),
        mask=np.zeros((600, 600), np.float32),
        pose=np.zeros((33, 3), np.float32),
        pose_world=np.zeros((33, 3), np.float32),
        face=face,
        hands=(None, None),
        focal=2400.0,
        focal_source="guess",
        person_height_px=600.0,
        full_body=False,
        warnings=(),
    )


def found(body: BodyModel, truth: torch.Tensor, yaw: float) -> torch.Tensor:
    camera = camera_at(yaw)
    noise = np.random.default_rng(0).normal(0, 0.5, (478, 2))  # pixels
    seen = camera.project(marks(body, truth))[0].numpy() + noise
    return fit_jaw(evidence_of(seen), body, BodyFit(BodyParameters.zeros(1), camera))


@pytest.mark.parametrize("yaw", [0.0, 0.2])
def test_a_narrower_jaw_is_found_from_its_oval(body, narrow, yaw):
    points, bare, offsets = marks(body, narrow), marks(body, None), found(body, narrow, yaw)
    wide = (points - bare)[list(_JAW)].norm(dim=1)
    left = (points - marks(body, offsets))[list(_JAW)][:, 0].abs()
    assert (wide > 0.004).sum() >= 6
    assert left[wide > 0.004].mean() < 0.0025 and left.max() < 0.0035 and left.mean() < 0.0016

    regions, moved = clothing_regions(body), offsets.norm(dim=1)
    assert moved[regions.ears | regions.eyes].max() < 0.001
    assert moved.max() < 0.012
    edges = body.faces[:, [0, 1]]
    length = (body.template[edges[:, 0]] - body.template[edges[:, 1]]).norm(dim=1)
    bend = (offsets[edges[:, 0]] - offsets[edges[:, 1]]).norm(dim=1) / length.clamp(min=1e-3)
    assert bend.max() < 0.5  # no dents: skin turns by less than half a right angle


def test_a_jaw_that_fits_stays(body):
    assert found(body, torch.zeros_like(body.template), 0.0).norm(dim=1).max() < 0.001


def test_nothing_moves_without_a_face_or_for_one_turned_away(body, narrow):
    fit = BodyFit(BodyParameters.zeros(1), camera_at(0.0))
    assert not fit_jaw(evidence_of(None), body, fit).any()
    assert not found(body, narrow, 1.0).any()
