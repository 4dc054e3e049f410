"""The startup cube steps aside, a cube of the user's does not; the photo's whole frame is in view."""

import bpy
import pytest
from avatars import describe

import blender_addon
from blender_addon.rig.build import build_avatar
from blender_addon.rig.first_look import framing, show_avatar


@pytest.fixture
def startup():
    bpy.ops.wm.read_homefile(use_factory_startup=True)
    blender_addon.register()
    yield bpy.data.objects["Cube"]
    blender_addon.unregister()


def test_the_startup_cube_steps_aside(startup):
    show_avatar(bpy.context, build_avatar(describe(), bpy.context))
    assert startup.hide_viewport and startup.hide_render
    assert not bpy.data.objects["Light"].hide_render


def _move(cube):
    cube.location.x = 1e-3


def _sculpt(cube):
    cube.data.vertices[0].co.x *= 1.1


def _name(cube):
    cube.name = "Table"


@pytest.mark.parametrize("touch", [_move, _sculpt, _name])
def test_a_cube_that_was_touched_stays(startup, touch):
    touch(startup)
    show_avatar(bpy.context, build_avatar(describe(), bpy.context))
    assert not startup.hide_viewport and not startup.hide_render


@pytest.mark.parametrize("size", [(1311, 786), (650, 786), (1800, 420), (300, 900)])
@pytest.mark.parametrize("picture", [(780, 1170), (1170, 780), (900, 2000), (512, 512)])
def test_the_whole_frame_lies_in_the_free_part_of_a_view(size, picture):
    """The frame's box is computed as Blender does (BKE_camera_params_from_view3d); the window's test asks Blender."""
    (width, height), free = size, (58, 0, size[0] - 60, size[1] - 54)
    aspect = picture[1] / picture[0]
    zoom, (x, y) = framing(size, free, aspect, aspect > 1)
    scale = (2**0.5 + zoom / 50) ** 2 / 4
    wide, high = (height / aspect * scale, height * scale) if aspect > 1 else (width * scale, width * aspect * scale)
    middle = width * (0.5 - 2 * x * scale), height * (0.5 - 2 * y * scale)
    left, right = middle[0] - wide / 2, middle[0] + wide / 2
    bottom, top = middle[1] - high / 2, middle[1] + high / 2
    assert free[0] <= left and right <= free[2] and free[1] <= bottom and top <= free[3]
    assert max(wide / (free[2] - free[0]), high / (free[3] - free[1])) == pytest.approx(0.96)
