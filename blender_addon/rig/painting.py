"""What was painted on an avatar's picture: read when it changed, packed when the file is saved."""

import time
import zlib
from dataclasses import dataclass

import bpy
import numpy as np

from .material import material_image

_FRESH = 0.1  # seconds: a picture under the brush is not read more often
_PAINTED_KEY = "likeness_painted"  # on the image: it differs from the avatar's file


@dataclass(frozen=True)
class Painted:
    """A picture at one moment: pixels (D, D, 3) uint8 sRGB, row 0 on top; state differs when they do."""

    state: str
    pixels: np.ndarray


# By session id of the image, with the time of reading.
_read: dict[int, tuple[float, Painted]] = {}


def avatar_image(mesh: bpy.types.Object) -> bpy.types.Image | None:
    """The picture of an avatar mesh's first material that has one."""
    for slot in mesh.material_slots:
        image = material_image(slot.material) if slot.material is not None else None
        if image is not None:
            return image
    return None


def painted(mesh: bpy.types.Object) -> Painted | None:
    """What is on the avatar's picture now; None when nobody painted on it."""
    image = avatar_image(mesh)
    if image is None or not (image.is_dirty or image.get(_PAINTED_KEY)):
        return None
    at, last = _read.get(image.session_uid, (0.0, None))
    # Not every way to change an image is told to handlers; one that is saved cannot have changed since.
    if last is None or (image.is_dirty and time.monotonic() - at > _FRESH):
        pixels = image_bytes(image)
        last = Painted(f"{image.size[0]}-{zlib.crc32(pixels.tobytes()):08x}", pixels)
        _read[image.session_uid] = time.monotonic(), last
    return last


def image_bytes(image: bpy.types.Image) -> np.ndarray:
    """(H, W, 3) uint8, as the picture's file holds it, row 0 on top."""
    width, height = image.size
    flat = np.empty(width * height * image.channels, np.float32)
    image.pixels.foreach_get(flat)
    # In place and as bytes as soon as possible: this runs between two strokes of a brush.
    np.clip(flat, 0.0, 1.0, out=flat)
    flat *= 255
    flat += 0.5
    pixels = flat.astype(np.uint8).reshape(height, width, image.channels)
    return np.ascontiguousarray(pixels[::-1, :, :3])


def pack_painted() -> None:
    """Keep what was painted in the .blend file: Blender itself would only warn."""
    for mesh in bpy.data.objects:
        if mesh.type == "MESH" and mesh.likeness.is_avatar_mesh:
            image = avatar_image(mesh)
            if image is not None and image.library is None and image.is_dirty:
                image.pack()
                image[_PAINTED_KEY] = True


def forget_paint(image: bpy.types.Image) -> None:
    """The avatar's file holds what was painted."""
    if _PAINTED_KEY in image:
        del image[_PAINTED_KEY]


def forget_read() -> None:
    """The pictures may be other than they were: read them again."""
    _read.clear()
