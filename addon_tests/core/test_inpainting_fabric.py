"""Fabric: what was not seen gets the cloth of what was, without new colours, the same for the same seed."""

from functools import lru_cache

import numpy as np
import torch
from test_inpainting_composition import smooth_texture

from neural_core.body import load_open_body
from neural_core.inpainting.fabric import weave
from neural_core.inpainting.quilting import QuiltConfig, Sheet, Stuff, quilt
from neural_core.texture import Atlas, PartialTexture, lookup
from neural_core.texture.half_turn import half_turn

SIZE = 256


@lru_cache(maxsize=1)
def scene() -> tuple[PartialTexture, torch.Tensor, torch.Tensor, torch.Tensor]:
    """A pleated dress with a button, photographed from the front: what was seen, its smooth completion, the position
    (3, R, R) of the texels, and (R, R) the button."""
    body = load_open_body()
    atlas = Atlas.of(body, SIZE)
    position = atlas.image(atlas.on_surface(body.template, body.faces))
    front = atlas.covered & (position[2] > 0.06)
    smooth = smooth_texture(atlas, body)
    pleats = 0.06 * torch.sin(2 * torch.pi * position[0] / 0.04)
    button = (position[:2] - position.new_tensor([0.06, -0.2])[:, None, None]).norm(dim=0) < 0.02
    seen = ((smooth + pleats) * ~button).clamp(0, 1) * front
    confidence = front.float()
    partial = PartialTexture(seen, confidence, front, torch.zeros_like(front), confidence)
    return partial, atlas.dilate(torch.where(front, seen, smooth)), position, button


def woven(seed: int = 0) -> torch.Tensor:
    partial, whole, _, _ = scene()
    body = load_open_body()
    return weave(partial, whole, Atlas.of(body, SIZE), body, seed)


def back_of_the_trunk() -> torch.Tensor:
    """(R, R) bool, away from its sides."""
    partial, _, position, _ = scene()
    trunk = (position[1] > -0.45) & (position[1] < -0.05) & (position[0].abs() < 0.1) & (position[2] < 0)
    return trunk & Atlas.of(load_open_body(), SIZE).covered & ~partial.sampled


def test_seen_texels_are_exact_and_the_same_seed_gives_the_same_bytes():
    partial, whole, _, _ = scene()
    first = woven()
    assert torch.equal(first[:, partial.sampled], partial.rgb[:, partial.sampled])
    assert torch.equal(first, woven())
    assert not torch.equal(first, whole)
    assert float(first.min()) >= 0 and float(first.max()) <= 1


def test_pleats_go_on_behind_and_colours_stay():
    _, whole, position, _ = scene()
    back = back_of_the_trunk()
    added = (woven() - whole)[:, back].mean(0)
    assert float(added.std()) > 0.3 * 0.06 / 2**0.5  # of the pleats' contrast
    assert abs(float(added.mean())) < 0.003
    # Pleats, not noise: on the other side of the body they stand where the front's stood, turned by half.
    wave = torch.sin(2 * torch.pi * -position[0][back] / 0.04)
    assert float(torch.corrcoef(torch.stack([added, wave]))[0, 1]) > 0.7


def test_a_button_stays_in_front():
    _, whole, position, button = scene()
    added = (woven() - whole).abs().mean(0)
    behind = button.new_zeros(button.shape)
    place = (position[:2] - position.new_tensor([-0.06, -0.2])[:, None, None]).norm(dim=0) < 0.02
    behind |= place & back_of_the_trunk()
    assert int(behind.sum()) > 10
    assert float(added[behind].max()) < 0.1  # the button is darker than the cloth by .5


def test_nothing_seen_nothing_woven():
    partial, whole, _, _ = scene()
    nothing = torch.zeros_like(partial.confidence)
    empty = PartialTexture(partial.rgb * 0, nothing, nothing > 0, nothing > 0, nothing)
    body = load_open_body()
    assert torch.equal(weave(empty, whole, Atlas.of(body, SIZE), body), whole)


def test_half_a_turn_keeps_the_height_and_swaps_the_sides():
    body = load_open_body()
    atlas = Atlas.of(body, 128)
    position = atlas.on_surface(body.template, body.faces)
    uv, found = half_turn(atlas, body)
    assert float(found.float().mean()) > 0.9
    there = lookup(atlas.dilate(atlas.image(position)), uv[None])[:, 0].T
    off = (there[:, :2] - position[:, :2] * position.new_tensor([-1.0, 1.0])).norm(dim=1)[found]
    assert float(off.median()) < 0.005 and float(off.quantile(0.95)) < 0.03
    back = found & (position[:, 2] < -0.03) & (position[:, 1].abs() < 0.4) & (position[:, 0].abs() < 0.1)
    assert float((there[back, 2] > position[back, 2]).float().mean()) > 0.99


def test_a_quilt_takes_the_stuff_of_the_same_colour_and_does_not_touch_the_rest():
    rng = np.random.default_rng(0)
    size, half = 96, 48
    red, blue = np.array([0.7, 0.2, 0.2], np.float32), np.array([0.2, 0.2, 0.7], np.float32)
    low = np.where((np.arange(size) < half)[:, None, None], red, blue) * np.ones((1, size, 1), np.float32)
    across = np.sin(np.arange(size) * 0.8)[None, :, None] * np.ones((size, 1, 3))  # red is striped across,
    grain = rng.standard_normal((size, size, 1)) * np.ones(3)  # blue is a grain
    detail = 0.05 * np.where((np.arange(size) < half)[:, None, None], across, grain).astype(np.float32)
    seen = np.zeros((size, size), bool)
    seen[:, :half] = True
    stuff = Stuff(detail * seen[..., None], low, seen, np.zeros((size, size), np.int64), 0.004)
    sheet = Sheet(stuff.detail.copy(), low.copy(), seen.copy())
    quilt(sheet, ~seen, stuff, np.zeros((1, 1)), 3, QuiltConfig(patch=0.05))
    assert np.array_equal(sheet.detail[seen], stuff.detail[seen])
    made = sheet.detail[:90, half:90, 0]
    assert 0.7 < made.std() / detail[:, :half, 0].std() < 1.2
    striped, grained = made[: half - 12], made[half + 12 :]
    columns = [part.mean(0).std() / part.std() for part in (striped, grained)]
    assert columns[0] > 0.8 and columns[1] < 0.5  # stripes on red, grain on blue
