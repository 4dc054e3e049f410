"""Light of a video on an avatar."""

from dataclasses import replace

import pytest
import torch
from torch.nn import functional as F

from neural_core.body import BodyParameters, load_open_body
from neural_core.camera import Camera
from neural_core.rasterizer import rasterize
from neural_core.rendering import Frame
from neural_core.rendering.light import Light, Sample, fit_light, harmonics, sample_light, turned_since
from neural_core.texture.sampling import vertex_normals

_CAMERA = Camera.pinhole(500.0, 360, 640, torch.diag(torch.tensor([1.0, -1.0, -1.0])), torch.tensor([0.0, -0.3, 2.9]))
_TRUE = torch.tensor([[0.1], [0.2], [0.15], [0.0], [0.05], [-0.05], [0.0], [0.1]]).expand(8, 3) * torch.tensor(
    [1.0, 0.9, 0.8]
)


@pytest.fixture(scope="module")
def turns():
    """The body at six yaws against the first: what the light's estimate sees of it, all texels seen."""
    body = load_open_body()
    home, found = None, []
    for k in range(6):
        parameters = BodyParameters.zeros(1, global_orient=torch.tensor([[0.0, k * 1.05, 0.0]]))
        vertices = body(parameters).vertices[0]
        home = vertex_normals(vertices, body.faces) if home is None else home
        mask = rasterize(vertices, body.faces, _CAMERA).mask.float()
        found.append((turned_since(body, vertices, _CAMERA, home, torch.ones(1, 8, 8)), mask))
    return found


def _drawn(mask: torch.Tensor) -> Frame:
    return Frame(torch.full((3, *mask.shape), 0.4), mask, torch.ones_like(mask))


def test_the_light_of_known_pictures_is_found_and_put_on(turns):
    gain = 0.1 * torch.sin(torch.arange(6.0))[:, None].expand(6, 3)
    true = Light(_TRUE, gain)
    samples, photos = [], []
    for (turned, mask), own in zip(turns, gain):
        photos.append(true.on(_drawn(mask), turned, own).rgb)
        samples.append(sample_light(turned, _drawn(mask), photos[-1], mask))
    found = fit_light(samples)
    for (turned, mask), own, photo in zip(turns, found.gain, photos):
        inside = mask > 0
        before = (_drawn(mask).rgb - photo)[:, inside].abs().mean()
        after = (found.on(_drawn(mask), turned, own).rgb - photo)[:, inside].abs().mean()
        assert after < 0.35 * before + 0.004


def test_misplaced_patches_and_the_unseen_do_not_bend_the_light(turns):
    generator = torch.Generator().manual_seed(0)
    samples = []
    for turned, _ in turns:
        basis = turned.basis[turned.covered > 0]
        ratio = basis @ _TRUE + 0.02 * torch.randn(len(basis), 3, generator=generator)
        ratio[: len(ratio) // 5] += 2.0  # a dark sleeve where the avatar has a white shirt
        samples.append(Sample(basis, ratio))
    found = fit_light(samples)
    clean = fit_light(
        [replace(s, basis=s.basis[len(s.basis) // 5 :], ratio=s.ratio[len(s.ratio) // 5 :]) for s in samples]
    )
    apart = harmonics(F.normalize(torch.randn(200, 3, generator=generator), dim=1)) @ (found.shading - clean.shading)
    assert float(apart.abs().mean()) < 0.06
    turned, mask = turns[3]
    unseen = replace(turned, seen=torch.zeros_like(turned.seen))
    assert len(sample_light(unseen, _drawn(mask), torch.ones(3, *mask.shape), mask).ratio) == 0


def test_without_evidence_nothing_changes(turns):
    turned, mask = turns[2]
    light = fit_light([Sample(torch.zeros(0, 8), torch.zeros(0, 3))])
    assert torch.allclose(light.on(_drawn(mask), turned, light.gain[0]).rgb, _drawn(mask).rgb)
    assert not fit_light([]).shading.any()
    assert torch.allclose(turns[0][0].basis, torch.zeros(8), atol=1e-6), "the photo itself stays as it is"
