"""StyleGAN2 parts: what the paper promises of them, gradients of first and second order, and stage (a) as a whole."""

import json

import pytest
import torch
from torch.nn import functional as F
from training_people import people_folder

from neural_core.errors import WeightsError
from neural_core.evaluation.renderer import evaluate_renderer
from neural_core.networks import RENDERER_CONFIGS, RendererNetwork
from neural_core.networks.clothed import load_clothed
from neural_core.networks.files import read_provenance, shipped
from neural_core.networks.renderer import widened
from neural_core.networks.segmenter import SEGMENTER_CONFIGS, PerceptualDistance, SegmenterNetwork, load_segmenter
from neural_core.networks.stylegan import (
    STYLE_CONFIGS,
    Discriminator,
    ModulatedConv,
    StyleConfig,
    TextureEncoder,
    TextureGenerator,
    double,
    gradient_penalty,
    halve,
    load_generator,
)
from neural_core.rendering import load_renderer
from neural_core.training.data import PairConfig, PeoplePool
from neural_core.training.generator import RENDERER_WEIGHTS, GeneratorStage, GeneratorTraining
from neural_core.training.loop import train
from neural_core.training.perceptual import PARTS, PerceptualStage, PerceptualTraining, part_texture

TINY, CPU = STYLE_CONFIGS["tiny"], torch.device("cpu")


def seeded(*size, seed=0):
    return torch.randn(*size, generator=torch.Generator().manual_seed(seed))


def test_generator_is_deterministic_and_w_matters():
    torch.manual_seed(0)
    network = TextureGenerator(TINY)
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if name.endswith("strength"):
                parameter.fill_(0.5)  # noise must show if it were random
    w = seeded(2, TINY.w)
    a, b = network(w), network(w)
    assert a.shape == (2, 16, 32, 32) and torch.equal(a, b)
    assert not torch.allclose(a[0], a[1]) and torch.allclose(network(w[:1])[0], a[0], atol=1e-5)
    other = TextureGenerator(TINY)
    for name, noise in network.named_buffers():
        assert torch.equal(dict(other.named_buffers())[name], noise)


def test_modulated_convolution_is_one_convolution_per_sample_with_unit_variance():
    torch.manual_seed(0)
    layer, x, w = ModulatedConv(6, 5, 3, 4), seeded(3, 6, 9, 7), seeded(3, 4, seed=1)
    out = layer(x, w)
    for k in range(3):
        weight = layer.weight * layer.style(w[k : k + 1]).view(1, 6, 1, 1)
        weight = weight / weight.square().sum((1, 2, 3), keepdim=True).sqrt()
        assert torch.allclose(out[k : k + 1], F.conv2d(x[k : k + 1], weight, padding=1), atol=1e-4)
    large = ModulatedConv(32, 64, 3, 4)(seeded(4, 32, 32, 32), seeded(4, 4))
    assert 0.7 < float(large.detach().std()) < 1.3


def test_halving_and_doubling_keep_even_pictures_and_ramps():
    assert torch.allclose(halve(torch.ones(1, 2, 8, 6))[..., 1:-1, 1:-1], torch.tensor(1.0))
    assert torch.allclose(double(torch.ones(1, 2, 8, 6))[..., 1:-1, 1:-1], torch.tensor(1.0))
    ramp = torch.arange(8.0).expand(1, 1, 8, 8)
    steps = double(ramp)[0, 0, 8].diff()[2:-2]
    assert torch.allclose(steps, torch.tensor(0.5), atol=1e-5)


def test_gradients_of_first_and_second_order():
    torch.manual_seed(0)
    config = StyleConfig(resolution=8, latent=2, w=3, most_width=4, budget=16, levels=1)
    layer = ModulatedConv(2, 3, 3, 3).double()
    x, w = seeded(2, 2, 4, 3).double().requires_grad_(True), seeded(2, 3).double().requires_grad_(True)
    assert torch.autograd.gradcheck(layer, (x, w)) and torch.autograd.gradgradcheck(layer, (x, w))
    judge = Discriminator(config).double()
    rgb, mask = torch.rand(1, 3, 8, 8).double().requires_grad_(True), torch.rand(1, 1, 8, 8).double()
    mask.requires_grad_(True)
    assert torch.autograd.gradcheck(judge, (rgb, mask))

    def penalty(weight):
        logits = torch.func.functional_call(judge, {"enter.weight": weight}, (rgb, mask))
        return gradient_penalty(logits, rgb, mask)

    weight = judge.enter.weight.detach().clone().requires_grad_(True)
    assert torch.autograd.gradcheck(penalty, weight)  # the gradient of a gradient


def test_penalty_by_hand():
    rgb = torch.rand(2, 3, 4, 4, requires_grad=True)
    assert float(gradient_penalty((2 * rgb).sum((1, 2, 3)), rgb)) == pytest.approx(4 * 48)


def test_sizes_and_configs():
    count = {name: 0 for name in ("encoder", "generator", "discriminator")}
    base = STYLE_CONFIGS["base"]
    for name, kind in zip(count, (TextureEncoder, TextureGenerator, Discriminator)):
        count[name] = sum(p.numel() for p in kind(base).parameters())
    assert all(4e6 < n < 12e6 for n in count.values()), count
    assert TextureEncoder(TINY)(torch.rand(2, 3, 48, 20), torch.rand(2, 1, 48, 20)).shape == (2, TINY.w)
    data = json.loads(json.dumps(TINY.to_json()))
    assert StyleConfig.from_json(data) == TINY
    for wrong in ({"resolution": 33}, {"w": 10**9}, {"levels": 0}, {"extra": 1}, {"latent": "16"}):
        with pytest.raises((ValueError, TypeError)):
            StyleConfig.from_json({**data, **wrong})


def test_widened_renderer_draws_the_same_whatever_it_is_told():
    torch.manual_seed(0)
    narrow = RendererNetwork(RENDERER_CONFIGS["small"]).eval()
    for parameter in narrow.parameters():
        parameter.data += 0.02 * torch.randn_like(parameter)  # the heads begin with zeros
    wide = widened(narrow, 16).eval()
    texture, uv, mask = torch.rand(1, 22, 64, 48), torch.rand(1, 2, 64, 48), torch.ones(1, 1, 64, 48)
    with torch.no_grad():
        before, after = narrow(texture[:, :6], uv, mask), wide(texture, uv, mask)
    for a, b in zip(before, after):
        assert torch.allclose(a, b, atol=1e-5)
    assert wide.config.texture_channels == 22
    assert widened(wide, 16).config == wide.config
    with torch.no_grad():  # a texture without learned channels has zeros there
        bare, zeros = wide(texture[:, :6], uv, mask), wide(F.pad(texture[:, :6], (0, 0, 0, 0, 0, 16)), uv, mask)
    assert all(torch.equal(a, b) for a, b in zip(bare, zeros))


@pytest.fixture(scope="module")
def people(tmp_path_factory):
    return people_folder(tmp_path_factory.mktemp("data") / "people")


def tiny_stage(people, config):
    torch.manual_seed(0)
    distance = PerceptualDistance(SegmenterNetwork(SEGMENTER_CONFIGS["tiny"]))
    return GeneratorStage(TINY, RendererNetwork(RENDERER_CONFIGS["tiny"]), distance, PeoplePool(people), config, CPU)


def quiet(stage, out, **options):
    return train(stage, out, CPU, report=lambda line: None, **options)


@pytest.mark.slow
def test_stage_a_trains_all_four_networks_and_resumes(people, tmp_path):
    config = GeneratorTraining(steps=4, batch=2, warmup=1, r1_every=2, adversarial_from=1, log_every=1, bf16=False)
    stage = tiny_stage(people, config)
    before = {f"{n}.{k}": v.clone() for n, m in stage.modules.items() for k, v in m.named_parameters()}
    result = quiet(stage, tmp_path / "whole")
    after = {f"{n}.{k}": v for n, m in stage.modules.items() for k, v in m.named_parameters()}
    moved = {name.split(".")[0] for name in before if not torch.equal(before[name], after[name])}
    assert moved == {"encoder", "generator", "renderer", "discriminator"}
    header = (tmp_path / "whole" / "log.csv").read_text().splitlines()
    assert "r1" in header[0] and "judging" in header[0] and "adversarial" in header[0] and len(header) == 5

    calls = iter(range(2))
    quiet(tiny_stage(people, config), tmp_path / "parts", stop=lambda: next(calls, None) is None)
    resumed = tiny_stage(people, config)
    assert quiet(resumed, tmp_path / "parts", resume=True).finished
    for name, value in after.items():
        module, _, key = name.partition(".")
        assert torch.equal(dict(resumed.modules[module].named_parameters())[key], value), name

    encoder, generator = load_generator(result.weights)
    w = encoder(torch.rand(1, 3, 32, 32), torch.ones(1, 1, 32, 32))
    assert generator(w).shape == (1, 16, 32, 32)
    renderer = load_renderer(result.weights.with_name(RENDERER_WEIGHTS))
    assert renderer.config.texture_channels == 22
    scores = evaluate_renderer(renderer, PeoplePool(people), 2, latent=(encoder, generator))
    assert scores["other yaw"]["psnr"] > 5
    with pytest.raises(WeightsError, match="not a likeness-generator"):
        load_generator(result.weights.with_name(RENDERER_WEIGHTS))


@pytest.mark.slow
def test_perceptual_network_learns_and_its_distance_orders_pictures(people, tmp_path):
    pairs = PairConfig(from_other_views=0.0, from_mirror=0.0, colour_jitter=0.0)
    config = PerceptualTraining(steps=50, batch=4, warmup=5, learning_rate=5e-3, ema=0.9, bf16=False, log_every=10,
                                pairs=pairs)  # fmt: skip
    result = quiet(PerceptualStage(SEGMENTER_CONFIGS["tiny"], PeoplePool(people), config, CPU), tmp_path)
    rows = (tmp_path / "log.csv").read_text().splitlines()
    column = rows[0].split(",").index("total")
    first, last = (float(row.split(",")[column]) for row in (rows[1], rows[-1]))
    assert last < 0.7 * first
    distance = PerceptualDistance(load_segmenter(result.weights))
    a = F.interpolate(torch.rand(1, 3, 6, 5), (30, 22), mode="bilinear").requires_grad_(True)
    slightly, very = a.detach() + 0.02 * seeded(1, 3, 30, 22), seeded(1, 3, 30, 22).sigmoid()
    with torch.no_grad():
        assert float(distance(a, a)) == 0 and float(distance(a, slightly)) < float(distance(a, very))
    (gradient,) = torch.autograd.grad(distance(a, very), a)
    assert bool(torch.isfinite(gradient).all()) and float(gradient.abs().sum()) > 0


def test_parts_of_the_atlas_are_the_parts_of_the_body():
    from neural_core.body.open_body import load_open_body
    from neural_core.texture.atlas import Atlas

    body = load_open_body()
    parts, atlas = part_texture(body, 128), Atlas.of(body, 128)
    height = atlas.image(atlas.on_surface(body.template, body.faces))[1]
    mean = {name: float(height[atlas.covered & (parts == index)].mean()) for index, name in enumerate(PARTS)}
    assert mean["head"] > mean["trunk"] > mean["thigh"] > mean["shin"] > mean["foot"]
    assert set(parts.unique().tolist()) == set(range(len(PARTS)))


def test_shipped_weights_load_and_stay_small():
    folder = shipped("renderer").parent
    assert sum(path.stat().st_size for path in folder.glob("*.safetensors")) <= 64e6
    assert load_clothed().config.resolution == 128 and load_segmenter().config.parts == len(PARTS) + 2
    for name, form in (("clothed", "likeness-clothed"), ("perceptual", "likeness-segmenter")):
        provenance = read_provenance(shipped(name), form, 1)
        assert provenance["steps"] > 0 and provenance["people"] > 0
