"""The body as the product would fit it to a picture of a synthetic person: right up to a fit's errors."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from neural_core.body.parameters import BodyParameters
from neural_core.body.skinning import joint_transforms, rotation_matrices
from neural_core.camera import Camera
from neural_core.training.people.person import Person


@dataclass(frozen=True)
class FitNoise:
    """Errors of a fit. The renderer must learn to correct them, so training must show them (measured: it matters)."""

    betas: float = 0.25  # standard deviations
    # A fit follows the landmarks in the picture, where it errs by half a per cent of the height; depth it guesses.
    in_picture: float = 0.010  # radians per joint about the viewing axis
    in_depth: float = 0.030  # radians per joint about the picture's own axes
    shift: float = 0.004  # metres
    no_clothes: float = 0.25  # share of people fitted without a clothed shape
    clothes: tuple[float, float] = (0.0, 1.1)  # share of the true garment offset that the others' fit finds
    smoothing: int = 9  # steps over the surface: a fitted clothed shape has no detail


def estimated_bodies(
    person: Person,
    poses: Tensor,
    cameras: list[Camera],
    rng: np.random.Generator,
    noise: FitNoise = FitNoise(),
) -> Tensor:
    """(N, V, 3) fitted, clothed bodies of N views with poses (N, 55, 3); they share one shape and clothed shape."""
    body, device, count = person.wardrobe.body, poses.device, len(poses)

    def gauss(*shape: int) -> Tensor:
        return torch.from_numpy(rng.standard_normal(shape, dtype=np.float32)).to(device)

    betas = (person.betas + noise.betas * gauss(20)).expand(count, -1)
    found = 0.0 if rng.random() < noise.no_clothes else rng.uniform(*noise.clothes)
    offsets = person.garment_offsets
    for _ in range(noise.smoothing if found else 0):
        offsets = person.wardrobe.whole.smooth(offsets)
    fitted = BodyParameters.zeros(count, device=device, betas=betas).with_full_pose(
        _wrong_poses(person, poses, cameras, gauss(count, 55, 3), noise)
    )
    posed = body(fitted, rest_offsets=found * offsets)
    # A fit is centred on the person's joints.
    _, truth = joint_transforms(rotation_matrices(poses), person.joints.expand(count, -1, -1))
    shift = (truth[:, :22] - posed.joints[:, :22]).mean(1) + noise.shift * gauss(count, 3)
    return posed.vertices + shift[:, None]


def _wrong_poses(person: Person, poses: Tensor, cameras: list[Camera], error: Tensor, noise: FitNoise) -> Tensor:
    """Poses (N, 55, 3) with every joint turned a little, more out of the picture's plane than in it."""
    turned, _ = joint_transforms(rotation_matrices(poses), person.joints.expand(len(poses), -1, -1))
    to_world = torch.stack([camera.R.T for camera in cameras]).to(poses.device)  # camera axes to the world's
    spread = poses.new_tensor([noise.in_depth, noise.in_depth, noise.in_picture])
    in_world = (to_world[:, None] @ (error * spread)[..., None])[..., 0]
    in_joint = (turned.transpose(-1, -2) @ in_world[..., None])[..., 0]
    return poses + _right_jacobian_inverse(poses, in_joint)


def _right_jacobian_inverse(axis_angle: Tensor, turn: Tensor) -> Tensor:
    """Change of the axis-angle (..., 3) whose rotation gains the small rotation `turn` (..., 3) on its right."""
    angle = axis_angle.norm(dim=-1, keepdim=True).clamp(min=1e-3)
    factor = (1 - 0.5 * angle / torch.tan(0.5 * angle)) / angle**2
    once = torch.linalg.cross(axis_angle, turn)
    return turn + 0.5 * once + factor * torch.linalg.cross(axis_angle, once)
