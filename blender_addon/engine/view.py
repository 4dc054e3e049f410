"""Blender's camera as the core's: K, R, t in OpenCV axes, y-up world, pixel centres at half integers."""

from dataclasses import dataclass

import bpy
import numpy as np

from ..rig.axes import BLENDER_FROM_CORE
from .errors import SceneError

_OPENCV_FROM_BLENDER = np.diag([1.0, -1.0, -1.0])  # Blender's cameras look along -z with +y up
_SUPPORTED = ("PERSP", "ORTHO")


@dataclass(frozen=True)
class View:
    """A camera in the core's world.

    Attributes:
        K: (3, 3) pixels; pixels per metre when orthographic. R: (3, 3), t: (3,) metres; x_camera = R @ x_world + t.
        width, height: pixels. near: metres, what is closer is cut away.
    """

    K: np.ndarray
    R: np.ndarray
    t: np.ndarray
    width: int
    height: int
    orthographic: bool
    near: float

    def to_json(self) -> dict:
        return {
            "K": self.K.tolist(),
            "R": self.R.tolist(),
            "t": self.t.tolist(),
            "width": self.width,
            "height": self.height,
            "orthographic": self.orthographic,
            "near": self.near,
        }


@dataclass(frozen=True)
class Window:
    """The part of a picture that is rendered: left and top in pixels from the upper left corner, and its size."""

    left: int
    top: int
    width: int
    height: int


def render_window(render: bpy.types.RenderSettings, width: int, height: int) -> Window:
    """The border of the render settings within a picture of `width` x `height`; all of it without a border.

    Rounded as Blender does, in single precision and towards zero, or the result would not fit its buffers.
    """
    if not render.use_border:
        return Window(0, 0, width, height)

    def pixel(share: float, size: int) -> int:
        return int(np.float32(share) * np.float32(size))

    left, right = pixel(render.border_min_x, width), pixel(render.border_max_x, width)
    bottom, top = pixel(render.border_min_y, height), pixel(render.border_max_y, height)
    return Window(left, height - top, right - left, top - bottom)


def camera_view(
    camera: bpy.types.Object,
    depsgraph: bpy.types.Depsgraph,
    width: int,
    height: int,
    window: Window | None = None,
) -> View:
    """What a camera object sees in a picture of `width` x `height`, through `window`.

    Raises:
        SceneError: the camera is panoramic, or of a kind that has no matrix.
    """
    data = camera.data
    if not isinstance(data, bpy.types.Camera) or data.type not in _SUPPORTED:
        raise SceneError(
            f"The Likeness engine cannot draw through the camera '{camera.name}': make it perspective or orthographic."
        )
    render = depsgraph.scene.render
    projection = camera.calc_matrix_camera(
        depsgraph, x=width, y=height, scale_x=render.pixel_aspect_x, scale_y=render.pixel_aspect_y
    )
    view = np.linalg.inv(np.array(camera.matrix_world.normalized(), dtype=np.float64))
    return view_of(np.array(projection), view, width, height, window, data.clip_start)


def view_of(
    projection: np.ndarray,
    view: np.ndarray,
    width: int,
    height: int,
    window: Window | None = None,
    near: float = 0.01,
) -> View:
    """From OpenGL's projection (4, 4) and view matrix (4, 4, world to camera), as cameras and viewports have them."""
    orthographic = projection[3, 3] == 1.0
    window = window or Window(0, 0, width, height)
    # The clip coordinate is (P00 x + P02 z + P03) / w with z = -depth; w = depth, or 1 in parallel projection.
    shift_x, shift_y = (projection[:2, 3]) if orthographic else (-projection[:2, 2])
    K = np.array(
        [
            [width / 2 * projection[0, 0], 0.0, width / 2 * (1 + shift_x) - window.left],
            [0.0, height / 2 * projection[1, 1], height / 2 * (1 - shift_y) - window.top],
            [0.0, 0.0, 1.0],
        ]
    )
    R = _OPENCV_FROM_BLENDER @ view[:3, :3] @ BLENDER_FROM_CORE
    t = _OPENCV_FROM_BLENDER @ view[:3, 3]
    return View(K, R, t, window.width, window.height, bool(orthographic), float(near))
