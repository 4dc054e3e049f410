"""Trust near the mask's rim: it rises inwards, keeps thin parts, and sees through a mask that took background along."""

import torch

from neural_core.texture.rim import person_share, ramp_from


def block(left: int, right: int, size: int = 80) -> torch.Tensor:
    """(size, size) bool, a vertical bar of columns [left, right)."""
    mask = torch.zeros(size, size, dtype=torch.bool)
    mask[:, left:right] = True
    return mask


def test_ramp_rises_over_its_width():
    trust = ramp_from(~block(20, 70), width=6, thin=0.7)
    assert float(trust[40, 19]) == 0
    assert bool((trust[40, 20:26].diff() > 0).all()) and float(trust[40, 20]) < 0.25
    assert float(trust[40, 26:64].min()) == 1


def test_thin_parts_are_not_eaten():
    """A finger of 4 pixels is trusted in its middle though the ramp is 6 pixels wide."""
    trust = ramp_from(~block(20, 24), width=6, thin=0.7)
    assert float(trust[40, 21]) == 1
    assert 0.5 < float(trust[40, 20]) < 1


def test_no_rim_without_an_outside():
    assert bool((ramp_from(torch.zeros(9, 9, dtype=torch.bool), 4, 0.7) == 1).all())


def test_background_inside_the_mask_is_found():
    """The mask reaches 3 pixels beyond a dark person into a bright background."""
    dark, bright = 0.2, 0.8
    image = torch.full((3, 80, 80), bright)
    image[:, :, 30:60] = dark
    share = person_share(image, block(30, 63), rim=3.0, clear=0.2)
    assert float(share[40, 60:63].max()) < 0.05
    assert float(share[40, 30:59].min()) > 0.95
    assert float(share[40, :20].min()) == 1  # nothing is said about the background itself


def test_nothing_is_said_where_person_and_background_look_alike():
    image = torch.full((3, 80, 80), 0.5) + 0.05 * torch.rand(3, 80, 80, generator=torch.Generator().manual_seed(0))
    assert bool((person_share(image, block(30, 60), rim=3.0, clear=0.2) == 1).all())
