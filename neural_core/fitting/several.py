"""Several photos of one person in one pose tell each other what one cannot see: how limbs point in depth.

A fit knows how a limb lies in its picture to a few degrees; towards the camera it may be off by thirty, or point to the
wrong side. A photo from the side sees just that. So the directions of all limbs are found that agree with every photo
as far as it knows them, and each fit takes from them its depth, nothing else: in its picture it stays where it was.
Photos that show another pose change nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import roma
import torch
from torch import Tensor
from torch.nn import functional as F

from neural_core.body.model import BodyModel
from neural_core.body.skeleton import PARENTS
from neural_core.body.skinning import joint_transforms, rotation_matrices
from neural_core.fitting.limbs import LIMBS, PART_OF_JOINT, TRUNK_LINES
from neural_core.fitting.placement import shift_in_picture
from neural_core.fitting.result import BodyFit

_LINES = [*LIMBS, *TRUNK_LINES]
_BODY_JOINTS = 22


@dataclass(frozen=True)
class AgreementConfig:
    """All in radians.

    Attributes:
        in_picture, in_depth: what a fit knows of a limb's direction. level: how upright its world is.
        same_pose: two photos show one pose where half of the limbs lie nearer than this to what both say together.
            Held-out people: .016 to .043 in one pose, .08 to .34 in others; frames of a video .01 to .02, .05 to .13.
            same_limb: which limbs did not move even so.
    """

    in_picture: float = 0.05
    in_depth: float = 0.35
    level: float = 0.06
    same_pose: float = 0.045
    same_limb: float = 0.15
    rounds: int = 12


@dataclass(frozen=True)
class _Seen:
    """Of one fit: lines (L, 3) unit, rays (L, 3) unit towards them, joints (55, 3), turned (55, 3, 3) global."""

    lines: Tensor
    rays: Tensor
    joints: Tensor
    turned: Tensor


@torch.no_grad()
def agree(fits: Sequence[BodyFit], body: BodyModel, config: AgreementConfig = AgreementConfig()) -> list[BodyFit]:
    """The fits of several photos of one person, their limbs in depth as the other photos show them."""
    seen = [_seen(fit, body) for fit in fits]
    group = [0, *(k for k in range(1, len(fits)) if _one_pose(seen[0], seen[k], config))]
    if len(group) < 2:
        return list(fits)
    lines, turns = _common_lines([seen[k] for k in group], config)
    trusted = _still([seen[k] for k in group], lines, turns, config)
    corrected = {k: _corrected(fits[k], seen[k], turn @ lines.T, trusted, body) for k, turn in zip(group, turns)}
    return [corrected.get(k, fit) for k, fit in enumerate(fits)]


def _seen(fit: BodyFit, body: BodyModel) -> _Seen:
    local = rotation_matrices(fit.parameters.full_pose())
    rest = body.rest(fit.parameters)[1]
    turned, joints = joint_transforms(local, rest)
    joints = joints[0] + fit.parameters.transl[0]
    near, far = ([line[k] for line in _LINES] for k in range(2))
    rays = F.normalize(joints[far] - fit.camera.position.to(joints.device), dim=-1)
    return _Seen(F.normalize(joints[far] - joints[near], dim=-1), rays, joints, turned[0])


def _common_lines(seen: Sequence[_Seen], config: AgreementConfig) -> tuple[Tensor, Tensor]:
    """Lines (L, 3) in the first fit's world, and the rotation (N, 3, 3) from there into every fit's."""
    lines = seen[0].lines
    turns = torch.stack([_turn_between(lines, s.lines) for s in seen])
    for _ in range(config.rounds):
        turns = torch.stack([turns[0], *(_levelled(t, s, lines, config) for t, s in zip(turns[1:], seen[1:]))])
        normal = lines.new_zeros(len(lines), 3, 3)
        wanted = lines.new_zeros(len(lines), 3)
        for turn, s in zip(turns, seen):
            weight = _certainty(s, config)
            normal += turn.T @ weight @ turn
            wanted += (weight @ s.lines[..., None])[..., 0] @ turn
        lines = F.normalize(torch.linalg.solve(normal, wanted), dim=-1)
    return lines, turns


def _certainty(seen: _Seen, config: AgreementConfig) -> Tensor:
    """(L, 3, 3) inverse covariance of the lines a fit gives."""
    along = seen.rays[:, :, None] * seen.rays[:, None]
    across = torch.eye(3, device=along.device) - along
    return across / config.in_picture**2 + along / config.in_depth**2


def _turn_between(source: Tensor, target: Tensor) -> Tensor:
    """The turn about the vertical (3, 3) that brings directions (L, 3) closest to others: both worlds are upright."""
    flat = source[:, [0, 2]], target[:, [0, 2]]
    cosine = (flat[0] * flat[1]).sum()
    sine = (flat[0][:, 1] * flat[1][:, 0] - flat[0][:, 0] * flat[1][:, 1]).sum()
    return roma.rotvec_to_rotmat(torch.stack([0 * sine, torch.atan2(sine, cosine), 0 * sine]))


def _levelled(turn: Tensor, seen: _Seen, lines: Tensor, config: AgreementConfig) -> Tensor:
    """A Gauss-Newton step of a rotation (3, 3): the lines as that fit knows them, its world's vertical nearly ours."""
    here = lines @ turn.T
    weight = _certainty(seen, config)
    jacobian = -_cross(here)  # (L, 3, 3): a small turn w moves a line by w x line
    normal = (jacobian.mT @ weight @ jacobian).sum(0)
    gradient = (jacobian.mT @ weight @ (seen.lines - here)[..., None]).sum((0, 2))
    up = torch.tensor([0.0, 1.0, 0.0], device=turn.device)
    tilt = -_cross((turn @ up)[None])[0]
    normal = normal + tilt.T @ tilt / config.level**2
    gradient = gradient + tilt.T @ (up - turn @ up) / config.level**2
    return roma.rotvec_to_rotmat(torch.linalg.solve(normal, gradient)) @ turn


def _cross(v: Tensor) -> Tensor:
    """(..., 3, 3) with _cross(v) @ w = v x w."""
    x, y, z = v.unbind(-1)
    zero = torch.zeros_like(x)
    return torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], -1).view(*v.shape, 3)


def _one_pose(first: _Seen, other: _Seen, config: AgreementConfig) -> bool:
    both = [first, other]
    return bool(_apart(both, *_common_lines(both, config))[: len(LIMBS)].median() < config.same_pose)


def _still(seen: Sequence[_Seen], lines: Tensor, turns: Tensor, config: AgreementConfig) -> Tensor:
    """(L,) bool: lines that lie, in the picture of every photo, as all photos together say."""
    still = _apart(seen, lines, turns) < config.same_limb
    still[len(LIMBS) :] = still[len(LIMBS) :].all()
    return still


def _apart(seen: Sequence[_Seen], lines: Tensor, turns: Tensor) -> Tensor:
    """(L,) how far lines lie from the common ones in the picture that contradicts most."""
    apart = [_across(s.lines - lines @ turn.T, s.rays).norm(dim=-1) for s, turn in zip(seen, turns)]
    return torch.stack(apart).amax(0)


def _across(vectors: Tensor, rays: Tensor) -> Tensor:
    return vectors - (vectors * rays).sum(-1, keepdim=True) * rays


def _corrected(fit: BodyFit, seen: _Seen, common: Tensor, trusted: Tensor, body: BodyModel) -> BodyFit:
    """A fit whose trusted lines take their depth from the common ones (3, L) of its world."""
    depth = (common.T * seen.rays).sum(-1, keepdim=True) * seen.rays
    wanted = F.normalize(_across(seen.lines, seen.rays) + depth, dim=-1)
    wanted = torch.where(trusted[:, None], wanted, seen.lines)
    limbs = [roma.rotvec_to_rotmat(_shortest(a, b)) for a, b in zip(seen.lines, wanted)][: len(LIMBS)]
    trunk = torch.as_tensor(roma.special_procrustes(wanted[len(LIMBS) :].T @ seen.lines[len(LIMBS) :]))
    still = torch.eye(3, device=trunk.device)
    turns = torch.stack([*limbs, trunk, still])[PART_OF_JOINT.to(trunk.device)]
    turned = turns @ seen.turned
    parents = torch.tensor(PARENTS[1:], device=trunk.device)
    local = torch.cat([turned[:1], turned[parents].mT @ turned[1:]])
    posed = fit.parameters.with_full_pose(roma.rotmat_to_rotvec(local)[None])
    rest = body.rest(posed)[1]
    found = joint_transforms(local[None], rest)[1][0, :_BODY_JOINTS] + posed.transl[0]
    camera = fit.camera.to(found.device)
    before, after = camera.to_camera(seen.joints[:_BODY_JOINTS]), camera.to_camera(found)
    shift = shift_in_picture(after[None], before[None])[0] @ camera.R
    return replace(fit, parameters=replace(posed, transl=posed.transl + shift))


def _shortest(source: Tensor, target: Tensor) -> Tensor:
    """(3,) rotation vector that turns one direction into another on the shortest way."""
    axis = torch.linalg.cross(source, target)
    angle = torch.atan2(axis.norm(), (source * target).sum())
    return F.normalize(axis, dim=0) * angle
