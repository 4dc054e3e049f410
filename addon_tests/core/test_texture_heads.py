"""Heads: what was not seen of them is hair or skin, not a blend."""

from dataclasses import replace

import pytest
import torch
from texture_scene import HAIR, SKIN, clothes, open_body, photo, posed, view

from neural_core.texture import Atlas, PartialTexture, sample_texture
from neural_core.texture.head_paint import paint_head
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


def at(atlas: Atlas, region: str, where) -> torch.Tensor:
    """(R, R) bool, texels of a region for which where(rest positions (n, 3)) holds."""
    body = open_body()
    weight = atlas.on_surface(body_regions(body)[region].weight[:, None], body.faces)[:, 0]
    position = atlas.on_surface(body.template, body.faces)
    return atlas.image((weight > 0.9) & where(position)).bool()


def test_behind_the_head_is_hair_and_the_cheek_is_skin(front, atlas):
    grey = torch.full((3, R, R), 0.5)
    whole = paint_head(grey, front, atlas, open_body())
    eye = float(open_body().joint_template[23, 1])
    behind = at(atlas, "scalp", lambda p: (p[:, 2] < 0.02) & (p[:, 1] > eye)) & (front.confidence == 0)
    side = at(atlas, "face", lambda p: (p[:, 1] < eye - 0.012) & (p[:, 0].abs() > 0.05)) & (front.confidence == 0)
    assert int(behind.sum()) > 100 and int(side.sum()) > 20
    expected = 0.5 * HAIR + 0.5 * grey[:, 0, 0]  # half of what is expected of hair is what was imagined
    assert float((whole[:, behind].T - expected).norm(dim=1).median()) < 0.12
    assert float((whole[:, side].T - SKIN).norm(dim=1).median()) < 0.1
    sure = front.confidence > 0.5
    head = at(atlas, "face", lambda p: p[:, 2] > 0.1) & sure
    assert torch.allclose(whole[:, head], front.rgb[:, head], atol=1e-5)
    feet = at(atlas, "left_foot", lambda p: p[:, 1] < 9)
    assert torch.equal(whole[:, feet], grey[:, feet])


def test_the_rim_of_a_face_says_nothing_of_skin(front, atlas):
    """Where a cheek turns away the backdrop is mixed in."""
    rim = at(atlas, "face", lambda p: p[:, 2] > -1) & (front.facing < 0.45) & (front.confidence > 0)
    mixed = replace(front, rgb=torch.where(rim, front.rgb.lerp(torch.full_like(front.rgb, 0.9), 0.2), front.rgb))
    whole = paint_head(torch.full((3, R, R), 0.5), mixed, atlas, open_body())
    eye = float(open_body().joint_template[23, 1])
    side = at(atlas, "face", lambda p: (p[:, 1] < eye - 0.012) & (p[:, 0].abs() > 0.05)) & (front.confidence == 0)
    redness = (whole[0, side] - whole[2, side]).median()
    assert abs(float(redness - (SKIN[0] - SKIN[2]))) < 0.01  # .02 when the rim was believed, too


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
    grey = torch.full((3, R, R), 0.5)
    assert paint_head(grey, behind, atlas, open_body()) is grey
