"""Side light: found from left and right, whatever is worn on one side, and put back beside what was seen only."""

import pytest
import torch
from texture_scene import clothes, open_body, photo, posed, view

from neural_core.texture import Atlas, PartialTexture, mirror_texels, sample_texture, vertex_normals
from neural_core.texture.side_light import evened, relit, side_light

R = 256


@pytest.fixture(scope="module")
def atlas() -> Atlas:
    return Atlas.of(open_body(), R)


@pytest.fixture(scope="module")
def normals() -> torch.Tensor:
    return vertex_normals(posed(), open_body().faces)


def lit(atlas: Atlas, normals: torch.Tensor, strength: float, texture: torch.Tensor | None = None) -> PartialTexture:
    """Seen from the front in light that comes from the left."""
    across = atlas.image(atlas.on_surface(normals, open_body().faces)[:, 0])
    texture = (clothes(R) if texture is None else texture) * 0.6 * (strength * across).exp()
    vertices = posed()
    camera = view(vertices, 480)
    return sample_texture(*photo(vertices, camera, texture), vertices, open_body(), camera, atlas)


def imbalance(partial: PartialTexture, atlas: Atlas) -> float:
    """Median logarithm of left over right where both sides were seen and look sideways."""
    mirror = mirror_texels(atlas, open_body())
    bright, sure = atlas.at_texels(partial.rgb).mean(1), atlas.at_texels(partial.confidence) > 0.5
    left = atlas.on_surface(open_body().template, open_body().faces)[:, 0] > 0.05
    both = sure & sure[mirror] & (mirror >= 0) & left
    return float((bright[both] / bright[mirror[both]]).log().median())


def test_light_from_one_side_is_found_and_taken_out(atlas, normals):
    partial = lit(atlas, normals, 0.5)
    light = side_light(partial, atlas, open_body(), normals)
    assert imbalance(partial, atlas) > 0.2
    assert abs(imbalance(evened(partial, light), atlas)) < 0.05


def test_even_light_and_what_is_worn_on_one_side_are_no_light(atlas, normals):
    position = atlas.image(atlas.on_surface(open_body().template, open_body().faces))
    badge = (position[0] > 0.05) & (position[0] < 0.15) & ((position[1] - position[1].max() + 0.45).abs() < 0.05)
    texture = torch.where(badge, 0.1, clothes(R))
    light = side_light(lit(atlas, normals, 0.0, texture), atlas, open_body(), normals)
    assert float(light.abs().max()) < 0.05


def test_the_light_comes_back_beside_what_was_seen_and_fades(atlas, normals):
    partial = lit(atlas, normals, 0.5)
    light = side_light(partial, atlas, open_body(), normals)
    whole = relit(torch.full((3, R, R), 0.4), light, partial, atlas, open_body())
    change = atlas.at_texels((whole / 0.4).log()[0])
    seen = atlas.at_texels(partial.confidence) > 0.5
    assert torch.allclose(change[seen], atlas.at_texels(light)[seen], atol=1e-4)
    spine = atlas.on_surface(vertex_normals(open_body().template, open_body().faces), open_body().faces)[:, 2] < -0.9
    assert float(change[spine & ~seen].abs().max()) < 0.3 * float(light.abs().max())


def test_nothing_seen_nothing_known(atlas):
    nothing = torch.zeros(R, R)
    partial = PartialTexture(torch.zeros(3, R, R), nothing, nothing > 0, nothing > 0, nothing)
    light = side_light(partial, atlas, open_body())
    whole = torch.rand(3, R, R, generator=torch.Generator().manual_seed(0))
    assert float(light.abs().max()) == 0 and torch.equal(relit(whole, light, partial, atlas, open_body()), whole)
