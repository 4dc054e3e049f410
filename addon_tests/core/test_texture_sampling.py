"""Sampling: true means, nothing of the background, thin parts kept, overlaps left out."""

import pytest
import torch
from texture_scene import (
    GREEN,
    arm_before_torso,
    clothes,
    open_body,
    photo,
    plane_body,
    plane_camera,
    posed,
    smooth_texture,
    view,
)

from neural_core.body.skeleton import JOINT_INDEX, JOINT_NAMES
from neural_core.rasterizer import rasterize
from neural_core.texture import Atlas, OcclusionConfig, SamplingConfig, occlusion_map, sample_texture

METHODS = ["scatter", "gather"]
R = 256


def of_joints(atlas: Atlas, *parts: str) -> torch.Tensor:
    """(n,) bool, texels that follow joints whose names contain one of the parts."""
    columns = [i for i, name in enumerate(JOINT_NAMES) if any(part in name for part in parts)]
    return atlas.on_surface(open_body().weights[:, columns], open_body().faces).sum(1) > 0.6


def test_scatter_is_a_true_mean():
    """16 pixels fall into each texel; the published code would keep the last of them."""
    body, camera = plane_body(), plane_camera(64)
    image = torch.rand(3, 64, 64, generator=torch.Generator().manual_seed(0))
    config = SamplingConfig(method="scatter", occlusion=None, height_per_texel=100)
    partial = sample_texture(image, torch.ones(64, 64), body.template, body, camera, Atlas.of(body, 16), config)
    assert bool(partial.sampled.all())
    assert torch.allclose(partial.rgb, torch.nn.functional.avg_pool2d(image, 4), atol=1e-5)


def test_gather_is_bilinear_and_upright():
    body, camera = plane_body(), plane_camera(32)
    coarse = torch.rand(3, 8, 8, generator=torch.Generator().manual_seed(0))
    image = torch.nn.functional.interpolate(coarse[None], (32, 32), mode="bilinear", align_corners=False)[0]
    config = SamplingConfig(method="gather", occlusion=None, height_per_texel=100)
    partial = sample_texture(image, torch.ones(32, 32), body.template, body, camera, Atlas.of(body, 64), config)
    expected = torch.nn.functional.interpolate(image[None], (64, 64), mode="bilinear", align_corners=False)[0]
    assert torch.allclose(partial.rgb[:, 1:-1, 1:-1], expected[:, 1:-1, 1:-1], atol=1e-4)


def test_small_gaps_get_the_mean_of_their_neighbours():
    body, camera = plane_body(), plane_camera(16)
    image = torch.full((3, 16, 16), 0.25)
    config = SamplingConfig(method="scatter", occlusion=None, height_per_texel=100)
    partial = sample_texture(image, torch.ones(16, 16), body.template, body, camera, Atlas.of(body, 32), config)
    assert 0.2 < float(partial.sampled.float().mean()) < 0.3  # one texel of four has a pixel
    assert bool(partial.known.all()) and not bool((partial.sampled & partial.filled).any())
    assert torch.allclose(partial.rgb, torch.full_like(partial.rgb, 0.25))


@pytest.mark.parametrize("method", METHODS)
def test_a_white_shirt_stays_white(method):
    vertices = posed()
    camera = view(vertices)
    _, mask = photo(vertices, camera, torch.ones(3, R, R))
    image = (mask > 0.5).float().expand(3, -1, -1)
    config = SamplingConfig(method=method)
    partial = sample_texture(image, mask, vertices, open_body(), camera, Atlas.of(open_body(), R), config)
    assert int(partial.sampled.sum()) > 10_000
    assert float((partial.rgb[:, partial.known] - 1).abs().max()) < 1e-4


@pytest.mark.parametrize("method", METHODS)
def test_no_background_on_the_body(method):
    """The fit is 2 cm beside the person: texels whose pixel is not the person's are not sampled, and none is green."""
    body, atlas, truth = open_body(), Atlas.of(open_body(), R), posed()
    camera = view(truth)
    _, mask = photo(truth, camera, clothes(R))
    mask = (mask > 0.5).float()
    image = torch.where(mask > 0, torch.tensor([0.6, 0.2, 0.7])[:, None, None], GREEN[:, None, None])
    vertices = truth + torch.tensor([0.02, 0.0, 0.0])
    partial = sample_texture(image, mask, vertices, body, camera, atlas, SamplingConfig(method=method))
    assert float((partial.rgb[1] - 0.2).abs()[partial.known].max()) < 1e-4
    if method == "gather":
        pixels, _ = camera.project(atlas.on_surface(vertices, body.faces)[atlas.at_texels(partial.sampled)])
        column, row = pixels.floor().long().unbind(1)
        assert float((mask[row, column] <= 0.5).float().mean()) == 0.0


@pytest.mark.parametrize("method", METHODS)
def test_round_trip_on_what_is_seen(method):
    vertices = posed(yaw=0.3)
    camera, texture, atlas = view(vertices, 640), smooth_texture(R), Atlas.of(open_body(), R)
    image, mask = photo(vertices, camera, texture)
    partial = sample_texture(image, mask, vertices, open_body(), camera, atlas, SamplingConfig(method=method))
    sure = partial.sampled & (partial.confidence > 0.9)
    assert float(sure.float().mean()) > 0.15
    error = (partial.rgb - texture).abs()[:, sure]
    assert float(error.mean()) < 0.006 and float(error.amax(0).quantile(0.999)) < 0.06


def test_large_photos_are_reduced_without_background():
    vertices = posed()
    camera = view(vertices, 900)
    image, mask = photo(vertices, camera, clothes(R))
    config = SamplingConfig(method="gather", height_per_texel=1.2)
    partial = sample_texture(image, mask, vertices, open_body(), camera, Atlas.of(open_body(), R), config)
    assert int(partial.sampled.sum()) > 10_000
    r, g, b = partial.rgb[:, partial.sampled & (partial.confidence > 0.6)]
    assert float((g - torch.maximum(r, b)).max()) < 0.08  # the shirt's own green is 0 above its red


def test_confidence_rises_from_the_rim():
    vertices = posed()
    camera, atlas = view(vertices, 640), Atlas.of(open_body(), R)
    image, mask = photo(vertices, camera, clothes(R))
    partial = sample_texture(image, mask, vertices, open_body(), camera, atlas)
    confidence, facing = partial.confidence[partial.sampled], partial.facing[partial.sampled]
    assert float(confidence[facing > 0.7].mean()) > 0.95
    assert float(confidence[facing < 0.25].mean()) < 0.5
    assert float(facing.min()) >= 0.1  # the scatter's texel centre may lie a little beyond the ramp's end


def test_occlusion_map_fires_where_an_arm_crosses_the_torso():
    body = open_body()

    def fired(vertices: torch.Tensor) -> tuple[float, torch.Tensor]:
        camera = view(vertices, 480)
        fragments = rasterize(vertices, body.faces, camera)
        occluded, _ = occlusion_map(fragments, body, 430.0, 1.7 / 430, OcclusionConfig())
        assert not bool((occluded & ~fragments.mask).any())
        dominant = body.weights[body.faces[fragments.triangle.clamp(min=0)]].sum(2).argmax(-1)
        torso = torch.isin(dominant, torch.tensor([JOINT_INDEX[f"spine{i}"] for i in (1, 2, 3)])) & fragments.mask
        return float((occluded & torso).sum() / torso.sum()), occluded.float().mean() / fragments.mask.float().mean()

    crossed, _ = fired(arm_before_torso())
    free, everywhere = fired(posed())
    assert crossed > 0.05
    assert free < 0.02 and float(everywhere) < 0.02


def test_overlaps_do_not_print_the_arm_on_the_torso():
    """The fit is 1 cm off; with the occlusion map hardly any torso texel takes the forearm's colour."""
    body, atlas, truth = open_body(), Atlas.of(open_body(), R), arm_before_torso()
    arms = of_joints(atlas, "right_elbow", "right_wrist", "right_shoulder", "right_index", "right_thumb", "right_ring")
    arms |= of_joints(atlas, "right_middle", "right_pinky")
    torso = of_joints(atlas, "spine")
    red, blue = torch.tensor([1.0, 0, 0]), torch.tensor([0, 0, 1.0])
    texture = atlas.image(torch.where(arms[:, None], red, blue))
    camera = view(truth)
    image, mask = photo(truth, camera, texture)
    vertices = truth + torch.tensor([0.007, 0.007, 0.0])

    def printed(config: SamplingConfig) -> float:
        partial = sample_texture(image, mask, vertices, body, camera, atlas, config)
        red = atlas.at_texels(partial.rgb)[:, 0] * atlas.at_texels(partial.confidence)
        return float(red[torso].sum())

    with_map, without = printed(SamplingConfig()), printed(SamplingConfig(occlusion=None))
    assert without > 20
    assert with_map < 0.1 * without


def test_same_input_same_bytes():
    vertices = posed()
    camera, atlas = view(vertices, 320), Atlas.of(open_body(), R)
    image, mask = photo(vertices, camera, clothes(R))
    for method in METHODS:
        config = SamplingConfig(method=method)
        first = sample_texture(image, mask, vertices, open_body(), camera, atlas, config)
        second = sample_texture(image, mask, vertices, open_body(), camera, atlas, config)
        assert all(torch.equal(getattr(first, name), getattr(second, name)) for name in vars(first))


def test_a_body_outside_the_picture_is_not_seen():
    vertices = posed() + torch.tensor([50.0, 0.0, 0.0])
    camera = view(posed(), 120)
    image, mask = torch.rand(3, 120, 84), torch.ones(120, 84)
    partial = sample_texture(image, mask, vertices, open_body(), camera, Atlas.of(open_body(), R))
    assert not bool(partial.known.any()) and float(partial.confidence.max()) == 0


def test_sizes_must_agree():
    vertices = posed()
    with pytest.raises(ValueError, match="mask"):
        sample_texture(
            torch.rand(3, 9, 9), torch.ones(8, 9), vertices, open_body(), view(vertices), Atlas.of(open_body(), R)
        )
