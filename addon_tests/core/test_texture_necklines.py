"""Necklines go round the neck: cloth below, skin or hair above, and a line between them behind, too."""

import pytest
import torch
from test_texture_heads import at, seen
from texture_scene import HAIR, SHIRT, SKIN, clothes, joint_y, open_body

from neural_core.body.skeleton import JOINT_INDEX
from neural_core.texture import Atlas, complete
from neural_core.texture.head_paint import paint_head

R = 256
KINDS = torch.stack([SKIN, HAIR, SHIRT])
SKINS, HAIRS, CLOTH = range(3)


@pytest.fixture(scope="module")
def atlas() -> Atlas:
    return Atlas.of(open_body(), R)


def off_neck(position: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Resting positions (n, 3) from the neck joint: x, y, z."""
    return tuple((position - open_body().joint_template[JOINT_INDEX["neck"]]).unbind(1))


def dressed(atlas: Atlas, worn, hair=None) -> torch.Tensor:
    """(3, R, R) `clothes` whose upper part is a shirt where worn(x, y, z), hair where hair(x, y, z), else skin."""
    body = open_body()
    position = atlas.on_surface(body.template, body.faces)
    head = atlas.on_surface(body.weights[:, [JOINT_INDEX["head"], JOINT_INDEX["jaw"]]], body.faces).sum(1) > 0.5
    colour = atlas.at_texels(clothes(R)).clone()
    upper = ~head & (position[:, 1] > joint_y("spine1"))
    colour[upper] = SKIN
    colour[upper & worn(*off_neck(position))] = SHIRT
    if hair is not None:
        colour[~head & hair(*off_neck(position))] = HAIR
    return atlas.dilate(atlas.image(colour))


def behind(texture: torch.Tensor, atlas: Atlas) -> tuple[torch.Tensor, torch.Tensor]:
    """Of a band down the nape: the kind (n,) of its texels and their height (n,) over the neck joint."""
    position = atlas.on_surface(open_body().template, open_body().faces)
    x, y, z = off_neck(position)
    band = (x.abs() < 0.04) & (z < -0.01) & (y > -0.12) & (y < 0.12)
    colour = atlas.at_texels(texture)[band]
    return torch.cdist(colour, KINDS).argmin(1), y[band]


def painted(texture: torch.Tensor, atlas: Atlas) -> tuple[torch.Tensor, torch.Tensor]:
    """The texture as a photo from the front makes it, and as it was imagined before."""
    partial = seen(texture, atlas)
    imagined = complete(partial, atlas, open_body())
    return paint_head(imagined, partial, atlas, open_body()), imagined


@pytest.mark.parametrize("top", [-0.01, 0.035])  # a crew neck; a collar that stands
def test_a_neckline_goes_on_behind_at_its_height(atlas, top):
    whole, _ = painted(dressed(atlas, lambda x, y, z: y < top), atlas)
    kind, y = behind(whole, atlas)
    assert float((kind[y < top - 0.015] == CLOTH).float().mean()) > 0.95
    over = (y > top + 0.02) & (y < 0.08)
    assert float((kind[over] != CLOTH).float().mean()) > 0.95
    position = atlas.on_surface(open_body().template, open_body().faces)
    x, y, z = off_neck(position)
    colour = atlas.at_texels(whole)[(x.abs() < 0.04) & (z < -0.01) & (y > -0.1) & (y < 0.05)]
    between = torch.cdist(colour, KINDS).amin(1) > 0.3 * float((SHIRT - SKIN).norm())
    assert float(between.float().mean()) < 0.2


def test_an_open_collar_is_closed_behind(atlas):
    """A hoodie: in front skin is seen down to the chest, its hood lies around the neck."""
    whole, imagined = painted(
        dressed(atlas, lambda x, y, z: (y < 0.03) & ~((z > 0) & (x.abs() < 0.03) & (y > -0.12))), atlas
    )
    kind, y = behind(whole, atlas)
    assert float((kind[y < 0.015] == CLOTH).float().mean()) > 0.95
    feet = at(atlas, "left_foot", lambda p: p[:, 1] < 9)
    assert torch.equal(whole[:, feet], imagined[:, feet])


def test_bare_shoulders_stay_bare(atlas):
    whole, imagined = painted(dressed(atlas, lambda x, y, z: y < -0.14), atlas)
    shoulders = at(atlas, "trunk", lambda p: p[:, 1] > joint_y("neck") - 0.1)
    assert float((whole - imagined)[:, shoulders].abs().max()) < 1e-3
    kind, y = behind(whole, atlas)
    assert float((kind[(y > -0.1) & (y < 0.03)] == CLOTH).float().mean()) < 0.05


def test_hair_over_a_collar_meets_cloth_and_no_skin_shows_between(atlas):
    whole, _ = painted(
        dressed(atlas, lambda x, y, z: y < 0.0, lambda x, y, z: (x.abs() > 0.02) & (x.abs() < 0.1) & (y > -0.03)), atlas
    )
    kind, y = behind(whole, atlas)
    assert float((kind[y > 0.03] == HAIRS).float().mean()) > 0.9
    assert float((kind[y < -0.03] == CLOTH).float().mean()) > 0.95
