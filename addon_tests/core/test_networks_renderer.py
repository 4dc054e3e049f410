"""The renderer network: its cost, shapes, stability and what an untrained one draws."""

import json
from dataclasses import replace

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from neural_core.networks import RENDERER_CONFIGS, RendererConfig, RendererNetwork
from neural_core.networks.renderer import widened


def random_inputs(height, width, batch=1, seed=0):
    g = torch.Generator().manual_seed(seed)
    return (
        torch.rand(batch, 6, height, width, generator=g),
        torch.rand(batch, 2, height, width, generator=g),
        (torch.rand(batch, 1, height, width, generator=g) > 0.5).float(),
    )


def shaken(name="tiny"):
    """A network whose zero-initialised layers say something."""
    torch.manual_seed(0)
    network = RendererNetwork(RENDERER_CONFIGS[name]).eval().requires_grad_(False)
    for parameter in network.parameters():
        parameter += 0.05 * torch.randn_like(parameter)
    return network


@pytest.mark.parametrize("name", sorted(RENDERER_CONFIGS))
def test_512_frame_costs_at_most_40_gflop(name):
    with torch.device("meta"):
        network = widened(RendererNetwork(RENDERER_CONFIGS[name]), 16)  # what stage (a) trains
        inputs = [torch.empty(1, c, 512, 512) for c in (22, 2, 1)]
    with FlopCounterMode(display=False) as counter:
        rgb, logits = network(*inputs)
    assert rgb.shape == (1, 3, 512, 512) and logits.shape == (1, 1, 512, 512)
    assert 0 < counter.get_total_flops() <= 40e9


@pytest.mark.parametrize("name", ["tiny", "small"])
def test_weights_in_half_precision_fit_in_10_megabytes(name):
    parameters = sum(p.numel() for p in RendererNetwork(RENDERER_CONFIGS[name]).parameters())
    assert 2 * parameters <= 10e6


def test_untrained_network_pastes_the_texture_in_the_body():
    network = RendererNetwork(RENDERER_CONFIGS["tiny"]).eval()
    texture, uv, _ = random_inputs(64, 32)
    mask = torch.zeros(1, 1, 64, 32)
    mask[..., 10:50, 8:20] = 1
    with torch.no_grad():
        rgb, logits = network(texture, uv, mask)
    solid = torch.nn.functional.avg_pool2d(mask, 5, 1, 2)
    assert bool((logits[solid == 1] > 0).all()) and bool((logits[solid == 0] < 0).all())
    k = torch.sigmoid(torch.tensor(network.config.gate_prior)).clamp(min=texture[:, 4:5])
    expected = k * texture[:, :3] + (1 - k) * 0.5
    assert torch.allclose(torch.where(mask > 0, rgb, expected), expected, atol=1e-5)


def test_what_a_photo_saw_is_copied_whatever_the_network_says():
    network = shaken()
    texture, uv, mask = random_inputs(64, 32)
    texture[:, 4:5] = torch.arange(32) < 16
    rgb, _ = network(texture, uv, mask)
    apart = (rgb - texture[:, :3]).abs() * mask
    assert float(apart[..., :16].max()) < 1e-6 < 1e-3 < float(apart[..., 16:].max())


def test_no_hole_deep_inside_the_body():
    network = RendererNetwork(RENDERER_CONFIGS["tiny"])
    texture, uv, _ = random_inputs(64, 32)
    mask = torch.zeros(1, 1, 64, 32)
    mask[..., 10:50, 8:24] = 1
    out = network.heads(texture, uv, mask)
    _, logits = network.mix(out._replace(growth=torch.full_like(mask, -9.0)), texture, mask)
    assert bool((logits[..., 18:42, 15:17] > 0).all()), "the middle stays"
    assert bool((logits[..., 10:50, 8:9] < 0).all()), "the outline may be cut back"


def test_batch_does_not_change_a_picture():
    network = shaken()
    inputs = random_inputs(64, 32, batch=3)
    together = network(*inputs)
    alone = network(*(x[1:2] for x in inputs))
    for a, b in zip(together, alone):
        assert torch.allclose(a[1:2], b, atol=1e-5)


def test_far_parts_of_a_picture_do_not_change_a_pixel():
    """No statistics over the picture: what surrounds a person must not change the person."""
    network = shaken()
    wide = [torch.nn.functional.pad(x, (0, 256)) for x in random_inputs(64, 128)]
    changed = [x.clone() for x in wide]
    for a, b in zip(changed, random_inputs(64, 32, seed=1)):
        a[..., -32:] = b
    for a, b in zip(network(*wide), network(*changed)):
        assert torch.equal(a[..., :128], b[..., :128]) and not torch.equal(a, b)


def test_uv_and_texture_outside_the_body_are_not_read():
    network = shaken()
    texture, uv, mask = random_inputs(64, 32)
    junk = random_inputs(64, 32, seed=5)
    other = network(texture * mask + junk[0] * (1 - mask), uv * mask + junk[1] * (1 - mask), mask)
    for a, b in zip(network(texture * mask, uv * mask, mask), other):
        assert torch.equal(a, b)


@pytest.mark.slow
def test_learns_one_picture():
    torch.manual_seed(0)
    network = RendererNetwork(RENDERER_CONFIGS["tiny"])
    texture, uv, mask = (x.repeat_interleave(8, 2).repeat_interleave(8, 3) for x in random_inputs(8, 4))
    texture[:, 4] = 0  # nothing was seen: all is the network's
    target = torch.rand(1, 3, 1, 1).expand(1, 3, 64, 32)
    grown = (torch.nn.functional.max_pool2d(mask, 9, 1, 4) > 0).float()
    optimiser = torch.optim.Adam(network.parameters(), 5e-3)
    for _ in range(120):
        rgb, logits = network(texture, uv, mask)
        loss = (rgb - target).square().mean() + torch.nn.functional.binary_cross_entropy_with_logits(logits, grown)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert float((rgb - target).detach().square().mean()) < 2e-3
    assert float(((logits > 0) == (grown > 0)).float().mean()) > 0.99


def test_config_survives_json_and_refuses_nonsense():
    config = replace(RendererConfig(), widths=(8, 16), blocks=(1, 2), pixels_per_metre=99.5)
    data = json.loads(json.dumps(config.to_json()))
    assert RendererConfig.from_json(data) == config
    for wrong in ({"widths": [8]}, {"fold": 0}, {"widths": [10**9, 8]}, {"blocks": ["1", 2]}, {"extra": 1}):
        with pytest.raises((ValueError, TypeError)):
            RendererConfig.from_json({**data, **wrong})
    with pytest.raises((ValueError, TypeError)):
        RendererConfig.from_json({k: v for k, v in data.items() if k != "fold"})
