"""The rendered viewport: the last drawn frame is shown at once, a new one is asked for; Blender never waits.

While anything moves, small drafts follow one another; when it has been still for a moment, one frame in full. A frame
in full that is overtaken by a movement is cancelled.
"""

import time
import weakref
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import bpy
import numpy as np

from neural_core.errors import Cancelled, LikenessError

from ..backend import client
from ..backend.job import Job
from .errors import SceneError
from .snapshot import Snapshot, take_snapshot
from .view import View, view_of

_LONGEST_SIDE = {"draft": 512, "final": 1280}  # pixels; the backend draws a draft at half of that
_STILL = 0.25  # seconds without a change before a frame in full is asked for
_LOOK = 0.01  # seconds between two looks for the answer


@dataclass(frozen=True)
class _Key:
    """What a frame shows: scene, view and quality; equal keys are the same frame."""

    version: int
    view: bytes
    quality: str = "draft"


class Viewport:
    """State of one viewport; `gpu` is imported only while drawing, Blender without a window has none."""

    def __init__(self):
        self.shown: _Key | None = None
        self._asked: _Key | None = None
        self._version = 0
        self._seen: _Key | None = None  # of the last drawing
        self._changed_at = 0.0
        self._job: Job | None = None
        self._read: tuple[int, Snapshot] | None = None  # the scene, and which version of it
        self._texture = None
        self._message = ""

    @property
    def settled(self) -> bool:
        """Whether what is seen is drawn in full, and nothing is under way."""
        return self._job is None and self._asked is not None and self._asked.quality == "final"

    @property
    def due(self) -> bool:
        """Whether drawing now would bring something new."""
        if self._job is not None:
            return self._job.done()
        return not self.settled and time.monotonic() - self._changed_at >= _STILL

    def update(self, context: bpy.types.Context, depsgraph: bpy.types.Depsgraph) -> None:
        """Something in the scene changed."""
        self._version += 1

    def draw(self, engine: bpy.types.RenderEngine, context: bpy.types.Context, depsgraph: bpy.types.Depsgraph) -> None:
        """Show the last frame; look for a new one; ask for another when scene or view changed."""
        try:
            self._collect()
            self._ask(context, depsgraph)
        except LikenessError as error:
            self._job, self._message = None, str(error)
        engine.update_stats("Likeness", self._message)
        if self._texture is not None:
            self._show(self._texture, engine, context, depsgraph)

    def _collect(self) -> None:
        if self._job is None or not self._job.done():
            return
        job, self._job = self._job, None
        try:
            _, pictures = job.result()
        except Cancelled:
            return
        self._texture, self._message, self.shown = _texture(pictures["display"]), "", self._asked

    def _ask(self, context: bpy.types.Context, depsgraph: bpy.types.Depsgraph) -> None:
        now = time.monotonic()
        seen = _Key(self._version, _fingerprint(context))
        if seen != self._seen:
            self._seen, self._changed_at = seen, now
        key = _Key(seen.version, seen.view, self._quality(seen, now))
        if self._job is not None:
            if self._asked is not None and self._asked.quality == "final" and key.quality == "draft":
                self._job.cancel()
                self._job = None
            else:
                return
        if key != self._asked:
            self._asked = key  # also when it fails: the same scene would fail again
            self._start(key, context, depsgraph)
        if not self.settled:
            _watch(self)

    def _quality(self, seen: _Key, now: float) -> str:
        """In full only what has been still for a moment and was drawn as a draft, or slow machines would see none."""
        asked = self._asked
        if asked is None or (asked.version, asked.view) != (seen.version, seen.view) or now - self._changed_at < _STILL:
            return "draft"
        return "final" if asked.quality == "final" or self._job is None else "draft"

    def _start(self, key: _Key, context: bpy.types.Context, depsgraph: bpy.types.Depsgraph) -> None:
        snapshot = self._snapshot(key, viewport_view(context, _LONGEST_SIDE[key.quality]), depsgraph)
        if snapshot.avatars:
            body, arrays = snapshot.request()
            self._job = client.start("render_frame", {**body, "passes": ["display"]}, arrays)
        else:
            self._texture, self._message = None, ""

    def _snapshot(self, key: _Key, view: View, depsgraph: bpy.types.Depsgraph) -> Snapshot:
        """While only the view moves, the scene is not read again."""
        if self._read is None or self._read[0] != key.version:
            self._read = key.version, take_snapshot(depsgraph, view, key.quality)
        return replace(self._read[1], view=view, quality=key.quality)

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


_watched: weakref.WeakSet[Viewport] = weakref.WeakSet()


def _watch(viewport: Viewport) -> None:
    """Draw the 3D views again when there is something new; the timer ends when every viewport has settled."""
    _watched.add(viewport)
    if not bpy.app.timers.is_registered(_look):
        bpy.app.timers.register(_look, first_interval=_LOOK)


def _look() -> float | None:
    for viewport in [viewport for viewport in _watched if viewport.settled]:
        _watched.discard(viewport)
    if any(viewport.due for viewport in _watched):
        for region in _views():
            region.tag_redraw()
    return _LOOK if _watched else None


def _views() -> Iterator[bpy.types.Region]:
    """The 3D views without their sidebars and headers, which take as long to draw and show nothing new."""
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if area.type == "VIEW_3D":
                yield from (region for region in area.regions if region.type == "WINDOW")


def stop_watching() -> None:
    """Nothing is looked for any more; for unregistering."""
    _watched.clear()
    if bpy.app.timers.is_registered(_look):
        bpy.app.timers.unregister(_look)


def viewport_view(context: bpy.types.Context, longest_side: int) -> View:
    """The 3D view's camera, in a picture whose longer side has at most `longest_side` pixels."""
    region, view3d = context.region, context.region_data
    if region is None or view3d is None:
        raise SceneError("This is no 3D view: open one to see the avatar.")
    scale = min(1.0, longest_side / max(region.width, region.height))
    size = max(round(region.width * scale), 1), max(round(region.height * scale), 1)
    near = context.space_data.clip_start
    return view_of(np.array(view3d.window_matrix), np.array(view3d.view_matrix, dtype=np.float64), *size, near=near)


def _fingerprint(context: bpy.types.Context) -> bytes:
    """Changes when the view moves or its region's size does."""
    region, view3d = context.region, context.region_data
    if region is None or view3d is None:
        raise SceneError("This is no 3D view: open one to see the avatar.")
    matrices = np.array([view3d.window_matrix, view3d.view_matrix], dtype=np.float32)
    return matrices.tobytes() + bytes(f"{region.width}x{region.height}", "ascii")


def _texture(pixels: np.ndarray):
    """A picture (H, W, 4), scene-linear and premultiplied, bottom row first, on the graphics card."""
    import gpu

    types: Any = gpu.types  # the stubs know no arguments of its constructors
    height, width = pixels.shape[:2]
    buffer = types.Buffer("FLOAT", width * height * 4, np.ascontiguousarray(pixels, np.float32).ravel())
    return types.GPUTexture((width, height), format="RGBA16F", data=buffer)
