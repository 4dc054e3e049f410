"""The body as the product would fit it to a picture of a synthetic person: right up to a fit's errors."""

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from neural_core.body.cloth_skin import ClothSkin
from neural_core.body.parameters import BodyParameters
from neural_core.body.skeleton import PARENTS
from neural_core.body.skinning import joint_transforms, rotation_matrices, skin
from neural_core.camera import Camera
from neural_core.fitting.limbs import HEAD, LIMBS, PART_OF_JOINT, TRUNK, TRUNK_LINES
from neural_core.fitting.placement import shift_in_picture
from neural_core.training.people.person import Person

_LINES = [*LIMBS, *TRUNK_LINES]
_SIZE = [0, 0, 1, 1, 0, 0, 1, 1, 3, 2]  # which of FitNoise's sizes the error of each line has
_BODY_JOINTS = 22  # without fingers and face


@dataclass(frozen=True)
class FitNoise:
    """Errors of a fit. The renderer must learn to correct them, so training must show them (measured: it matters).

    A fit follows the picture: it sees how long a limb looks, within a few per cent of its length. So a limb that looks
    almost at full length may as well point 15 degrees to the front or to the back, while one that looks short is known.
    The sizes give the errors measured on the fit (docs/people.md).
    """

    betas: float = 0.25  # standard deviations
    expression: float = 0.4  # standard deviations
    in_picture: float = 0.006  # radians of every part about the viewing axis
    # Errors of the length in the picture of legs, arms, the line of the shoulders and the trunk; shares of it.
    lengths: tuple[float, float, float, float] = (0.020, 0.075, 0.03, 0.009)
    # Radians out of the picture's plane below which front and back are confused, of the same four.
    flips: tuple[float, float, float, float] = (0.15, 0.50, 0.15, 0.15)
    head: float = 0.06  # radians about any axis
    hands: float = 0.08  # radians of wrists, fingers and feet
    joints: float = 0.005  # radians of every joint, on top
    shift: tuple[float, float, float] = (0.004, 0.004, 0.02)  # metres, camera axes
    no_clothes: float = 0.25  # share of people fitted without a clothed shape
    clothes: tuple[float, float] = (0.0, 1.1)  # share of the true garment offset that the others' fit finds
    smoothing: int = 9  # steps over the surface: a fitted clothed shape has no detail


@dataclass(frozen=True)
class EstimatedShape:
    """What a fit believes of a person in all views.

    Attributes:
        betas: (20,). expression: (10,). offsets: (V, 3) metres, clothes at rest.
        skin: how a skirt moves, where one was seen.
    """

    betas: Tensor
    expression: Tensor
    offsets: Tensor
    skin: ClothSkin | None = None


def estimate_shape(person: Person, rng: np.random.Generator, noise: FitNoise = FitNoise()) -> EstimatedShape:
    """Betas a little wrong, and a smooth share of the true garment offset, or none."""
    error = torch.from_numpy(rng.standard_normal(30, dtype=np.float32)).to(person.betas.device)
    found = 0.0 if rng.random() < noise.no_clothes else rng.uniform(*noise.clothes)
    offsets = person.garment_offsets
    for _ in range(noise.smoothing if found else 0):
        offsets = person.wardrobe.whole.smooth(offsets)
    betas, expression = person.betas + noise.betas * error[:20], person.expression + noise.expression * error[20:]
    return EstimatedShape(betas, expression, found * offsets)


@dataclass(frozen=True)
class EstimatedPoses:
    """Of N views: local rotations (N, 55, 3, 3), and where the body stands, (N, 3) metres."""

    local: Tensor
    transl: Tensor


def estimate_poses(
    person: Person,
    shape: EstimatedShape,
    poses: Tensor,
    cameras: list[Camera],
    rng: np.random.Generator,
    noise: FitNoise = FitNoise(),
) -> EstimatedPoses:
    """Poses (N, 55, 3) of N views, each a little wrong; clothes do not matter."""
    to_camera = torch.stack([camera.R for camera in cameras]).to(poses.device)
    eyes = torch.stack([camera.position for camera in cameras]).to(poses.device)
    local = rotation_matrices(poses)
    wrong = wrong_rotations(person.joints, local, to_camera, eyes, rng, noise)
    _, found = pose_shape(person, shape, wrong)
    _, truth = joint_transforms(local, person.joints.expand(len(local), -1, -1))
    found, truth = found[:, :_BODY_JOINTS], truth[:, :_BODY_JOINTS]
    shift = torch.from_numpy(rng.standard_normal((len(poses), 3)) * noise.shift).float().to(poses.device)
    shift = shift + shift_in_picture((found - eyes[:, None]) @ to_camera.mT, (truth - eyes[:, None]) @ to_camera.mT)
    return EstimatedPoses(wrong, (shift[:, None] @ to_camera)[:, 0])


def estimated_bodies(person: Person, shape: EstimatedShape, poses: EstimatedPoses) -> Tensor:
    """(N, V, 3) fitted, clothed bodies."""
    return pose_shape(person, shape, poses.local)[0] + poses.transl[:, None]


def pose_shape(person: Person, shape: EstimatedShape, local: Tensor) -> tuple[Tensor, Tensor]:
    """The estimated shape posed by local rotations (N, 55, 3, 3): vertices (N, V, 3) and joints (N, 55, 3)."""
    body = person.wardrobe.body if shape.skin is None else shape.skin.on(person.wardrobe.body)
    believed = BodyParameters.zeros(device=local.device, betas=shape.betas[None], expression=shape.expression[None])
    rest, joints = body.rest(believed)
    rest, joints = rest + shape.offsets + body.pose_correctives(local), joints.expand(len(local), -1, -1)
    turned, positions = joint_transforms(local, joints)
    return skin(rest, joints, body.weights, turned, positions), positions


def wrong_rotations(
    joints: Tensor, local: Tensor, to_camera: Tensor, eyes: Tensor, rng: np.random.Generator, noise: FitNoise
) -> Tensor:
    """Local rotations (N, 55, 3, 3) of a fit, given the true ones.

    Args:
        joints: (55, 3) at rest. to_camera: (N, 3, 3) world to camera axes. eyes: (N, 3) the cameras' places.
    """
    count, device = len(local), local.device
    normal = lambda *size: torch.from_numpy(rng.standard_normal(size, dtype=np.float32)).to(device)  # noqa: E731
    turned, positions = joint_transforms(local, joints.expand(count, -1, -1))
    near, far = ([line[k] for line in _LINES] for k in range(2))
    lines = F.normalize(positions[:, far] - positions[:, near], dim=-1)
    rays = F.normalize(positions[:, far] - eyes[:, None], dim=-1)  # along which a joint moves unseen
    share, flip = (lines.new_tensor(sizes)[_SIZE] for sizes in (noise.lengths, noise.flips))
    unsure = torch.from_numpy(rng.random((count, len(_LINES)))).float().to(device)
    tilt = depth_errors(lines, rays, share * normal(count, len(_LINES)), unsure, flip)
    turns = F.normalize(torch.linalg.cross(lines, rays), dim=-1) * tilt[..., None]
    trunk = turns[:, TRUNK:].sum(1, keepdim=True)
    errors = torch.cat([turns[:, :TRUNK], trunk, noise.head * normal(count, 1, 3)], 1)
    errors = errors + noise.in_picture * normal(count, HEAD + 1, 1) * to_camera[:, None, 2]
    moved = rotation_matrices(errors)[:, PART_OF_JOINT.to(device)] @ turned  # global rotations of the fit
    parents = torch.tensor(PARENTS[1:], device=device)
    wrong = torch.cat([moved[:, :1], moved[:, parents].transpose(-1, -2) @ moved[:, 1:]], 1)
    spread = torch.full((55, 1), noise.joints, device=device)
    spread[[*range(7, 9), *range(20, 22), *range(25, 55)]] = noise.hands
    return wrong @ rotation_matrices(normal(count, 55, 3) * spread)


def depth_errors(lines: Tensor, rays: Tensor, error: Tensor, unsure: Tensor, flip: Tensor) -> Tensor:
    """Radians (N, B) by which a fit turns lines towards the rays on which they are seen.

    Args:
        lines, rays: (N, B, 3) unit. error: (N, B) of the length in the picture, share of the whole.
        unsure: (N, B) uniform in [0, 1]. flip: (B,) radians below which front and back are confused.
    """
    tilt = torch.asin((lines * rays).sum(-1).clamp(-1, 1))  # 0 in the picture's plane
    looks = (tilt.cos() + error).clamp(0, 1)
    guess = torch.acos(looks)
    other_side = unsure < 0.5 * torch.exp(-((tilt / flip) ** 2))
    side = torch.where(tilt < 0, -1.0, 1.0) * torch.where(other_side, -1.0, 1.0)
    return (side * guess - tilt).clamp(-0.7, 0.7)
