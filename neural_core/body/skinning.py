"""Linear blend skinning with a kinematic tree (SMPL, Loper et al. 2015, equations 2-4)."""

import torch
from torch import Tensor

from neural_core.body.skeleton import PARENTS, tree_levels

_LEVELS = [torch.tensor(level) for level in tree_levels()]
_PARENTS = torch.tensor(PARENTS)


def rotation_matrices(axis_angle: Tensor) -> Tensor:
    """Rodrigues' formula, smooth at zero. (..., 3) radians to (..., 3, 3)."""
    squared = (axis_angle * axis_angle).sum(-1)
    # Below 1e-8 rad^2 the series is exact to float precision and keeps the gradient finite at zero.
    small = squared < 1e-8
    safe = torch.where(small, torch.ones_like(squared), squared)
    angle = safe.sqrt()
    sine = torch.where(small, 1 - squared / 6, angle.sin() / angle)[..., None, None]
    cosine = torch.where(small, 0.5 - squared / 24, (1 - angle.cos()) / safe)[..., None, None]
    x, y, z = axis_angle.unbind(-1)
    o = torch.zeros_like(x)
    K = torch.stack([o, -z, y, z, o, -x, -y, x, o], dim=-1).reshape(*axis_angle.shape[:-1], 3, 3)
    eye = torch.eye(3, dtype=axis_angle.dtype, device=axis_angle.device)
    return eye + sine * K + cosine * (K @ K)


def joint_transforms(rotations: Tensor, joints: Tensor) -> tuple[Tensor, Tensor]:
    """Forward kinematics.

    Args:
        rotations: (B, 55, 3, 3) local rotations. joints: (B, 55, 3) rest positions, metres.

    Returns:
        (B, 55, 3, 3) global rotations and (B, 55, 3) posed joint positions.
    """
    batch = rotations.shape[0]
    joints = joints.expand(batch, -1, -1)
    offsets = joints.clone()
    offsets[:, 1:] = joints[:, 1:] - joints[:, _PARENTS[1:].to(joints.device)]
    global_rotations = [torch.empty(0)] * 55
    positions = [torch.empty(0)] * 55
    global_rotations[0], positions[0] = rotations[:, 0], offsets[:, 0]
    for level in _LEVELS[1:]:
        parents = _PARENTS[level].tolist()
        R_parent = torch.stack([global_rotations[p] for p in parents], dim=1)
        p_parent = torch.stack([positions[p] for p in parents], dim=1)
        level_list = level.tolist()
        R = R_parent @ rotations[:, level_list]
        p = p_parent + (R_parent @ offsets[:, level_list, :, None])[..., 0]
        for i, joint in enumerate(level_list):
            global_rotations[joint], positions[joint] = R[:, i], p[:, i]
    return torch.stack(global_rotations, dim=1), torch.stack(positions, dim=1)


def skin(rest: Tensor, joints: Tensor, weights: Tensor, rotations: Tensor, positions: Tensor) -> Tensor:
    """Blend the joints' rigid motions. rest (B, V, 3), weights (V, 55) to posed vertices (B, V, 3)."""
    batch = rotations.shape[0]
    translation = positions - (rotations @ joints.expand(batch, -1, -1)[..., None])[..., 0]
    motion = torch.cat([rotations.reshape(batch, 55, 9), translation], dim=-1)  # (B, 55, 12)
    blended = weights @ motion  # (B, V, 12)
    R = blended[..., :9].reshape(batch, -1, 3, 3)
    return (R @ rest[..., None])[..., 0] + blended[..., 9:]
