"""Codec and denoiser: shapes, units, files."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from neural_core.body import load_open_body
from neural_core.errors import WeightsError
from neural_core.inpainting.codec import TextureCodec, load_codec, save_codec
from neural_core.inpainting.config import CODEC_CONFIGS, DENOISER_CONFIGS, CodecConfig, DenoiserConfig
from neural_core.inpainting.denoiser import (
    TRAINING_STEPS,
    Denoiser,
    load_denoiser,
    noise_schedule,
    place_maps,
    save_denoiser,
)

TINY = CODEC_CONFIGS["tiny"]


def seeded_codec() -> TextureCodec:
    torch.manual_seed(0)
    codec = TextureCodec(TINY).eval()
    codec.mean.uniform_(-1, 1)
    codec.deviation.uniform_(0.5, 2)
    codec.codebook.data.normal_()
    return codec.requires_grad_(False)


def test_codec_shapes_and_units():
    codec = seeded_codec()
    texture = torch.rand(2, 3, 32, 32)
    latent = codec.encode(texture)
    assert latent.shape == (2, TINY.latent, TINY.latent_resolution, TINY.latent_resolution)
    raw = codec.encode_raw(texture)
    restored = latent * codec.deviation[:, None, None] + codec.mean[:, None, None]
    assert torch.allclose(restored, raw, atol=1e-5)
    assert codec.decode(latent).shape == texture.shape
    assert torch.allclose(codec.decode(latent), codec(texture).texture, atol=1e-5)  # both quantise


def test_a_codec_begins_as_principal_components():
    """Before any training it keeps what six numbers can say of a patch: here, mostly its colour and slopes."""
    torch.manual_seed(0)
    codec = TextureCodec(TINY)
    slopes = torch.nn.functional.interpolate(torch.rand(16, 3, 3, 3), 32, mode="bilinear", align_corners=False)
    codec.begin(slopes)
    codec.eval().requires_grad_(False)
    decoded = codec(slopes, quantise=False).texture
    assert float((decoded - slopes).square().mean()) < 0.03 * float(slopes.var())
    latent = codec.encode_raw(slopes).movedim(1, -1).flatten(0, 2)
    covariance = torch.cov(latent.T)
    assert torch.allclose(covariance, torch.diag(covariance.diag()), atol=1e-3 * float(covariance.max()))


def test_every_decoded_latent_is_a_code():
    codec = seeded_codec()
    coded = codec(torch.rand(1, 3, 32, 32))
    nearest = torch.cdist(coded.latent.permute(0, 2, 3, 1).reshape(-1, TINY.latent), codec.codebook).argmin(1)
    assert torch.equal(coded.codes, nearest)
    assert float(coded.commitment) > 0


@pytest.mark.parametrize("name", sorted(CODEC_CONFIGS))
def test_configs_fit_together_and_survive_json(name: str):
    codec, denoiser = CODEC_CONFIGS[name], DENOISER_CONFIGS[name]
    assert (codec.latent, codec.latent_resolution) == (denoiser.latent, denoiser.latent_resolution)
    assert CodecConfig.from_json(json.loads(json.dumps(codec.to_json()))) == codec
    assert DenoiserConfig.from_json(json.loads(json.dumps(denoiser.to_json()))) == denoiser


@pytest.mark.parametrize("change", [{"widths": [16, 4096]}, {"latent": 0}, {"resolution": 33}, {"codes": "many"}])
def test_a_hostile_config_makes_no_network(change: dict):
    with pytest.raises((ValueError, TypeError)):
        CodecConfig.from_json({**TINY.to_json(), **change})


def test_files_give_the_same_networks_and_refuse_others(tmp_path: Path):
    codec = seeded_codec().half().float()
    save_codec(tmp_path / "codec.safetensors", TINY, codec.state_dict(), {"steps": 3})
    texture = torch.rand(1, 3, 32, 32)
    assert torch.equal(load_codec(tmp_path / "codec.safetensors").encode(texture), codec.encode(texture))

    config = DENOISER_CONFIGS["tiny"]
    place = place_maps(load_open_body(), config.latent_resolution)
    denoiser = Denoiser(config, place, torch.full((6,), 0.5)).half().float().eval()
    save_denoiser(tmp_path / "denoiser.safetensors", config, denoiser.state_dict(), {})
    loaded = load_denoiser(tmp_path / "denoiser.safetensors")
    inputs = torch.randn(1, 6, 8, 8), torch.tensor([500]), torch.randn(1, 6, 8, 8), torch.rand(1, 1, 8, 8)
    assert torch.equal(loaded(*inputs), denoiser(*inputs))
    assert float(place.abs().max()) > 0.5  # metres: the body is somewhere

    with pytest.raises(WeightsError, match="not a likeness-denoiser"):
        load_denoiser(tmp_path / "codec.safetensors")
    tensors = load_file(tmp_path / "codec.safetensors")
    tensors["mean"] = tensors["mean"] * float("nan")
    save_codec(tmp_path / "nan.safetensors", TINY, tensors, {})
    with pytest.raises(WeightsError, match="not numbers"):
        load_codec(tmp_path / "nan.safetensors")
    save_codec(tmp_path / "other.safetensors", replace(TINY, codes=32), tensors, {})
    with pytest.raises(WeightsError, match="another architecture"):
        load_codec(tmp_path / "other.safetensors")
    save_file({"mean": torch.zeros(6)}, tmp_path / "bare.safetensors")
    with pytest.raises(WeightsError):
        load_codec(tmp_path / "bare.safetensors")


def test_the_difference_is_zero_where_the_condition_is_right_and_can_be_undone():
    denoiser = Denoiser(DENOISER_CONFIGS["tiny"], spread=torch.linspace(0.1, 2, 6))
    latent, condition = torch.randn(2, 6, 8, 8), torch.randn(2, 6, 8, 8)
    assert denoiser.difference(condition, condition).abs().max() == 0
    assert torch.allclose(denoiser.latent(denoiser.difference(latent, condition), condition), latent, atol=1e-5)


def test_schedule_ends_in_noise_and_velocity_solves_it():
    """The solver given the true velocity returns the clean signal."""
    schedule = noise_schedule()
    assert float(schedule.alphas_cumprod[-1]) < 1e-3 and len(schedule.alphas_cumprod) == TRAINING_STEPS
    schedule.set_timesteps(20)
    clean, current = torch.randn(1, 6, 8, 8), torch.randn(1, 6, 8, 8)
    for time in schedule.timesteps:
        cumulative = schedule.alphas_cumprod[time]
        noise = (current - cumulative.sqrt() * clean) / (1 - cumulative).sqrt()
        velocity = cumulative.sqrt() * noise - (1 - cumulative).sqrt() * clean
        current = schedule.step(velocity, time, current, return_dict=False)[0]
    assert torch.allclose(current, clean, atol=1e-2)
