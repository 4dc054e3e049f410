"""What the user sees when an avatar has just come: the person, not the startup cube around it."""

from math import sqrt

import bpy

from ..typed import mesh_of, scene_of
from .build import AvatarObjects

_MARGIN = 0.96  # of the free part of a view, filled by the photo's frame
_LEAST_SHARE = 0.5  # of a view's width that has to stay free of sidebars; otherwise they are looked through
_ZOOM_RANGE = (-30.0, 600.0)  # Blender's
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
    if avatar.camera is None:
        with context.temp_override(area=area, region=region):
            bpy.ops.view3d.view_selected()
        return
    view = space.region_3d
    view.view_perspective = "CAMERA"
    view.view_camera_zoom, view.view_camera_offset = framing(
        (region.width, region.height), free_part(area, region), *_frame(scene_of(context), avatar.camera)
    )


def free_part(area: bpy.types.Area, region: bpy.types.Region) -> tuple[float, float, float, float]:
    """left, bottom, right, top of what toolbar, sidebar and headers leave of a view's region, in its pixels."""
    left, bottom, right, top = 0, 0, region.width, region.height
    for other in area.regions:
        if other.type == "WINDOW" or min(other.width, other.height) <= 1:  # a hidden one is a pixel large
            continue
        if other.alignment == "LEFT":
            left = max(left, other.x + other.width - region.x)
        elif other.alignment == "RIGHT":
            right = min(right, other.x - region.x)
        elif other.alignment == "TOP":
            top = min(top, other.y - region.y)
        elif other.alignment == "BOTTOM":
            bottom = max(bottom, other.y + other.height - region.y)
    if right - left < _LEAST_SHARE * region.width:
        left, right = 0, region.width
    return left, bottom, right, max(top, bottom + 1)


def framing(
    size: tuple[int, int], free: tuple[float, float, float, float], aspect: float, upright: bool
) -> tuple[float, tuple[float, float]]:
    """Zoom and offset of a camera view whose frame lies in the free part of it.

    `view3d.view_center_camera` would do, if nothing lay over the view and its size was known to be up to date.

    Args:
        size: of the region. free: left, bottom, right, top in it. aspect: the frame's height in units of its width.
        upright: whether the camera fits its height into the view; otherwise its width.

    Returns:
        `RegionView3D.view_camera_zoom` and `view_camera_offset`.
    """
    width, height = max(size[0], 1), max(size[1], 1)
    left, bottom, right, top = free
    at_one = (height / aspect, height) if upright else (width, width * aspect)  # the frame's pixels where scale is 1
    scale = _MARGIN * min((right - left) / at_one[0], (top - bottom) / at_one[1])
    zoom = min(max((2 * sqrt(scale) - sqrt(2)) * 50, _ZOOM_RANGE[0]), _ZOOM_RANGE[1])
    scale = (sqrt(2) + zoom / 50) ** 2 / 4  # Blender's: BKE_screen_view3d_zoom_to_fac
    away = ((left + right) / 2 - width / 2) / width, ((bottom + top) / 2 - height / 2) / height
    return zoom, (-away[0] / (2 * scale), -away[1] / (2 * scale))


def _frame(scene: bpy.types.Scene, camera: bpy.types.Object) -> tuple[float, bool]:
    """Aspect of the scene's picture, and whether the camera fits its height."""
    render, data = scene.render, camera.data
    assert isinstance(data, bpy.types.Camera)
    width, height = render.resolution_x * render.pixel_aspect_x, render.resolution_y * render.pixel_aspect_y
    return height / width, data.sensor_fit == "VERTICAL"
