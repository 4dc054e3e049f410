"""Between open lips it is dark; nothing else of the picture changes."""

from dataclasses import replace

import pytest
import torch

from neural_core.body import BodyParameters, load_open_body
from neural_core.camera import look_at
from neural_core.networks import RENDERER_CONFIGS, RendererNetwork
from neural_core.rasterizer import rasterize
from neural_core.rendering import AvatarRenderer
from neural_core.rendering.mouth import Mouth
from neural_core.texture import NeuralTexture

CAMERA = look_at(torch.tensor([0.3, 0.25, 1.5]), torch.tensor([0.0, 0.25, 0.0]), 700.0, 256, 256)


@pytest.fixture(scope="module")
def body():
    return load_open_body()


@pytest.fixture(scope="module")
def mouth(body) -> Mouth:
    found = Mouth.of(body)
    assert found is not None
    return found


def head(body, jaw: float) -> torch.Tensor:
    return body(BodyParameters.zeros(1, jaw_pose=torch.tensor([[jaw, 0.0, 0.0]]))).vertices[0]


def test_the_sheet_closes_the_lips_once(body, mouth):
    edges = torch.cat([mouth.faces[:, [0, 1]], mouth.faces[:, [1, 2]], mouth.faces[:, [2, 0]]]).sort(1).values
    counts = edges.unique(dim=0, return_counts=True)[1]
    rim = mouth.faces.unique()
    assert len(mouth.faces) == len(rim) - 2 and counts.max() == 2
    assert int((counts == 1).sum()) == len(rim)  # its border is the whole opening
    weights = body.weights[rim].argmax(1).unique()
    assert len(weights) == 2  # upper and lower lip: head and jaw


def test_more_of_the_inside_shows_as_the_jaw_opens(body, mouth):
    def shown(jaw: float) -> torch.Tensor:
        vertices = head(body, jaw)
        return mouth.shown(vertices, CAMERA, rasterize(vertices, body.faces, CAMERA), rasterize)

    assert shown(0.4).sum() > 3 * shown(0.0).sum()
    behind = look_at(torch.tensor([0.0, 0.25, -1.5]), torch.tensor([0.0, 0.25, 0.0]), 700.0, 256, 256)
    vertices = head(body, 0.4)
    assert not mouth.shown(vertices, behind, rasterize(vertices, body.faces, behind), rasterize).any()


def test_an_open_mouth_is_dark_inside(body, mouth):
    texture = NeuralTexture(data=torch.ones(5, 256, 256) * 0.8, detail=torch.full((3, 1024, 1024), 0.8))
    renderer = AvatarRenderer(body, RendererNetwork(replace(RENDERER_CONFIGS["tiny"], gate_prior=20.0)))
    vertices = head(body, 0.4)
    frame = renderer.render(vertices, CAMERA, texture, quality="plain")
    shown = mouth.shown(vertices, CAMERA, rasterize(vertices, body.faces, CAMERA), rasterize)
    assert shown.sum() > 50
    assert frame.rgb[:, shown].amax() < 0.4
    renderer.mouth = None
    before = renderer.render(vertices, CAMERA, texture, quality="plain")
    assert torch.equal(before.rgb[:, ~shown], frame.rgb[:, ~shown]) and torch.equal(before.alpha, frame.alpha)
