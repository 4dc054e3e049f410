"""The learned texture of a photo: the crop shows a person as training did, the channels lie on the atlas."""

import math

import torch
from torch import nn

from neural_core.body import BodyParameters, load_open_body
from neural_core.camera import look_at
from neural_core.networks.learned_texture import learned_texture, person_crop
from neural_core.networks.stylegan import STYLE_CONFIGS, TextureEncoder, TextureGenerator
from neural_core.rasterizer import rasterize

BODY = load_open_body()


def photographed(scale: float = 1.0):
    """A picture of the body's own mask, red above its middle and blue below, and the camera that took it."""
    vertices = BODY(BodyParameters.zeros()).vertices[0]
    target = (vertices.min(0).values + vertices.max(0).values) / 2
    camera = look_at(target + torch.tensor([0.3, 0.1, 4.0]), target, 500.0, 400, 480)
    camera = camera.resize(round(400 * scale), round(480 * scale))
    mask = rasterize(vertices, BODY.faces, camera).mask.float()
    middle = camera.height / 2
    upper = (torch.arange(camera.height) < middle).float()[:, None].expand_as(mask)
    return torch.stack([upper, torch.zeros_like(mask), 1 - upper]), mask, vertices, camera


def test_a_crop_holds_the_whole_person_at_training_size_whatever_the_photo():
    rgb, mask = person_crop(*photographed())
    assert rgb.shape == (3, 256, 160) and mask.shape == (256, 160)
    rows = torch.nonzero(mask.sum(1) > 0.5)[:, 0]
    columns = torch.nonzero(mask.sum(0) > 0.5)[:, 0]
    filled = max((rows[-1] - rows[0] + 1) / (0.89 * 256), (columns[-1] - columns[0] + 1) / (0.96 * 160))
    assert abs(filled - 1) < 0.03
    assert abs(float(rows[0] + rows[-1]) / 2 - 127.5) < 2  # in the middle
    seen = mask > 0.9
    assert float(rgb[0, :110][seen[:110]].min()) > 0.9 and float(rgb[2, 146:][seen[146:]].min()) > 0.9
    _, larger_mask = person_crop(*photographed(scale=2.5))
    assert float((mask - larger_mask).abs().mean()) < 0.01


def test_what_the_photo_cuts_off_is_black_and_moves_nothing():
    image, mask, vertices, camera = photographed()
    whole_rgb, whole = person_crop(image, mask, vertices, camera)
    knees = 300
    half = camera.crop(0, 0, camera.width, knees)
    rgb, cut = person_crop(image[:, :knees], mask[:knees], vertices, half)
    kept = slice(0, 120)
    assert torch.allclose(cut[kept], whole[kept], atol=1e-4) and torch.allclose(
        rgb[:, kept], whole_rgb[:, kept], atol=1e-4
    )
    assert float(cut[-60:].max()) == 0


def test_channels_cover_the_atlas_and_belong_to_the_photo():
    torch.manual_seed(0)
    config = STYLE_CONFIGS["tiny"]
    networks = TextureEncoder(config).eval(), TextureGenerator(config).eval()
    image, mask, vertices, camera = photographed()
    one = learned_texture(networks, image, mask, vertices, BODY, camera, 64)
    again = learned_texture(networks, image, mask, vertices, BODY, camera, 64)
    other = learned_texture(networks, image.flip(0), mask, vertices, BODY, camera, 64)
    assert one.shape == (config.latent, 64, 64) and torch.equal(one, again)
    assert not torch.allclose(one, other) and math.isfinite(float(one.sum()))
    assert all(isinstance(network, nn.Module) and not network.training for network in networks)
