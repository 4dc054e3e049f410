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


@dataclass(frozen=True)
class EstimatedShape:
    """What a fit believes of a person in all views: betas (20,) and clothed offsets (V, 3), metres, rest pose."""

    betas: Tensor
    offsets: Tensor


def estimate_shape(person: Person, rng: np.random.Generator, noise: FitNoise = FitNoise()) -> EstimatedShape:
    """Betas a little wrong, and a smooth share of the true garment offset, or none."""
    error = torch.from_numpy(rng.standard_normal(20, dtype=np.float32)).to(person.betas.device)
    found = 0.0 if rng.random() < noise.no_clothes else rng.uniform(*noise.clothes)
    offsets = person.garment_offsets
    for _ in range(noise.smoothing if found else 0):
        offsets = person.wardrobe.whole.smooth(offsets)
    return EstimatedShape(person.betas + noise.betas * error, found * offsets)


def estimated_bodies(
    person: Person,
    shape: EstimatedShape,
    poses: Tensor,
    cameras: list[Camera],
    rng: np.random.Generator,
    noise: FitNoise = FitNoise(),
) -> Tensor:
    """(N, V, 3) fitted, clothed bodies of N views with poses (N, 55, 3), each a little wrong."""

    def gauss(*size: int) -> Tensor:
        return torch.from_numpy(rng.standard_normal(size, dtype=np.float32)).to(poses.device)

    wrong = _wrong_poses(person, poses, cameras, gauss(len(poses), 55, 3), noise)
    return pose_shape(person, shape, poses, wrong) + noise.shift * gauss(len(poses), 1, 3)


def pose_shape(person: Person, shape: EstimatedShape, poses: Tensor, wrong: Tensor) -> Tensor:
    """(N, V, 3) the estimated shape in poses `wrong` (N, 55, 3), centred on the person's joints in `poses`."""
    count = len(poses)
    parameters = BodyParameters.zeros(count, device=poses.device, betas=shape.betas.expand(count, -1))
    posed = person.wardrobe.body(parameters.with_full_pose(wrong), rest_offsets=shape.offsets)
    _, truth = joint_transforms(rotation_matrices(poses), person.joints.expand(count, -1, -1))
    return posed.vertices + (truth[:, :22] - posed.joints[:, :22]).mean(1, keepdim=True)


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
