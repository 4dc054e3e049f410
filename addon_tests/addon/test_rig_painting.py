"""A painted picture is noticed, sent with every frame, packed on saving."""

import bpy
import numpy as np
from avatars import describe

from blender_addon.rig.build import build_avatar
from blender_addon.rig.painting import avatar_image, image_bytes, painted


def _dab(image, color=(0.0, 0.0, 1.0, 1.0)):
    """What a stroke does: pixels change, the image knows."""
    pixels = np.empty(image.size[0] * image.size[1] * 4, np.float32)
    image.pixels.foreach_get(pixels)
    pixels.reshape(*image.size, 4)[:4, :4] = color  # the lower left corner
    image.pixels.foreach_set(pixels)
    image.update()
    bpy.context.view_layer.update()


def test_the_packed_picture_is_the_texture_that_came(avatar):
    texture = describe().texture
    assert np.array_equal(image_bytes(avatar_image(avatar.mesh)), texture[..., :3])
    assert painted(avatar.mesh) is None


def test_a_stroke_is_noticed_and_the_next_one_too(avatar, monkeypatch):
    image = avatar_image(avatar.mesh)
    _dab(image)
    first = painted(avatar.mesh)
    assert first.pixels[-4:, :4].reshape(-1, 3).tolist() == [[0, 0, 255]] * 16
    assert painted(avatar.mesh) is first
    monkeypatch.setattr("blender_addon.rig.painting._FRESH", 0.0)
    _dab(image, (1.0, 0.0, 0.0, 1.0))
    assert painted(avatar.mesh).state != first.state


def test_paint_survives_saving_and_loading(blender, tmp_path):
    avatar = build_avatar(describe(), bpy.context)
    _dab(avatar_image(avatar.mesh))
    before = painted(avatar.mesh)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "painted.blend"))
    assert not avatar_image(avatar.mesh).is_dirty
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "painted.blend"))
    mesh = next(o for o in bpy.data.objects if o.likeness.is_avatar_mesh)
    assert painted(mesh).state == before.state and np.array_equal(painted(mesh).pixels, before.pixels)
