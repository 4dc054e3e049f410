"""Sparse pose correctives: what linear blend skinning lacks of a volume-keeping skin.

Learned per joint, towards 0.7 dual-quaternion + 0.3 linear skinning (Kavan et al. 2008; dual quaternions alone
bulge), as a linear function of the nine numbers R_j - I, in the smplx layout. Left fitted, right mirrored.
"""

import numpy as np
import roma
import torch
from torch import Tensor

from neural_core.body.building.rest_pose import about, apply, blend, unit
from neural_core.body.building.source import MIRRORED_JOINTS
from neural_core.body.skeleton import JOINT_NAMES, PARENTS
from neural_core.body.skinning import joint_transforms

_DUAL_SHARE = 0.7
_SAMPLES = 80
_RIDGE = 0.3
_SMALLEST = 2e-5  # metres; smaller entries are dropped
_RANGE = {  # degrees each joint is trained for
    "hip": 100, "knee": 120, "ankle": 50, "foot": 50, "spine": 40, "neck": 50, "collar": 35, "head": 50,
    "shoulder": 100, "elbow": 130, "wrist": 80, "jaw": 30, "index": 90, "middle": 90, "pinky": 90, "ring": 90,
    "thumb": 60,
}  # fmt: skip


def pose_correctives(template: np.ndarray, joints: np.ndarray, weights: np.ndarray, mirror: np.ndarray) -> np.ndarray:
    """(N, 3, 486) for the mean body: template (N, 3), joints (55, 3), weights (N, 55)."""
    torch.manual_seed(0)
    v, J, W = (torch.tensor(x, dtype=torch.float32) for x in (template, joints, weights))
    learned = torch.zeros(len(v), 3, 54, 9)
    for j in range(1, 55):
        name = JOINT_NAMES[j]
        if name.startswith("right") or "eye" in name:
            continue
        degrees = next(d for key, d in _RANGE.items() if name.split("_")[-1].startswith(key))
        rows, values = _fit_joint(j, np.deg2rad(degrees), v, J, W)
        learned[rows, :, j - 1] = values
    flip = torch.tensor([-1.0, 1.0, 1.0])
    for j in range(1, 55):
        if JOINT_NAMES[j].startswith("left"):
            x = learned[:, :, j - 1].reshape(-1, 3, 3, 3) * flip[:, None, None] * flip[:, None] * flip
            learned[torch.tensor(mirror), :, MIRRORED_JOINTS[j] - 1] = x.reshape(-1, 3, 9)
        elif MIRRORED_JOINTS[j] == j:
            x = learned[:, :, j - 1].reshape(-1, 3, 3, 3) * flip[:, None, None] * flip[:, None] * flip
            learned[:, :, j - 1] = (learned[:, :, j - 1] + x.reshape(-1, 3, 9)[torch.tensor(mirror)]) / 2
    learned[learned.abs() < _SMALLEST] = 0
    return learned.reshape(len(v), 3, 486).numpy()


def _fit_joint(j: int, largest: float, v: Tensor, J: Tensor, W: Tensor) -> tuple[Tensor, Tensor]:
    """Vertices (m,) that joint j bends, and their correctives (m, 3, 9)."""
    moving = [j]
    for child in range(j + 1, 55):
        if PARENTS[child] in moving:
            moving.append(child)
    share = W[:, moving].sum(1)
    rows = torch.where((share > 1e-3) & (share < 1 - 1e-3))[0]
    axes, angles = unit(torch.randn(_SAMPLES, 3)), torch.rand(_SAMPLES) * largest
    local = torch.stack([about(axis, angle) for axis, angle in zip(axes, angles, strict=True)])
    rotations = torch.eye(3).repeat(_SAMPLES, 55, 1, 1)
    rotations[:, j] = local
    G, P = joint_transforms(rotations, J.expand(_SAMPLES, -1, -1))
    t = P - apply(G, J.expand(_SAMPLES, -1, -1))
    A, b = blend(W[rows], G, t)
    linear = apply(A, v[rows]) + b
    wanted = _DUAL_SHARE * (_dual_quaternion_skin(G, t, v[rows], W[rows]) - linear)
    features = (local - torch.eye(3)).reshape(_SAMPLES, 9)
    K = torch.einsum("nvab,np->vnabp", A, features).reshape(len(rows), _SAMPLES * 3, 27)
    y = wanted.permute(1, 0, 2).reshape(len(rows), _SAMPLES * 3, 1)
    normal = K.transpose(1, 2) @ K + _RIDGE * torch.eye(27)
    return rows, torch.linalg.solve(normal, K.transpose(1, 2) @ y).reshape(len(rows), 3, 9)


def _dual_quaternion_skin(G: Tensor, t: Tensor, v: Tensor, W: Tensor) -> Tensor:
    """(n, m, 3) for joint motions G (n, 55, 3, 3), t (n, 55, 3); roma's quaternions are x, y, z, w."""
    real = roma.rotmat_to_unitquat(G)
    dual = 0.5 * roma.quat_product(torch.cat([t, torch.zeros_like(t[..., :1])], -1), real)
    strongest = W.argmax(1)
    out = []
    for r, d in zip(real, dual, strict=True):
        sign = torch.sign((r[None] * r[strongest][:, None]).sum(-1))  # antipodal quaternions cancel otherwise
        w = W * torch.where(sign == 0, torch.ones_like(sign), sign)
        a, b = w @ r, w @ d
        length = a.norm(dim=-1, keepdim=True)
        a, b = a / length, b / length
        shift = 2 * roma.quat_product(b, torch.cat([-a[:, :3], a[:, 3:]], -1))[:, :3]
        out.append(apply(roma.unitquat_to_rotmat(a), v) + shift)
    return torch.stack(out)
