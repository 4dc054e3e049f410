"""Sampling: seeds, the known region, cancelling, and what is carried to the texture."""

import pytest
import torch
from test_inpainting_networks import seeded_codec
from torch.nn import functional as F

from neural_core.errors import Cancelled
from neural_core.inpainting.config import DENOISER_CONFIGS
from neural_core.inpainting.denoiser import Denoiser
from neural_core.inpainting.inpainter import Inpainter, SamplerConfig, known_latents
from neural_core.progress import Progress

STEPS = 4


def inpainter(**settings) -> Inpainter:
    torch.manual_seed(1)
    denoiser = Denoiser(DENOISER_CONFIGS["tiny"], spread=torch.full((6,), 0.7)).requires_grad_(False)
    return Inpainter(seeded_codec(), denoiser, SamplerConfig(**{"steps": STEPS, "first": 1.0, **settings}))


def scene(resolution: int = 64) -> tuple[torch.Tensor, torch.Tensor]:
    completed = F.interpolate(torch.rand(1, 3, 8, 8, generator=torch.Generator().manual_seed(3)), resolution)[0]
    known = torch.zeros(resolution, resolution)
    known[:, : resolution // 2] = 1
    return completed, known


def test_same_seed_same_bytes_and_proposals_do_not_depend_on_their_number():
    completed, known = scene()
    first = inpainter().propose(completed, known, seed=5, count=1)
    again = inpainter().propose(completed, known, seed=5, count=1)
    three = inpainter(temperature=1.0).propose(completed, known, seed=4, count=3)
    assert torch.equal(first, again)
    assert torch.allclose(three[1:2], first, atol=1e-5)
    assert not torch.allclose(three[0], three[1], atol=1e-2)
    assert first.shape == (1, 3, 64, 64) and float(first.min()) >= 0 and float(first.max()) <= 1


def test_the_first_proposal_is_what_is_expected_whatever_the_seed():
    completed, known = scene()
    model = inpainter(first=0.0)
    one, other = (model.propose(completed, known, seed=seed, count=2) for seed in (0, 9))
    assert torch.equal(one[0], other[0])
    assert not torch.allclose(one[1], other[1], atol=1e-2)


def test_known_latents_stay_the_condition_and_the_others_do_not():
    completed, known = scene()
    model = inpainter()
    condition = model.codec.encode(F.adaptive_avg_pool2d(completed[None], 32))
    seen = known_latents(known[None, None], 8)
    latents = model._sample(condition, seen, [0, 1], Progress())
    kept = (seen > 0.99).expand_as(latents)
    assert bool(kept.any()) and torch.equal(latents[kept], condition.expand_as(latents)[kept])
    assert float((latents - condition)[~kept].abs().min()) > 0


def test_a_denoiser_that_knows_nothing_leaves_the_classical_completion_as_it_is():
    """With no difference expected and no noise, what comes out is what went in, codec errors and all."""
    completed, known = scene()
    model = inpainter(first=0.0)
    for parameter in model.denoiser.model.conv_out.parameters():
        parameter.zero_()
    assert torch.allclose(model.propose(completed, known)[0], completed, atol=1e-5)


def test_cancel_stops_between_steps_and_progress_is_told():
    completed, known = scene()
    told: list[float] = []
    inpainter().propose(completed, known, progress=Progress(report=lambda fraction, stage: told.append(fraction)))
    assert len(told) == STEPS and told == sorted(told)
    seen: list[int] = []

    def cancelled() -> bool:
        seen.append(1)
        return len(seen) > 2

    with pytest.raises(Cancelled):
        inpainter().propose(completed, known, progress=Progress(is_cancelled=cancelled))
    assert len(seen) == 3


def test_starting_late_stays_nearer_to_the_condition():
    completed, known = scene()
    whole = inpainter().propose(completed, known, seed=2)
    late = inpainter(start=0.3).propose(completed, known, seed=2)
    distance = [float((texture - completed)[..., 40:].abs().mean()) for texture in (whole[0], late[0])]
    assert 0 < distance[1] < distance[0]


def test_known_latents_are_eroded():
    known = torch.zeros(1, 1, 64, 64)
    known[..., :32] = 1
    latents = known_latents(known, 8)
    assert latents[0, 0, 4].tolist() == [1, 1, 1, 0, 0, 0, 0, 0]
