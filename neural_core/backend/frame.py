"""One picture: posed avatars resolved by depth, other meshes holding out."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor

from neural_core.backend import pictures
from neural_core.backend.cache import Cache
from neural_core.backend.holdout import hold_out
from neural_core.backend.painting import painted_picture
from neural_core.backend.pictures import Drawn, Posed
from neural_core.backend.requests import RequestError, array, matrix, number, text, whole
from neural_core.backend.server import Answer
from neural_core.camera import Camera
from neural_core.progress import Progress
from neural_core.rendering import Frame, compose
from neural_core.wire import Message

_LARGEST_SIDE = 16384  # pixels
_LARGEST_PICTURE = 8192 * 4320  # pixels; rgba, depth and mask then have 850 MB, which the wire still carries
_QUALITIES = ("final", "draft")


@dataclass(frozen=True)
class _Task:
    """One avatar to draw: its file, its vertices (V, 3) in the world, and what was painted on it.

    Attributes:
        state: names the painted picture; None where nothing was painted. picture: reads it, (3, D, D).
    """

    path: str
    vertices: Tensor
    state: str | None
    picture: Callable[[], Tensor]


def render(request: Message, progress: Progress, cache: Cache) -> Answer:
    """Answer `render_frame` of docs/architecture.md.

    Raises:
        RequestError, AvatarFileError, WeightsError, Cancelled.
    """
    camera, near = _camera(request)
    quality = text(request, "quality")
    if quality not in _QUALITIES:
        raise RequestError(f"The quality is one of {', '.join(_QUALITIES)}: update add-on and backend together.")
    passes = request.body.get("passes", pictures.ALWAYS)
    if not isinstance(passes, list | tuple) or any(name not in list(pictures.PICTURES) for name in passes):
        known = ", ".join(pictures.PICTURES)
        raise RequestError(f"The passes are some of {known}: update add-on and backend together.")
    tasks = _tasks(request)
    if quality == "draft" and list(passes) == ["display"]:  # a viewport stretches it over its region anyway
        camera, quality = camera.resize(math.ceil(camera.width / 2), math.ceil(camera.height / 2)), "plain"

    frames = []
    for index, task in enumerate(tasks):
        progress.update(0.05 + 0.85 * index / max(len(tasks), 1), f"Drawing avatar {index + 1} of {len(tasks)}")
        frames.append(_draw(task, camera, near, quality, cache))
    progress.update(0.9, "Composing")
    if not frames:
        empty = {name: pictures.empty(name, camera.height, camera.width) for name in passes}
        return {}, {name: pictures.as_array(picture) for name, picture in empty.items()}
    frame = compose(_hold_out(frames, request, camera, near, quality))
    drawn = Drawn(frame, camera.to(frame.alpha.device), tuple(_posed(task, cache) for task in tasks))
    return {}, {name: pictures.as_array(pictures.PICTURES[name](drawn)) for name in passes}


def _posed(task: _Task, cache: Cache) -> Posed:
    renderer = cache.renderer(cache.avatar(task.path))
    return Posed(renderer.body, task.vertices.to(renderer.device), renderer.rasterize)


def _draw(task: _Task, camera: Camera, near: float, quality: str, cache: Cache) -> Frame:
    avatar = cache.avatar(task.path)
    renderer = cache.renderer(avatar)
    if task.vertices.shape[0] != renderer.body.num_vertices:
        raise RequestError(
            f"A mesh has {task.vertices.shape[0]} vertices where its avatar '{task.path}' has "
            f"{renderer.body.num_vertices}: remove modifiers that add or remove vertices, or import the avatar again."
        )
    texture = avatar.texture if task.state is None else cache.painted(task.path, task.state, task.picture)
    frame = renderer.render(task.vertices, camera, texture, quality)
    cut = frame.depth < near
    depth = frame.depth.masked_fill(cut, float("inf"))
    return Frame(frame.rgb, frame.alpha.masked_fill(cut, 0.0), depth)


def _hold_out(frames: list[Frame], request: Message, camera: Camera, near: float, quality: str) -> list[Frame]:
    vertices = torch.from_numpy(array(request, "holdout_vertices", "f4", None, 3))
    faces = torch.from_numpy(array(request, "holdout_faces", "i4", None, 3).astype(np.int64))
    if len(faces) and (faces.min() < 0 or faces.max() >= len(vertices)):
        raise RequestError("The triangles that hold out point to vertices that are not there: report this.")
    device = frames[0].alpha.device
    return hold_out(frames, vertices.to(device), faces.to(device), camera.to(device), near, quality)


def _camera(request: Message) -> tuple[Camera, float]:
    """The camera and its near clipping distance in metres."""
    width, height = (whole(request, name, 1, _LARGEST_SIDE) for name in ("width", "height"))
    if width * height > _LARGEST_PICTURE:
        raise RequestError(f"{width} x {height} pixels are more than can be rendered: lower the resolution.")
    K, R, t = (
        torch.from_numpy(matrix(request, name, *shape)).float()
        for name, shape in (("K", (3, 3)), ("R", (3, 3)), ("t", (3,)))
    )
    camera = Camera(K, R, t, width, height, bool(request.body.get("orthographic", False)))
    return camera, number(request, "near", 1e-6, 1e6) if "near" in request.body else 0.01


def _tasks(request: Message) -> list[_Task]:
    avatars = request.body.get("avatars")
    if not isinstance(avatars, list) or not all(isinstance(entry, dict) for entry in avatars):
        raise RequestError("'avatars' of the request is no list of files: update add-on and backend together.")
    tasks = []
    for index, entry in enumerate(avatars):
        path = entry.get("path")
        if not isinstance(path, str) or not path:
            raise RequestError("An avatar of the request has no file: update add-on and backend together.")
        state = entry.get("paint")
        if state is not None and not isinstance(state, str):
            raise RequestError("The paint of an avatar has no name: update add-on and backend together.")
        vertices = torch.from_numpy(array(request, f"vertices_{index}", "f4", None, 3))
        tasks.append(_Task(path, vertices, state, partial(painted_picture, request, f"paint_{index}")))
    return tasks
