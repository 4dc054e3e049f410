"""Heads: colours sampled beside the face go, beards stay; what was not seen is hair or skin, not a blend."""

from dataclasses import replace

import pytest
import torch
from texture_scene import HAIR, SKIN, clothes, open_body, photo, posed, view

from neural_core.texture import Atlas, PartialTexture, sample_texture
from neural_core.texture.head_paint import paint_head
from neural_core.texture.heads import Head, without_strays
from neural_core.texture.regions import body_regions

R = 256


@pytest.fixture(scope="module")
def atlas() -> Atlas:
    return Atlas.of(open_body(), R)


@pytest.fixture(scope="module")
def front(atlas) -> PartialTexture:
    return seen(clothes(R), atlas)


def seen(texture: torch.Tensor, atlas: Atlas, yaw: float = 0.0) -> PartialTexture:
    vertices = posed(yaw)
    camera = view(vertices, 900)
    image, mask = photo(vertices, camera, texture)
    return sample_texture(image, mask, vertices, open_body(), camera, atlas)


def on_head(atlas: Atlas, where: torch.Tensor) -> torch.Tensor:
    """(R, R) of a picture of the head's part."""
    whole = torch.zeros(R, R, dtype=torch.bool)
    whole[Head.of(open_body(), atlas).cut] = where
    return whole


def cheek(atlas: Atlas) -> torch.Tensor:
    head = Head.of(open_body(), atlas)
    return on_head(atlas, torch.from_numpy(head.cheek & (head.face > 0.9)))


def painted(partial: PartialTexture, where: torch.Tensor, colour: torch.Tensor) -> PartialTexture:
    return replace(partial, rgb=torch.where(where, colour[:, None, None], partial.rgb))


def at(atlas: Atlas, region: str, where) -> torch.Tensor:
    """(R, R) bool, texels of a region for which where(rest positions (n, 3)) holds."""
    body = open_body()
    weight = atlas.on_surface(body_regions(body)[region].weight[:, None], body.faces)[:, 0]
    position = atlas.on_surface(body.template, body.faces)
    return atlas.image((weight > 0.9) & where(position)).bool()


def test_hair_sampled_on_the_cheeks_side_goes(front, atlas):
    stray = cheek(atlas) & (front.confidence > 0) & (front.facing < 0.55)
    assert int(stray.sum()) > 40
    cleaned = without_strays(painted(front, stray, HAIR), atlas, open_body())
    assert float((cleaned.confidence > 0)[stray].float().mean()) < 0.1
    assert torch.equal(cleaned.confidence[front.facing > 0.8], front.confidence[front.facing > 0.8])
    assert float(cleaned.rgb[:, ~cleaned.known].abs().max()) == 0


def test_a_beard_stays_and_a_clean_face_is_left_alone(front, atlas):
    assert torch.equal(without_strays(front, atlas, open_body()).confidence, front.confidence)
    eye = float(open_body().joint_template[23, 1])
    beard = at(atlas, "face", lambda p: p[:, 1] < eye - 0.06) & (front.confidence > 0)  # from ear to ear over the chin
    bearded = painted(front, beard, HAIR)
    assert torch.equal(without_strays(bearded, atlas, open_body()).confidence, front.confidence)


def test_behind_the_head_is_hair_and_the_cheek_is_skin(front, atlas):
    grey = torch.full((3, R, R), 0.5)
    whole = paint_head(grey, front, atlas, open_body())
    eye = float(open_body().joint_template[23, 1])
    behind = at(atlas, "scalp", lambda p: (p[:, 2] < 0.02) & (p[:, 1] > eye)) & (front.confidence == 0)
    side = cheek(atlas) & (front.confidence == 0)
    assert int(behind.sum()) > 100 and int(side.sum()) > 20
    expected = 0.5 * HAIR + 0.5 * grey[:, 0, 0]  # half of what is expected of hair is what was imagined
    assert float((whole[:, behind].T - expected).norm(dim=1).median()) < 0.12
    assert float((whole[:, side].T - SKIN).norm(dim=1).median()) < 0.1
    sure = front.confidence > 0.5
    head = at(atlas, "face", lambda p: p[:, 2] > 0.1) & sure
    assert torch.allclose(whole[:, head], front.rgb[:, head], atol=1e-5)
    feet = at(atlas, "left_foot", lambda p: p[:, 1] < 9)
    assert torch.equal(whole[:, feet], grey[:, feet])


def test_the_bald_stay_bald(atlas):
    body = open_body()
    texture = clothes(R)
    hair = (texture - HAIR[:, None, None]).abs().amax(0) < 1e-3
    bald = atlas.dilate(torch.where(hair, SKIN[:, None, None], texture))
    whole = paint_head(bald, seen(bald, atlas), atlas, body)
    behind = at(atlas, "scalp", lambda p: p[:, 2] < 0.02)
    assert float((whole[:, behind].T - SKIN).norm(dim=1).median()) < 0.1


def test_a_back_says_nothing_of_a_face(atlas):
    behind = seen(clothes(R), atlas, yaw=torch.pi)
    assert without_strays(behind, atlas, open_body()) is behind
    grey = torch.full((3, R, R), 0.5)
    assert paint_head(grey, behind, atlas, open_body()) is grey
