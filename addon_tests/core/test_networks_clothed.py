"""The clothed head: its output, the way from texels to vertices, and that training teaches it thickness."""

import json

import pytest
import torch
from training_people import people_folder

from neural_core.body.open_body import load_open_body
from neural_core.body.parameters import BodyParameters
from neural_core.errors import WeightsError
from neural_core.fitting.surface import vertex_normals
from neural_core.networks.clothed import (
    CLOTHED_CONFIGS,
    ClothedConfig,
    ClothedNetwork,
    body_maps,
    load_clothed,
    predict_offsets,
    save_clothed,
    vertex_values,
    visible_texture,
)
from neural_core.texture.atlas import Atlas
from neural_core.texture.sampling import PartialTexture
from neural_core.training.clothed import ClothedStage, ClothedTraining, clothed_batch, clothed_loss
from neural_core.training.data import PairConfig, PeoplePool, TrainingDataError
from neural_core.training.loop import train

TINY = CLOTHED_CONFIGS["tiny"]


@pytest.fixture(scope="module")
def body():
    return load_open_body()


def shaken():
    torch.manual_seed(0)
    network = ClothedNetwork(TINY).eval().requires_grad_(False)
    for parameter in network.parameters():
        parameter += 0.1 * torch.randn_like(parameter)
    return network


def test_vertex_values_agree_at_seams_and_with_the_surface(body):
    atlas = Atlas.of(body, 256)
    position = atlas.dilate(atlas.image(atlas.on_surface(body.template, body.faces)))
    at_vertices = vertex_values(position, body)
    assert at_vertices.shape == (body.num_vertices, 3)
    used = torch.zeros(body.num_vertices, dtype=torch.bool)
    used[body.faces.reshape(-1)] = True
    error = (at_vertices - body.template).norm(dim=1)[used]
    assert float(error.median()) < 0.001 and float(error.quantile(0.99)) < 0.02
    # A texture that tells charts apart is averaged where they meet: no vertex has a value of one chart only.
    chart = atlas.chart.float()[None]
    copies = torch.stack([body.faces.reshape(-1), body.face_uv.reshape(-1)], 1).unique(dim=0)
    seam = (torch.bincount(copies[:, 0], minlength=body.num_vertices) > 1).nonzero()[:, 0]
    values = vertex_values(chart, body)[seam, 0]
    assert len(seam) > 100 and bool((values != values.round()).any())


def test_offsets_point_outwards_and_are_reproducible(body):
    network, texture = shaken(), torch.rand(6, 64, 64, generator=torch.Generator().manual_seed(1))
    parameters = BodyParameters.zeros(1)
    offsets = predict_offsets(network, texture, body, parameters)
    assert offsets.shape == (body.num_vertices, 3)
    normals = vertex_normals(body.rest(parameters)[0][0], body.faces)
    along = (offsets * normals).sum(1)
    assert float(along.min()) >= 0 and float(along.max()) < 0.5
    assert torch.allclose(along[:, None] * normals, offsets, atol=1e-6)
    assert torch.equal(offsets, predict_offsets(network, texture, body, parameters))


def test_a_photo_becomes_what_the_head_reads(body):
    """Seen texels as they are; the unseen filled, and marked as such; pictures of another size than the network's."""
    atlas, generator = Atlas.of(body, 64), torch.Generator().manual_seed(2)
    sampled = (torch.rand(64, 64, generator=generator) < 0.4) & atlas.covered
    rgb = torch.rand(3, 64, 64, generator=generator) * sampled
    none = torch.zeros(64, 64)
    partial = PartialTexture(rgb, 0.5 * sampled, sampled, none.bool(), none)
    texture = visible_texture(partial, torch.full((1, 64, 64), 0.3), atlas)
    assert texture.shape == (6, 64, 64) and torch.equal(texture[:3, sampled], rgb[:, sampled])
    assert (texture[:3, atlas.covered & ~sampled] > 0).float().mean() > 0.99
    assert torch.equal(texture[3:5, atlas.covered], torch.stack([0.5 * sampled, sampled.float()])[:, atlas.covered])
    assert bool((texture[5] == 0.3).all())
    assert predict_offsets(shaken(), texture, body, BodyParameters.zeros(1)).isfinite().all()


def test_loss_is_zero_for_the_truth_and_centimetres_far_from_it():
    truth = torch.rand(2, 1, 8, 8, generator=torch.Generator().manual_seed(0)) * 0.05
    weight = (torch.rand(2, 1, 8, 8, generator=torch.Generator().manual_seed(1)) > 0.3).float()
    config = ClothedTraining(smoothness=0.0)
    assert float(clothed_loss(truth, truth, weight, config)[0]) == 0
    total, parts = clothed_loss(truth + 0.1 * weight, truth, weight, config)
    assert float(total) == pytest.approx(10 - 0.25, abs=1e-3) and float(parts["millimetres"]) == pytest.approx(100)
    total, parts = clothed_loss(truth + 9 * (1 - weight), truth, weight, config)
    assert float(total) == 0  # between the charts anything goes
    x = (truth[:1].double() + 0.02).requires_grad_(True)
    assert torch.autograd.gradcheck(
        lambda p: clothed_loss(p, truth[:1].double(), weight[:1].double(), ClothedTraining())[0], x
    )


def test_weights_round_trip_and_hostile_files(tmp_path):
    network, path = shaken(), tmp_path / "clothed.safetensors"
    save_clothed(path, TINY, network.state_dict(), {"steps": 1})
    loaded = load_clothed(path)
    inputs = torch.rand(1, 6, 32, 32), torch.rand(1, 6, 32, 32)
    assert loaded.config == TINY and torch.allclose(loaded(*inputs), network(*inputs), atol=1e-3)
    with pytest.raises(WeightsError, match="no weights"):
        load_clothed(tmp_path / "none.safetensors")
    data = json.loads(json.dumps(TINY.to_json()))
    assert ClothedConfig.from_json(data) == TINY
    for wrong in ({"widths": [8]}, {"fold": 0}, {"resolution": 33}, {"scale": 5.0}, {"extra": 1}):
        with pytest.raises((ValueError, TypeError)):
            ClothedConfig.from_json({**data, **wrong})


def test_people_without_truth_are_refused(tmp_path):
    config = ClothedTraining(steps=1, batch=2)
    stage = ClothedStage(TINY, PeoplePool(people_folder(tmp_path / "old")), config, torch.device("cpu"))
    with pytest.raises(TrainingDataError, match="no truth_offset"):
        train(stage, tmp_path / "out", torch.device("cpu"), report=lambda line: None)


@pytest.mark.slow
def test_learns_who_wears_a_coat(tmp_path, body):
    """Two people told apart by their colours: one bare, one in a coat of 5 cm."""
    folder = people_folder(tmp_path / "people", shards=2, truth=True)
    pairs = PairConfig(same_view=1.0, colour_jitter=0.0)
    config = ClothedTraining(steps=60, batch=4, warmup=5, learning_rate=5e-3, ema=0.9, bf16=False, pairs=pairs)
    result = train(
        ClothedStage(TINY, PeoplePool(folder), config, torch.device("cpu")),
        tmp_path / "out",
        torch.device("cpu"),
        report=lambda line: None,
    )
    network, pool = load_clothed(result.weights), PeoplePool(folder)
    stage = ClothedStage(TINY, pool, config, torch.device("cpu"))
    for person in range(len(pool)):
        pairs = pool.pairs([(person, 0, 0)], torch.zeros(1, dtype=torch.bool), torch.zeros(1, dtype=torch.bool),
                           torch.eye(3)[None])  # fmt: skip
        truth = pool.truth(pairs.person, "truth_offset")
        inputs, thickness, weight = clothed_batch(pairs, truth, stage.covered, stage.maps, network)
        error = ((network(inputs, body_maps(body, 32)) - thickness).abs() * weight).sum() / weight.sum()
        assert float(error) < 0.012, (person, float(thickness.mean()))
