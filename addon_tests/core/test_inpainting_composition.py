"""Composition (eq. 7) and detail: what was seen stays, and no seam shows."""

import pytest
import torch
from torch.nn import functional as F

from neural_core.body import BodyModel, load_open_body
from neural_core.inpainting import carry_detail, compose_known
from neural_core.texture import Atlas, PartialTexture


@pytest.fixture(scope="module")
def body() -> BodyModel:
    return load_open_body()


def smooth_texture(atlas: Atlas, body: BodyModel, seed: int = 0) -> torch.Tensor:
    """Colours that vary smoothly over the surface, across chart borders, too."""
    axes = torch.randn(3, 3, generator=torch.Generator().manual_seed(seed))
    position = atlas.on_surface(body.template, body.faces)  # metres
    return atlas.dilate(atlas.image(0.5 + 0.2 * torch.sin(4 * position @ axes)))


def seen_from_the_front(truth: torch.Tensor, atlas: Atlas, body: BodyModel) -> PartialTexture:
    """What a camera at infinity before the resting body shows."""
    facing = atlas.image(atlas.on_surface(body.template, body.faces)[:, 2])
    front = atlas.covered & (facing > float(facing[atlas.covered].quantile(0.8)))
    confidence = front.float()
    return PartialTexture(truth * front, confidence, front, torch.zeros_like(front), confidence)


def test_seen_texels_are_kept_exactly_and_the_border_meets_them(body: BodyModel):
    atlas = Atlas.of(body, 128)
    truth = smooth_texture(atlas, body)
    partial = seen_from_the_front(truth, atlas, body)
    darker = truth - 0.2  # imagined in another light
    composed = compose_known(partial, darker, atlas, body)
    seen = partial.sampled
    assert torch.equal(composed[:, seen], partial.rgb[:, seen])
    unseen = atlas.covered & ~seen
    near = F.max_pool2d(seen[None].float(), 3, stride=1, padding=1)[0].bool() & unseen
    far = ~F.max_pool2d(seen[None].float(), 31, stride=1, padding=15)[0].bool() & unseen
    assert float((composed - truth)[:, near].abs().mean()) < 0.05  # of 0.2: no step at the border
    # Far away it is more and more what was imagined.
    assert float((composed - darker)[:, far].abs().mean()) < 0.5 * float((composed - darker)[:, near].abs().mean())


def test_a_right_guess_comes_through_unchanged(body: BodyModel):
    atlas = Atlas.of(body, 128)
    truth = smooth_texture(atlas, body, seed=1)
    composed = compose_known(seen_from_the_front(truth, atlas, body), truth, atlas, body)
    assert float((composed - truth)[:, atlas.covered].abs().mean()) < 0.01


def test_sizes_that_do_not_fit_are_refused(body: BodyModel):
    atlas = Atlas.of(body, 128)
    partial = seen_from_the_front(smooth_texture(atlas, body), atlas, body)
    with pytest.raises(ValueError, match="64"):
        compose_known(partial, torch.zeros(3, 64, 64), atlas, body)


def test_detail_stays_sharp_where_seen_and_has_no_step_at_its_border(body: BodyModel):
    fine, coarse = Atlas.of(body, 256), Atlas.of(body, 128)
    stripes = 0.06 * torch.sign(torch.sin(torch.arange(256) * 2.0))  # finer than 128 texels can hold
    smooth = smooth_texture(fine, body, seed=2)
    partial = seen_from_the_front(fine.dilate(smooth + stripes), fine, body)
    imagined = coarse.dilate(F.avg_pool2d(smooth[None], 2)[0])
    carried = carry_detail(partial, imagined, fine, body)
    assert torch.equal(carried[:, partial.sampled], partial.rgb[:, partial.sampled])
    unseen = fine.covered & ~partial.sampled
    assert float((carried - smooth)[:, unseen].abs().mean()) < 0.04  # enlarged, with at most the other side's stripes
