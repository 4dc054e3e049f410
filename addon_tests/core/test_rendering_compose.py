"""Several avatars in one picture: the nearer one wins, other meshes hold out."""

import torch

from neural_core.rendering import Frame, compose
from neural_core.rendering.silhouette import crisp_alpha, grow_depth

INF = float("inf")


def flat(colour, alpha, depth):
    rgb = torch.tensor(colour, dtype=torch.float32)[:, None, None].expand(3, 1, len(alpha)).clone()
    return Frame(rgb, torch.tensor([alpha]), torch.tensor([depth]))


RED = flat((1.0, 0.0, 0.0), [1.0, 1.0, 0.0, 0.5], [1.0, 3.0, INF, 1.0])
BLUE = flat((0.0, 0.0, 1.0), [1.0, 1.0, 1.0, 1.0], [2.0, 2.0, 2.0, 2.0])


def test_nearer_avatar_wins_whatever_the_order():
    for frames in ((RED, BLUE), (BLUE, RED)):
        out = compose(frames)
        expected = torch.tensor([[1.0, 0.0, 0.0, 0.5], [0.0, 0.0, 0.0, 0.0], [0.0, 1.0, 1.0, 0.5]])
        assert torch.allclose(out.rgb[:, 0], expected, atol=1e-6)
        assert torch.equal(out.alpha, torch.ones(1, 4))
        assert torch.equal(out.depth, torch.tensor([[1.0, 2.0, 2.0, 1.0]]))


def test_straight_alpha_of_half_covered_pixels():
    half = flat((1.0, 0.0, 0.0), [0.5], [1.0])
    other = flat((0.0, 0.0, 1.0), [0.5], [2.0])
    out = compose([half, other])
    assert torch.allclose(out.alpha, torch.tensor([[0.75]]))
    assert torch.allclose(out.rgb[:, 0, 0] * out.alpha, torch.tensor([0.5, 0.0, 0.25]), atol=1e-6)


def test_holdout_cuts_only_what_lies_behind():
    out = compose([RED, BLUE], holdout_depth=torch.tensor([[1.5, 2.5, 1.9, INF]]))
    assert torch.equal(out.alpha, torch.tensor([[1.0, 1.0, 0.0, 1.0]]))
    assert torch.equal(out.depth, torch.tensor([[1.0, 2.0, INF, 1.0]]))
    assert torch.allclose(out.rgb[:, 0, 1], torch.tensor([0.0, 0.0, 1.0]))


def test_one_frame_is_itself():
    out = compose([BLUE])
    assert torch.equal(out.rgb, BLUE.rgb) and torch.equal(out.alpha, BLUE.alpha) and torch.equal(out.depth, BLUE.depth)


def test_wide_ramp_becomes_an_edge_of_one_pixel():
    x = torch.arange(64).float()
    logits = ((x + 0.5 - 32.25) * 0.05).expand(16, 64)  # probability leaves (.1, .9) only after 88 pixels
    alpha = crisp_alpha(logits)
    assert int(((alpha > 0.01) & (alpha < 0.99)).any(0).sum()) <= 2
    assert abs(float(alpha[0].sum()) - (64 - 32.25)) < 1e-4  # area is kept to a fraction of a pixel


def test_depth_grows_to_where_the_mask_grew():
    depth = torch.full((5, 5), INF)
    depth[2, 1] = 3.0
    depth[2, 4] = 7.0
    alpha = torch.zeros(5, 5)
    alpha[2, :3] = 1.0
    out = grow_depth(depth, alpha)
    assert out[2].tolist() == [3.0, 3.0, 3.0, INF, INF] and bool(torch.isinf(out[:2]).all())
    assert bool(torch.isinf(grow_depth(torch.full((2, 2), INF), torch.ones(2, 2))).all())
