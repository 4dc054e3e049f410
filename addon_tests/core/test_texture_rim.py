"""Trust near the mask's rim: it rises inwards, keeps thin parts, and the backdrop goes from what is left."""

import torch

from neural_core.texture.rim import ramp_from, without_backdrop


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


def blurred(dark: float, bright: float, left: int = 30, right: int = 60) -> torch.Tensor:
    """(3, 80, 80) a dark person before a bright backdrop, whose edge a lens blurred over 4 pixels."""
    image = torch.full((3, 80, 80), bright)
    image[:, :, left:right] = dark
    kernel = torch.ones(3, 1, 1, 5) / 5
    padded = torch.nn.functional.pad(image[None], (2, 2, 0, 0), mode="replicate")
    return torch.nn.functional.conv2d(padded, kernel, groups=3)[0]


def test_the_backdrop_goes_from_the_rim():
    """The mask reaches 2 pixels beyond a dark person into a bright backdrop, and the lens mixes both."""
    image = blurred(0.2, 0.8)
    clean = without_backdrop(image, block(30, 62), rim=3.0, clear=0.1)
    assert float(image[:, 40, 58:62].max()) > 0.6
    assert float((clean[:, 40, 30:62] - 0.2).abs().max()) < 0.05
    assert torch.equal(clean[:, :, :30], image[:, :, :30])  # the backdrop itself is left alone


def test_thin_parts_get_their_own_colour():
    """A finger of 9 pixels has no pixel as deep as the rim is wide."""
    image = blurred(0.2, 0.8, 30, 39)
    clean = without_backdrop(image, block(30, 39), rim=3.0, clear=0.1)
    assert float(image[:, 40, 30:39].mean()) > 0.27
    assert float(clean[:, 40, 30:39].max()) < 0.23


def test_prints_and_the_inside_stay():
    """A red stripe up to the person's edge before a blue wall keeps its red; deeper than the rim nothing changes."""
    image = torch.tensor([0.1, 0.1, 0.9])[:, None, None].expand(3, 80, 80).clone()
    image[:, :, 20:60] = 0.4
    image[0, 38:42, 20:60] = 0.9
    clean = without_backdrop(image, block(20, 60), rim=3.0, clear=0.1)
    assert float((clean[0, 40, 20:60] - 0.9).abs().max()) < 0.05
    assert torch.equal(clean[:, :, 27:53], image[:, :, 27:53])


def test_black_and_white_cloth_stays_without_colour():
    """A chequered skirt before a green wall: white is not black with half of the wall in it."""
    image = torch.tensor([0.3, 0.9, 0.3])[:, None, None].expand(3, 80, 80).clone()
    row, column = torch.meshgrid(torch.arange(80), torch.arange(80), indexing="ij")
    cloth = torch.where((row // 8 + column // 8) % 2 == 0, 0.1, 0.8)
    image[:, :, 20:60] = cloth[:, 20:60]
    clean = without_backdrop(image, block(20, 60), rim=3.0, clear=0.1)
    assert float((clean - image)[:, :, 20:60].abs().max()) < 0.05


def test_nothing_changes_where_person_and_backdrop_look_alike():
    image = torch.full((3, 80, 80), 0.5) + 0.02 * torch.rand(3, 80, 80, generator=torch.Generator().manual_seed(0))
    assert float((without_backdrop(image, block(30, 60), rim=3.0, clear=0.1) - image).abs().max()) < 0.01


def test_no_backdrop_no_change():
    image = torch.rand(3, 20, 20, generator=torch.Generator().manual_seed(0))
    everywhere = torch.ones(20, 20, dtype=torch.bool)
    assert torch.equal(without_backdrop(image, everywhere, 3.0, 0.1), image)
    assert torch.equal(without_backdrop(image, ~everywhere, 3.0, 0.1), image)
