"""What the user sees when an avatar has just come: the person, not the startup cube around it."""

import bpy

from ..typed import mesh_of, scene_of
from .build import AvatarObjects

_CUBE = {(x, y, z) for x in (-1.0, 1.0) for y in (-1.0, 1.0) for z in (-1.0, 1.0)}


def show_avatar(context: bpy.types.Context, avatar: AvatarObjects) -> None:
    """Hide Blender's startup cube, and turn the 3D views of the window to the avatar with its texture."""
    for obj in scene_of(context).objects:
        if is_startup_cube(obj):
            obj.hide_viewport = obj.hide_render = True
    window = context.window
    for area in window.screen.areas if window is not None else ():
        if area.type == "VIEW_3D":
            _turn(context, area, avatar)


def is_startup_cube(obj: bpy.types.Object) -> bool:
    """The cube of a new file, which nobody touched: it stands where the avatar does and would hold it out."""
    if obj.type != "MESH" or obj.name != "Cube" or obj.modifiers or obj.animation_data is not None:
        return False
    placed = any(obj.location[:]) or any(obj.rotation_euler[:]) or obj.scale[:] != (1.0, 1.0, 1.0)
    mesh = mesh_of(obj)
    return not placed and len(mesh.vertices) == 8 and {v.co[:] for v in mesh.vertices} == _CUBE


def _turn(context: bpy.types.Context, area: bpy.types.Area, avatar: AvatarObjects) -> None:
    space = area.spaces.active
    assert isinstance(space, bpy.types.SpaceView3D)
    if space.shading.type == "SOLID":
        space.shading.color_type = "TEXTURE"
    region = next(region for region in area.regions if region.type == "WINDOW")
    with context.temp_override(area=area, region=region):
        if avatar.camera is not None:
            space.region_3d.view_perspective = "CAMERA"
            bpy.ops.view3d.view_center_camera()
        else:
            bpy.ops.view3d.view_selected()
