"""Reads the uncompressed multilayer EXR files that the tests let Blender write (openexr.com, file layout)."""

import struct
from pathlib import Path

import numpy as np

_TYPES = {0: "<u4", 1: "<f2", 2: "<f4"}


def read_exr(path: Path) -> dict[str, np.ndarray]:
    """Channel name ('ViewLayer.Depth.Z') to (H, W) of the data window, row 0 on top."""
    data = Path(path).read_bytes()
    at, attributes = 8, {}
    while data[at] != 0:
        name_end = data.index(0, at)
        type_end = data.index(0, name_end + 1)
        (size,) = struct.unpack_from("<i", data, type_end + 1)
        attributes[data[at:name_end].decode()] = data[type_end + 5 : type_end + 5 + size]
        at = type_end + 5 + size
    assert attributes["compression"] == b"\0", "the tests read uncompressed files only"
    left, top, right, bottom = struct.unpack("<4i", attributes["dataWindow"])
    width, height = right - left + 1, bottom - top + 1
    channels, rest = [], attributes["channels"]
    while rest[0] != 0:
        end = rest.index(0)
        channels.append((rest[:end].decode(), np.dtype(_TYPES[struct.unpack_from("<i", rest, end + 1)[0]])))
        rest = rest[end + 17 :]
    pictures = {name: np.empty((height, width), dtype) for name, dtype in channels}
    for offset in struct.unpack_from(f"<{height}Q", data, at + 1):
        (y,) = struct.unpack_from("<i", data, offset)
        offset += 8
        for name, dtype in channels:
            pictures[name][y - top] = np.frombuffer(data, dtype, width, offset)
            offset += width * dtype.itemsize
    return pictures
