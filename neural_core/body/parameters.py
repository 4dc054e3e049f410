"""What the body model is posed and shaped by, in the SMPL-X layout."""

from dataclasses import dataclass, fields, replace

import torch
from torch import Tensor

NUM_BETAS = 20
NUM_EXPRESSION = 10
NUM_ACTIONS = 52

_SHAPES = {
    "betas": (NUM_BETAS,),
    "expression": (NUM_EXPRESSION,),
    "actions": (NUM_ACTIONS,),
    "global_orient": (3,),
    "body_pose": (21, 3),
    "jaw_pose": (3,),
    "left_eye_pose": (3,),
    "right_eye_pose": (3,),
    "left_hand_pose": (15, 3),
    "right_hand_pose": (15, 3),
    "transl": (3,),
}


@dataclass(frozen=True)
class BodyParameters:
    """A batch of SMPL-X parameters; rotations are axis-angle, radians, relative to the T rest pose with flat hands.

    Attributes:
        betas: (B, 20) shape, standard deviations; on the open body the second ten vary the face only.
        expression: (B, 10) expression, standard deviations.
        actions: (B, 52) ARKit facial actions in [0, 1]; zero and ignored on a body that has none.
        global_orient, jaw_pose, left_eye_pose, right_eye_pose: (B, 3).
        body_pose: (B, 21, 3). left_hand_pose, right_hand_pose: (B, 15, 3).
        transl: (B, 3) metres, added after posing (the root turns about the rest pelvis), as in SMPL-X.
    """

    betas: Tensor
    expression: Tensor
    actions: Tensor
    global_orient: Tensor
    body_pose: Tensor
    jaw_pose: Tensor
    left_eye_pose: Tensor
    right_eye_pose: Tensor
    left_hand_pose: Tensor
    right_hand_pose: Tensor
    transl: Tensor

    @staticmethod
    def zeros(batch: int = 1, device: torch.device | str = "cpu", **given: Tensor) -> "BodyParameters":
        """All zero but for what is given by keyword."""
        values = {name: torch.zeros(batch, *shape, device=device) for name, shape in _SHAPES.items()}
        unknown = set(given) - set(values)
        if unknown:
            raise TypeError(f"unknown body parameters: {sorted(unknown)}")
        return BodyParameters(**{**values, **given})

    @property
    def batch(self) -> int:
        return self.betas.shape[0]

    def full_pose(self) -> Tensor:
        """(B, 55, 3) axis-angle of every joint in SMPL-X order."""
        single = [self.jaw_pose, self.left_eye_pose, self.right_eye_pose]
        return torch.cat(
            [self.global_orient[:, None], self.body_pose]
            + [p[:, None] for p in single]
            + [self.left_hand_pose, self.right_hand_pose],
            dim=1,
        )

    def with_full_pose(self, pose: Tensor) -> "BodyParameters":
        """The same person in another pose (B, 55, 3)."""
        return replace(
            self,
            global_orient=pose[:, 0],
            body_pose=pose[:, 1:22],
            jaw_pose=pose[:, 22],
            left_eye_pose=pose[:, 23],
            right_eye_pose=pose[:, 24],
            left_hand_pose=pose[:, 25:40],
            right_hand_pose=pose[:, 40:55],
        )

    def to(self, device: torch.device | str) -> "BodyParameters":
        return BodyParameters(**{f.name: getattr(self, f.name).to(device) for f in fields(self)})

    def detach(self) -> "BodyParameters":
        return BodyParameters(**{f.name: getattr(self, f.name).detach() for f in fields(self)})

    def to_tensors(self) -> dict[str, Tensor]:
        """Name to tensor, for files and the wire."""
        return {f.name: getattr(self, f.name) for f in fields(self)}

    @staticmethod
    def from_tensors(tensors: dict[str, Tensor]) -> "BodyParameters":
        """The inverse of `to_tensors`; raises ValueError naming the first missing or wrong-shaped entry."""
        batch = None
        for name, shape in _SHAPES.items():
            if name not in tensors:
                raise ValueError(f"body parameter '{name}' is missing")
            tensor = tensors[name]
            if tuple(tensor.shape[1:]) != shape or (batch is not None and tensor.shape[0] != batch):
                raise ValueError(f"body parameter '{name}' has shape {tuple(tensor.shape)}, not (B, {shape})")
            batch = tensor.shape[0]
        return BodyParameters(**{name: tensors[name].float() for name in _SHAPES})
