"""Small pictures of avatars from behind, where they differ: what a user chooses a completion by."""

import numpy as np
import torch

from neural_core.backend.cache import Cache
from neural_core.backend.requests import RequestError, number
from neural_core.backend.server import Answer
from neural_core.camera import Camera, look_at
from neural_core.progress import Progress
from neural_core.wire import Message

_WIDTH, _HEIGHT = 144, 256  # pixels
_MOST = 16
_DISTANCE = 3.0  # body heights: hardly any perspective
_FILLS = 0.92  # of the picture's height


def draw(request: Message, progress: Progress, cache: Cache) -> Answer:
    """{paths, yaw?} -> picture_0, picture_1, ... (256, 144, 4) uint8 sRGB, straight alpha, row 0 on top.

    yaw: degrees around the person from the photo's camera, default 160: the back, and a little of the side.
    """
    paths = request.body.get("paths")
    if not isinstance(paths, list) or not 1 <= len(paths) <= _MOST or not all(isinstance(p, str) for p in paths):
        raise RequestError(f"'paths' should name 1 to {_MOST} avatar files: update add-on and backend together.")
    yaw = number(request, "yaw", -360, 360) if request.body.get("yaw") is not None else 160.0
    pictures = {}
    for index, path in enumerate(paths):
        progress.update(index / len(paths), "Drawing the proposals")
        avatar = cache.avatar(path)
        renderer = cache.renderer(avatar)
        vertices = avatar.on(renderer.body)(
            avatar.parameters.to(renderer.device), avatar.rest_offsets.to(renderer.device)
        ).vertices[0]
        frame = renderer.render(vertices, _camera(vertices.cpu(), avatar.camera, yaw), avatar.texture)
        picture = torch.cat([frame.rgb, frame.alpha[None]]).permute(1, 2, 0).cpu().numpy()
        pictures[f"picture_{index}"] = (picture * 255 + 0.5).astype(np.uint8)
    return {}, pictures


def _camera(vertices: torch.Tensor, photo: Camera, yaw: float) -> Camera:
    """As high as the middle of the person, `yaw` degrees around it from where the photo was taken."""
    low, high = vertices.amin(0), vertices.amax(0)
    centre, tall = (low + high) / 2, float((high - low)[1])
    towards = photo.position - centre
    turn = torch.atan2(towards[0], towards[2]) + np.deg2rad(yaw)
    distance = _DISTANCE * tall
    position = centre + distance * torch.stack([turn.sin(), torch.zeros(()), turn.cos()])
    return look_at(position, centre, _FILLS * _HEIGHT * distance / tall, _WIDTH, _HEIGHT)
