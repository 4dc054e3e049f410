"""The photo's camera (K, R, t, image size; OpenCV axes, core world) as a Blender camera, exactly."""

import bpy
import numpy as np
from mathutils import Matrix

from .axes import BLENDER_FROM_CORE

_SENSOR = 36.0  # mm, Blender's default: only ratios to it matter
_BLENDER_FROM_OPENCV = np.diag([1.0, -1.0, -1.0])  # Blender looks along -z with y up
_LONGEST_RENDER = 1024  # pixels; a photo's own resolution is seldom wanted as a render size


def build_camera(name: str, camera: dict, collection: bpy.types.Collection) -> bpy.types.Object:
    """A camera object from `Camera.to_json()`: {K, R, t, width, height, orthographic}."""
    K, R, t = (np.array(camera[key], dtype=np.float64) for key in ("K", "R", "t"))
    width, height = int(camera["width"]), int(camera["height"])
    data = bpy.data.cameras.new(name)
    # Lens and shift are in units of the longer side, as photographers count, and a viewport can hold all of it: one
    # that is wide and low cannot shrink a tall picture whose width is what Blender fits.
    upright = height * pixel_aspect(K) > width
    longer, focal = (height, K[1, 1]) if upright else (width, K[0, 0])
    data.sensor_fit = "VERTICAL" if upright else "HORIZONTAL"
    data.sensor_width = data.sensor_height = _SENSOR
    if camera.get("orthographic", False):
        data.type, data.ortho_scale = "ORTHO", longer / focal
    else:
        data.lens = focal * _SENSOR / longer
    data.shift_x = (width / 2 - K[0, 2]) / longer / (pixel_aspect(K) if upright else 1.0)
    data.shift_y = (K[1, 2] - height / 2) / longer * (1.0 if upright else pixel_aspect(K))
    result = bpy.data.objects.new(name, data)
    collection.objects.link(result)
    rotation = BLENDER_FROM_CORE @ R.T @ _BLENDER_FROM_OPENCV
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = rotation, BLENDER_FROM_CORE @ (-R.T @ t)
    result.matrix_world = Matrix(matrix.tolist())
    return result


def pixel_aspect(K: np.ndarray) -> float:
    """Height of a pixel in units of its width: fx / fy."""
    return float(K[0, 0] / K[1, 1])


def look_through(scene: bpy.types.Scene, camera_object: bpy.types.Object, camera: dict) -> None:
    """Make it the scene's camera and take over the photo's resolution and pixel shape."""
    scene.camera = camera_object
    render = scene.render
    render.resolution_x, render.resolution_y = int(camera["width"]), int(camera["height"])
    longest = max(render.resolution_x, render.resolution_y)
    render.resolution_percentage = max(1, min(100, _LONGEST_RENDER * 100 // longest))
    render.pixel_aspect_x, render.pixel_aspect_y = 1.0, 1.0
    aspect = pixel_aspect(np.array(camera["K"], dtype=np.float64))
    if aspect >= 1:
        render.pixel_aspect_y = aspect
    else:
        render.pixel_aspect_x = 1 / aspect
