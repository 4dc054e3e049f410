"""The atlas: one convention, charts, seams and mirror that hold for whatever layout the body has."""

import math

import numpy as np
import pytest
import torch
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from texture_scene import open_body, plane_body, posed, smooth_colour, smooth_texture, view

from neural_core.rasterizer import interpolate, rasterize
from neural_core.texture import Atlas, lookup, mirror_texels, seam_neighbours, shade, texel_to_uv, uv_to_texel
from neural_core.texture.surface_graph import surface_edges

R = 256


@pytest.fixture(scope="module")
def atlas() -> Atlas:
    return Atlas.of(open_body(), R)


def test_first_row_is_the_top_of_the_texture():
    corner = texel_to_uv(torch.tensor([[0.5, 0.5]]), 4)
    assert torch.allclose(corner, torch.tensor([[0.125, 0.875]]))
    uv = torch.rand(50, 2, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(texel_to_uv(uv_to_texel(uv, 37), 37), uv, atol=1e-6)


def test_lookup_at_texel_centres_returns_the_texels(atlas):
    texture = torch.rand(5, R, R, generator=torch.Generator().manual_seed(0))
    values = lookup(texture, atlas.texel_uv[None])[:, 0].T
    assert torch.allclose(values, atlas.at_texels(texture), atol=1e-4)


def test_texels_know_their_place_on_the_surface(atlas):
    """Interpolating the corners' uv with the stored barycentrics gives the texel's own centre."""
    uv = atlas.on_surface(open_body().uv, open_body().face_uv)
    assert float((uv - atlas.texel_uv).abs().max()) * R < 1e-2


def test_image_and_texels_are_inverse(atlas):
    values = torch.rand(len(atlas.texels), 3, generator=torch.Generator().manual_seed(0))
    assert torch.equal(atlas.at_texels(atlas.image(values)), values)
    assert bool((atlas.image(values, fill=-1)[:, ~atlas.covered] == -1).all())


def test_dilation_fills_every_texel_from_the_chart_it_belongs_to(atlas):
    texture = torch.rand(3, R, R, generator=torch.Generator().manual_seed(0)) + 1
    texture[:, ~atlas.covered] = 0
    dilated = atlas.dilate(texture)
    assert torch.equal(dilated[:, atlas.covered], texture[:, atlas.covered])
    assert float(dilated.min()) >= 1
    charts = atlas.image(atlas.chart.reshape(-1)[atlas.texels].float())[None]
    assert torch.equal(atlas.dilate(charts)[0].long(), atlas.chart)


def test_cached_per_body_and_resolution(atlas):
    assert Atlas.of(open_body(), R) is atlas
    assert Atlas.of(plane_body(), R) is not atlas


def test_mirror_is_the_other_side(atlas):
    body = open_body()
    mirror = mirror_texels(atlas, body)
    assert float((mirror >= 0).float().mean()) > 0.99
    position = atlas.on_surface(body.template, body.faces)
    there = position[mirror.clamp(min=0)] * torch.tensor([-1.0, 1.0, 1.0])
    distance = (there - position).norm(dim=1)[mirror >= 0]
    assert float(distance.quantile(0.99)) < 0.01  # a texel of this atlas spans about 6 mm
    # There and back again stays within a texel or two.
    back = position[mirror[mirror.clamp(min=0)].clamp(min=0)]
    assert float((back - position).norm(dim=1).quantile(0.99)) < 0.015


def test_a_body_without_mirror_has_no_mirrored_texels():
    body = plane_body()
    assert bool((mirror_texels(Atlas.of(body, 16), body) == -1).all())


def test_seam_neighbours_touch_on_the_surface_and_not_in_the_atlas(atlas):
    body = open_body()
    pairs = seam_neighbours(atlas, body)
    position = atlas.on_surface(body.template, body.faces)
    distance = (position[pairs[:, 0]] - position[pairs[:, 1]]).norm(dim=1)
    assert len(pairs) > 500
    assert float(distance.quantile(0.95)) < 0.02
    flat = torch.stack([torch.div(atlas.texels, R, rounding_mode="floor"), atlas.texels % R], 1).float()
    apart = (flat[pairs[:, 0]] - flat[pairs[:, 1]]).norm(dim=1)
    assert float((apart > 2).float().mean()) > 0.9


def test_the_surface_graph_crosses_all_seams(atlas):
    """Charts are separate in the atlas; on the surface everything hangs together but for the two eyeballs."""
    pairs, weights = surface_edges(atlas, open_body())
    n = len(atlas.texels)
    graph = coo_matrix((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(n, n))
    count, label = connected_components(graph, directed=False)
    assert np.bincount(label).max() > 0.97 * n
    assert count < len(atlas.face_chart.unique())
    assert weights.min() > 0


@pytest.mark.parametrize("resolution", [256, 512])
def test_no_line_along_any_seam(resolution):
    """A smooth texture, drawn from all around, is as smooth as the surface evaluated directly."""
    body, vertices = open_body(), posed()
    texture = smooth_texture(resolution)
    for yaw in range(0, 360, 45):
        camera = view(vertices, 320, math.radians(yaw))
        picture = shade(vertices, body, camera, texture, supersample=1)
        fragments = rasterize(vertices, body.faces, camera)
        truth = smooth_colour(interpolate(fragments, body.faces, body.template)).permute(2, 0, 1)
        error = ((picture - truth).abs() * fragments.mask).amax(0)
        assert float(error.max()) < 0.05 * 512 / resolution, f"yaw {yaw}"
        assert float(error.sum() / fragments.mask.sum()) < 0.004 * 512 / resolution
