"""The neural texture's channels and files."""

import pytest
import torch
from safetensors.torch import load, save

from neural_core.texture import NeuralTexture, PartialTexture, TextureLayout


def partial_texture(resolution: int = 8) -> PartialTexture:
    generator = torch.Generator().manual_seed(0)
    confidence = torch.rand(resolution, resolution, generator=generator)
    sampled = confidence > 0.5
    filled = (confidence > 0.3) & ~sampled
    return PartialTexture(
        torch.rand(3, resolution, resolution),
        confidence * (sampled | filled),
        sampled,
        filled,
        torch.ones_like(confidence),
    )


def test_slices_cover_all_channels_once():
    layout = TextureLayout(latent=16, garment_hint=1)
    taken = [i for name in layout.widths for i in range(layout.channels)[layout[name]]]
    assert sorted(taken) == list(range(22))
    assert layout.rgb == slice(0, 3) and layout.sampled == slice(3, 4) and layout.filled == slice(4, 5)
    with pytest.raises(KeyError):
        layout["gloss"]


def test_built_from_what_was_seen():
    partial, rgb, detail = partial_texture(), torch.rand(3, 8, 8), torch.rand(3, 16, 16)
    texture = NeuralTexture.build(rgb, partial, detail)
    assert texture.data.shape == (5, 8, 8)
    assert torch.equal(texture.channel("rgb"), rgb)
    assert bool(((texture.channel("sampled")[0] > 0) == partial.sampled).all())
    assert bool((texture.channel("filled")[0].bool() == (partial.sampled | partial.filled)).all())


def test_round_trip_through_a_file_with_all_channels():
    partial = partial_texture()
    texture = NeuralTexture.build(
        torch.rand(3, 8, 8),
        partial,
        torch.rand(3, 16, 16),
        garment_hint=torch.rand(1, 8, 8),
        latent=torch.rand(16, 8, 8),
    )
    back = NeuralTexture.from_tensors(load(save(texture.to_tensors())))
    assert back.layout == texture.layout
    assert torch.equal(back.data, texture.data) and torch.equal(back.detail, texture.detail)


@pytest.mark.parametrize(
    "change",
    [
        lambda t: t.pop("detail"),
        lambda t: t.pop("sampled"),
        lambda t: t.update(gloss=torch.zeros(1, 8, 8)),
        lambda t: t.update(filled=torch.zeros(1, 8, 7)),
        lambda t: t.update(detail=torch.zeros(4, 16, 16)),
    ],
)
def test_wrong_tensors_are_refused(change):
    tensors = NeuralTexture.build(torch.rand(3, 8, 8), partial_texture(), torch.rand(3, 16, 16)).to_tensors()
    change(tensors)
    with pytest.raises(ValueError):
        NeuralTexture.from_tensors(tensors)


def test_layout_and_data_must_agree():
    with pytest.raises(ValueError, match="channels"):
        NeuralTexture(torch.rand(4, 8, 8), torch.rand(3, 8, 8))
