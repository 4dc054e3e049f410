"""Which part of the picture a person fills, and at what scale the network looks at it."""

import math
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from neural_core.camera import Camera

_NEAR = 0.05  # metres; a body that reaches nearer may fill the whole picture
_MARGIN = 0.2  # metres around the body for skirts, hair and sleeves, which the network grows beyond it
_MAX_NETWORK_PIXELS = 640 * 640  # bounds time and memory when the camera stands inside the crowd


@dataclass(frozen=True)
class Window:
    """A rectangle of the picture and the network's view of it.

    Attributes:
        left, top: pixels of the picture where the network's view begins; may lie outside.
        scale: network pixels per picture pixel.
        width, height: size of the network's view, network pixels.
        pixels_per_metre: of the picture, at the middle of the person.
    """

    left: int
    top: int
    scale: float
    width: int
    height: int
    pixels_per_metre: float

    def network_camera(self, camera: Camera) -> Camera:
        """`camera` through this window, at the network's scale."""
        cropped = camera.crop(self.left, self.top, camera.width, camera.height)
        size = torch.tensor([[self.scale], [self.scale], [1.0]], device=camera.device)
        return replace(cropped, K=cropped.K * size, width=self.width, height=self.height)

    def inside(self, camera: Camera) -> tuple[int, int, int, int]:
        """left, top, width, height of the part of the picture under the window, whole pixels; width may be 0."""
        left, top = max(self.left, 0), max(self.top, 0)
        right = min(self.left + math.floor(self.width / self.scale), camera.width)
        bottom = min(self.top + math.floor(self.height / self.scale), camera.height)
        return left, top, max(right - left, 0), max(bottom - top, 0)


def person_window(
    vertices: Tensor, camera: Camera, pixels_per_metre: float, multiple: int, least: float | None = None
) -> Window | None:
    """The window around vertices (V, 3), or None when the camera does not see them.

    The network always sees the whole person at the scale it was trained at, so the answer depends neither on the
    size of the picture nor on where it is cut off, and costs the same for a small and a large figure. For a draft it
    need not look finer than the picture is.

    Args:
        pixels_per_metre: of training. least: for a draft, the coarsest scale in pixels per metre; None for any other.
    """
    pixels, depth = camera.project(vertices, near=_NEAR)
    in_front = depth > _NEAR
    if not bool(in_front.any()):
        return None
    metre = float(camera.K[0, 0]) / (1.0 if camera.orthographic else float(depth[in_front].mean()))
    if least is not None:
        pixels_per_metre = min(pixels_per_metre, max(metre, least))
    scale = pixels_per_metre / metre
    low, high = pixels[in_front].amin(0), pixels[in_front].amax(0)
    margin = _MARGIN * metre
    box = [float(low[0]) - margin, float(low[1]) - margin, float(high[0]) + margin, float(high[1]) + margin]
    if not bool(in_front.all()) or (box[2] - box[0]) * (box[3] - box[1]) * scale**2 > _MAX_NETWORK_PIXELS:
        border = 64 / scale  # what the network should know beyond the edge of the picture
        box = [
            max(box[0], -border),
            max(box[1], -border),
            min(box[2], camera.width + border),
            min(box[3], camera.height + border),
        ]
        area = max(box[2] - box[0], 0.0) * max(box[3] - box[1], 0.0)
        scale = min(scale, math.sqrt(_MAX_NETWORK_PIXELS / max(area, 1.0)))
    if box[2] <= 0 or box[3] <= 0 or box[0] >= camera.width or box[1] >= camera.height:
        return None
    left, top = math.floor(box[0]), math.floor(box[1])
    width = math.ceil((box[2] - left) * scale / multiple) * multiple
    height = math.ceil((box[3] - top) * scale / multiple) * multiple
    return Window(left, top, scale, width, height, metre)
