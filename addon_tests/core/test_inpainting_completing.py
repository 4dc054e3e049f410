"""The completion stage: which method answers, what it keeps, and what it says about itself."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from test_inpainting_composition import seen_from_the_front, smooth_texture
from test_inpainting_networks import TINY, seeded_codec

from neural_core.body import load_open_body
from neural_core.errors import LikenessError, WeightsError
from neural_core.inpainting import completing
from neural_core.inpainting.codec import save_codec
from neural_core.inpainting.completing import chosen_method, complete_textures
from neural_core.inpainting.config import DENOISER_CONFIGS
from neural_core.inpainting.denoiser import Denoiser, save_denoiser
from neural_core.inpainting.fabric import weave
from neural_core.networks import files
from neural_core.pipeline import proposal_path
from neural_core.texture import Atlas, complete


@pytest.fixture
def no_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setattr(files, "WEIGHTS_FOLDER", tmp_path)
    for kept in (completing.load_inpainter, completing._origin):
        kept.cache_clear()
    yield tmp_path
    for kept in (completing.load_inpainter, completing._origin):
        kept.cache_clear()


@pytest.fixture
def tiny_weights(no_weights: Path) -> Path:
    torch.manual_seed(0)
    config = DENOISER_CONFIGS["tiny"]
    save_codec(no_weights / "codec.safetensors", TINY, seeded_codec().state_dict(), {"steps": 1, "people": 2})
    save_denoiser(no_weights / "denoiser.safetensors", config, Denoiser(config).state_dict(), {"steps": 3, "people": 4})
    return no_weights


def test_classical_is_the_classical_completion_and_needs_no_weights(no_weights: Path):
    body = load_open_body()
    fine, coarse = Atlas.of(body, 128), Atlas.of(body, 64)
    partials = [seen_from_the_front(smooth_texture(atlas, body), atlas, body) for atlas in (fine, coarse)]
    (whole,) = complete_textures(partials[0], partials[1], body)
    assert torch.equal(whole.rgb, complete(partials[1], coarse, body))
    assert torch.equal(whole.detail, weave(partials[0], complete(partials[0], fine, body), fine, body))
    assert whole.provenance == {"completion": "mirror and harmonic"}


def test_proposals_keep_what_was_seen_differ_elsewhere_and_name_seed_and_weights(tiny_weights: Path):
    body = load_open_body()
    fine, coarse = Atlas.of(body, 128), Atlas.of(body, 64)
    partials = [seen_from_the_front(smooth_texture(atlas, body), atlas, body) for atlas in (fine, coarse)]
    first, second = complete_textures(*partials, body, proposals=2, seed=7)
    again = complete_textures(*partials, body, method="diffusion", seed=7)[0]
    for whole in (first, second):
        assert torch.equal(whole.rgb[:, partials[1].sampled], partials[1].rgb[:, partials[1].sampled])
        assert torch.equal(whole.detail[:, partials[0].sampled], partials[0].rgb[:, partials[0].sampled])
    assert torch.allclose(again.rgb, first.rgb, atol=1e-4)
    assert float((first.detail - second.detail).abs().max()) > 0.02
    assert [whole.provenance["completion_seed"] for whole in (first, second)] == [7, 8]
    assert first.provenance["completion_weights"] == "codec: 1 steps, 2 people; denoiser: 3 steps, 4 people"


def test_requests_that_make_no_sense_are_refused_before_any_work(no_weights: Path):
    with pytest.raises(LikenessError, match="no inpainting called 'magic'"):
        chosen_method("magic", 1)
    for count in (0, 17):
        with pytest.raises(LikenessError, match="1 to 16"):
            chosen_method("auto", count)
    with pytest.raises(LikenessError, match="one answer only"):
        chosen_method("classical", 2)
    assert chosen_method("auto", 1) == "classical"
    for request in (("diffusion", 1), ("auto", 4)):
        with pytest.raises(WeightsError, match="--inpainting classical"):
            chosen_method(*request)


def test_auto_means_diffusion_for_several_proposals(tiny_weights: Path):
    assert chosen_method("auto", 4) == chosen_method("diffusion", 1) == "diffusion"
    assert chosen_method("auto", 1) == completing.PREFERRED


def test_proposals_are_files_beside_one_another():
    names = [proposal_path(Path("a/person.likeness"), index).name for index in range(3)]
    assert names == ["person.likeness", "person-2.likeness", "person-3.likeness"]


def test_the_weights_that_ship_belong_together_and_say_where_they_come_from():
    inpainter = completing.load_inpainter()
    assert inpainter.codec.config.latent_resolution == inpainter.denoiser.config.latent_resolution
    assert float(inpainter.denoiser.spread.min()) > 0 and float(inpainter.denoiser.place.abs().max()) > 0.5
    assert "steps" in completing._origin() and "None" not in completing._origin()
