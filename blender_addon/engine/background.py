"""What stands behind the avatars: nothing, a colour, or a picture."""

import bpy
import numpy as np

from .errors import SceneError
from .passes import linear
from .view import Window


def background(scene: bpy.types.Scene, width: int, height: int, window: Window) -> np.ndarray | None:
    """(h, w, 3) scene-linear colour behind the part `window` of a picture of width x height, row 0 on top.

    None when the picture stays transparent. Raises SceneError when a plate is wanted and there is none.
    """
    choice = scene.likeness.background
    if choice == "TRANSPARENT":
        return None
    if choice == "COLOR":
        color = np.array(scene.likeness.background_color, dtype=np.float32)
        return np.broadcast_to(color, (window.height, window.width, 3))
    return _cut(plate(scene.likeness.background_image, width, height), window)


def plate(image: bpy.types.Image | None, width: int, height: int) -> np.ndarray:
    """(height, width, 3) scene-linear: the picture scaled to fill the frame, cut off evenly where it is too long."""
    if image is None or (not image.has_data and not _loads(image)):
        raise SceneError("The plate behind the avatar is missing: choose a picture under Background, or another one.")
    pixels = image_pixels(image)
    scale = max(width / pixels.shape[1], height / pixels.shape[0])
    rows = _places(pixels.shape[0], height, scale)
    columns = _places(pixels.shape[1], width, scale)
    return _sample(_sample(pixels, rows, 0, scale), columns, 1, scale)


def image_pixels(image: bpy.types.Image) -> np.ndarray:
    """(H, W, 3) float32 scene-linear, row 0 on top."""
    width, height = image.size
    flat = np.empty(width * height * image.channels, dtype=np.float32)
    image.pixels.foreach_get(flat)
    pixels = flat.reshape(height, width, image.channels)[::-1]
    rgb = pixels[..., :3] if image.channels >= 3 else np.repeat(pixels[..., :1], 3, axis=2)
    # A picture of bytes keeps what its file holds; one of floats is linear already.
    return rgb if image.is_float or image.colorspace_settings.name in {"Non-Color", "Linear Rec.709"} else linear(rgb)


def _loads(image: bpy.types.Image) -> bool:
    """An image that nobody looked at yet has no pixels: ask for its size, which reads the file."""
    return image.size[0] > 0 and image.size[1] > 0


def _places(have: int, want: int, scale: float) -> np.ndarray:
    """(want,) where the centres of the wanted pixels lie in the picture, in its pixels."""
    return (np.arange(want) + 0.5 - want / 2) / scale + have / 2


def _sample(pixels: np.ndarray, places: np.ndarray, axis: int, scale: float) -> np.ndarray:
    """Bilinear along one axis, over the mean of as many pixels as fall onto one when the picture gets smaller."""
    block = max(int(1 / scale), 1)
    if block > 1:
        kept = pixels.shape[axis] // block * block
        pixels = np.take(pixels, np.arange(kept), axis=axis)
        shape = (*pixels.shape[:axis], kept // block, block, *pixels.shape[axis + 1 :])
        pixels, places = pixels.reshape(shape).mean(axis=axis + 1), places / block
    last = pixels.shape[axis] - 1
    position = np.clip(places - 0.5, 0, last)
    first = np.minimum(position.astype(int), max(last - 1, 0))
    share = (position - first).astype(np.float32).reshape(-1, *(1,) * (2 - axis))
    near, far = (np.take(pixels, np.minimum(first + step, last), axis=axis) for step in (0, 1))
    return near * (1 - share) + far * share


def _cut(picture: np.ndarray, window: Window) -> np.ndarray:
    return picture[window.top : window.top + window.height, window.left : window.left + window.width]
