"""Garments go round the body: hems are edges, shade is none, legs agree, nobody's feet are guessed as trousers."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from texture_scene import SHIRT, TROUSERS, clothes, joint_y, open_body, photo, posed, view

from neural_core.inpainting.chroma import within_chroma
from neural_core.texture import Atlas, PartialTexture, complete, sample_texture, vertex_normals
from neural_core.texture.garments import GarmentConfig, even, garments
from neural_core.texture.oklab import oklab
from neural_core.texture.regions import body_regions
from neural_core.texture.rings import ring_prior
from neural_core.texture.surface_graph import surface_edges

R, WIDTH = 256, 0.008


@pytest.fixture(scope="module")
def atlas() -> Atlas:
    return Atlas.of(open_body(), R)


def seen_in_front(texture: torch.Tensor, atlas: Atlas) -> PartialTexture:
    vertices = posed()
    camera = view(vertices, 480)
    return sample_texture(*photo(vertices, camera, texture), vertices, open_body(), camera, atlas)


def positions(atlas: Atlas) -> torch.Tensor:
    return atlas.on_surface(open_body().template, open_body().faces)


def behind(atlas: Atlas) -> torch.Tensor:
    """(n,) texels of the back and of the legs' backs, arms apart."""
    body = open_body()
    backward = atlas.on_surface(vertex_normals(body.template, body.faces), body.faces)[:, 2] < -0.5
    return backward & (positions(atlas)[:, 0].abs() < 0.2)


def hems(colour: np.ndarray, columns: np.ndarray | None = None) -> list[int]:
    columns = oklab(colour)[None, :, 0].repeat(5, 0) if columns is None else columns
    return np.nonzero(np.diff(garments(colour, np.ones(len(colour)), columns, WIDTH, GarmentConfig())))[0].tolist()


def test_a_step_of_colour_is_a_hem_and_stays_sharp():
    colour = np.where(np.arange(100)[:, None] < 60, TROUSERS.numpy(), SHIRT.numpy())
    assert hems(colour) == [59]
    garment = np.repeat([0, 1], [60, 40])
    plain = even(colour, np.ones(100), garment, WIDTH, GarmentConfig())
    assert np.abs(plain - colour).max() < 1e-9


def test_shade_that_fades_is_no_hem_and_a_slanted_border_is_one():
    ramp = np.clip((np.arange(150)[:, None] - 50) / 30, 0, 1)  # over 24 cm
    assert hems(0.15 + 0.5 * ramp * np.ones(3)) == []
    slant = np.clip((np.arange(150)[:, None] - 70) / 12, 0, 1)  # over 10 cm
    (hem,) = hems(TROUSERS.numpy() * (1 - slant) + SHIRT.numpy() * slant)
    assert abs(hem - 76) <= 4


def test_a_shadow_that_ends_elsewhere_in_every_column_is_no_hem():
    """Light on one leg only: the ring's majority changes at once, the columns do not change together."""
    place = np.arange(120)
    columns = np.stack([np.where(place < 30 + 10 * k, 0.3, 0.8) for k in range(6)])
    majority = np.where(place[:, None] < 55, [0.1, 0.1, 0.1], [0.7, 0.7, 0.7]) * (1 + 0 * place[:, None])
    soft = np.stack([np.convolve(np.pad(c, 4, "edge"), np.ones(9) / 9, "valid") for c in majority.T], 1)
    assert hems(soft, columns) == []
    assert len(hems(soft, np.where(place < 55, 0.3, 0.8)[None].repeat(6, 0))) == 1  # together: trousers end there


def test_a_majority_that_jumps_where_every_column_fades_is_no_hem_and_a_belt_is_one():
    """Light that falls off to the floor: 5 cm in each column, 8 mm higher in the next; the rings' majority jumps."""
    place = np.arange(120)
    colour = (0.15 + 0.15 * (place >= 60))[:, None].repeat(3, 1)
    dark, light = oklab(colour)[[0, -1], 0]
    share = (place - 60 - np.arange(-2, 3)[:, None]) * WIDTH
    assert hems(colour, dark + (light - dark) * np.clip(share / 0.05 + 0.5, 0, 1)) == []
    assert hems(colour, dark + (light - dark) * (share >= 0)) == [59]  # a belt, askew by 3 cm


def test_a_slanted_hem_in_front_is_crisp_behind(atlas):
    """In front the hem rises 8 cm from side to side."""
    x, y, _ = positions(atlas).unbind(1)
    shirt = y > joint_y("spine1") + 0.2 * x
    truth = atlas.image(torch.where(shirt[:, None], SHIRT, TROUSERS))
    whole = atlas.at_texels(complete(seen_in_front(truth, atlas), atlas, open_body()))
    near = behind(atlas) & ((y - joint_y("spine1")).abs() < 0.12)
    share = ((whole - TROUSERS) @ (SHIRT - TROUSERS) / (SHIRT - TROUSERS).square().sum())[near]
    assert float((share < 0.2).float().mean()) > 0.25 and float((share > 0.8).float().mean()) > 0.25
    assert float(((share > 0.2) & (share < 0.8)).float().mean()) < 0.15  # .35 when rings were only averaged


def test_legs_are_expected_alike_though_light_falls_on_one(atlas):
    x, y, _ = positions(atlas).unbind(1)
    texture = atlas.at_texels(clothes(R)).clone()
    texture[(y < joint_y("left_hip") - 0.05) & (y > joint_y("left_ankle") + 0.03) & (x < 0)] *= 0.6
    partial = seen_in_front(atlas.image(texture), atlas)
    colour, confidence, facing = (
        atlas.at_texels(each).double().numpy() for each in (partial.rgb, partial.confidence, partial.facing)
    )
    expected = torch.from_numpy(ring_prior(colour, confidence, facing, atlas, open_body())[0])
    calves = behind(atlas) & ((y - joint_y("left_knee")).abs() < 0.15)
    left, right = (expected[calves & side].median(0).values for side in (x > 0.05, x < -0.05))
    assert float((left - right).norm()) < 0.01
    assert 0.65 < float(left.norm() / TROUSERS.norm()) < 0.95  # neither of the two


def test_a_sleeve_in_the_shade_has_no_edge_at_the_shoulder(atlas):
    arm = atlas.on_surface(body_regions(open_body())["left_arm"].weight[:, None], open_body().faces)[:, 0]
    texture = atlas.at_texels(clothes(R)) * (1 - 0.25 * (arm > 0.5).float())[:, None]
    whole = atlas.at_texels(complete(seen_in_front(atlas.image(texture), atlas), atlas, open_body()))
    a, b = torch.from_numpy(surface_edges(atlas, open_body())[0]).T
    shoulder = behind(atlas) & (arm > 0.02) & (arm < 0.98) & (positions(atlas)[:, 1] > joint_y("left_shoulder") - 0.1)
    step = (whole[a] - whole[b]).norm(dim=1)[shoulder[a] & shoulder[b]]
    assert float(step.max() / (0.25 * SHIRT).norm()) < 0.1  # .2 when the arm's rings met the trunk's


def test_feet_that_nobody_saw_are_dark_shoes_with_an_edge(atlas):
    _, y, _ = positions(atlas).unbind(1)
    partial = seen_in_front(clothes(R), atlas)
    keep = atlas.image((y > joint_y("left_knee")).float())
    cut = replace(
        partial,
        rgb=partial.rgb * keep,
        confidence=partial.confidence * keep,
        sampled=partial.sampled & (keep > 0),
        filled=partial.filled & (keep > 0),
    )
    whole = atlas.at_texels(complete(cut, atlas, open_body()))
    foot, shin = y < joint_y("left_ankle") - 0.04, (y - joint_y("left_ankle") - 0.16).abs() < 0.05
    assert float(whole[foot].median(0).values.max()) < 0.2
    assert float((whole[shin] - TROUSERS).norm(dim=1).median()) < 0.05
    seen = atlas.at_texels(complete(partial, atlas, open_body()))[foot]
    assert float(seen[:, 0].median()) > 0.4  # red shoes that were seen stay red


def test_grey_in_grey_out(atlas):
    texture = atlas.at_texels(clothes(R)).mean(1, keepdim=True) * torch.tensor([1.0, 0.96, 0.88])
    partial = seen_in_front(atlas.image(texture), atlas)
    whole = complete(partial, atlas, open_body())
    tint = (whole[0] - whole[2])[atlas.covered]
    assert float(tint.min()) > -0.02 and float(tint.max()) < 0.14
    bluish = (whole + torch.tensor([-0.05, 0.0, 0.1])[:, None, None]).clamp(0, 1)
    back = within_chroma(bluish, whole)
    assert float((back[2] - back[0])[atlas.covered].max()) < 0.04
    assert float((back.mean(0) - bluish.mean(0)).abs().max()) < 0.02  # lightness stays


def test_chroma_that_is_there_is_left_alone():
    texture = torch.rand(3, 32, 32, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(within_chroma(texture, texture), texture, atol=1e-6)


def test_a_slanted_hem_between_two_browns_is_found():
    """Over 7 cm the rings mix jacket and shirt; right beside the border their hues are less than a hem's apart."""
    jacket, shirt = np.array([0.44, 0.12, 0.04]), np.array([0.58, 0.33, 0.20])
    slant = np.clip((np.arange(160)[:, None] - 70) / 9, 0, 1)
    colour = shirt * (1 - slant) + jacket * slant
    assert len(hems(colour)) == 1
    assert len(hems(jacket * (0.85 + 0.3 * slant))) == 0  # the same jacket in the shade


def test_a_sole_goes_round_the_heel(atlas):
    position = atlas.image(positions(atlas))
    ground = float(position[1][atlas.covered].min())
    white = torch.where(position[1] < ground + 0.035, torch.tensor([0.9, 0.9, 0.9])[:, None, None], clothes(R))
    whole = atlas.at_texels(complete(seen_in_front(white, atlas), atlas, open_body()))
    y, z = positions(atlas)[:, 1], positions(atlas)[:, 2]
    heel = (z < float(z[y < ground + 0.1].min()) + 0.03) & behind(atlas)
    low, high = heel & (y < ground + 0.025), heel & (y > ground + 0.055) & (y < ground + 0.1)
    assert float(whole[low].median(0).values.min()) > 0.6
    assert float((whole[low].median(0).values - whole[high].median(0).values).norm()) > 0.2


def test_a_faint_step_of_lightness_is_a_fold():
    place = np.arange(120)[:, None]
    assert hems(np.where(place < 60, 0.85, 0.9) * np.ones(3)) == []
    assert len(hems(np.where(place < 60, 0.6, 0.9) * np.ones(3))) == 1
