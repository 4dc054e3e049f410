"""Where the points of MediaPipe's detectors lie on a body."""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class BodyLandmarks:
    """Correspondences between detectors and one body.

    Attributes:
        face_triangle: (478,) long, the triangle each MediaPipe face-mesh point lies on, or -1 where unknown;
        face_barycentric: (478, 3).
        pose_joint: (33,) long, the joint each BlazePose landmark follows; pose_offset: (33, 3) metres in that
            joint's frame: landmark = joint position + joint rotation @ offset. BlazePose points are not joints.
        hand_joint: (2, 21) long, the joint of each MediaPipe hand point, left then right, -1 for finger tips;
        hand_tip_vertex: (2, 5) long, the vertex at the tips of thumb, index, middle, ring, pinky.
    """

    face_triangle: Tensor
    face_barycentric: Tensor
    pose_joint: Tensor
    pose_offset: Tensor
    hand_joint: Tensor
    hand_tip_vertex: Tensor

    def to(self, device: torch.device | str) -> "BodyLandmarks":
        return BodyLandmarks(**{k: v.to(device) for k, v in vars(self).items()})

    def pose_points(self, joints: Tensor, rotations: Tensor) -> Tensor:
        """BlazePose landmarks (B, 33, 3) of a posed body with joints (B, 55, 3) and rotations (B, 55, 3, 3)."""
        at = self.pose_joint
        return joints[:, at] + (rotations[:, at] @ self.pose_offset[..., None])[..., 0]
