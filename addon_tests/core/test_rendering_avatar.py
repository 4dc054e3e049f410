"""AvatarRenderer: pictures of the open body that follow the camera, whatever the network."""

import math
from dataclasses import replace

import pytest
import torch

from neural_core.body import BodyParameters, load_open_body
from neural_core.camera import Camera, look_at
from neural_core.networks import RENDERER_CONFIGS, RendererNetwork
from neural_core.rasterizer import interpolate, rasterize
from neural_core.rendering import AvatarRenderer
from neural_core.rendering.window import person_window
from neural_core.texture import NeuralTexture
from neural_core.texture.atlas import lookup

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def body():
    return load_open_body()


@pytest.fixture(scope="module")
def vertices(body):
    return body(BodyParameters.zeros(1)).vertices[0]


@pytest.fixture(scope="module")
def texture():
    g = torch.Generator().manual_seed(0)
    detail = torch.nn.functional.interpolate(torch.rand(1, 3, 128, 128, generator=g), size=(1024, 1024))[0]
    data = torch.cat([torch.nn.functional.avg_pool2d(detail[None], 4)[0], torch.ones(2, 256, 256)])
    return NeuralTexture(data=data, detail=detail)


@pytest.fixture(scope="module")
def renderer(body):
    """A network that has learned nothing in particular, but says something everywhere."""
    torch.manual_seed(0)
    network = RendererNetwork(RENDERER_CONFIGS["tiny"]).requires_grad_(False)
    for parameter in network.parameters():
        parameter += 0.03 * torch.randn_like(parameter)
    return AvatarRenderer(body, network)


@pytest.fixture(scope="module")
def pasting(body):
    """An untrained network copies the texture into the body's mask."""
    return AvatarRenderer(body, RendererNetwork(replace(RENDERER_CONFIGS["tiny"], gate_prior=20.0)))


def camera_of(vertices, size=192, distance=3.0, yaw=0.4, focal=1.4):
    centre = (vertices.amax(0) + vertices.amin(0)) / 2
    offset = torch.tensor([math.sin(yaw), 0.1, math.cos(yaw)]) * distance
    return look_at(centre + offset, centre, focal * size, size, size)


def overlap(a, b):
    return float((a & b).sum() / (a | b).sum().clamp(min=1))


def same(a, b):
    return all(torch.equal(x, y) for x, y in zip((a.rgb, a.alpha, a.depth), (b.rgb, b.alpha, b.depth)))


def test_twice_is_bit_identical(renderer, vertices, texture):
    camera = camera_of(vertices)
    assert same(renderer.render(vertices, camera, texture), renderer.render(vertices, camera, texture))


def test_crop_equals_full(renderer, vertices, texture):
    """The picture does not depend on where the frame ends: the network always sees the whole person."""
    camera = camera_of(vertices)
    full = renderer.render(vertices, camera, texture)
    left, top, width, height = 60, 33, 71, 90
    crop = renderer.render(vertices, camera.crop(left, top, width, height), texture)
    part = (slice(top, top + height), slice(left, left + width))
    assert torch.allclose(crop.alpha, full.alpha[part], atol=0.01)
    inner = (slice(None), slice(4, -4), slice(4, -4))  # the detail's local mean ends at the border
    assert torch.allclose((crop.rgb * crop.alpha)[inner], (full.rgb * full.alpha)[:, *part][inner], atol=0.01)


def test_silhouette_and_colour_are_those_of_the_pasted_mesh(pasting, body, vertices, texture):
    camera = camera_of(vertices, size=256)
    frame = pasting.render(vertices, camera, texture)
    mesh = rasterize(vertices, body.faces, camera)
    assert overlap(frame.alpha > 0.5, mesh.mask) > 0.93
    both = mesh.mask & (frame.alpha > 0.99)
    assert float((frame.depth[both] - mesh.depth[both]).abs().quantile(0.99)) < 0.05
    assert torch.equal(torch.isfinite(frame.depth), frame.alpha > 0)
    assert float(frame.rgb[:, both].std()) > 0.15  # the texture's contrast is there, not a blur of it


def test_detail_finer_than_the_network_is_copied(pasting, body, vertices, texture):
    """At 4 times the network's scale the picture is the detail texture itself."""
    camera = camera_of(vertices, size=512, distance=1.6)
    frame = pasting.render(vertices, camera, texture)
    fragments = rasterize(vertices, body.faces, camera)
    uv = interpolate(fragments, body.face_uv, body.uv)
    truth = lookup(texture.detail, uv)
    inside = torch.nn.functional.max_pool2d(1 - fragments.mask[None].float(), 17, 1, 8)[0] == 0
    error = (frame.rgb - truth).abs().mean(0)[inside].mean()
    smooth = lookup(torch.nn.functional.avg_pool2d(texture.detail[None], 8)[0], uv)
    blurred = (smooth - truth).abs().mean(0)[inside].mean()
    assert float(error) < 0.5 * float(blurred)


def test_fabric_of_the_unseen_is_drawn_though_the_network_draws_its_own_colours(body, vertices, texture):
    """What the detail texture has beyond the colours that the network was shown is added whole, in drafts, too."""
    network = AvatarRenderer(body, RendererNetwork(replace(RENDERER_CONFIGS["tiny"], gate_prior=-20.0)))
    unseen = torch.cat([torch.full((3, 256, 256), 0.5), torch.zeros(2, 256, 256)])
    stripes = 0.1 * torch.sign(torch.sin(torch.arange(1024) * 2 * math.pi / 48)).expand(3, 1024, 1024)
    camera = camera_of(vertices, size=384)
    for quality, least in (("final", 0.07), ("draft", 0.05)):
        frame = network.render(vertices, camera, NeuralTexture(unseen, 0.5 + stripes), quality)
        assert float(frame.rgb[:, frame.alpha > 0.99].std()) > least


def test_orthographic_camera(pasting, body, vertices, texture):
    turned = camera_of(vertices)
    K = torch.tensor([[90.0, 0.0, 96.0], [0.0, 90.0, 96.0], [0.0, 0.0, 1.0]])
    camera = Camera(K, turned.R, turned.t, 192, 192, orthographic=True)
    frame = pasting.render(vertices, camera, texture)
    assert overlap(frame.alpha > 0.5, rasterize(vertices, body.faces, camera).mask) > 0.9


@pytest.mark.parametrize("distance", [1.2, 8.0, 40.0])
def test_any_distance(renderer, body, vertices, texture, distance):
    frame = renderer.render(vertices, camera_of(vertices, distance=distance), texture)
    assert all(bool(torch.isfinite(x).all()) for x in (frame.rgb, frame.alpha))
    assert 0 < float(frame.alpha.max()) <= 1 and float(frame.rgb.min()) >= 0 and float(frame.rgb.max()) <= 1


def test_camera_inside_and_behind(renderer, vertices, texture):
    centre = vertices.mean(0)
    inside = look_at(centre, centre + torch.tensor([0.0, 0.0, 1.0]), 150.0, 64, 64)
    frame = renderer.render(vertices, inside, texture)
    assert bool(torch.isfinite(frame.rgb).all())
    away = look_at(centre + torch.tensor([0.0, 0.0, 3.0]), centre + torch.tensor([0.0, 0.0, 6.0]), 150.0, 64, 48)
    empty = renderer.render(vertices, away, texture)
    assert empty.rgb.shape == (3, 48, 64) and not bool(empty.alpha.any()) and bool(torch.isinf(empty.depth).all())
    aside = camera_of(vertices).crop(5000, 0, 64, 64)
    assert not bool(renderer.render(vertices, aside, texture).alpha.any())


def test_draft_looks_like_the_final_picture(pasting, vertices, texture):
    camera = camera_of(vertices, size=191)
    final = pasting.render(vertices, camera, texture)
    draft = pasting.render(vertices, camera, texture, quality="draft")
    assert draft.rgb.shape == final.rgb.shape and draft.depth.shape == final.depth.shape
    assert overlap(draft.alpha > 0.5, final.alpha > 0.5) > 0.85
    assert torch.equal(torch.isfinite(draft.depth), draft.alpha > 0)
    with pytest.raises(ValueError):
        pasting.render(vertices, camera, texture, quality="best")


def test_network_sees_a_person_at_one_scale(vertices):
    for distance in (2.0, 6.0):
        for size in (128, 1024):
            camera = camera_of(vertices, size=size, distance=distance)
            window = person_window(vertices, camera, 128.0, 16)
            seen = window.network_camera(camera)
            pixels, _ = seen.project(vertices)
            assert window.width % 16 == 0 and window.height % 16 == 0
            assert bool((pixels > 0).all()) and bool((pixels < torch.tensor([seen.width, seen.height])).all())
            extent = float(pixels[:, 1].max() - pixels[:, 1].min())
            assert extent == pytest.approx(128 * float(vertices[:, 1].max() - vertices[:, 1].min()), rel=0.1)
