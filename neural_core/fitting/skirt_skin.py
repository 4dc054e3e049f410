"""How a skirt moves: as one sheet round both legs, not as two legs.

Where a vertex hangs in the photo's pose, and nothing else, says how it moves; the two halves of a skirt lie in each
other there, so they stay in each other. Cloth beside a leg swings with that leg, cloth between both with both. What a
striding leg does not reach hangs from the pelvis instead: a linear corrective, as those of the body, learnt from
strides, and from laps, where cloth lies on the thighs and follows them.
"""

import itertools
import math
from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from neural_core.body.cloth_skin import INFLUENCES, ClothSkin, rest_offsets_of
from neural_core.body.model import BodyModel
from neural_core.body.parameters import BodyParameters
from neural_core.body.skeleton import JOINT_INDEX
from neural_core.fitting.clothing_regions import smoothstep
from neural_core.fitting.skirt_evidence import leg_middle

# Metres.
_PELVIS = (-0.10, 0.06)  # below and above the hips: between them cloth goes from thighs to pelvis
_KNEE = 0.06  # below and above a knee: from thigh to shin
_APART = 0.05  # half of it at least between two legs' axes, over which cloth goes from one to the other
_NEAR = 0.02  # of a leg's axis, where there is no direction away from it
_SLACK = 0.03  # added to every stride: at the hips there is none
_RADII = 0.01  # between heights at which legs are measured
_STRIDE = 0.45  # radians: legs of a walk reach so far
_LEAST = 0.2  # share of a leg's motion that cloth takes part in, and if that leg never reached it
_STRIDES = (-0.45, -0.25, 0.0, 0.25, 0.45)  # radians of both hips, that teach how cloth hangs,
_ASIDE = ((0.2, -0.2), (-0.15, 0.15), (0.2, 0.2), (-0.2, -0.2), (0.35, -0.35))  # left and right, to the side,
_LIFTED = ((-1.0, -1.0), (-1.5, -1.5), (-1.8, -1.8), (-1.5, -1.2), (-1.2, -1.5))  # and how it lies on a lap
_LAP = 0.1  # weight of those
_RIDGE = 1e-3


def moving_as_one(
    body: BodyModel, worn: Sequence[tuple[BodyParameters, Tensor, Tensor]], rest_offsets: Tensor
) -> tuple[Tensor, ClothSkin]:
    """Rest offsets (V, 3) and skinning with which a skirt looks in each photo's pose as it was hung there.

    Args:
        worn: of each photo that shows it pose (batch 1), rest offsets (V, 3) by the body's own skinning and `hanging`.
            The first one's skinning is used. rest_offsets: (V, 3) of all clothes, kept where no skirt hangs.
    """
    pose, offsets, hanging = worn[0]
    skin = skirt_skin(body, pose, offsets, hanging)
    moving = skin.on(body)
    shapes = [rest_offsets_of(moving, pose, body(pose, offsets).vertices[0]) for pose, offsets, _ in worn]
    return torch.where(hanging[:, None] > 0, torch.stack(shapes).mean(0), rest_offsets), skin


@torch.no_grad()
def skirt_skin(body: BodyModel, parameters: BodyParameters, offsets: Tensor, hanging: Tensor) -> ClothSkin:
    """Skinning of a skirt.

    Args:
        parameters: batch 1, the pose in which it was hung. offsets: (V, 3) rest offsets of the clothes by the body's
            own skinning. hanging: (V,) in [0, 1], how far a vertex is part of the skirt.
    """
    vertex = torch.nonzero(hanging > 0).flatten()
    posed = body(parameters, offsets)
    cloth, share, points = body.subset(vertex), hanging[vertex], posed.vertices[0, vertex]
    left, thigh, knees = _sides(posed.joints[0], points)
    reached = _reached(posed.joints[0], points, left, _leg_radius(body, parameters, points[:, 1]))

    def skinned(thigh: Tensor) -> BodyModel:
        weights = torch.zeros_like(cloth.weights)
        weights[:, JOINT_INDEX["pelvis"]] = 1 - thigh
        for side, of_side, below in (("left", left, knees[0]), ("right", 1 - left, knees[1])):
            weights[:, JOINT_INDEX[f"{side}_hip"]] = thigh * of_side * (1 - below)
            weights[:, JOINT_INDEX[f"{side}_knee"]] = thigh * of_side * below
        weights = cloth.weights.lerp(weights, share[:, None])
        kept, joint = weights.topk(INFLUENCES, dim=1)
        weights = torch.zeros_like(weights).scatter_(1, joint, kept / kept.sum(1, keepdim=True))
        return replace(cloth, weights=weights, pose_directions=torch.zeros_like(cloth.pose_directions))

    following, hung = skinned(thigh), skinned(thigh * reached)
    swing = _swing(following, hung, parameters, points)
    weight, joint = following.weights.topk(INFLUENCES, dim=1)
    return ClothSkin(vertex, joint, weight, 1 - share, swing)


def _sides(joints: Tensor, points: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """For points (n, 3) in the pose of joints (55, 3), in [0, 1]: (n,) how far cloth belongs to the left leg, (n,) to
    legs rather than the pelvis, (2, n) to the left and the right shin rather than the thigh."""
    height = points[:, 1]
    left, right = (leg_middle(joints, height, side) for side in ("left", "right"))
    half = (left - right) / 2
    size = half.norm(dim=1).clamp(min=1e-6)
    along = ((points[:, [0, 2]] - (left + right) / 2) * half).sum(1) / size
    hip = float(joints[[JOINT_INDEX["left_hip"], JOINT_INDEX["right_hip"]], 1].mean())
    thigh = 1 - smoothstep(height, hip + _PELVIS[0], hip + _PELVIS[1])
    knees = [float(joints[JOINT_INDEX[f"{side}_knee"], 1]) for side in ("left", "right")]
    shins = torch.stack([1 - smoothstep(height, knee - _KNEE, knee + _KNEE) for knee in knees])
    return smoothstep(along / size.clamp(min=_APART), -1.0, 1.0), thigh, shins


def _reached(joints: Tensor, points: Tensor, left: Tensor, radius: Tensor) -> Tensor:
    """(n,) in [0, 1], how far cloth at points (n, 3) goes with the legs when they stride: the part of a stride by which
    a leg pushes it, over the whole way of that leg from where it stands in the photo."""
    hips = joints[[JOINT_INDEX["left_hip"], JOINT_INDEX["right_hip"]]]
    ends = hips[:, [0, 2]]
    across = (ends[0] - ends[1]) / 2
    size = across.norm().clamp(min=1e-6)
    place = points[:, [0, 2]] - ends.mean(0)
    along = (place @ (across / size)).clamp(-size, size)
    away = place - along[:, None] * across / size  # from where legs hang straight
    distance = away.norm(dim=1)
    outwards = away / distance.clamp(min=_NEAR)[:, None]
    legs = [leg_middle(joints, points[:, 1], side) - end for side, end in zip(("left", "right"), ends)]
    standing = (torch.lerp(legs[1], legs[0], left[:, None]) * outwards).sum(1)
    stride = math.tan(_STRIDE) * (hips[:, 1].mean() - points[:, 1]).clamp(min=0) + _SLACK
    room = torch.maximum(distance - radius, standing)
    reached = ((stride - room) / (stride - standing).clamp(min=_NEAR)).clamp(0, 1)
    return _LEAST + (1 - _LEAST) * reached


def _leg_radius(body: BodyModel, parameters: BodyParameters, height: Tensor) -> Tensor:
    """(n,) metres from a bare leg's axis to its skin, at heights (n,)."""
    posed = body(parameters)
    vertices, joints = posed.vertices[0], posed.joints[0]
    hip = float(joints[[JOINT_INDEX["left_hip"], JOINT_INDEX["right_hip"]], 1].mean())
    ankle = float(joints[[JOINT_INDEX["left_ankle"], JOINT_INDEX["right_ankle"]], 1].mean())
    levels = torch.arange(ankle, hip, _RADII, device=height.device)
    total, count = torch.zeros_like(levels), torch.zeros_like(levels)
    for side in ("left", "right"):
        own = body.weights[:, [JOINT_INDEX[f"{side}_hip"], JOINT_INDEX[f"{side}_knee"]]].sum(1) > 0.9
        skin = vertices[own]
        radius = (skin[:, [0, 2]] - leg_middle(joints, skin[:, 1], side)).norm(dim=1)
        near = ((skin[:, 1, None] - levels).abs() < 2 * _RADII).to(radius)  # (m, L)
        total, count = total + radius @ near, count + near.sum(0)
    known = torch.nonzero(count > 0).flatten()
    radius = (total / count.clamp(min=1))[known]
    nearest = (height[:, None] - levels[known]).abs().argmin(1)
    return radius[nearest]


def _swing(following: BodyModel, hung: BodyModel, parameters: BodyParameters, points: Tensor) -> Tensor:
    """(n, 3, 18) correctives that bring cloth which follows the legs to where it hangs in strides: least squares."""
    strides = list(itertools.product(_STRIDES, repeat=2))
    aside = [(flexion, -flexion, *pair) for pair in _ASIDE for flexion in (-0.3, 0.0, 0.3)]
    laps = [(*pair, out, -out) for pair in _LIFTED for out in (-0.1, 0.2)]
    samples = [
        *((*pair, 0.0, 0.0, 1.0, 1.0) for pair in strides),
        *((*four, 1.0, 1.0) for four in aside),
        *((*four, 0.0, _LAP) for four in laps),
    ]
    left, right, left_out, right_out, hangs, weight = torch.tensor(samples, device=points.device).T
    pose = torch.zeros(len(samples), 21, 3, device=points.device)
    pose[:, JOINT_INDEX["left_hip"] - 1] = torch.stack([left, torch.zeros_like(left), left_out], 1)
    pose[:, JOINT_INDEX["right_hip"] - 1] = torch.stack([right, torch.zeros_like(right), right_out], 1)
    betas = parameters.betas.expand(len(samples), -1)
    people = BodyParameters.zeros(len(samples), device=points.device, betas=betas, body_pose=pose)
    there, here = (
        model(people, rest_offsets_of(model, parameters, points), correctives=False) for model in (hung, following)
    )
    turn = torch.einsum("vj,sjab->svab", following.weights, here.rotations)
    wanted = torch.linalg.solve(turn, (there.vertices - here.vertices)[..., None])[..., 0]
    wanted = (wanted * hangs[:, None, None]).reshape(len(samples), -1).double()
    hips = here.rotations[:, [JOINT_INDEX["left_hip"], JOINT_INDEX["right_hip"]]]  # the pelvis is not turned
    features = (hips - torch.eye(3, device=points.device)).reshape(len(samples), 18).double()
    # A constant is learnt with them and left out: the photo's pose says where cloth is, not the rest pose.
    design = torch.cat([features, torch.ones_like(features[:, :1])], 1)
    ridge = _RIDGE * len(samples) * torch.eye(19, dtype=torch.float64, device=points.device)
    ridge[18, 18] = 0
    weighted = design * weight[:, None].double()
    solved = torch.linalg.solve(weighted.T @ design + ridge, weighted.T @ wanted)[:18]
    return solved.reshape(18, len(points), 3).permute(1, 2, 0).float().contiguous()
