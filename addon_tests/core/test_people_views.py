"""Synthetic people as training samples: reproducible, consistent with their masks, safe on disk."""

from dataclasses import replace
from pathlib import Path
from shutil import copy

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from neural_core.body.open_body import load_open_body
from neural_core.texture.atlas import Atlas
from neural_core.training.data import PairConfig, PeoplePool, prepare, texel_maps
from neural_core.training.people import shards
from neural_core.training.people.__main__ import main
from neural_core.training.people.estimate import estimate_shape
from neural_core.training.people.lights import Light
from neural_core.training.people.person import GARMENTS, make_person
from neural_core.training.people.shards import make_shard
from neural_core.training.people.truth import TruthConfig, true_texture
from neural_core.training.people.views import (
    HELD_OUT_FIRST_SEED,
    PeopleConfig,
    PersonViews,
    make_person_views,
    offset_texture,
)
from neural_core.training.people.wardrobe import load_wardrobe

SMALL = PeopleConfig(height=96, width=60, texture=128, truth=TruthConfig(height=128, width=96))
FIELDS = tuple(PersonViews.__dataclass_fields__)


@pytest.fixture(scope="module")
def person() -> PersonViews:
    return make_person_views(3, SMALL)


@pytest.fixture(scope="module")
def full() -> PersonViews:
    return make_person_views(HELD_OUT_FIRST_SEED, PeopleConfig())


def test_same_seed_same_bytes(person):
    again = make_person_views(3, SMALL)
    for name in FIELDS:
        assert torch.equal(getattr(person, name), getattr(again, name)), name


def test_the_global_random_state_neither_matters_nor_changes(person):
    torch.manual_seed(77)
    before = torch.random.get_rng_state()
    again = make_person_views(3, SMALL)
    assert torch.equal(again.rgb, person.rgb)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_other_seeds_are_other_people(person):
    other = make_person_views(4, SMALL)
    assert (other.mask != person.mask).any()
    assert (other.texture_rgb.float() - person.texture_rgb.float()).abs().mean() > 1


def test_shapes_and_types_are_the_contract(full):
    views, height, width, texels = 4, 256, 160, 256
    expected = {
        "rgb": ((views, 3, height, width), torch.uint8),
        "mask": ((views, height, width), torch.uint8),
        "photo_mask": ((views, height, width), torch.uint8),
        "uv": ((views, height, width, 2), torch.float16),
        "body_mask": ((views, height, width), torch.bool),
        "texture_rgb": ((views, 3, texels, texels), torch.uint8),
        "sampled": ((views, texels, texels), torch.uint8),
        "filled": ((views, texels, texels), torch.uint8),
    }
    expected |= {
        "truth_rgb": ((3, texels, texels), torch.uint8),
        "truth_known": ((texels, texels), torch.uint8),
        "truth_offset": ((texels, texels), torch.float16),
        "garments": ((len(GARMENTS),), torch.uint8),
    }
    assert set(expected) == set(FIELDS)
    for name, (shape, dtype) in expected.items():
        tensor = getattr(full, name)
        assert tuple(tensor.shape) == shape, name
        assert tensor.dtype == dtype, name


def test_person_fills_the_picture_and_stays_inside(full):
    rows = (full.mask > 128).any(2)
    columns = (full.mask > 128).any(1)
    for view in range(4):
        tall = rows[view].nonzero()
        wide = columns[view].nonzero()
        extent = max(float(tall[-1] - tall[0] + 1) / 256, float(wide[-1] - wide[0] + 1) / 160)
        assert 0.75 < extent <= 1.0
    border = torch.cat([full.mask[:, 0], full.mask[:, -1], full.mask[:, :, 0], full.mask[:, :, -1]], 1)
    assert (border > 0).float().mean() < 0.01


def test_colour_is_premultiplied_with_the_mask(full):
    assert not full.rgb.permute(0, 2, 3, 1)[full.mask == 0].any()
    assert (full.rgb.amax(1).int() <= full.mask.int() + 1).all()


def test_fitted_body_agrees_with_the_person(full):
    person, body = full.mask > 128, full.body_mask
    overlap = (person & body).sum((1, 2)) / (person | body).sum((1, 2))
    assert (overlap > 0.5).all()
    covered = (person & body).sum((1, 2)) / body.sum((1, 2))
    assert (covered > 0.8).all()  # most of a fitted body lies under the person's clothes


def test_uv_is_a_point_of_the_atlas_wherever_the_body_is_seen(full):
    uv = full.uv.float()
    assert not uv[~full.body_mask].any()
    inside = uv[full.body_mask]
    assert ((inside >= 0) & (inside <= 1)).all()
    atlas = Atlas.of(load_open_body(), 256)
    texel = torch.stack([((1 - inside[:, 1]) * 256), inside[:, 0] * 256], 1).long().clamp(0, 255)
    assert atlas.dilate(atlas.covered[None].float())[0, texel[:, 0], texel[:, 1]].all()
    assert atlas.covered[texel[:, 0], texel[:, 1]].float().mean() > 0.9


def test_texture_shows_the_person_where_it_was_sampled(full):
    """Pasting a view's own texture back gives its picture: texels came from inside the person, at the right place."""
    for view in range(4):
        uv = full.uv[view].float()
        grid = torch.stack([2 * uv[..., 0] - 1, 1 - 2 * uv[..., 1]], -1)[None]
        layers = torch.cat([full.texture_rgb[view].float(), full.sampled[view][None].float()])[None]
        pasted = torch.nn.functional.grid_sample(layers, grid, align_corners=False)[0]
        sure = full.body_mask[view] & (pasted[3] > 250) & (full.mask[view] == 255)
        assert sure.sum() > 500
        error = (pasted[:3] - full.rgb[view].float())[:, sure].abs().mean()
        assert error < 14  # of 255: sensor noise, JPEG and one pixel of slack in high-contrast patterns
        outside = full.body_mask[view] & (pasted[3] > 250)
        assert (full.mask[view][outside] > 0).float().mean() > 0.985  # background is not sampled for body


def test_photo_mask_is_nearly_the_mask(full):
    both = (full.mask > 128) & (full.photo_mask > 128)
    either = (full.mask > 128) | (full.photo_mask > 128)
    overlap = both.sum((1, 2)) / either.sum((1, 2))
    assert (overlap > 0.8).all() and (overlap < 1).all()


def test_sampled_is_part_of_known(full):
    assert (full.filled[full.sampled > 0] == 1).all()
    assert set(full.filled.unique().tolist()) <= {0, 1}
    assert not full.texture_rgb.amax(1)[full.filled == 0].any()
    share = (full.sampled[0] > 0).float().mean()
    assert 0.1 < share < 0.6


def test_whole_texture_is_known_nearly_everywhere_and_agrees_with_view_0(full):
    covered = Atlas.of(load_open_body(), 256).covered
    assert not full.truth_rgb[:, ~covered].any() and not full.truth_known[~covered].any()
    assert full.truth_known[covered].float().mean() > 0.95
    seen = (full.sampled[0] > 200) & (full.truth_known > 0)
    truth, photo = full.truth_rgb[:, seen].float(), full.texture_rgb[0][:, seen].float()
    assert (truth.mean(1) - photo.mean(1)).abs().max() < 8  # of 255: one light; the pose moves shadows only
    mixed = truth[:, torch.randperm(truth.shape[1], generator=torch.Generator().manual_seed(0))]
    assert (truth - photo).abs().mean() < 0.5 * (mixed - photo).abs().mean()  # the same things at the same places


def test_light_of_the_whole_texture_stays_where_it_is_in_view_0():
    """The side that the sun does not reach is dark in the truth, as it would be in a photo of it."""
    wardrobe = load_wardrobe(load_open_body())
    rng = np.random.default_rng(0)
    person = make_person(wardrobe, rng)
    shape = estimate_shape(person, rng)
    dim = torch.zeros(9, 3)
    dim[0] = 0.2
    left, right = (
        true_texture(person, shape, Light(dim, torch.tensor([sign, 0.0, 0.0]), torch.ones(3), 1.0), 128)[0]
        for sign in (1.0, -1.0)
    )
    atlas = Atlas.of(wardrobe.body, 128)
    side = atlas.image(atlas.on_surface(wardrobe.body.template[:, :1], wardrobe.body.faces)[:, 0])
    assert left[:, side > 0.12].mean() > 1.15 * left[:, side < -0.12].mean()
    assert right[:, side < -0.12].mean() > 1.15 * right[:, side > 0.12].mean()


def test_offset_stands_off_where_cloth_is_and_nowhere_else():
    body = load_open_body()
    wardrobe, atlas = load_wardrobe(body), Atlas.of(body, 128)
    skirt, bald = (make_person(wardrobe, np.random.default_rng(seed)) for seed in (21, 38))
    assert skirt.wears("skirt") and skirt.outfit.slope > 0.1 and bald.wears("bald") and not bald.wears("hat")
    joints = body.joint_template
    texels = atlas.on_surface(body.template, body.faces)
    at = lambda person: atlas.at_texels(offset_texture(person, 128).float())  # noqa: E731
    skull = texels[:, 1] > joints[15, 1] + 0.12
    assert not at(bald)[skull].any() and at(bald).max() > 0.004
    hands = texels[:, 0].abs() > float(joints[20, 0]) + 0.06
    for person in (skirt, bald):
        assert not at(person)[hands].any()
        assert at(person).min() >= 0 and at(person).max() < 0.5
    outside = (texels[:, 1] < joints[1, 1] - 0.1) & (texels[:, 1] > joints[4, 1] + 0.1)
    outside &= texels[:, 0].abs() > float(joints[1, 0]) + 0.06
    assert at(skirt)[outside].median() > 0.01  # the skirt hangs outside the thighs


def test_garments_are_named_for_every_person(full):
    assert len(set(GARMENTS)) == len(GARMENTS)
    person = make_person(load_wardrobe(load_open_body()), np.random.default_rng(HELD_OUT_FIRST_SEED))
    assert full.garments.tolist() == [int(person.wears(name)) for name in GARMENTS]


@pytest.fixture(scope="module")
def shard(tmp_path_factory) -> Path:
    """A shard of two people, to be copied."""
    path = tmp_path_factory.mktemp("shard") / "people_00000000.safetensors"
    assert make_shard(0, 2, SMALL, path)
    return path


def test_renderer_training_reads_these_shards(tmp_path, shard):
    copy(shard, tmp_path)
    pool = PeoplePool(tmp_path)
    assert pool.description["garments"].split() == list(GARMENTS)
    batch = prepare(pool.sample(3, PairConfig(), torch.Generator().manual_seed(0)), texel_maps(pool))
    assert batch.texture_raster.shape == (3, 6, 96, 60) and batch.rgb.isfinite().all()
    assert torch.equal(pool.outline(1, 2), pool.read(1, "photo_mask", 2))
    assert torch.equal(pool.read(1, "truth_rgb"), load_file(tmp_path / "people_00000000.safetensors")["truth_rgb"][1])


def test_training_reads_shards_of_version_3_too(tmp_path, shard):
    tensors = load_file(shard)
    del tensors["photo_mask"]
    with safe_open(shard, "pt") as file:
        metadata = file.metadata() | {"version": "3"}
    save_file(tensors, tmp_path / shard.name, metadata)
    pool = PeoplePool(tmp_path)
    assert torch.equal(pool.outline(0, 1), tensors["mask"][0, 1])
    assert pool.sample(2, PairConfig(), torch.Generator().manual_seed(0)).excess.isfinite().all()


def test_shard_round_trip_resume_and_refusal(tmp_path, person):
    path = tmp_path / "people_00000003.safetensors"
    assert make_shard(3, 2, SMALL, path)
    loaded = load_file(path)
    assert loaded["rgb"].shape[:2] == (2, 4) and set(loaded) == set(FIELDS)
    for name in FIELDS:
        assert torch.equal(loaded[name][0], getattr(person, name)), name
    stamp = path.stat().st_mtime_ns
    assert not make_shard(3, 2, SMALL, path)  # there already
    assert path.stat().st_mtime_ns == stamp
    assert [p.name for p in tmp_path.iterdir()] == [path.name]  # nothing half written left


def test_shard_of_another_atlas_or_configuration_is_made_again(tmp_path, shard, monkeypatch):
    path = Path(copy(shard, tmp_path))
    assert make_shard(0, 1, replace(SMALL, texture=64), path)
    assert load_file(path)["texture_rgb"].shape[-1] == 64
    monkeypatch.setattr(shards, "uv_hash", lambda body: "another")
    assert make_shard(0, 1, replace(SMALL, texture=64), path)


def test_a_torn_shard_is_made_again(tmp_path, shard):
    torn = tmp_path / shard.name
    torn.write_bytes(shard.read_bytes()[:1000])
    assert make_shard(0, 1, SMALL, torn)
    assert set(load_file(torn)) == set(FIELDS)


def test_command_writes_shards_and_resumes(tmp_path, capsys):
    arguments = ["--first-seed", "7", "--count", "1", "--out", str(tmp_path / "set"), "--height", "64"]
    assert main(arguments) == 0
    assert main(arguments) == 0
    assert "there" in capsys.readouterr().out
    assert [p.name for p in (tmp_path / "set").iterdir()] == ["people_00000007.safetensors"]


@pytest.mark.long  # two more processes load torch
def test_workers_write_the_same_people(tmp_path, monkeypatch):
    monkeypatch.setattr("neural_core.training.people.__main__.PEOPLE_PER_SHARD", 1)
    common = ["--first-seed", "7", "--count", "2", "--height", "64", "--out"]
    assert main([*common, str(tmp_path / "one")]) == 0
    assert main([*common, str(tmp_path / "two"), "--workers", "2"]) == 0
    for path in (tmp_path / "one").iterdir():
        one, two = load_file(path), load_file(tmp_path / "two" / path.name)
        assert all(torch.equal(one[name], two[name]) for name in FIELDS)


def test_command_says_what_to_do_when_it_cannot_write(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert main(["--count", "1", "--out", str(tmp_path / "file"), "--height", "64"]) == 2
    assert "choose another place" in capsys.readouterr().err


def test_held_out_people_are_never_trained_on():
    assert HELD_OUT_FIRST_SEED == 1_000_000
