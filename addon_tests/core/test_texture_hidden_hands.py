"""Hands under sleeves: found, forgotten, painted; bare hands, hands before the body and grey photos are left alone."""

import pytest
import torch
from texture_scene import SHIRT, SKIN, arm_before_torso, clothes, open_body, photo, posed, view

from neural_core.texture import Atlas, PartialTexture, sample_texture
from neural_core.texture.hidden_hands import hidden_hands, paint_hands, without
from neural_core.texture.regions import body_regions

R = 256


@pytest.fixture(scope="module")
def atlas() -> Atlas:
    return Atlas.of(open_body(), R)


def of_hand(atlas: Atlas, side: str) -> torch.Tensor:
    """(R, R) bool."""
    weight = body_regions(open_body())[f"{side}_hand"].weight
    return atlas.image(atlas.on_surface(weight[:, None], open_body().faces)[:, 0]) > 0.7


def worn(atlas: Atlas, sides: tuple[str, ...], below: float = 0.5) -> torch.Tensor:
    """(3, R, R) clothes with sleeves over the forearms, and over the hands of some sides."""
    x = atlas.image(atlas.on_surface(open_body().template, open_body().faces)[:, 0])
    arms = (x.abs() >= below) & ~(of_hand(atlas, "left") | of_hand(atlas, "right"))
    covered = arms | torch.stack([of_hand(atlas, side) for side in sides]).any(0) if sides else arms
    return torch.where(covered, SHIRT[:, None, None], clothes(R))


def look(texture: torch.Tensor, atlas: Atlas, vertices: torch.Tensor) -> tuple[PartialTexture, torch.Tensor]:
    camera = view(vertices, 480)
    partial = sample_texture(*photo(vertices, camera, texture), vertices, open_body(), camera, atlas)
    return partial, hidden_hands(partial, vertices, camera, atlas, open_body())


def test_a_hand_under_a_sleeve_is_forgotten_and_gets_the_skin_of_the_face(atlas):
    partial, hidden = look(worn(atlas, ("left",)), atlas, posed())
    regions = body_regions(open_body())
    assert bool(hidden[regions["left_hand"].weight > 0.9].all())
    assert not bool(hidden[regions["right_hand"].weight > 0.1].any())
    left, right = of_hand(atlas, "left"), of_hand(atlas, "right")
    bare = without(partial, hidden, atlas, open_body())
    assert not bool((bare.known | (bare.confidence > 0))[left].any())
    assert torch.equal(bare.rgb[:, right], partial.rgb[:, right])
    whole = paint_hands(torch.zeros(3, R, R), bare, atlas, open_body())
    assert float((whole[:, left] - SKIN[:, None]).norm(dim=0).max()) < 0.1
    assert float(whole[:, right].abs().max()) == 0  # it was seen


def test_bare_hands_and_photos_without_colours_are_left_alone(atlas):
    assert not bool(look(worn(atlas, ()), atlas, posed())[1].any())
    grey = worn(atlas, ("left", "right")).mean(0, keepdim=True).expand(3, -1, -1)
    assert not bool(look(grey, atlas, posed())[1].any())


def test_bare_arms_lighter_than_the_face_are_no_sleeves(atlas):
    regions = body_regions(open_body())
    head = torch.stack([regions[name].weight for name in ("face", "neck")], 1).sum(1, keepdim=True)
    shade = atlas.image(1 - 0.4 * (atlas.on_surface(head, open_body().faces)[:, 0] > 0.5).float())
    assert not bool(look(clothes(R) * atlas.dilate(shade[None]), atlas, posed())[1].any())


def test_a_hand_before_the_body_may_be_in_a_pocket(atlas):
    texture = worn(atlas, ("left", "right"))
    _, hidden = look(texture, atlas, arm_before_torso())
    regions = body_regions(open_body())
    assert not bool(hidden[regions["right_hand"].weight > 0.1].any())
