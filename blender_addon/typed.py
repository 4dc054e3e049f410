"""Blender's API with the types that its stubs (fake-bpy) leave out."""

from collections.abc import Callable, Sequence
from typing import cast

import bpy


def mesh_of(obj: bpy.types.Object) -> bpy.types.Mesh:
    """The data of a mesh object; the stubs know it as any kind of data-block."""
    assert isinstance(obj.data, bpy.types.Mesh)
    return obj.data


def scene_of(context: bpy.types.Context) -> bpy.types.Scene:
    """The context's scene; the stubs take this property for a method."""
    return cast(bpy.types.Scene, context.scene)


def region_of(context: bpy.types.Context) -> bpy.types.Region:
    """The context's region; the stubs take this property for a method."""
    return cast(bpy.types.Region, context.region)


def register_and_unregister(classes: Sequence[type]) -> tuple[Callable[[], None], Callable[[], None]]:
    """The two functions of `register_classes_factory`; the stubs say that it returns nothing."""
    return cast(tuple[Callable[[], None], Callable[[], None]], bpy.utils.register_classes_factory(classes))
