"""Merging of photos (DINAR eq. 6): the photo that sees a texel best gives its colour, unseen texels have no part."""

import torch

from neural_core.texture.merging import MergingConfig, colour_lines, merge
from neural_core.texture.sampling import PartialTexture

R = 32


def partial(rgb, seen, facing=0.9):
    """A photo that shows one colour, or a picture, where `seen`."""
    seen = torch.as_tensor(seen).expand(R, R)
    picture = torch.as_tensor(rgb).float()
    picture = picture.view(3, 1, 1).expand(3, R, R) if picture.ndim == 1 else picture
    facing = torch.as_tensor(facing).float().expand(R, R)
    return PartialTexture(picture * seen, seen.float(), seen.clone(), torch.zeros(R, R, dtype=torch.bool), facing)


def halves():
    left = torch.zeros(R, R, dtype=torch.bool)
    left[:, : R // 2] = True
    return left, ~left


def test_each_half_comes_from_the_photo_that_saw_it():
    left, right = halves()
    whole = merge([partial([1.0, 0, 0], left, 0.3), partial([0, 0, 1.0], right, 0.99)])
    assert torch.allclose(whole.rgb[:, left], torch.tensor([1.0, 0, 0])[:, None])
    assert torch.allclose(whole.rgb[:, right], torch.tensor([0, 0, 1.0])[:, None])
    assert bool(whole.sampled.all()) and torch.allclose(whole.confidence, torch.ones(R, R))


def test_the_more_frontal_photo_wins_by_the_softmax_of_the_paper():
    everywhere = torch.ones(R, R, dtype=torch.bool)
    whole = merge(
        [partial([1.0, 1, 1], everywhere, 0.8), partial([0.0, 0, 0], everywhere, 0.6)],
        MergingConfig(sharpness=10, lead=0),
    )
    expected = torch.softmax(torch.tensor([8.0, 6.0]), 0)[0]
    assert torch.allclose(whole.rgb, expected.expand_as(whole.rgb), atol=1e-5)
    assert torch.allclose(whole.facing, torch.full((R, R), 0.8))


def test_where_both_see_alike_the_first_photo_leads():
    everywhere = torch.ones(R, R, dtype=torch.bool)
    whole = merge([partial([1.0, 1, 1], everywhere, 0.8), partial([0.0, 0, 0], everywhere, 0.8)])
    assert float(whole.rgb.min()) > 0.8


def test_what_nobody_saw_stays_unknown_and_one_photo_stays_itself():
    left, _ = halves()
    one = partial([0.2, 0.4, 0.6], left)
    same = merge([one])
    assert torch.allclose(same.rgb, one.rgb) and torch.equal(same.sampled, one.sampled)
    both = merge([one, partial([0.9, 0.9, 0.9], left)])
    assert float(both.confidence[:, R // 2 :].max()) == 0 and float(both.rgb[:, :, R // 2 :].max()) == 0


def test_exposure_of_the_second_photo_is_brought_to_the_first():
    g = torch.Generator().manual_seed(0)
    picture = torch.rand(3, R, R, generator=g) * 0.6 + 0.1
    everywhere = torch.ones(R, R, dtype=torch.bool)
    first, second = partial(picture, everywhere), partial(picture * 0.8 + 0.03, everywhere)
    lines = colour_lines([first, second], MergingConfig(stiffness=0.0))
    assert torch.equal(lines[0].alpha, torch.ones(3))
    assert torch.allclose(lines[1](second).rgb, picture, atol=1e-4)


def test_without_overlap_colours_are_left_alone():
    left, right = halves()
    lines = colour_lines([partial([0.9, 0.1, 0.1], left), partial([0.1, 0.1, 0.9], right)])
    assert torch.equal(lines[1].alpha, torch.ones(3)) and torch.equal(lines[1].beta, torch.zeros(3))
