"""Telling who comes back from who only stands there."""

from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest

from neural_core.evaluation import track as track_room
from neural_core.evaluation.appearance import OTHER, Appearance
from neural_core.evaluation.frames import VideoInfo
from neural_core.evaluation.track import Track
from neural_core.fitting.sequence import SequenceFit
from neural_core.photo import PhotoEvidence

_RED, _BLUE, _GREY = (0.7, 0.2, 0.15), (0.15, 0.2, 0.5), (0.5, 0.5, 0.5)


def _dressed(above, below, light: float = 1.0, left: int = 30) -> tuple[np.ndarray, np.ndarray]:
    """A picture and the mask of a noisy standing shape in two colours before a green wall."""
    rng = np.random.default_rng(0)
    image = np.full((200, 120, 3), (0.2, 0.6, 0.3), np.float32)
    mask = np.zeros((200, 120), np.float32)
    mask[20:180, left : left + 50] = 1
    for rows, colour in ((slice(20, 100), above), (slice(100, 180), below)):
        shade = rng.normal(1, 0.15, (80, 50, 1)) * light
        image[rows, left : left + 50] = (np.array(colour) * shade).clip(0, 1)
    return image, mask


def test_light_and_place_change_nobody_but_colours_do():
    looks = Appearance(*_dressed(_RED, _BLUE))
    assert looks.distance(*_dressed(_RED, _BLUE, left=5)) < 0.01
    assert looks.distance(*_dressed(_RED, _BLUE, light=0.8)) < OTHER
    for others in ((_BLUE, _RED), (_RED, _GREY), (_GREY, _BLUE)):
        assert looks.distance(*_dressed(*others)) > OTHER


def test_sides_are_learnt_step_by_step_but_nobody_else():
    brown = tuple(0.5 * (np.array(_RED) + _GREY))
    looks, back = Appearance(*_dressed(_RED, _BLUE)), _dressed(brown, _BLUE)
    before = looks.distance(*back)
    for share in np.linspace(0, 1, 21):
        looks.learn(*_dressed(tuple((1 - share) * np.array(_RED) + share * np.array(brown)), _BLUE))
    assert looks.distance(*back) < 0.04 < before
    sides = len(looks.sides)
    looks.learn(*_dressed(_GREY, _GREY))
    assert len(looks.sides) == sides < 12
    looks.learn(*_dressed(_GREY, _GREY), sure=True)
    assert looks.distance(*_dressed(_GREY, _GREY)) == 0


def test_a_half_that_is_not_shown_says_nothing():
    looks = Appearance(*_dressed(_RED, _BLUE))
    image, mask = _dressed(_RED, _BLUE)
    assert looks.distance(image, mask * 0) == 1.0
    mask[100:, :] = 0
    mask[60:100, :79] = 0  # one column of pixels
    assert looks.distance(image, mask) < 0.01


@pytest.mark.parametrize("people", [1, 2])
def test_who_was_lost_for_long_is_told_from_another_by_the_looks(monkeypatch, people):
    def seen(*colours):
        image, mask = _dressed(*colours)
        return SimpleNamespace(pose=np.zeros((33, 3)), person_height_px=160.0, image=image, mask=mask)

    own, other = seen(_RED, _BLUE), seen(_GREY, _BLUE)
    shown = {None: other, 0: other, 1: own}

    def detected(self, picture, margin, corner=(0, 0), person=None):
        return shown[person]

    monkeypatch.setattr(Track, "_detected", detected)
    monkeypatch.setattr(track_room, "find_people", lambda picture: [(0.0, 0.0, 1.0)] * people)
    info = VideoInfo(120, 200, 25.0, 9)
    track = Track(cast(SequenceFit, SimpleNamespace()), info, 1, 0, 100.0, None, Appearance(own.image, own.mask))
    track._last = 0.0, cast(PhotoEvidence, own)
    assert track._observe(own.image, 2.0) is (own if people == 2 else None)
    shown[None] = own
    assert track._observe(own.image, 2.1) is own


@pytest.mark.parametrize("colours", [(_RED, _BLUE), (_GREY, _BLUE)])
def test_who_comes_in_where_somebody_has_just_gone_out_is_not_taken_for_them(monkeypatch, colours):
    def seen(x, *colours):
        image, mask = _dressed(*colours)
        return SimpleNamespace(pose=np.full((33, 3), x), person_height_px=160.0, image=image, mask=mask)

    own, comes = seen(0.0, _RED, _BLUE), seen(80.0, *colours)
    monkeypatch.setattr(Track, "_detected", lambda *given: comes)
    monkeypatch.setattr(Track, "_close_by", lambda *given: None)
    info = VideoInfo(120, 200, 25.0, 9)
    track = Track(cast(SequenceFit, SimpleNamespace()), info, 1, 0, 100.0, None, Appearance(own.image, own.mask))
    track._last = 0.0, cast(PhotoEvidence, own)
    assert track._observe(own.image, 0.4) is (comes if colours[0] == _RED else None)
