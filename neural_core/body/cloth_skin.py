"""Cloth that moves otherwise than the limb below it: the vertices of a skirt are legs, but do not swing as legs do."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from neural_core.body.model import BodyModel
from neural_core.body.parameters import BodyParameters
from neural_core.body.skeleton import JOINT_INDEX
from neural_core.body.skinning import joint_transforms, rotation_matrices

INFLUENCES = 8  # joints per vertex, as the rig has
_FEATURES = 9  # of a joint: its R - I
_HIPS = [JOINT_INDEX["left_hip"], JOINT_INDEX["right_hip"]]


@dataclass(frozen=True)
class ClothSkin:
    """Skinning and pose correctives of some vertices, instead of the body's.

    Attributes:
        vertex: (n,) long, ascending. joint: (n, 8) long. weight: (n, 8), rows sum to one.
        skin: (n,) in [0, 1], how much of the body's own pose correctives stays: folds of skin are none of cloth.
        swing: (n, 3, 18) metres at rest per unit of (R - I) of the left and the right hip, row by row.
    """

    vertex: Tensor
    joint: Tensor
    weight: Tensor
    skin: Tensor
    swing: Tensor

    def on(self, body: BodyModel) -> BodyModel:
        """The body that poses these vertices so; unposed it is as it was."""
        own = self.to(body.device)
        weights = body.weights.clone()
        rows = torch.zeros_like(weights[own.vertex])
        weights[own.vertex] = rows.scatter_add_(1, own.joint, own.weight)
        return replace(body, weights=weights, pose_directions=own._correctives(body.pose_directions))

    def to(self, device: torch.device | str) -> "ClothSkin":
        return ClothSkin(**{name: tensor.to(device) for name, tensor in vars(self).items()})

    def _correctives(self, directions: Tensor) -> Tensor:
        """(V * 3, 486) sparse or dense, as those of the body are."""
        share = torch.ones(len(directions) // 3, device=directions.device)
        share[self.vertex] = self.skin
        hips = torch.cat([(joint - 1) * _FEATURES + torch.arange(_FEATURES) for joint in _HIPS]).to(share.device)
        axes = self.vertex[:, None] * 3 + torch.arange(3, device=share.device)
        own = torch.stack(torch.broadcast_tensors(axes[..., None], hips)).reshape(2, -1)
        if directions.layout == torch.strided:
            changed = directions * share.repeat_interleave(3)[:, None]
            changed[own[0], own[1]] += self.swing.reshape(-1)
            return changed
        entries = directions.to_sparse_coo().coalesce()
        value = entries.values() * share[entries.indices()[0] // 3]
        kept = value != 0
        return torch.sparse_coo_tensor(
            torch.cat([entries.indices()[:, kept], own], 1),
            torch.cat([value[kept], self.swing.reshape(-1)]),
            entries.shape,
            check_invariants=True,
        ).coalesce()

    def to_tensors(self) -> dict[str, Tensor]:
        """What a file keeps."""
        kept = {name: tensor.float() for name, tensor in vars(self).items()}
        return kept | {"vertex": self.vertex.int(), "joint": self.joint.to(torch.uint8)}

    @staticmethod
    def from_tensors(tensors: dict[str, Tensor], num_vertices: int) -> "ClothSkin":
        """What `to_tensors` gave, from anybody's file, for a mesh of so many vertices; raises KeyError, ValueError."""
        vertex, joint = tensors["vertex"].long(), tensors["joint"].long()
        weight, skin, swing = (tensors[name].float() for name in ("weight", "skin", "swing"))
        n = vertex.numel()
        wanted = {
            "vertex": (n,),
            "joint": (n, INFLUENCES),
            "weight": (n, INFLUENCES),
            "skin": (n,),
            "swing": (n, 3, 18),
        }
        for name, shape in wanted.items():
            if tuple(tensors[name].shape) != shape:
                raise ValueError(f"skin.{name} has shape {tuple(tensors[name].shape)}")
        sound = {
            "vertex": bool((vertex.diff() > 0).all() and (vertex >= 0).all() and (vertex < num_vertices).all()),
            "joint": bool((joint >= 0).all() and (joint < len(JOINT_INDEX)).all()),
            "weight": bool((weight >= 0).all() and ((weight.sum(1) - 1).abs() < 1e-3).all()),
            "skin": bool((skin >= 0).all() and (skin <= 1).all()),
        }
        for name, fine in sound.items():
            if not fine:
                raise ValueError(f"skin.{name} holds values that cannot be")
        return ClothSkin(vertex, joint, weight, skin, swing)


@torch.no_grad()
def rest_offsets_of(body: BodyModel, parameters: BodyParameters, vertices: Tensor) -> Tensor:
    """(V, 3) rest offsets with which `body` in `parameters` (batch 1) has `vertices` (V, 3): skinning, backwards."""
    rest, joints = body.rest(parameters)
    local = rotation_matrices(parameters.full_pose())
    rest = (rest + body.pose_correctives(local))[0]
    turns, positions = (x[0] for x in joint_transforms(local, joints))
    shift = positions + parameters.transl[0] - (turns @ joints[0][..., None])[..., 0]
    turn = torch.einsum("vj,jab->vab", body.weights, turns)
    return torch.linalg.solve(turn, (vertices - body.weights @ shift)[..., None])[..., 0] - rest
