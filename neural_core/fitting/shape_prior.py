"""Where the shape prior is centred: the mean body is half a woman, and its chest does not suit everyone.

The 20 shape coefficients are independent standard normal variables. Given linear measures m = A beta, their most
likely values for a wanted m are the conditional mean A^T (A A^T)^-1 m. Bust and shoulders tell women from men on any
body in the SMPL-X layout, so no table of a particular body is needed.
"""

import torch
from torch import Tensor

from neural_core.body.model import BodyModel
from neural_core.body.skeleton import JOINT_INDEX
from neural_core.fitting.config import Gender

# Standard deviations from the mean body of (bust over breastbone, bust over ribs, hips over shoulders, ankle to neck);
# the first three looked at. No photo tells how tall somebody is, so the centre must not be taller than the people.
_MEANS = {
    "female": (1.2, 1.2, 1.2, -0.3),
    "male": (-1.2, -1.2, -1.2, 0.3),
    # A chest that is too flat grows with the clothes, which only reach outwards; one that is too full stays.
    "neutral": (-0.8, -0.8, 0.0, 0.0),
}
_CHEST = ("spine1", "spine2", "spine3", "left_collar", "right_collar")
# Heights along the spine from spine3 (0) down to spine1 (-1), and half distances in shoulder widths.
_BUST_HEIGHT, _UNDER_HEIGHT, _BUST_ASIDE, _PATCH = -0.17, -0.69, 0.23, 0.045


def shape_mean(body: BodyModel, gender: Gender) -> Tensor:
    """(20,) centre of the shape prior."""
    return _conditional_mean(_measures(body), torch.tensor(_MEANS[gender]))


def _conditional_mean(measures: Tensor, deviations: Tensor) -> Tensor:
    """Most likely coefficients (20,) when the standardised measures, rows of (m, 20), are `deviations` (m,)."""
    rows = torch.nn.functional.normalize(measures, dim=1)
    return rows.T @ torch.linalg.solve(rows @ rows.T, deviations)


def _measures(body: BodyModel) -> Tensor:
    """Derivatives (4, 20) of bust over breastbone and over ribs and hips over shoulders, which grow from men to women,
    and of the height from ankles to neck."""
    bust, under = (_front(body, height, _BUST_ASIDE) for height in (_BUST_HEIGHT, _UNDER_HEIGHT))
    breastbone = _front(body, _BUST_HEIGHT, 0.0)
    joints, directions = body.joint_template[:, 0], body.joint_shape_directions[:, 0]

    def relative_width(name: str) -> Tensor:
        left, right = JOINT_INDEX[f"left_{name}"], JOINT_INDEX[f"right_{name}"]
        return (directions[left] - directions[right]) / (joints[left] - joints[right])

    tall = (
        body.joint_shape_directions[JOINT_INDEX["neck"], 1] - body.joint_shape_directions[JOINT_INDEX["left_ankle"], 1]
    )
    wide = relative_width("hip") - relative_width("shoulder")
    return torch.stack([bust - breastbone, bust - under, wide, tall])


def _front(body: BodyModel, height: float, aside: float) -> Tensor:
    """Derivative (20,) of how far the chest reaches forward at a height, on both sides."""
    joints = body.joint_template
    low, high = joints[JOINT_INDEX["spine1"]], joints[JOINT_INDEX["spine3"]]
    span = joints[JOINT_INDEX["left_shoulder"], 0] - joints[JOINT_INDEX["right_shoulder"], 0]
    y = high[1] + height * (high[1] - low[1])
    chest = body.weights[:, [JOINT_INDEX[name] for name in _CHEST]].sum(1) > 0.6
    v = body.template
    near = ((v[:, 0].abs() - aside * span).abs() < _PATCH * span) & ((v[:, 1] - y).abs() < _PATCH * span)
    patch = chest & near & (v[:, 2] > high[2])
    if not bool(patch.any()):
        return torch.zeros(body.shape_directions.shape[2])
    return body.shape_directions[patch, 2].mean(0)
