"""Pictures in and out of torch, for reports and the command line."""

from collections.abc import Iterable
from pathlib import Path

import imageio_ffmpeg
import numpy as np
from PIL import Image
from torch import Tensor

from neural_core.output import write_aside
from neural_core.rendering import Frame


def to_uint8(picture: Tensor) -> np.ndarray:
    """(C, H, W) in [0, 1] to (H, W, C) bytes."""
    return (picture.detach().clamp(0, 1) * 255).round().byte().permute(1, 2, 0).cpu().numpy()


def rgba(frame: Frame) -> np.ndarray:
    """(H, W, 4) bytes, straight alpha."""
    return np.concatenate([to_uint8(frame.rgb), to_uint8(frame.alpha[None])], axis=2)


def over(frame: Frame, ground: float = 1.0) -> np.ndarray:
    """(H, W, 3) bytes of the frame on an even ground."""
    return to_uint8(frame.rgb * frame.alpha + ground * (1 - frame.alpha))


def to_height(picture: np.ndarray, height: int) -> np.ndarray:
    """(H, W, 3) bytes, or floats in [0, 1], as bytes at another height."""
    if picture.dtype != np.uint8:
        picture = (picture.clip(0, 1) * 255).round().astype(np.uint8)
    size = (max(1, round(picture.shape[1] * height / picture.shape[0])), height)
    return np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.LANCZOS))


def write_png(path: Path, picture: np.ndarray) -> None:
    """Write bytes (H, W, 1, 3 or 4) as PNG, aside first."""
    image = Image.fromarray(picture[..., 0] if picture.shape[-1] == 1 else picture)
    write_aside(path, lambda aside: image.save(aside, format="PNG"))


def write_video(path: Path, pictures: Iterable[np.ndarray], fps: int) -> None:
    """Write (H, W, 3) bytes of even size as an H.264 file that any browser plays."""

    def write(aside: Path) -> None:
        named = aside.with_suffix(".mp4")  # the encoder chooses its container by the name
        writer = None
        for picture in pictures:
            if writer is None:
                size = (picture.shape[1], picture.shape[0])
                writer = imageio_ffmpeg.write_frames(str(named), size, fps=fps, quality=8, macro_block_size=2)
                writer.send(None)  # starts the generator
            writer.send(np.ascontiguousarray(picture))
        if writer is not None:
            writer.close()
        named.replace(aside)

    write_aside(path, write)
