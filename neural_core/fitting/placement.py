"""Where a body stands so that it looks as it should in a picture."""

import torch
from torch import Tensor

from neural_core.body.skeleton import JOINT_INDEX

_FACE = [JOINT_INDEX["neck"], JOINT_INDEX["head"]]


def shift_in_picture(found: Tensor, truth: Tensor) -> Tensor:
    """(N, 3) metres by which points (N, n, 3) must move to look as the true ones do: one Gauss-Newton step.

    Camera axes, from the eye. Neck and head count more: a fit has hundreds of points in a face.
    """
    depth = found[..., 2:].clamp(min=0.1)
    wanted, seen = truth[..., :2] / truth[..., 2:].clamp(min=0.1), found[..., :2] / depth
    one = torch.ones_like(depth)
    across = torch.cat([one, 0 * one, -seen[..., :1]], 2) / depth
    down = torch.cat([0 * one, one, -seen[..., 1:]], 2) / depth
    weights = torch.ones_like(depth)
    weights[:, _FACE] = 6.0
    jacobian = torch.cat([across, down], 1)
    weighted = jacobian * torch.cat([weights, weights], 1)
    error = torch.cat([(wanted - seen)[..., :1], (wanted - seen)[..., 1:]], 1)
    damping = 1e-3 * torch.eye(3, device=found.device)
    return torch.linalg.solve(weighted.mT @ jacobian + damping, weighted.mT @ error)[..., 0]
