"""Losses: zero where they must be, right on cases worked out by hand, with gradients that point the right way."""

import pytest
import torch
from torch.nn import functional as F

from neural_core.errors import WeightsError
from neural_core.training.losses import (
    LossWeights,
    RendererLoss,
    dice,
    gradient_difference,
    masked_l1,
    masked_l2,
    ssim,
)


def pictures(seed=0):
    g = torch.Generator().manual_seed(seed)
    a, b = torch.rand(2, 2, 3, 20, 16, generator=g)
    mask = (torch.rand(2, 1, 20, 16, generator=g) > 0.4).float()
    return a, b, mask


def test_masked_differences_ignore_the_outside():
    a, b, mask = pictures()
    junk = torch.where(mask > 0, b, torch.full_like(b, 9.0))
    for loss in (masked_l1, masked_l2, gradient_difference):
        assert torch.allclose(loss(a, b, mask), loss(a, junk, mask))
        assert float(loss(a, a, mask)) == 0 and float(loss(a, b, mask * 0)) == 0
    assert float(masked_l1(a, a + 0.25, mask)) == pytest.approx(0.25)
    assert float(masked_l2(a, a + 0.5, mask)) == pytest.approx(0.25)


def test_gradient_difference_of_a_step():
    a, b = torch.zeros(1, 1, 4, 4), torch.zeros(1, 1, 4, 4)
    b[..., 2:] = 1.0  # one vertical edge: 4 of the 24 differences, over 16 pixels
    assert float(gradient_difference(a, b, torch.ones(1, 1, 4, 4))) == pytest.approx(4 / 16)


def test_dice_by_hand():
    mask = torch.zeros(1, 1, 4, 4)
    mask[..., :2] = 1
    half = torch.zeros_like(mask)
    half[..., :1] = 1
    assert float(dice(mask, mask)) == pytest.approx(0.0)
    assert float(dice(half, mask)) == pytest.approx(1 - 2 * 4 / (4 + 8))
    assert float(dice(1 - mask, mask)) == pytest.approx(1.0)


def test_ssim_is_one_for_equal_and_low_for_unrelated_pictures():
    a, b, mask = pictures()
    assert float(ssim(a, a)) == pytest.approx(1.0, abs=1e-5)
    assert float(ssim(a, b, mask)) < 0.3
    assert float(ssim(a, (a + 0.02 * b).clamp(0, 1))) > 0.9


def test_ssim_agrees_with_its_definition():
    a, b, _ = pictures()
    wa, wb = a[0, 0, 3:10, 5:12].double(), b[0, 0, 3:10, 5:12].double()
    covariance = ((wa - wa.mean()) * (wb - wb.mean())).mean()
    above = (2 * wa.mean() * wb.mean() + 1e-4) * (2 * covariance + 9e-4)
    below = (wa.mean() ** 2 + wb.mean() ** 2 + 1e-4) * (wa.var(unbiased=False) + wb.var(unbiased=False) + 9e-4)
    crop_a, crop_b = a[:1, :1, 3:10, 5:12], b[:1, :1, 3:10, 5:12]
    assert float(ssim(crop_a, crop_b)) == pytest.approx(float(above / below), abs=1e-4)


def test_gradients():
    a, b, mask = (x[:1, :, :9, :8].double() for x in pictures())
    a = a.requires_grad_(True)
    assert torch.autograd.gradcheck(lambda x: ssim(x, b, mask), a, atol=1e-4)
    assert torch.autograd.gradcheck(lambda x: masked_l2(x, b, mask), a)
    assert torch.autograd.gradcheck(lambda x: dice(torch.sigmoid(x[:, :1]), mask), a)


def test_perfect_picture_costs_next_to_nothing_and_a_glow_costs_something():
    target = pictures()[0]
    mask = F.pad(torch.ones(2, 1, 10, 8), (4, 4, 5, 5))
    logits = 40 * mask - 20
    ground = torch.rand(2, 3, 1, 1)
    loss = RendererLoss()
    total, parts = loss(target, logits, target, mask, ground)
    assert float(total) < 1e-3 and set(parts) == {"l1", "ssim", "gradient", "dice", "bce", "composite"}
    glow = torch.where(mask > 0, logits, torch.full_like(logits, -1.0))
    assert float(loss(target, glow, target, mask, ground)[1]["composite"]) > 1e-3


def test_total_is_the_weighted_sum():
    a, b, mask = pictures()
    logits, ground = torch.randn(2, 1, 20, 16), torch.rand(2, 3, 1, 1)
    weights = LossWeights(l1=3.0, dice=0.0)
    total, parts = RendererLoss(weights)(a, logits, b, mask, ground)
    expected = sum(getattr(weights, name) * float(value) for name, value in parts.items())
    assert float(total) == pytest.approx(expected, rel=1e-5)


def test_lpips_without_its_package_is_a_sentence():
    try:
        RendererLoss(LossWeights(lpips=1.0))
    except WeightsError as error:
        assert "lpips" in str(error).lower() and str(error).endswith(".")
