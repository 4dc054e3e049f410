"""The engine's camera agrees with Blender's own projection."""

import bpy
import numpy as np
import pytest
from bpy_extras.object_utils import world_to_camera_view
from mathutils import Vector

from blender_addon.engine.view import camera_view, render_window
from blender_addon.rig.axes import to_core

_POINTS = np.random.default_rng(3).uniform([-1.5, -1.0, -1.0], [1.5, 2.0, 1.5], (50, 3))


def _camera(**settings) -> bpy.types.Object:
    bpy.ops.wm.read_factory_settings(use_empty=True)
    data = bpy.data.cameras.new("Camera")
    camera = bpy.data.objects.new("Camera", data)
    camera.location, camera.rotation_euler, camera.scale = (0.7, -6.0, 1.1), (1.4, 0.1, 0.2), (2.0, 2.0, 2.0)
    bpy.context.scene.collection.objects.link(camera)
    bpy.context.scene.camera = camera
    for name, value in settings.items():
        setattr(data, name, value)
    bpy.context.view_layer.update()
    return camera


def _pixels(view, points: np.ndarray) -> np.ndarray:
    """(n, 2) pixels and depth, as the core projects."""
    p = to_core(points) @ view.R.T + view.t
    w = np.ones(len(p)) if view.orthographic else p[:, 2]
    return np.column_stack([p[:, :2] / w[:, None] * np.diag(view.K)[:2] + view.K[:2, 2], p[:, 2]])


def _expected(camera, points: np.ndarray, width: int, height: int) -> np.ndarray:
    """Blender's own projection of the same points."""
    seen = np.array([world_to_camera_view(bpy.context.scene, camera, Vector(p)) for p in points])
    return np.column_stack([seen[:, 0] * width, (1 - seen[:, 1]) * height, seen[:, 2]])


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"lens": 135.0},
        {"shift_x": 0.31, "shift_y": -0.17},
        {"sensor_fit": "VERTICAL", "sensor_height": 20.0},
        {"sensor_fit": "HORIZONTAL", "shift_y": 0.4},
        {"type": "ORTHO", "ortho_scale": 5.0},
        {"type": "ORTHO", "ortho_scale": 5.0, "shift_x": -0.2, "shift_y": 0.3, "sensor_fit": "VERTICAL"},
        {"clip_start": 1e-3, "clip_end": 1e5},
    ],
)
@pytest.mark.parametrize("size", [(1920, 1080), (600, 1000)])
@pytest.mark.parametrize("aspect", [(1.0, 1.0), (1.0, 1.46)])
def test_projection_is_blenders(settings, size, aspect):
    camera = _camera(**settings)
    width, height = size
    render = bpy.context.scene.render
    render.resolution_x, render.resolution_y = size
    render.pixel_aspect_x, render.pixel_aspect_y = aspect
    view = camera_view(camera, bpy.context.evaluated_depsgraph_get(), width, height)
    error = np.abs(_pixels(view, _POINTS) - _expected(camera, _POINTS, width, height))
    assert error[:, :2].max() < 0.01 and error[:, 2].max() < 1e-4


def test_percentage_and_border_shift_the_same_projection():
    camera = _camera(shift_x=0.1)
    render = bpy.context.scene.render
    render.resolution_x, render.resolution_y, render.resolution_percentage = 1000, 800, 37
    width, height = 370, 296
    render.use_border = True
    render.border_min_x, render.border_max_x, render.border_min_y, render.border_max_y = 0.213, 0.777, 0.11, 0.83
    window = render_window(render, width, height)
    view = camera_view(camera, bpy.context.evaluated_depsgraph_get(), width, height, window)
    expected = _expected(camera, _POINTS, width, height)[:, :2] - [window.left, window.top]
    assert np.abs(_pixels(view, _POINTS)[:, :2] - expected).max() < 0.01
    assert (view.width, view.height) == (window.width, window.height) == (287 - 78, 245 - 32)
    assert (window.left, window.top) == (78, 296 - 245)
