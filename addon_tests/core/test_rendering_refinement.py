"""Refinement (DINAR, appendix B): the render comes nearer to the photo, and only what the photo showed moves."""

from dataclasses import replace

import pytest
import torch

from addon_tests.core.test_rendering_avatar import body, camera_of, renderer, texture, vertices  # noqa: F401
from neural_core.errors import Cancelled
from neural_core.progress import Progress
from neural_core.rendering.refinement import RefinementConfig, refine

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def photo(renderer, vertices, texture):  # noqa: F811
    """A picture of the avatar with somewhat other colours, as if the sampling had been wrong by that."""
    camera = camera_of(vertices, size=256)
    other = replace(texture, data=torch.cat([(texture.data[:3] * 0.8 + 0.05), texture.data[3:]]))
    frame = renderer.render(vertices, camera, other)
    return frame.rgb, frame.alpha, camera


def loss(renderer, vertices, camera, texture, image, mask):  # noqa: F811
    frame = renderer.render(vertices, camera, texture)
    inside = (mask > 0.9) & (frame.alpha > 0.9)
    return float(((frame.rgb - image)[:, inside] ** 2).mean())


def test_render_comes_nearer_to_the_photo(renderer, vertices, texture, photo):  # noqa: F811
    image, mask, camera = photo
    facing = torch.ones(256, 256)
    refined = refine(texture, facing, image, mask, vertices, camera, renderer, RefinementConfig(steps=64, gradient=0.0))
    before = loss(renderer, vertices, camera, texture, image, mask)
    after = loss(renderer, vertices, camera, refined, image, mask)
    assert after < 0.6 * before


def test_only_seen_and_frontal_texels_move(renderer, vertices, texture, photo):  # noqa: F811
    image, mask, camera = photo
    seen = texture.data.clone()
    seen[texture.layout.sampled, :128] = 0
    facing = torch.ones(256, 256)
    facing[:, :128] = 0.2
    refined = refine(
        replace(texture, data=seen), facing, image, mask, vertices, camera, renderer, RefinementConfig(steps=4)
    )
    change = (refined.data - seen).abs()
    assert float(change[:, :128].max()) == 0 and float(change[:, :, :128].max()) == 0
    assert float(change[:3, 128:, 128:].max()) > 0
    assert float(change[3:].max()) == 0
    assert torch.equal(refined.detail, texture.detail)


def test_cancel(renderer, vertices, texture, photo):  # noqa: F811
    image, mask, camera = photo
    with pytest.raises(Cancelled):
        refine(
            texture,
            torch.ones(256, 256),
            image,
            mask,
            vertices,
            camera,
            renderer,
            progress=Progress(is_cancelled=lambda: True),
        )
