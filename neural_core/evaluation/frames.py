"""Frames of a video file, by imageio-ffmpeg."""

import logging
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import imageio_ffmpeg
import numpy as np

from neural_core.evaluation.metrics import EvaluationError

_MAX_PIXELS = 4096 * 4096
_MAX_FRAMES = 100_000  # an hour at 25 frames a second

# It warns of films that lie on their side; they come upright.
logging.getLogger("imageio_ffmpeg").setLevel(logging.ERROR)


@dataclass(frozen=True)
class VideoInfo:
    """width, height: pixels of a frame as it is shown. fps: frames per second, on average. frames: how many,
    about."""

    width: int
    height: int
    fps: float
    frames: int


def video_frames(path: Path) -> tuple[VideoInfo, Iterator[tuple[int, np.ndarray]]]:
    """What a video is, and its frames (H, W, 3) bytes with their numbers, from 0.

    Raises:
        EvaluationError: not a video, or larger than 16 megapixels; from the iterator: longer than 100,000 frames.
    """
    if not path.is_file():
        raise EvaluationError(f"There is no video at {path}; check the path.")
    try:
        # Every frame of the file once: else ffmpeg repeats frames where their rate varies, and numbers mean nothing.
        stream = imageio_ffmpeg.read_frames(str(path), pix_fmt="rgb24", output_params=["-fps_mode", "passthrough"])
        meta = next(stream)
        width, height = (int(side) for side in meta["size"])
        fps = float(meta["fps"])
        frames = min(float(meta["duration"]) * fps, _MAX_FRAMES)
    except Exception as error:  # ffmpeg's complaints about a hostile file come as OSError, IndexError or worse
        raise EvaluationError(f"{path.name} is not a video that ffmpeg can read; convert it to MP4.") from error
    if width * height > _MAX_PIXELS or min(width, height) < 64:
        stream.close()
        raise EvaluationError(f"{path.name} has frames of {width}x{height} pixels; use 64 to 4096 pixels a side.")
    info = VideoInfo(width, height, fps if 1 <= fps <= 1000 else 25.0, round(frames))
    return info, _numbered(stream, width, height, path)


def _numbered(stream, width: int, height: int, path: Path) -> Iterator[tuple[int, np.ndarray]]:
    with closing(stream):  # ends ffmpeg when the reader stops early
        for number, data in enumerate(stream):
            if number >= _MAX_FRAMES:
                raise EvaluationError(f"{path.name} has more than {_MAX_FRAMES} frames; cut it.")
            if len(data) < width * height * 3:
                return
            yield number, np.frombuffer(data, np.uint8, width * height * 3).reshape(height, width, 3)
