"""Motion as an open shutter sees it."""

import pytest
import torch

from neural_core.body import BodyParameters, load_open_body
from neural_core.camera import Camera
from neural_core.rasterizer import rasterize
from neural_core.rendering import Frame
from neural_core.rendering.shutter import exposed

_CAMERA = Camera.pinhole(500.0, 180, 320, torch.diag(torch.tensor([1.0, -1.0, -1.0])), torch.tensor([0.0, -0.3, 5.0]))


@pytest.fixture(scope="module")
def standing():
    body = load_open_body()
    vertices = body(BodyParameters.zeros(1)).vertices[0]
    mask = rasterize(vertices, body.faces, _CAMERA).mask.float()
    return body, vertices, Frame(torch.full((3, *mask.shape), 0.6), mask, torch.ones_like(mask))


def test_who_stands_still_is_as_sharp_as_before(standing):
    body, vertices, frame = standing
    assert exposed(frame, vertices, torch.zeros_like(vertices), body.faces, _CAMERA) is frame
    empty = Frame.empty(*frame.alpha.shape)
    behind = vertices - torch.tensor([0.0, 0.0, -9.0])
    assert exposed(empty, behind, torch.ones_like(vertices), body.faces, _CAMERA) is empty
    beside = vertices * torch.tensor([1.0, 1.0, 0.0]) + torch.tensor([0.0, 0.0, 5.0])  # in the camera's plane
    assert bool(exposed(frame, beside, torch.ones_like(vertices), body.faces, _CAMERA).alpha.isfinite().all())


def test_edges_across_the_motion_are_ramps_of_its_length_and_colours_stay(standing):
    body, vertices, frame = standing
    metres = 0.2  # twenty pixels at five metres
    moved = exposed(frame, vertices, torch.tensor([metres, 0.0, 0.0]).expand_as(vertices), body.faces, _CAMERA)
    row = int(frame.alpha.sum(1).nonzero()[:, 0].float().mean())  # through the trunk
    before, after = frame.alpha[row], moved.alpha[row]
    assert float(after.sum()) == pytest.approx(float(before.sum()), rel=0.03), "nobody grows"
    ramp = int(((after > 0.02) & (after < 0.98)).sum())
    assert 30 <= ramp <= 46, "a ramp of twenty pixels on either side"
    assert float(moved.alpha.sum()) == pytest.approx(float(frame.alpha.sum()), rel=0.03)
    assert torch.allclose(moved.rgb[:, moved.alpha > 0.05], torch.tensor(0.6), atol=1e-3)
    assert torch.equal(moved.depth, frame.depth)


def test_only_the_arm_that_moves_is_blurred(standing):
    body, vertices, frame = standing
    arm = (vertices[:, :1] > 0.35).float()  # the left one of the T pose
    moved = exposed(frame, vertices, arm * torch.tensor([0.0, 0.2, 0.0]), body.faces, _CAMERA)
    change = (moved.alpha - frame.alpha).abs()
    columns = _CAMERA.project(vertices)[0][:, 0]
    trunk, left = int(columns.mean()), int(columns[arm[:, 0] > 0].mean())
    assert float(change[:, left - 5 : left + 5].max()) > 0.3
    assert float(change[:, : trunk + 10].max()) < 0.02
