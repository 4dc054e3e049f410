"""Passes beyond colour, and what stands behind the avatars, through Blender's own render."""

import bpy
import numpy as np
import pytest
from test_engine_frames import scene, supervisor  # noqa: F401 (fixtures)

from addon_tests.addon.engine_scene import add_avatar, render
from addon_tests.addon.exr import read_exr
from blender_addon.engine.background import plate
from blender_addon.engine.passes import linear

RED = [1.0, 0.0, 0.0]


def test_normal_and_uv_reach_the_file(scene, tmp_path):  # noqa: F811
    layer = bpy.context.view_layer
    layer.use_pass_normal = layer.use_pass_uv = True
    add_avatar(tmp_path, "red")
    seen = render(tmp_path)["mask"] > 0
    channels = read_exr(tmp_path / "frame.exr")
    normal = np.stack([channels[f"ViewLayer.Normal.{axis}"] for axis in "XYZ"], axis=-1)
    uv = np.stack([channels[f"ViewLayer.UV.{axis}"] for axis in "UVA"], axis=-1)
    assert np.allclose(np.linalg.norm(normal[seen], axis=-1), 1, atol=1e-4) and not normal[~seen].any()
    assert (normal[seen][:, 1] < 0.05).mean() > 0.98  # the camera looks along +y: what it sees faces -y
    assert np.allclose(uv[seen][:, 2], 1, atol=1e-5) and not uv[~seen].any()
    assert uv[seen][:, :2].min() > 0 and uv[seen][:, :2].max() < 1


def test_a_colour_behind_the_avatar(scene, tmp_path):  # noqa: F811
    scene.likeness.background, scene.likeness.background_color = "COLOR", (0.25, 0.5, 0.75)
    add_avatar(tmp_path, "red")
    passes = render(tmp_path)
    assert (passes["combined"][..., 3] == 1).all()
    assert np.allclose(passes["combined"][passes["mask"] == 0][:, :3], (0.25, 0.5, 0.75))
    assert np.allclose(passes["combined"][passes["mask"] == 1][:, :3], RED)


def _picture(width: int, height: int) -> bpy.types.Image:
    """Red grows to the right and green upwards, as sRGB bytes."""
    image = bpy.data.images.new("plate", width, height)
    pixels = np.zeros((height, width, 4), np.float32)
    pixels[..., 0] = (np.arange(width) + 0.5) / width
    pixels[..., 1] = ((np.arange(height) + 0.5) / height)[:, None]
    pixels[..., 3] = 1
    image.pixels.foreach_set(pixels.ravel())
    return image


@pytest.mark.parametrize("size", [(48, 64), (400, 300), (192, 256)])
def test_a_plate_fills_the_frame_and_is_cut_evenly(blender, size):
    width, height = 96, 128
    found = plate(_picture(*size), width, height)
    assert found.shape == (height, width, 3)
    scale = max(width / size[0], height / size[1])
    red = ((np.arange(width) + 0.5 - width / 2) / scale + size[0] / 2) / size[0]
    green = 1 - ((np.arange(height) + 0.5 - height / 2) / scale + size[1] / 2) / size[1]
    inside = slice(4, -4)  # at the rim nothing is left to interpolate with
    assert np.allclose(found[inside, inside, 0], linear(red)[None, inside], atol=0.02)
    assert np.allclose(found[inside, inside, 1], linear(green)[inside, None], atol=0.02)


def test_a_border_shows_its_part_of_the_plate(scene, tmp_path):  # noqa: F811
    scene.likeness.background, scene.likeness.background_image = "PLATE", _picture(96, 128)
    whole = render(tmp_path, "whole")["combined"]
    scene.render.use_border = scene.render.use_crop_to_border = True
    scene.render.border_min_x, scene.render.border_max_x = 0.5, 1.0
    scene.render.border_min_y, scene.render.border_max_y = 0.25, 0.75
    part = render(tmp_path, "part")["combined"]
    assert np.allclose(part, whole[32:96, 48:], atol=1e-6)


def test_a_missing_plate_is_a_sentence(scene, tmp_path):  # noqa: F811
    scene.likeness.background = "PLATE"
    with pytest.raises(RuntimeError, match="choose a picture"):
        render(tmp_path)
