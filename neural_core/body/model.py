"""The parametric body: shape, expression, pose correctives and skinning, in the SMPL-X layout."""

from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from neural_core.body.landmarks import BodyLandmarks
from neural_core.body.parameters import BodyParameters
from neural_core.body.skinning import joint_transforms, rotation_matrices, skin


@dataclass(frozen=True)
class BodyOutput:
    """A posed body.

    Attributes:
        vertices: (B, V, 3) metres, y up. joints: (B, 55, 3).
        rotations: (B, 55, 3, 3) global rotations of the joints.
    """

    vertices: Tensor
    joints: Tensor
    rotations: Tensor


@dataclass(frozen=True)
class BodyModel:
    """Any body in the SMPL-X layout: the open one, or a licensed SMPL-X file of the user.

    Attributes:
        name: what file and version this body is, kept in every avatar.
        template: (V, 3) mean shape at rest, T pose, facing +z, y up, metres.
        faces: (F, 3) long, counter-clockwise seen from outside.
        uv: (T, 2) texture coordinates in [0, 1], v up. face_uv: (F, 3) long into `uv`.
        shape_directions: (V, 3, 20), expression_directions: (V, 3, 10), action_directions: (V, 3, 52).
        pose_directions: (V * 3, 486) sparse or dense, correctives against (R_j - I) of joints 1..54.
        joint_template: (55, 3) rest joints of the mean body; joint_shape_directions: (55, 3, 20);
        joint_expression_directions: (55, 3, 10); joint_action_directions: (55, 3, 52).
        weights: (V, 55) skinning weights, rows sum to one.
        mirror: (V,) long, the vertex on the other side; None when the mesh is not symmetric.
        landmarks: where detectors' points lie on this body.
        hands_mean: (30, 3) axis-angle of relaxed hands, left then right.
        joint_regressor: (55, V) sparse, from which the joint directions follow; None in a subset.
    """

    name: str
    template: Tensor
    faces: Tensor
    uv: Tensor
    face_uv: Tensor
    shape_directions: Tensor
    expression_directions: Tensor
    action_directions: Tensor
    pose_directions: Tensor
    joint_template: Tensor
    joint_shape_directions: Tensor
    joint_expression_directions: Tensor
    joint_action_directions: Tensor
    weights: Tensor
    mirror: Tensor | None
    landmarks: BodyLandmarks
    hands_mean: Tensor
    joint_regressor: Tensor | None = None

    @staticmethod
    def with_regressor(regressor: Tensor, **given: Any) -> "BodyModel":
        """A body whose joints are linear in its vertices; `given` are all fields but those of the joints."""

        def joints(field: Tensor) -> Tensor:  # (V, ...) to (55, ...), in double: the trunk's rows have large weights
            flat = regressor.double() @ field.double().reshape(field.shape[0], -1)
            return flat.float().reshape(55, *field.shape[1:])

        return BodyModel(
            joint_regressor=regressor,
            joint_template=joints(given["template"]),
            joint_shape_directions=joints(given["shape_directions"]),
            joint_expression_directions=joints(given["expression_directions"]),
            joint_action_directions=joints(given["action_directions"]),
            **given,
        )

    @property
    def device(self) -> torch.device:
        return self.template.device

    @property
    def num_vertices(self) -> int:
        return self.template.shape[0]

    def to(self, device: torch.device | str) -> "BodyModel":
        tensors = {f.name: getattr(self, f.name) for f in fields(self)}
        moved = {k: v.to(device) for k, v in tensors.items() if isinstance(v, Tensor)}
        return replace(self, landmarks=self.landmarks.to(device), **moved)

    def rest(self, parameters: BodyParameters) -> tuple[Tensor, Tensor]:
        """Shaped body before posing: rest vertices (B, V, 3) and rest joints (B, 55, 3)."""
        coefficients = torch.cat([parameters.betas, parameters.expression, parameters.actions], dim=1)  # (B, 82)
        vertices = (coefficients @ self._directions).reshape(len(coefficients), -1, 3)
        joints = (coefficients @ self._joint_directions).reshape(len(coefficients), -1, 3)
        return self.template + vertices, self.joint_template + joints

    def pose_correctives(self, rotations: Tensor) -> Tensor:
        """Rest-pose vertex offsets (B, V, 3) for local joint rotations (B, 55, 3, 3)."""
        eye = torch.eye(3, dtype=rotations.dtype, device=rotations.device)
        features = (rotations[:, 1:] - eye).reshape(rotations.shape[0], -1)  # (B, 486)
        return (self.pose_directions @ features.T).T.reshape(rotations.shape[0], -1, 3)

    def __call__(
        self,
        parameters: BodyParameters,
        rest_offsets: Tensor | None = None,
        correctives: bool = True,
    ) -> BodyOutput:
        """Pose the body.

        Args:
            parameters: batch B. rest_offsets: (V, 3) or (B, V, 3) added in the rest pose (clothed shape), metres.
            correctives: include the pose correctives.
        """
        rest, joints = self.rest(parameters)
        if rest_offsets is not None:
            rest = rest + rest_offsets
        rotations = rotation_matrices(parameters.full_pose())
        if correctives:
            rest = rest + self.pose_correctives(rotations)
        global_rotations, positions = joint_transforms(rotations, joints)
        vertices = skin(rest, joints, self.weights, global_rotations, positions)
        shift = parameters.transl[:, None]
        return BodyOutput(vertices + shift, positions + shift, global_rotations)

    def subset(self, vertices: Tensor) -> "BodyModel":
        """The same body with only some vertices (n,) and no faces: for fast landmark terms while fitting."""
        rows = (vertices[:, None] * 3 + torch.arange(3, device=vertices.device)).reshape(-1)
        return replace(
            self,
            template=self.template[vertices],
            faces=self.faces[:0],
            face_uv=self.face_uv[:0],
            shape_directions=self.shape_directions[vertices],
            expression_directions=self.expression_directions[vertices],
            action_directions=self.action_directions[vertices],
            pose_directions=self.pose_directions.index_select(0, rows),
            weights=self.weights[vertices],
            mirror=None,
            joint_regressor=None,
        )

    @cached_property
    def _directions(self) -> Tensor:
        return _stacked(self.shape_directions, self.expression_directions, self.action_directions)

    @cached_property
    def _joint_directions(self) -> Tensor:
        return _stacked(self.joint_shape_directions, self.joint_expression_directions, self.joint_action_directions)


def _stacked(*directions: Tensor) -> Tensor:
    """(n, 3, k) directions side by side as (sum of k, n * 3), so that one matrix product adds them all."""
    return torch.cat(directions, dim=2).reshape(-1, sum(d.shape[2] for d in directions)).T.contiguous()
