"""The startup cube steps aside; a cube of the user's does not."""

import bpy
import pytest
from avatars import describe

import blender_addon
from blender_addon.rig.build import build_avatar
from blender_addon.rig.first_look import show_avatar


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
