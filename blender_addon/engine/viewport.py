"""The rendered viewport: the last drawn frame is shown at once, a new one is asked for; Blender never waits."""

from collections.abc import Callable
from typing import Any

import bpy
import numpy as np

from neural_core.errors import LikenessError

from ..backend import client
from ..backend.job import Job
from .passes import combined
from .snapshot import take_snapshot
from .view import SceneError, View, view_of

_LONGEST_SIDE = 1024  # pixels; a draft is drawn at half of that
_LOOK = 0.05  # seconds between two looks for the answer


class Viewport:
    """State of one viewport; `gpu` is imported only while drawing, Blender without a window has none."""

    def __init__(self):
        self._dirty = True
        self._view: View | None = None  # of the frame that is asked for, or shown
        self._job: Job | None = None
        self._texture = None
        self._message = ""

    def update(self, context: bpy.types.Context, depsgraph: bpy.types.Depsgraph) -> None:
        """Something in the scene changed."""
        self._dirty = True

    def draw(self, engine: bpy.types.RenderEngine, context: bpy.types.Context, depsgraph: bpy.types.Depsgraph) -> None:
        """Show the last frame; look for a new one; ask for another when scene or view changed."""
        try:
            self._collect()
            self._ask(context, depsgraph)
            self._message = ""
        except LikenessError as error:
            self._job, self._message = None, str(error)
        engine.update_stats("Likeness", self._message or (self._job.stage if self._job is not None else ""))
        if self._texture is not None:
            self._show(self._texture, engine, context, depsgraph)

    def _collect(self) -> None:
        if self._job is None or not self._job.done():
            return
        job, self._job = self._job, None
        _, pictures = job.result()
        self._texture = _texture(combined(pictures)[::-1])

    def _ask(self, context: bpy.types.Context, depsgraph: bpy.types.Depsgraph) -> None:
        view = viewport_view(context)
        moved = self._view is None or view.to_json() != self._view.to_json()
        if self._job is not None or not (moved or self._dirty):
            return
        self._view, self._dirty = view, False  # also when it fails: the same scene would fail again
        snapshot = take_snapshot(depsgraph, view, "draft")
        if snapshot.avatars:
            body, arrays = snapshot.request()
            self._job = client.start("render_frame", {**body, "passes": ["rgba"]}, arrays)
            bpy.app.timers.register(_redraw_when_done(self._job), first_interval=_LOOK)
        else:
            self._texture = None

    def _show(
        self, texture, engine: bpy.types.RenderEngine, context: bpy.types.Context, depsgraph: bpy.types.Depsgraph
    ) -> None:
        import gpu
        from gpu_extras.presets import draw_texture_2d

        gpu.state.blend_set("ALPHA_PREMULT")
        engine.bind_display_space_shader(depsgraph.scene)
        draw_texture_2d(texture, (0, 0), context.region.width, context.region.height)
        engine.unbind_display_space_shader()
        gpu.state.blend_set("NONE")


def _redraw_when_done(job: Job) -> Callable[[], float | None]:
    """For a timer: draws the 3D views once the answer is there; keeps no reference into Blender."""

    def look() -> float | None:
        if not job.done():
            return _LOOK
        for window in bpy.context.window_manager.windows:
            for area in window.screen.areas:
                if area.type == "VIEW_3D":
                    area.tag_redraw()
        return None

    return look


def viewport_view(context: bpy.types.Context) -> View:
    """The 3D view's camera at the size of a draft."""
    region, view3d = context.region, context.region_data
    if region is None or view3d is None:
        raise SceneError("This is no 3D view: open one to see the avatar.")
    scale = min(1.0, _LONGEST_SIDE / max(region.width, region.height))
    size = max(round(region.width * scale), 1), max(round(region.height * scale), 1)
    near = context.space_data.clip_start
    return view_of(np.array(view3d.window_matrix), np.array(view3d.view_matrix, dtype=np.float64), *size, near=near)


def _texture(pixels: np.ndarray):
    import gpu

    types: Any = gpu.types  # the stubs know no arguments of its constructors
    height, width = pixels.shape[:2]
    buffer = types.Buffer("FLOAT", width * height * 4, np.ascontiguousarray(pixels, np.float32).ravel())
    return types.GPUTexture((width, height), format="RGBA16F", data=buffer)
