"""The pool of people, its pairs, and the completion that training rasterises."""

import pytest
import torch
from training_people import people_folder, write_shard

from neural_core.texture.atlas import lookup
from neural_core.texture.push_pull import push_pull
from neural_core.training.data import PairConfig, PeoplePool, TrainingDataError, lookup_batch, prepare
from neural_core.training.texels import TexelMaps


@pytest.fixture
def pool(tmp_path):
    return PeoplePool(people_folder(tmp_path / "people"))


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def test_pool_grows_with_its_folder(pool):
    assert len(pool) == 6 and pool.views == 4
    write_shard(pool.folder / "people_009.safetensors", people=5, seed=9)
    assert pool.refresh() == 11
    assert pool.read(10, "rgb", 3).shape == (3, 32, 32)


def test_empty_and_foreign_folders(tmp_path):
    with pytest.raises(TrainingDataError, match="no people"):
        PeoplePool(tmp_path)
    (tmp_path / "a.safetensors").write_bytes(b"nonsense")
    with pytest.raises(TrainingDataError, match="no shard"):
        PeoplePool(tmp_path)


def test_shards_of_another_kind_do_not_mix(pool):
    write_shard(pool.folder / "people_009.safetensors", views=3)
    with pytest.raises(TrainingDataError, match="another number of views"):
        pool.refresh()


def test_same_generator_draws_the_same_pairs(pool):
    a, b, c = (pool.sample(5, PairConfig(), generator(seed)) for seed in (1, 1, 2))
    assert all(torch.equal(x, y) for x, y in zip(a, b))
    assert not all(torch.equal(x, y) for x, y in zip(a, c))


def test_prepared_batch(pool):
    batch = prepare(pool.sample(4, PairConfig(colour_jitter=0.0), generator()))
    assert batch.texture_raster.shape == (4, 6, 32, 32) and batch.uv.shape == (4, 2, 32, 32)
    inside = (batch.mask > 0).expand_as(batch.rgb)
    assert float(batch.texture_raster[:, :5].min()) >= 0 and float(batch.texture_raster.max()) <= 1
    assert bool((batch.texture_raster * (1 - batch.uv_mask) == 0).all())
    # Where the texture is known, the raster is the person: the shards' texture is their own picture.
    seen = (batch.texture_raster[:, 3:4] > 0.999) & (batch.uv_mask > 0)
    error = (batch.texture_raster[:, :3] - batch.rgb).abs() * seen
    assert float(error.max()) < 0.1 and bool(inside.any())


def test_colour_jitter_recolours_source_and_target_alike(pool):
    batch = prepare(pool.sample(4, PairConfig(colour_jitter=1.0, colour_gain=0.3), generator()))
    seen = (batch.texture_raster[:, 3:4] > 0.999) & (batch.uv_mask > 0)
    assert float(((batch.texture_raster[:, :3] - batch.rgb).abs() * seen).max()) < 0.12


def test_black_and_white_people_are_so_in_texture_and_picture(pool):
    batch = prepare(pool.sample(4, PairConfig(colour_jitter=0.0, grey=1.0), generator()))
    for picture in (batch.rgb * batch.mask, batch.texture_raster[:, :3]):
        assert float((picture - picture.mean(1, keepdim=True)).abs().max()) < 1e-5


def test_lookup_batch_agrees_with_the_atlas():
    texture, uv = torch.rand(2, 3, 16, 16), torch.rand(2, 5, 7, 2)
    expected = torch.stack([lookup(t, u) for t, u in zip(texture, uv)])
    assert torch.allclose(lookup_batch(texture, uv), expected, atol=1e-6)


def test_push_pull_keeps_what_is_known_and_stays_in_range():
    texture = torch.rand(2, 3, 32, 32, generator=generator())
    known = (torch.rand(2, 1, 32, 32, generator=generator()) > 0.9).float()
    filled = push_pull(texture, known)
    assert torch.equal(filled * known, texture * known)
    assert float(filled.min()) >= 0 and float(filled.max()) <= 1
    assert torch.allclose(push_pull(torch.full((1, 3, 32, 32), 0.7), known[:1]), torch.tensor(0.7), atol=1e-6)
    assert torch.equal(push_pull(texture, torch.zeros_like(known)), torch.full_like(texture, 0.5))
    odd = torch.ones(1, 1, 21, 13)
    odd[..., 5:, :] = 0
    assert torch.allclose(push_pull(odd * 0.3, odd), torch.tensor(0.3), atol=1e-6)
    assert float(push_pull(odd, odd, levels=1, empty=0.0)[..., -1, -1]) == 0  # out of reach


def test_mirror_map_brings_the_other_side():
    size = 4
    index = torch.arange(size * size).view(size, size).flip(1).reshape(-1).clone()
    index[0] = -1
    maps = TexelMaps(nearest=torch.arange(size * size), mirror=index)
    texture, known = torch.rand(1, 3, size, size), torch.ones(1, 1, size, size)
    mirrored, there = maps.mirrored(texture, known)
    assert float(there[0, 0, 0, 0]) == 0 and float(there.sum()) == size * size - 1
    assert torch.equal(mirrored[..., 1:, :], texture.flip(-1)[..., 1:, :])


def test_shards_of_another_atlas_do_not_mix(pool):
    write_shard(pool.folder / "people_009.safetensors", uv="another")
    with pytest.raises(TrainingDataError, match="another atlas"):
        pool.refresh()
    assert len(pool) == 6
