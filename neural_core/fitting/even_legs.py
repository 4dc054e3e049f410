"""Trousers are alike on both legs: what is expected of one, seen or not, holds for the other."""

import torch
from torch import Tensor

from neural_core.body.model import BodyModel
from neural_core.body.skeleton import JOINT_INDEX, JOINT_NAMES
from neural_core.fitting.surface import smoothed

_UNSEEN_STEPS = 60  # of diffusion, a hand wide: of legs that nobody saw nothing is known that varies


@torch.no_grad()
def even_legs(expected: Tensor, body: BodyModel, seen: bool) -> Tensor:
    """Expected rest offsets (V, 3) with those of legs and feet the mean of left and right.

    A network that sees one leg hidden by the other, or by the end of the picture, expects less of it.

    Args:
        seen: whether the photo shows the legs; unseen ones get the same thickness along them, too.
    """
    if body.mirror is None:
        return expected
    joints = [
        JOINT_INDEX[name] for name in JOINT_NAMES if any(part in name for part in ("hip", "knee", "ankle", "foot"))
    ]
    share = body.weights[:, joints].sum(1, keepdim=True).clamp(0, 1)
    even = (expected + expected[body.mirror] * expected.new_tensor([-1.0, 1.0, 1.0])) / 2
    if not seen:
        even = smoothed(even, body.faces, _UNSEEN_STEPS)
    return expected + share * (even - expected)
