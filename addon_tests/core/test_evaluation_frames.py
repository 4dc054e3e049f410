"""Videos of any kind as frames."""

import subprocess

import imageio_ffmpeg
import numpy as np
import pytest

from neural_core.evaluation.frames import video_frames
from neural_core.evaluation.metrics import EvaluationError


def _video(path, frames: int = 7, width: int = 96, height: int = 128):
    writer = imageio_ffmpeg.write_frames(str(path), (width, height), fps=10, macro_block_size=2, quality=9)
    writer.send(None)
    for k in range(frames):
        writer.send(np.full((height, width, 3), 30 * k, np.uint8))
    writer.close()
    return path


def test_frames_come_in_order_with_their_numbers(tmp_path):
    info, frames = video_frames(_video(tmp_path / "a.mp4"))
    assert (info.width, info.height, info.fps) == (96, 128, 10.0) and 6 <= info.frames <= 8
    seen = list(frames)
    assert [number for number, _ in seen] == list(range(7))
    assert all(picture.shape == (128, 96, 3) for _, picture in seen)
    assert [round(float(picture.mean()) / 30) for _, picture in seen] == list(range(7))


def test_every_frame_of_a_video_of_varying_rate_comes_once(tmp_path):
    plain, varying = _video(tmp_path / "a.mp4"), tmp_path / "b.mkv"
    stretch = ["-vf", "setpts='PTS+floor(N/3)*0.7/TB'", "-fps_mode", "vfr"]
    subprocess.run([imageio_ffmpeg.get_ffmpeg_exe(), "-loglevel", "error", "-i", plain, *stretch, varying], check=True)
    seen = list(video_frames(varying)[1])
    assert [number for number, _ in seen] == list(range(7))
    assert [round(float(picture.mean()) / 30) for _, picture in seen] == list(range(7))


def test_a_video_that_lies_on_its_side_comes_upright(tmp_path):
    plain, turned = _video(tmp_path / "a.mp4"), tmp_path / "b.mp4"
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-loglevel", "error", "-display_rotation", "90", "-i", plain]
    subprocess.run([*command, "-c", "copy", turned], check=True)
    info, frames = video_frames(turned)
    assert (info.width, info.height) == (128, 96) and next(frames)[1].shape == (96, 128, 3)
    frames.close()


def test_a_reader_that_stops_early_leaves_no_process(tmp_path):
    _, frames = video_frames(_video(tmp_path / "a.mp4"))
    next(frames)
    frames.close()
    with pytest.raises(StopIteration):
        next(frames)


@pytest.mark.parametrize("content", [b"", b"not a video at all", b"\x00\x00\x00\x18ftypmp42" + b"\x00" * 64])
def test_a_file_that_is_no_video_is_a_sentence(tmp_path, content):
    path = tmp_path / "bad.mp4"
    path.write_bytes(content)
    with pytest.raises(EvaluationError, match="not a video"):
        video_frames(path)


def test_a_missing_file_and_tiny_frames_are_sentences(tmp_path):
    with pytest.raises(EvaluationError, match="no video"):
        video_frames(tmp_path / "none.mp4")
    with pytest.raises(EvaluationError, match="64"):
        video_frames(_video(tmp_path / "small.mp4", width=32, height=32))
