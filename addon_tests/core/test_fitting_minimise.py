"""The batched L-BFGS solves what it should, and every row as if it were alone."""

import torch

from neural_core.fitting.minimise import minimise


def _rosenbrock(x):
    return ((1 - x[:, :-1]) ** 2 + 100 * (x[:, 1:] - x[:, :-1] ** 2) ** 2).sum(1)


def test_quadratics_of_very_different_scale():
    generator = torch.Generator().manual_seed(0)
    A = torch.randn(3, 12, 12, generator=generator, dtype=torch.float64)
    A = A @ A.transpose(1, 2) + 0.1 * torch.eye(12)
    A *= torch.tensor([1.0, 1e4, 1e-3])[:, None, None]
    wanted = torch.randn(3, 12, generator=generator, dtype=torch.float64)

    def loss(x):
        d = x - wanted
        return 0.5 * torch.einsum("bi,bij,bj->b", d, A, d)

    start = loss(torch.zeros(3, 12, dtype=torch.float64))
    _, value = minimise(loss, torch.zeros(3, 12, dtype=torch.float64), 100)
    assert (value < 1e-5 * start).all()


def test_rosenbrock():
    x, value = minimise(_rosenbrock, torch.tensor([[-1.2, 1.0], [0.0, 2.0]], dtype=torch.float64), 100)
    assert torch.allclose(x, torch.ones(2, 2, dtype=torch.float64), atol=1e-2) and (value < 1e-4).all()


def test_rows_do_not_disturb_each_other():
    starts = torch.tensor([[-1.2, 1.0, 0.5], [3.0, -2.0, 1.0], [0.1, 0.0, 0.0]], dtype=torch.float64)
    together, _ = minimise(_rosenbrock, starts, 15)
    for row in range(3):
        alone, _ = minimise(_rosenbrock, starts[row : row + 1], 15)
        assert torch.allclose(together[row], alone[0], atol=1e-9)


def test_never_worse_and_survives_infinite_regions():
    def loss(x):
        return torch.where(x[:, 0] > 0, x[:, 0] - x[:, 0].log(), torch.full_like(x[:, 0], torch.inf))

    x, value = minimise(loss, torch.tensor([[1e-3], [50.0]]), 40)
    assert torch.allclose(x, torch.ones(2, 1), atol=1e-2) and torch.isfinite(value).all()


def test_at_the_minimum_nothing_moves():
    x = torch.zeros(2, 4)
    found, value = minimise(lambda y: (y * y).sum(1), x, 10)
    assert torch.equal(found, x) and torch.equal(value, torch.zeros(2))
