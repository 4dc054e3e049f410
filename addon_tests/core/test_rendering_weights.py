"""Weights files: they describe themselves, and hostile or foreign ones give a sentence."""

import json

import pytest
import torch
from safetensors.torch import save_file

from neural_core.errors import WeightsError
from neural_core.networks import RENDERER_CONFIGS, RendererNetwork
from neural_core.rendering.weights import FORMAT, load_renderer, renderer_provenance, save_renderer

CONFIG = RENDERER_CONFIGS["tiny"]


@pytest.fixture
def network():
    torch.manual_seed(0)
    return RendererNetwork(CONFIG)


@pytest.fixture
def file(tmp_path, network):
    path = tmp_path / "renderer.safetensors"
    save_renderer(path, CONFIG, network.state_dict(), {"steps": 3, "data": "nobody"})
    return path


def rewrite(path, network, **metadata):
    good = {"format": FORMAT, "format_version": "1", "config": json.dumps(CONFIG.to_json()), "provenance": "{}"}
    save_file({k: v.contiguous() for k, v in network.state_dict().items()}, path, metadata={**good, **metadata})


def test_round_trip_keeps_config_weights_and_provenance(file, network):
    loaded = load_renderer(file)
    assert loaded.config == CONFIG and not loaded.training
    assert renderer_provenance(file) == {"steps": 3, "data": "nobody"}
    for name, tensor in network.state_dict().items():
        assert loaded.state_dict()[name].dtype == torch.float32
        assert torch.allclose(loaded.state_dict()[name], tensor, rtol=1e-3, atol=1e-6)


def test_missing_file(tmp_path):
    with pytest.raises(WeightsError, match="no weights"):
        load_renderer(tmp_path / "none.safetensors")


@pytest.mark.parametrize("keep", [0, 7, 100, -100])
def test_truncated_file(file, keep):
    file.write_bytes(file.read_bytes()[:keep])
    with pytest.raises(WeightsError, match="damaged"):
        load_renderer(file)


def test_pickle_is_not_executed(tmp_path, network):
    path = tmp_path / "renderer.safetensors"
    torch.save(network.state_dict(), path)
    with pytest.raises(WeightsError, match="damaged"):
        load_renderer(path)


@pytest.mark.parametrize(
    "metadata, sentence",
    [
        ({"format": "something-else"}, "is not a"),
        ({"format_version": "99"}, "version 99"),
        ({"config": "not json"}, "makes no renderer"),
        ({"config": json.dumps({**CONFIG.to_json(), "widths": [10**9, 2, 3]})}, "makes no renderer"),
        ({"config": json.dumps({**CONFIG.to_json(), "uv_octaves": 5})}, "another architecture"),
    ],
)
def test_foreign_files(tmp_path, network, metadata, sentence):
    path = tmp_path / "renderer.safetensors"
    rewrite(path, network, **metadata)
    with pytest.raises(WeightsError, match=sentence):
        load_renderer(path)


def test_weights_that_are_not_numbers(tmp_path, network):
    with torch.no_grad():
        network.last_norm.gain[0] = float("nan")
    path = tmp_path / "renderer.safetensors"
    rewrite(path, network)
    with pytest.raises(WeightsError, match="not numbers"):
        load_renderer(path)
