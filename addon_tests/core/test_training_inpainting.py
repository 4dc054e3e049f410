"""Training of codec and denoiser: data, learning, exact resume, on tiny people made up for it."""

from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file
from test_inpainting_networks import TINY, seeded_codec
from training_people import write_shard

from neural_core.body import load_open_body
from neural_core.errors import WeightsError
from neural_core.evaluation.inpainting import evaluate_inpainting
from neural_core.inpainting.codec import load_codec, save_codec
from neural_core.inpainting.config import CODEC_CONFIGS, DENOISER_CONFIGS
from neural_core.inpainting.denoiser import Denoiser, load_denoiser
from neural_core.inpainting.inpainter import Inpainter, SamplerConfig
from neural_core.networks import RENDERER_CONFIGS, RendererNetwork
from neural_core.rendering.weights import load_renderer, renderer_history, save_renderer
from neural_core.texture import Atlas
from neural_core.training import adapted, codec, denoiser
from neural_core.training.data import TrainingDataError
from neural_core.training.loop import train
from neural_core.training.people.shards import uv_hash
from neural_core.training.request import TrainingRequest
from neural_core.training.texels import TexelMaps
from neural_core.training.textures import COMPLETED, TexturePool, complete_shard
from neural_core.training.textures import main as textures_command

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("people")
    path = folder / "people_0.safetensors"
    write_shard(path, people=3, views=2, size=64, truth=True, uv=uv_hash(load_open_body()))
    assert complete_shard(path) is not None
    return folder


def quiet(line: str) -> None:
    pass


def test_completed_textures_keep_what_was_seen_and_are_made_once(people: Path):
    assert complete_shard(people / "people_0.safetensors") is None
    with safe_open(people / "people_0.safetensors", "pt") as shard:
        partial, sampled = shard.get_slice("texture_rgb")[1, 0], shard.get_slice("sampled")[1, 0] == 255
    with safe_open(people / COMPLETED / "people_0.safetensors", "pt") as file:
        classical = file.get_slice("classical")[1, 0]
        assert file.get_tensor("views").tolist() == [[0, 1]] * 3
    seen = sampled & Atlas.of(load_open_body(), 64).covered
    assert torch.equal(classical[:, seen], partial[:, seen])


def test_pool_gives_target_condition_and_weights(people: Path):
    pool = TexturePool(people, 32)
    assert (len(pool), pool.textures) == (3, 6)
    textures = pool.batch(torch.arange(6))
    assert textures.target.shape == (6, 3, 32, 32) and textures.known.shape == (6, 1, 32, 32)
    assert all(float(x.min()) >= 0 and float(x.max()) <= 1 for x in textures)
    deep = (textures.known > 0.99).expand(-1, 3, -1, -1)
    assert float((textures.target - textures.classical)[deep].abs().max()) < 0.02  # both are what was seen
    unseen = ((textures.known < 0.01) & (textures.weight > 0.99)).expand(-1, 3, -1, -1)
    assert float((textures.target - textures.classical)[unseen].abs().mean()) > 0.02  # one is guessed, one is true


def test_mirrored_textures_are_those_of_the_mirrored_person():
    """The atlas is symmetric: flipping it is the body's mirror, texel by texel."""
    maps = TexelMaps.of(load_open_body(), 64)
    flat = torch.arange(64 * 64)
    flipped = flat.view(64, 64).flip(-1).reshape(-1)
    known = maps.mirror >= 0
    assert bool(known.any()) and torch.equal(maps.mirror[known], flipped[known])


def test_people_without_completions_or_of_another_atlas_are_refused(tmp_path: Path):
    write_shard(tmp_path / "people_0.safetensors", people=1, size=64, truth=True, uv=uv_hash(load_open_body()))
    with pytest.raises(TrainingDataError, match=r"neural_core\.training\.textures"):
        TexturePool(tmp_path, 32)
    other = tmp_path / "other"
    other.mkdir()
    write_shard(other / "people_0.safetensors", people=1, size=64, truth=True, uv="another")
    with pytest.raises(TrainingDataError, match="another atlas"):
        TexturePool(other, 32)


def test_codec_then_denoiser_learn_resume_exactly_and_ship(people: Path, tmp_path: Path):
    changes = {"bf16": False, "picture": 0.0, "steps": 60}
    request = TrainingRequest(people, "tiny", CPU, changes=changes)
    stage = codec.build(request)
    before = _reconstruction(stage)
    train(stage, tmp_path / "codec", CPU, report=quiet)
    assert _reconstruction(stage) < 0.6 * before
    path = tmp_path / "codec" / codec.WEIGHTS
    assert load_codec(path).config == CODEC_CONFIGS["tiny"]
    assert float(load_codec(path).deviation.min()) > 0

    changes = {"bf16": False, "steps": 12}
    request = TrainingRequest(people, "tiny", CPU, uses={"codec": path}, changes=changes)
    train(denoiser.build(request), tmp_path / "whole", CPU, report=quiet)
    stop = iter([False] * 5 + [True])
    train(denoiser.build(request), tmp_path / "parts", CPU, report=quiet, stop=lambda: next(stop))
    train(denoiser.build(request), tmp_path / "parts", CPU, report=quiet, resume=True)
    whole, parts = (load_file(tmp_path / folder / denoiser.WEIGHTS) for folder in ("whole", "parts"))
    assert all(torch.equal(whole[name], parts[name]) for name in whole)
    assert load_denoiser(tmp_path / "whole" / denoiser.WEIGHTS).config == DENOISER_CONFIGS["tiny"]

    with pytest.raises(WeightsError, match="another size"):
        denoiser.build(TrainingRequest(people, "small", CPU, uses={"codec": path}))


@torch.no_grad()
def _reconstruction(stage: codec.CodecStage) -> float:
    texture = stage.pool.batch(torch.arange(6)).target  # type: ignore[attr-defined]
    return float((stage.codec(texture).texture - texture).abs().mean())


def test_the_denoiser_overfits_three_people(people: Path, tmp_path: Path):
    stage = codec.build(TrainingRequest(people, "tiny", CPU, changes={"bf16": False, "picture": 0.0, "steps": 20}))
    train(stage, tmp_path / "codec", CPU, report=quiet)
    uses = {"codec": tmp_path / "codec" / codec.WEIGHTS}
    changes = {"bf16": False, "steps": 75, "learning_rate": 3e-3}
    train(denoiser.build(TrainingRequest(people, "tiny", CPU, uses=uses, changes=changes)), tmp_path, CPU, report=quiet)
    rows = [line.split(",") for line in (tmp_path / "log.csv").read_text().splitlines()]
    totals = [float(row[rows[0].index("total")]) for row in rows[1:]]
    assert totals[-1] < 0.75 * totals[0]


def test_textures_command_names_what_it_did(people: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert textures_command(["--data", str(people)]) == 0
    assert capsys.readouterr().out.splitlines() == ["people_0.safetensors: there"]
    (tmp_path / "people_1.safetensors").write_bytes(b"no shard")
    assert textures_command(["--data", str(tmp_path)]) == 2
    assert "remove it" in capsys.readouterr().err


def test_the_renderer_adapts_to_textures_of_the_codec(people: Path, tmp_path: Path):
    seeded = seeded_codec()
    save_codec(tmp_path / "codec.safetensors", TINY, seeded.state_dict(), {})
    torch.manual_seed(0)
    network = RendererNetwork(RENDERER_CONFIGS["tiny"])
    save_renderer(tmp_path / "renderer.safetensors", network.config, network.state_dict(), {"run": "first"})
    uses = {"codec": tmp_path / "codec.safetensors", "renderer": tmp_path / "renderer.safetensors"}
    changes = {"bf16": False, "steps": 2, "batch": 2}
    stage = adapted.build(TrainingRequest(people, "tiny", CPU, uses=uses, changes=changes))
    texture = torch.rand(1, 6, 64, 64)
    texture[:, 4] = (torch.arange(64) < 32).float()
    coded = adapted.through_codec(stage.codec, texture)
    assert torch.equal(coded[..., :32], texture[..., :32]) and torch.equal(coded[:, 3:], texture[:, 3:])
    assert float((coded - texture)[:, :3, :, 32:].abs().mean()) > 0.05
    train(stage, tmp_path / "run", CPU, report=quiet)
    assert load_renderer(tmp_path / "run" / "renderer.safetensors").config == network.config
    first, second = renderer_history(tmp_path / "run" / "renderer.safetensors")
    assert first == {"run": "first"} and second["stage"] == "adapted"


def test_evaluation_tells_a_good_completion_from_a_bad_one(people: Path, tmp_path: Path):
    torch.manual_seed(0)
    denoiser_network = Denoiser(DENOISER_CONFIGS["tiny"], spread=torch.full((6,), 0.5))
    noisy = Inpainter(seeded_codec(), denoiser_network, SamplerConfig(steps=2, first=3.0))
    still = Denoiser(DENOISER_CONFIGS["tiny"]).requires_grad_(False)
    for parameter in still.model.conv_out.parameters():
        parameter.zero_()
    same = Inpainter(seeded_codec(), still, SamplerConfig(steps=2))
    results = evaluate_inpainting(people, {"noisy": noisy, "same": same}, limit=2, pictures=tmp_path)
    assert results["noisy"]["unseen"] < results["classical"]["unseen"] - 1
    assert abs(results["same"]["unseen"] - results["classical"]["unseen"]) < 1
    assert results["noisy"]["rendered"] < results["classical"]["rendered"] < results["truth"]["rendered"]
    assert {path.name for path in tmp_path.iterdir()} == {"000.png", "001.png"}
