"""People for the add-on's tests, described as the backend would, and what the core says they look like."""

import bpy
import numpy as np
import torch

from blender_addon.rig.description import AvatarDescription
from neural_core.body import BodyModel, BodyParameters, load_open_body
from neural_core.body.cloth_skin import ClothSkin
from neural_core.body.skeleton import JOINT_NAMES, PARENTS

_TEXTURE_SIZE = 64


def parameters(seed: int = 0, strength: float = 0.3) -> BodyParameters:
    """A person of some shape in a random pose with an expression."""
    generator = torch.Generator().manual_seed(seed)

    def normal(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=generator)

    zeros = BodyParameters.zeros(1, betas=normal(1, 20) * 0.8, transl=normal(1, 3))
    posed = zeros.with_full_pose(normal(1, 55, 3) * strength)
    return BodyParameters(**{**vars(posed), "expression": normal(1, 10), "actions": normal(1, 52).abs() * 0.2})


def clothed_offsets(body) -> torch.Tensor:
    """(V, 3) a loose garment: two centimetres outward around the hips."""
    rest = body.template
    outward = torch.nn.functional.normalize(rest * torch.tensor([1.0, 0.0, 1.0]), dim=1)
    near_hips = torch.exp(-(((rest[:, 1] - rest[:, 1].mean()) / 0.3) ** 2))
    return 0.02 * near_hips[:, None] * outward


def in_skirt() -> BodyModel:
    """The open body in cloth on its thighs that follows both and the pelvis, and has correctives of its own."""
    body = load_open_body()
    thighs = torch.nonzero(body.weights[:, 1:3].sum(1) > 0.9).flatten()
    weight = torch.tensor([0.5, 0.3, 0.2, 0.0, 0.0, 0.0, 0.0, 0.0]).expand(len(thighs), 8)
    swing = 0.05 * torch.randn(len(thighs), 3, 18, generator=torch.Generator().manual_seed(2))
    return ClothSkin(thighs, torch.arange(8).expand(len(thighs), 8), weight, torch.zeros(len(thighs)), swing).on(body)


def describe_arrays(
    person: BodyParameters | None = None, body: BodyModel | None = None
) -> tuple[dict, dict[str, np.ndarray]]:
    """What the backend's describe_avatar answers (docs/architecture.md), made here, by default from the open body."""
    body, person = body or load_open_body(), person or parameters()
    neutral = BodyParameters.zeros(1, betas=person.betas)
    rest, joints = body.rest(neutral)
    directions = body.pose_directions.to_sparse_coo().coalesce()
    value, joint = body.weights.topk(8, dim=1)
    offsets = torch.cat([body.expression_directions, body.action_directions], 2).permute(2, 0, 1)
    joint_offsets = torch.cat([body.joint_expression_directions, body.joint_action_directions], 2).permute(2, 0, 1)
    rows = np.linspace(0, 255, _TEXTURE_SIZE).astype(np.uint8)
    texture = np.empty((_TEXTURE_SIZE, _TEXTURE_SIZE, 4), np.uint8)
    texture[..., 0], texture[..., 1], texture[..., 2], texture[..., 3] = rows[:, None], rows[None], 128, 255
    arrays = {
        "rest_vertices": rest[0],
        "clothed_offsets": clothed_offsets(body),
        "faces": body.faces.int(),
        "loop_uv": body.uv[body.face_uv],
        "joints": joints[0],
        "weight_joint": joint.to(torch.uint8),
        "weight_value": value / value.sum(1, keepdim=True),
        "expression_offsets": offsets,
        "expression_joint_offsets": joint_offsets,
        "corrective_index": directions.indices()[0].int(),
        "corrective_feature": directions.indices()[1].short(),
        "corrective_value": directions.values(),
        "pose": person.full_pose()[0],
        "transl": person.transl[0],
        "expression": torch.cat([person.expression, person.actions], 1)[0],
        "hands_mean": body.hands_mean,
    }
    header = {
        "name": "Test Person",
        "path": "/nowhere/test.likeness",
        "joint_names": list(JOINT_NAMES),
        "parents": list(PARENTS),
        "expression_names": [f"Expression {k:02d}" for k in range(10)] + [f"action{k:02d}" for k in range(52)],
        "camera": None,
    }
    return header, {name: array.contiguous().numpy() for name, array in arrays.items()} | {"texture": texture}


def describe(person: BodyParameters | None = None, body: BodyModel | None = None) -> AvatarDescription:
    return AvatarDescription.from_wire(*describe_arrays(person, body))


def core_vertices(person: BodyParameters, body: BodyModel | None = None) -> np.ndarray:
    """(V, 3) what the core says the posed, clothed person looks like; core axes."""
    body = body or load_open_body()
    return body(person, clothed_offsets(body)).vertices[0].numpy()


def blender_vertices(mesh) -> np.ndarray:
    """(V, 3) the evaluated mesh in the world, Blender axes."""
    evaluated = mesh.evaluated_get(bpy.context.evaluated_depsgraph_get())
    flat = np.empty(3 * len(evaluated.data.vertices), np.float32)
    evaluated.data.vertices.foreach_get("co", flat)
    matrix = np.array(evaluated.matrix_world)
    return flat.reshape(-1, 3) @ matrix[:3, :3].T + matrix[:3, 3]
