"""The pictures of a frame beyond colour, depth and mask."""

import math

import numpy as np
import torch

from neural_core.backend import pictures
from neural_core.backend.pictures import Drawn, Posed
from neural_core.body import load_open_body
from neural_core.camera import look_at
from neural_core.rasterizer import rasterize
from neural_core.rendering import Frame, compose
from neural_core.texture.atlas import lookup


def _drawn(*offsets: float) -> Drawn:
    """The open body at rest, once for each distance it stands behind the origin, 64 x 96 pixels from the front."""
    body = load_open_body()
    camera = look_at(torch.tensor([0.0, 0.0, 4.0]), torch.zeros(3), 96 / 2 / math.tan(0.25), 64, 96)
    people, frames = [], []
    for offset in offsets:
        vertices = body.template - torch.tensor([0.0, 0.3, offset])
        fragments = rasterize(vertices, body.faces, camera)
        alpha = fragments.mask.float()
        alpha[:10] = 0  # something held out
        frames.append(Frame(torch.rand(3, 96, 64, generator=torch.Generator().manual_seed(0)), alpha, fragments.depth))
        people.append(Posed(body, vertices, rasterize))
    return Drawn(compose(frames), camera, tuple(people))


def test_normals_are_the_slope_of_the_depth():
    drawn = _drawn(0.0)
    normal, seen = pictures.normal(drawn), drawn.frame.alpha > 0
    assert torch.all(normal[~seen] == 0)
    assert torch.allclose(normal[seen].norm(dim=1), torch.ones(int(seen.sum())), atol=1e-5)
    # Seen from +z, what is seen faces +z; and left of the middle of the belly the surface turns to -x.
    assert (normal[seen][:, 2] > -0.05).float().mean() > 0.99
    row = 50
    columns = seen[row].nonzero()[:, 0]
    assert normal[row, columns[0], 0] < -0.3 and normal[row, columns[-1], 0] > 0.3


def test_uv_finds_the_texel_a_pixel_shows():
    drawn = _drawn(0.0)
    body = drawn.people[0].body
    uv, seen = pictures.uv(drawn), drawn.frame.alpha > 0
    assert torch.allclose(uv[..., 2], seen.float(), atol=1e-5) and torch.all(uv[..., :2][~seen] == 0)
    # A texture that holds u and v is what the pass says, away from the charts' rims.
    ramp = (torch.arange(512) + 0.5) / 512
    texture = torch.stack([ramp.expand(512, 512), 1 - ramp[:, None].expand(512, 512)])
    assert torch.allclose(lookup(texture, uv[..., :2])[:, seen].T, uv[seen][:, :2], atol=2e-3)
    assert uv[seen][:, :2].min() >= 0 and uv[seen][:, :2].max() <= 1 and body.uv.max() <= 1


def test_the_nearer_body_is_the_one_seen():
    alone, both = pictures.normal(_drawn(0.0)), pictures.normal(_drawn(0.5, 0.0))
    seen = alone.norm(dim=-1) > 0
    assert torch.allclose(both[seen], alone[seen], atol=1e-5)


def test_display_is_linear_premultiplied_and_upside_down():
    drawn = _drawn(0.0)
    straight = pictures.rgba(drawn).numpy()
    shown = pictures.as_array(pictures.display(drawn))
    assert shown.dtype == np.float16
    srgb, alpha = straight[..., :3].astype(np.float64), straight[..., 3:]
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    np.testing.assert_allclose(shown[::-1, :, :3], linear * alpha, atol=2e-3)
    np.testing.assert_allclose(shown[::-1, :, 3:], alpha, atol=1e-3)


def test_pictures_of_nothing_have_the_shapes_of_pictures():
    drawn = _drawn(0.0)
    for name, make in pictures.PICTURES.items():
        nothing, something = pictures.empty(name, 96, 64), make(drawn)
        assert nothing.shape == something.shape and nothing.dtype == something.dtype, name
