"""Fixtures shared by the tests of the core."""

from pathlib import Path

import pytest
import torch

from neural_core.avatar import Avatar
from neural_core.body import BodyParameters, load_open_body
from neural_core.camera import look_at
from neural_core.texture import NeuralTexture


@pytest.fixture(scope="session")
def small_avatar(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An avatar file of the mean body with a plain texture: enough to render and inspect."""
    body = load_open_body()
    generator = torch.Generator().manual_seed(0)
    rgb = torch.rand(3, 8, 8, generator=generator)

    def grow(size: int) -> torch.Tensor:
        return torch.nn.functional.interpolate(rgb[None], size=(size, size), mode="bilinear")[0]

    data = torch.cat([grow(256), torch.ones(2, 256, 256)])
    soles = float(body(BodyParameters.zeros(1)).vertices[..., 1].min())
    parameters = BodyParameters.zeros(1, transl=torch.tensor([[0.0, -soles, 0.0]]))
    avatar = Avatar(
        parameters=parameters,
        rest_offsets=torch.zeros(body.num_vertices, 3),
        camera=look_at(torch.tensor([0.0, 1.0, 3.5]), torch.tensor([0.0, 0.9, 0.0]), 900.0, 480, 640),
        texture=NeuralTexture(data=data, detail=(grow(1024) * 255).round() / 255),
        body_name=body.name,
    )
    path = tmp_path_factory.mktemp("avatar") / "small.likeness"
    avatar.save(path)
    return path
