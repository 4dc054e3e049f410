"""From anny's A-pose to the SMPL-X rest pose: T, palms down, flat hands.

Each bone is turned to a fixed direction; the mesh follows by *inverse* skinning, so that posing back with the same
rotations reproduces anny's A-pose exactly. The directions are those of published SMPL-X skeletons, approximately.
"""

import torch
from torch import Tensor

from neural_core.body.building.source import FINGERS
from neural_core.body.skeleton import JOINT_INDEX, PARENTS

PELVIS = torch.tensor([0.0, -0.351, 0.012])  # where SMPL-X has it, for all shapes
_FOREARM_TWIST = 0.6  # share of the palm's twist taken by the forearm


def unit(x: Tensor) -> Tensor:
    return x / x.norm(dim=-1, keepdim=True)


def apply(R: Tensor, x: Tensor) -> Tensor:
    return (R @ x[..., None])[..., 0]


def cross_matrix(x: Tensor) -> Tensor:
    o = torch.zeros_like(x[..., 0])
    a, b, c = x.unbind(-1)
    return torch.stack([o, -c, b, c, o, -a, -b, a, o], -1).reshape(*x.shape[:-1], 3, 3)


def align(a: Tensor, b: Tensor) -> Tensor:
    """Smallest rotations (n, 3, 3) that turn directions a (n, 3) into b (3,) or (n, 3)."""
    a, b = unit(a), unit(b).expand_as(a)
    K = cross_matrix(torch.linalg.cross(a, b))
    cosine = (a * b).sum(-1)[..., None, None]
    return torch.eye(3) + K + K @ K / (1 + cosine)


def about(axis: Tensor, angle: Tensor) -> Tensor:
    """Rotations (n, 3, 3) by angles (n,) about an axis (3,)."""
    K = cross_matrix(unit(axis).expand(*angle.shape, 3))
    return torch.eye(3) + angle.sin()[..., None, None] * K + (1 - angle.cos())[..., None, None] * (K @ K)


def _twist(a: Tensor, b: Tensor, axis: Tensor) -> Tensor:
    """Angle about `axis` from a (n, 3) to b (3,)."""
    a = a - (a * axis).sum(-1, keepdim=True) * axis
    b = (b - (b * axis).sum(-1, keepdim=True) * axis).expand_as(a)
    return torch.atan2((torch.linalg.cross(a, b) * axis).sum(-1), (a * b).sum(-1))


def rest_rotations(joints: Tensor, tips: dict) -> Tensor:
    """Global rotations (n, 55, 3, 3) from the A-pose to the rest pose, for joints (n, 55, 3)."""
    n = len(joints)
    R = torch.eye(3).repeat(n, 55, 1, 1)
    for side, s in (("left", 1.0), ("right", -1.0)):
        _turn_leg(R, joints, side, s)
        _turn_arm(R, joints, tips, side, s)
    return R


def _turn_leg(R, joints, side, s):
    at = {k: JOINT_INDEX[f"{side}_{k}"] for k in ("hip", "knee", "ankle", "foot")}
    thigh, shin = torch.tensor([s * 0.09, -1, -0.012]), torch.tensor([-s * 0.034, -1, -0.11])
    R[:, at["hip"]] = align(joints[:, at["knee"]] - joints[:, at["hip"]], thigh)
    hanging = apply(R[:, at["hip"]], joints[:, at["ankle"]] - joints[:, at["knee"]])
    R[:, at["knee"]] = align(hanging, shin) @ R[:, at["hip"]]
    yaw = about(torch.tensor([0.0, 1, 0]), torch.full((len(joints),), s * torch.pi / 18))  # feet 10 degrees out
    R[:, at["ankle"]] = R[:, at["foot"]] = yaw


def _turn_arm(R, joints, tips, side, s):
    def p(name):
        return joints[:, JOINT_INDEX[f"{side}_{name}"]]

    outward = torch.tensor([s, 0.0, 0.0])
    upper, fore = unit(torch.tensor([s, -0.06, -0.09])), unit(torch.tensor([s, 0.05, -0.03]))
    shoulder = align(p("elbow") - p("shoulder"), upper)
    bend_axis = apply(shoulder, torch.linalg.cross(p("elbow") - p("shoulder"), p("wrist") - p("elbow")))
    shoulder = about(upper, _twist(bend_axis, torch.tensor([0.0, -s, 0.0]), upper)) @ shoulder
    elbow = align(apply(shoulder, p("wrist") - p("elbow")), fore) @ shoulder
    wrist = align(apply(elbow, 0.5 * (p("middle1") + p("ring1")) - p("wrist")), outward) @ elbow
    palm = apply(wrist, p("index1") - p("wrist")), apply(wrist, p("pinky1") - p("wrist"))
    turn = _twist(torch.linalg.cross(*palm) * s, torch.tensor([0.0, 1.0, 0.0]), outward)
    R[:, JOINT_INDEX[f"{side}_shoulder"]] = shoulder
    R[:, JOINT_INDEX[f"{side}_elbow"]] = about(fore, _FOREARM_TWIST * turn) @ elbow
    wrist = about(outward, turn) @ wrist
    R[:, JOINT_INDEX[f"{side}_wrist"]] = wrist
    for finger in FINGERS:
        chain = [JOINT_INDEX[f"{side}_{finger}{i}"] for i in (1, 2, 3)]
        if finger == "thumb":  # stays as anny has it
            R[:, chain] = wrist[:, None]
            continue
        points = [*(joints[:, j] for j in chain), tips[(side, finger)]]
        # Straight and in the plane of the palm, with the natural spread damped.
        target = unit(unit(apply(wrist, points[3] - points[0])) * torch.tensor([1.0, 0.0, 0.6]))
        turned = wrist
        for q, j in enumerate(chain):
            turned = align(apply(turned, points[q + 1] - points[q]), target) @ turned
            R[:, j] = turned


def rest_joints(joints: Tensor, R: Tensor) -> Tensor:
    """Joints (n, 55, 3) after the rotations, pelvis at SMPL-X's place."""
    posed = torch.zeros_like(joints)
    posed[:, 0] = PELVIS
    for j in range(1, 55):
        parent = PARENTS[j]
        posed[:, j] = posed[:, parent] + apply(R[:, parent], joints[:, j] - joints[:, parent])
    return posed


def blend(weights: Tensor, R: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
    """Blended affine maps (n, V, 3, 3), (n, V, 3) of the joints' motions (n, 55, ...)."""
    n = len(R)
    motion = torch.einsum("vj,njk->nvk", weights, torch.cat([R.reshape(n, 55, 9), t], -1))
    return motion[..., :9].reshape(n, -1, 3, 3), motion[..., 9:]


def to_rest_pose(weights: Tensor, vertices: Tensor, joints: Tensor, tips: dict) -> tuple[Tensor, Tensor, Tensor]:
    """Vertices (n, V, 3), joints (n, 55, 3) in the rest pose, and the rotations that led there."""
    R = rest_rotations(joints, tips)
    rest = rest_joints(joints, R)
    back = R.transpose(-1, -2)
    A, b = blend(weights, back, joints - apply(back, rest))
    return torch.linalg.solve(A, (vertices - b)[..., None])[..., 0], rest, R
