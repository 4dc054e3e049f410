"""How far clothes reach beyond the body, measured on shapes whose answer is known."""

import torch

from neural_core.body import BodyParameters, load_open_body
from neural_core.camera import look_at
from neural_core.rasterizer import rasterize
from neural_core.texture.garment_hint import fill_hint, garment_hint, outline_excess, scatter_hint


def disc(radius, size=128):
    y, x = torch.meshgrid(torch.arange(size) + 0.5, torch.arange(size) + 0.5, indexing="ij")
    return ((y - size / 2) ** 2 + (x - size / 2) ** 2).sqrt() < radius


def test_excess_of_discs_is_the_difference_of_their_radii():
    body = disc(30)
    unit = 0.15 * float(body.sum()) ** 0.5
    for radius in (25, 30, 34):
        excess = outline_excess(disc(radius).float(), body)
        assert bool((excess[~body] == 0).all())
        assert abs(float(excess[body].median()) * unit - (radius - 30)) < 1.0
    assert float(outline_excess(disc(60).float(), disc(15)).max()) == 1.0  # saturates
    assert not bool(outline_excess(torch.zeros(8, 8), disc(3, 8)).any())


def test_scatter_and_fill_carry_a_constant_everywhere():
    mask = disc(40)
    y, x = torch.meshgrid(torch.arange(128) + 0.5, torch.arange(128) + 0.5, indexing="ij")
    uv = torch.stack([x / 128, 1 - y / 128], -1)
    mean, known = scatter_hint((mask * -0.25)[None], mask[None], uv[None])
    assert torch.equal(known[0, 0] > 0, mask)
    assert torch.allclose(fill_hint(mean, known, 256), torch.tensor(-0.25), atol=1e-6)
    assert not bool(fill_hint(mean * 0, known, 64).any())


def test_a_mask_of_the_body_itself_gives_no_hint_and_a_wider_one_does():
    body = load_open_body()
    vertices = body(BodyParameters.zeros(1)).vertices[0]
    centre = (vertices.amax(0) + vertices.amin(0)) / 2
    camera = look_at(centre + torch.tensor([0.0, 0.0, 3.5]), centre, 900.0, 700, 500)
    mask = rasterize(vertices, body.faces, camera).mask.float()
    own = garment_hint(mask, vertices, body, camera)
    assert own.shape == (1, 256, 256) and float(own.abs().median()) < 0.1
    wide = torch.nn.functional.max_pool2d(mask[None], 25, 1, 12)[0]  # 12 pixels at 257 per metre are 4.7 cm
    hint = garment_hint(wide, vertices, body, camera)
    assert float((hint - own).median()) > 0.25
