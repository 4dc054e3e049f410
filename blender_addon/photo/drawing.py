"""Mask, body, landmarks, pins, people, and what the backend is doing: drawn over the photo with `gpu`."""

from typing import Any, cast

import bpy
import numpy as np

from ..typed import region_of
from . import brush, tools, view
from .live import Live
from .overlay import SEEN, pins_shown
from .properties import LIKENESS_PG_photo
from .shape import Edges, draw_shape

# The skeleton that is drawn between BlazePose landmarks.
_BONES = np.array(
    [
        (11, 12), (23, 24), (11, 23), (12, 24), (11, 13), (13, 15), (12, 14), (14, 16), (23, 25), (25, 27), (24, 26),
        (26, 28), (27, 29), (27, 31), (29, 31), (28, 30), (28, 32), (30, 32),
    ]
)  # fmt: skip
_BACKDROP = (0.03, 0.04, 0.07)
_BACKDROP_ALPHA = 0.6
_OUTLINE = (1.0, 0.62, 0.1, 0.7)
_BONE, _FINE = (1.0, 1.0, 1.0, 0.55), (0.55, 0.95, 1.0, 0.7)
_JOINT, _UNSEEN, _PINNED, _RIM = (1.0, 1.0, 1.0, 0.95), (0.6, 0.6, 0.6, 0.8), (1.0, 0.45, 0.05, 1.0), (0, 0, 0, 0.8)
_PERSON, _OTHER = (1.0, 0.62, 0.1, 0.9), (1.0, 1.0, 1.0, 0.6)
_CORNERS = 16  # of a disc

_drawn: dict[str, Any] = {}  # batches and textures of `_drawn["of"]`, a (path, person, version)


def draw(context: bpy.types.Context, photo: LIKENESS_PG_photo, live: Live) -> None:
    """All of it, in the region of the Image Editor that `context` is in."""
    import gpu

    status = context.window_manager.likeness_photo_view
    place = view.placement(region_of(context), photo.size)
    gpu.state.blend_set("ALPHA")
    if place is not None and live.landmarks is not None:
        _refresh(live)
        if status.show_mask:
            _draw_mask(place, photo.size)
        if status.show_body and live.vertices is not None:
            # Under the brush the photo must be seen: the outline alone stays.
            _draw_body(place, 0.0 if tools.painting(context) else status.body_opacity)
        if status.show_landmarks:
            _draw_landmarks(place, photo, live)
        if len(live.observed.get("people", ())) > 1:
            _draw_people(place, live)
    if place is not None:
        brush.draw(context, place)
    if status.stage or status.message:
        _write(context, status.message or f"{status.stage}  {status.fraction:.0%}")
    gpu.state.blend_set("NONE")


def free() -> None:
    """Keep nothing on the graphics card."""
    _drawn.clear()


def _refresh(live: Live) -> None:
    """Batches and textures of the latest answer."""
    key = (live.path, live.person, live.version)
    if _drawn.get("of") == key:
        return
    faces: Any = _drawn.get("faces")
    edges: Edges | None = _drawn.get("edges")
    mask, texture = _drawn.get("mask", (None, None))
    _drawn.clear()
    _drawn["of"] = key
    assert live.mask is not None  # it comes with the landmarks
    _drawn["mask"] = live.mask, texture if mask is live.mask else _backdrop(live.mask)
    if live.vertices is None or live.faces is None:
        return
    if faces is not live.faces or edges is None:
        faces, edges = live.faces, Edges.of(live.faces)
    _drawn["faces"], _drawn["edges"] = faces, edges
    drawing = draw_shape(live.vertices, faces, edges)
    flat = live.vertices[:, :2].astype(np.float32)
    _drawn["body"] = flat, drawing
    _drawn["lines"] = flat[drawing.lines.reshape(-1)]


def _backdrop(mask: np.ndarray) -> Any:
    """A texture that dims what is not the person; mask: (H, W) uint8, row 0 on top."""
    import gpu

    pixels = np.empty((*mask.shape, 4), np.float32)
    pixels[..., :3] = _BACKDROP
    pixels[..., 3] = (255 - mask[::-1].astype(np.float32)) * (_BACKDROP_ALPHA / 255)
    data = cast(Any, gpu.types.Buffer)("FLOAT", pixels.size, pixels.ravel())  # the stubs know no arguments
    return gpu.types.GPUTexture((mask.shape[1], mask.shape[0]), format="RGBA16F", data=data)  # type: ignore  # nor here


def _draw_mask(place: view.Placement, size) -> None:
    from gpu_extras.presets import draw_texture_2d

    left, bottom = place.to_region(0, size[1])
    draw_texture_2d(_drawn["mask"][1], (left, bottom), size[0] * place.scale_x, size[1] * place.scale_y)


def _draw_body(place: view.Placement, opacity: float) -> None:
    import gpu
    from mathutils import Matrix

    flat, drawing = _drawn["body"]
    if "batch" not in _drawn or _drawn["opacity"] != opacity:
        colors = drawing.colors.copy()
        colors[:, 3] = opacity
        shader = gpu.shader.from_builtin("SMOOTH_COLOR")
        content = {"pos": np.column_stack([flat, np.zeros(len(flat), np.float32)]), "color": colors}
        _drawn["batch"] = _batch(shader, "TRIS", content, indices=drawing.triangles)
        _drawn["opacity"] = opacity
    to_region = Matrix(
        ((place.scale_x, 0, 0, place.left), (0, -place.scale_y, 0, place.top), (0, 0, 1, 0), (0, 0, 0, 1))
    )
    pushed: Any = gpu.matrix.push_pop()  # here and below the stubs miss what comes back
    with pushed:
        gpu.matrix.multiply_matrix(to_region)
        _drawn["batch"].draw(gpu.shader.from_builtin("SMOOTH_COLOR"))
        if "outline" not in _drawn:
            lines = np.column_stack([_drawn["lines"], np.zeros(len(_drawn["lines"]), np.float32)])
            shader = gpu.shader.from_builtin("POLYLINE_UNIFORM_COLOR")
            _drawn["outline"] = _batch(shader, "LINES", {"pos": lines})
        _draw_lines(_drawn["outline"], _OUTLINE, 1.0)


def _draw_landmarks(place: view.Placement, photo: LIKENESS_PG_photo, live: Live) -> None:
    marks = live.landmarks
    assert marks is not None
    seen = marks[:, 2] > SEEN
    ends = _BONES[seen[_BONES].all(1)].reshape(-1)
    if len(ends):
        lines([place.to_region(x, y) for x, y in marks[ends, :2]], _BONE, 1.5)
    scale = bpy.context.preferences.system.ui_scale
    if live.points is not None and len(live.points):
        discs([place.to_region(x, y) for x, y in live.points], 1.0 * scale, _FINE, corners=4)
    own = {pin.name for pin in photo.pins}
    shown = pins_shown(photo, live)
    discs([place.to_region(x, y) for x, y, _ in shown.values()], 5.5 * scale, _RIM)
    for color, radius, chosen in (
        (_UNSEEN, 3.5, [n for n, (_, _, known) in shown.items() if not known]),
        (_JOINT, 4.5, [n for n, (_, _, known) in shown.items() if known and n not in own]),
        (_PINNED, 5.0, [n for n in shown if n in own]),
    ):
        discs([place.to_region(*shown[name][:2]) for name in chosen], radius * scale, color)


def _draw_people(place: view.Placement, live: Live) -> None:
    for index, (left, top, right, bottom) in enumerate(live.observed["people"]):
        corners = [place.to_region(*p) for p in ((left, top), (right, top), (right, bottom), (left, bottom))]
        ends = [corners[i] for i in (0, 1, 1, 2, 2, 3, 3, 0)]
        lines(ends, _PERSON if index == live.observed["person"] else _OTHER, 2.0)


def lines(ends: list[tuple[float, float]], color, width: float) -> None:
    """Line segments of the region, from each even point to the next."""
    import gpu

    shader = gpu.shader.from_builtin("POLYLINE_UNIFORM_COLOR")
    _draw_lines(_batch(shader, "LINES", {"pos": [(x, y, 0.0) for x, y in ends]}), color, width)


def discs(centres: list[tuple[float, float]], radius: float, color, corners: int = _CORNERS) -> None:
    """Filled circles in the region."""
    if not centres:
        return
    import gpu

    angle = np.linspace(0, 2 * np.pi, corners, endpoint=False, dtype=np.float32)
    rim = radius * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    points = (np.asarray(centres, np.float32)[:, None] + rim).reshape(-1, 2)
    fan = np.array([(0, k, k + 1) for k in range(1, corners - 1)], np.int32)
    triangles = (fan + corners * np.arange(len(centres), dtype=np.int32)[:, None, None]).reshape(-1, 3)
    shader = gpu.shader.from_builtin("UNIFORM_COLOR")
    content = {"pos": np.column_stack([points, np.zeros(len(points), np.float32)])}
    batch = _batch(shader, "TRIS", content, indices=triangles)
    shader.uniform_float("color", color)
    batch.draw(shader)


def _batch(shader: Any, kind: Any, content: Any, indices: Any = None) -> Any:
    """Blender's `batch_for_shader`, whose stubs know lists only."""
    from gpu_extras.batch import batch_for_shader

    return batch_for_shader(shader, kind, content, indices=indices)


def _draw_lines(batch: Any, color, width: float) -> None:
    import gpu

    shader = gpu.shader.from_builtin("POLYLINE_UNIFORM_COLOR")
    viewport: Any = gpu.state.viewport_get()
    _, _, across, up = viewport
    shader.uniform_float("viewportSize", (across, up))
    shader.uniform_float("lineWidth", width * bpy.context.preferences.system.ui_scale)
    shader.uniform_float("color", color)
    batch.draw(shader)


def _write(context: bpy.types.Context, text: str) -> None:
    import blf

    scale = context.preferences.system.ui_scale
    blf.enable(0, blf.SHADOW)
    blf.shadow(0, 5, 0.0, 0.0, 0.0, 1.0)
    blf.size(0, 13 * scale)
    blf.color(0, 1.0, 1.0, 1.0, 1.0)
    blf.position(0, 60 * scale, 18 * scale, 0)
    blf.draw(0, text)
    blf.disable(0, blf.SHADOW)
