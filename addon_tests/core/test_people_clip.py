"""Films of synthetic people."""

import math

import numpy as np
import pytest

from neural_core.body.open_body import load_open_body
from neural_core.evaluation.frames import video_frames
from neural_core.training.people.clip import FPS, MOTIONS, film, write_clip
from neural_core.training.people.wardrobe import load_wardrobe


@pytest.fixture(scope="module")
def wardrobe():
    return load_wardrobe(load_open_body())


def test_a_film_can_be_read_as_a_video_and_its_person_leaves_and_comes_back(wardrobe, tmp_path):
    frames = list(film(wardrobe, 1_000_435, "out", width=72, height=128, every=22))
    write_clip(tmp_path / "a.mp4", (frame.rgb for frame in frames))
    info, read = video_frames(tmp_path / "a.mp4")
    pictures = [picture for _, picture in read]
    assert (info.width, info.height, len(pictures)) == (72, 128, 5)
    assert np.abs(pictures[0].astype(float) - frames[0].rgb).mean() < 8
    shown = [(frame.mask > 127).mean() for frame in frames]
    assert shown[0] > 0.08 and min(shown) == 0 and shown[-1] > 0.8 * shown[0]
    again = next(film(wardrobe, 1_000_435, "out", width=72, height=128))
    assert np.array_equal(again.rgb, frames[0].rgb) and np.array_equal(again.mask, frames[0].mask)


def test_a_film_of_another_rate_shows_the_same_moments_and_a_smaller_person(wardrobe):
    few, many = (next(film(wardrobe, 1_000_435, "out", 96, 64, fps=fps, fill=0.5)) for fps in (FPS, 60))
    assert few.moment == many.moment
    rows = np.nonzero((few.mask > 127).any(1))[0]
    assert np.ptp(rows) + 1 == pytest.approx(32, abs=3)
    moments = [frame.moment.yaw for frame in film(wardrobe, 1_000_435, "turn", 32, 32, every=60, fps=60)]
    assert moments == [MOTIONS["turn"][0](second).yaw for second in range(5)]


@pytest.mark.parametrize("name", MOTIONS)
def test_motions_are_smooth_and_most_show_a_back(name):
    at, seconds = MOTIONS[name]
    moments = [at(k / FPS) for k in range(round(seconds * FPS))]
    yaws, x = np.array([m.yaw for m in moments]), np.array([m.x for m in moments])
    assert np.abs(np.diff(yaws)).max() < 0.5 and np.abs(np.diff(x)).max() < 0.1
    end = math.cos(moments[-1].yaw)
    assert (-end if name == "arms" else end) > 0.99, "in the end they face the camera, or show their back"
    assert np.cos(yaws).min() < (-0.95 if name != "out" else 0.1)
