"""L-BFGS for several small problems at once.

`torch.optim.LBFGS` imports dynamo for seconds and knows one problem only. Several fits can be one batch here: with
tensors this small, forty cost twice what one costs.
"""

from collections.abc import Callable

import torch
from torch import Tensor

_HISTORY = 20
_ARMIJO = 1e-4
_MAX_BACKTRACKS = 8
_MIN_DECREASE = 1e-6  # relative, of all problems: below it an iteration is not worth its time


def minimise(loss: Callable[[Tensor], Tensor], x: Tensor, iterations: int) -> tuple[Tensor, Tensor]:
    """Minimise independent problems, row by row (Nocedal and Wright 2006, algorithm 7.5, with backtracking).

    Args:
        loss: (B, N) to (B,); row b must depend on row b only. x: (B, N) start. iterations: at most that many.

    Returns:
        (B, N) the best points and (B,) their losses, detached.
    """
    x = x.detach()
    value, gradient = _evaluate(loss, x)
    steps: list[Tensor] = []
    changes: list[Tensor] = []
    curvatures: list[Tensor] = []  # 1 / (s . y), or 0 where a row's pair is not usable
    for _ in range(iterations):
        direction = -_two_loop(gradient, steps, changes, curvatures)
        slope = (gradient * direction).sum(1)
        uphill = slope >= 0
        direction = torch.where(uphill[:, None], -gradient, direction)
        slope = torch.where(uphill, -(gradient * gradient).sum(1), slope)
        if steps:
            size = torch.ones_like(value)
        else:
            size = 1 / gradient.norm(dim=1).clamp(min=1.0)
        new_x, new_value, new_gradient, moved = _line_search(loss, x, value, gradient, direction, slope, size)
        s, y = new_x - x, new_gradient - gradient
        sy = (s * y).sum(1)
        usable = moved & (sy > 1e-8 * s.norm(dim=1) * y.norm(dim=1))
        steps.append(s)
        changes.append(y)
        curvatures.append(torch.where(usable, 1 / torch.where(usable, sy, torch.ones_like(sy)), torch.zeros_like(sy)))
        if len(steps) > _HISTORY:
            del steps[0], changes[0], curvatures[0]
        decrease = (value - new_value) / (value.abs() + 1e-12)
        x, value, gradient = new_x, new_value, new_gradient
        if bool((decrease < _MIN_DECREASE).all()):
            break
    return x, value


def _evaluate(loss: Callable[[Tensor], Tensor], x: Tensor) -> tuple[Tensor, Tensor]:
    x = x.detach().requires_grad_()
    value = loss(x)
    (gradient,) = torch.autograd.grad(value.sum(), x)
    return value.detach(), gradient


def _two_loop(gradient: Tensor, steps: list[Tensor], changes: list[Tensor], curvatures: list[Tensor]) -> Tensor:
    """The inverse Hessian times the gradient, from the last steps."""
    q = gradient
    alphas = []
    for s, y, rho in zip(reversed(steps), reversed(changes), reversed(curvatures)):
        alpha = rho * (s * q).sum(1)
        alphas.append(alpha)
        q = q - alpha[:, None] * y
    scale = torch.ones_like(gradient[:, 0])
    for y, rho in zip(changes, curvatures):  # the latest usable pair of each row
        yy = (y * y).sum(1)
        scale = torch.where(rho > 0, 1 / (rho * yy).clamp(min=1e-20), scale)
    q = q * scale[:, None]
    for s, y, rho, alpha in zip(steps, changes, curvatures, reversed(alphas)):
        beta = rho * (y * q).sum(1)
        q = q + (alpha - beta)[:, None] * s
    return q


def _line_search(loss, x, value, gradient, direction, slope, size):
    """Backtrack every row to sufficient decrease; a row that finds none stays where it is."""
    best_x, best_value, best_gradient = x, value, gradient
    moved = torch.zeros_like(value, dtype=torch.bool)
    for _ in range(_MAX_BACKTRACKS):
        trial = x + size[:, None] * direction
        trial_value, trial_gradient = _evaluate(loss, trial)
        good = (trial_value <= value + _ARMIJO * size * slope) & torch.isfinite(trial_gradient).all(1)
        new = good & ~moved
        best_x = torch.where(new[:, None], trial, best_x)
        best_value = torch.where(new, trial_value, best_value)
        best_gradient = torch.where(new[:, None], trial_gradient, best_gradient)
        moved = moved | good
        if bool(moved.all()):
            break
        # Minimum of the parabola through value, slope and trial value, kept between a tenth and a half of the step.
        parabola = -slope * size / (2 * (trial_value - value - slope * size))
        shrink = torch.nan_to_num(parabola, nan=0.1).clamp(0.1, 0.5)
        size = torch.where(moved, size, size * shrink)
    return best_x, best_value, best_gradient, moved
