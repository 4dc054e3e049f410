"""What Blender builds a rig from: skeleton, surface, weights, shapes and texture of one avatar."""

from pathlib import Path

import torch
from torch import Tensor

from neural_core.avatar import Avatar, to_bytes
from neural_core.backend.cache import Cache
from neural_core.backend.requests import text
from neural_core.backend.server import Answer
from neural_core.body import BodyModel, BodyParameters
from neural_core.body.actions import ACTION_NAMES
from neural_core.body.parameters import NUM_EXPRESSION
from neural_core.body.skeleton import JOINT_NAMES, PARENTS
from neural_core.wire import Message

_INFLUENCES = 8  # per vertex; what glTF carries in two sets, and all the open body has
_SMALLEST_CORRECTIVE = 1e-7  # metres per unit of (R - I); a licensed dense SMPL-X file stays sendable
EXPRESSION_NAMES = (*(f"Expression {k:02d}" for k in range(NUM_EXPRESSION)), *ACTION_NAMES)


def describe(request: Message, cache: Cache) -> Answer:
    """Answer `describe_avatar` of docs/architecture.md; raises RequestError or AvatarFileError."""
    path = text(request, "path")
    avatar = cache.avatar(path)
    body = cache.body(avatar)
    information = {
        "name": Path(path).stem,
        "path": path,
        "joint_names": list(JOINT_NAMES),
        "parents": list(PARENTS),
        "expression_names": list(EXPRESSION_NAMES),
        "camera": avatar.camera.to_json(),
        "fit_errors": avatar.fit_errors,
        "provenance": avatar.provenance,
        "guessed": list(avatar.guessed),
    }
    return information, {name: t.detach().contiguous().numpy() for name, t in _tensors(avatar, body).items()}


def _tensors(avatar: Avatar, body: BodyModel) -> dict[str, Tensor]:
    parameters = avatar.parameters
    rest, joints = body.rest(BodyParameters.zeros(1, betas=parameters.betas))
    weight, joint = body.weights.topk(_INFLUENCES, dim=1)
    index, feature, value = _sparse(body.pose_directions)
    expressions = torch.cat([body.expression_directions, body.action_directions], dim=2)  # (V, 3, 62)
    joint_expressions = torch.cat([body.joint_expression_directions, body.joint_action_directions], dim=2)
    return {
        "rest_vertices": rest[0],
        "clothed_offsets": avatar.rest_offsets.float(),
        "faces": body.faces.int(),
        "loop_uv": body.uv[body.face_uv],
        "joints": joints[0],
        "weight_joint": joint.to(torch.uint8),
        "weight_value": weight / weight.sum(1, keepdim=True),
        "expression_offsets": expressions.permute(2, 0, 1),
        "expression_joint_offsets": joint_expressions.permute(2, 0, 1),
        "corrective_index": index.int(),
        "corrective_feature": feature.short(),
        "corrective_value": value,
        "pose": parameters.full_pose()[0],
        "transl": parameters.transl[0],
        "expression": torch.cat([parameters.expression, parameters.actions], dim=1)[0],
        "hands_mean": body.hands_mean,
        "texture": _opaque(avatar.texture.detail),
    }


def _sparse(directions: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Row (vertex * 3 + axis), feature and value of the correctives (V * 3, 486), whatever their layout."""
    entries = directions.to_sparse_coo().coalesce()
    row, feature = entries.indices()
    kept = entries.values().abs() > _SMALLEST_CORRECTIVE
    return row[kept], feature[kept], entries.values()[kept]


def _opaque(picture: Tensor) -> Tensor:
    """(3, R, R) sRGB as opaque (R, R, 4) uint8, row 0 on top."""
    rgb = to_bytes(picture).permute(1, 2, 0)
    return torch.cat([rgb, torch.full_like(rgb[..., :1], 255)], dim=2)
