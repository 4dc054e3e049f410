"""A Blender (bpy module) with the add-on registered, and avatars made without the backend."""

import bpy
import pytest
from avatars import describe

import blender_addon
from blender_addon.rig.build import AvatarObjects, build_avatar


@pytest.fixture
def blender():
    """An empty scene with the add-on registered; unregistered afterwards."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    blender_addon.register()
    yield bpy
    blender_addon.unregister()


@pytest.fixture
def avatar(blender) -> AvatarObjects:
    return build_avatar(describe(), blender.context)
