"""How clothes hang in the poses of a video: what one photo hides shows when the person moves.

In the photo arms cover the trunk and legs each other, so sleeves, hem and the insides of trousers are half guessed.
Many frames of one person see them, and agree on one correction of the clothed shape: a Gauss-Newton fit as that of one
photo (`fitting.clothed`), over all frames at once. It grows as the pose leaves the photo's; there the photo is right.
"""

from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn.functional import grid_sample

from neural_core.body.model import BodyModel
from neural_core.body.parameters import BodyParameters
from neural_core.body.skeleton import JOINT_INDEX
from neural_core.body.skinning import rotation_matrices
from neural_core.camera import Camera
from neural_core.fitting.clothing_config import ClothedConfig
from neural_core.fitting.clothing_regions import smoothstep
from neural_core.fitting.clothing_shell import ClothingShell
from neural_core.fitting.outline import MaskEdge
from neural_core.rasterizer import Topology, outline_points, rasterize

# Turn of the body's joints away from the photo's pose, root of the mean square, radians: fit noise of a person who
# stands still, and plainly another pose.
_SAME_POSE, _OTHER_POSE = 0.07, 0.18
_MOST = 0.04  # metres of correction: a sleeve that hangs, not another garment
_NOISE = 0.005  # metres, of pose and mask together
_LENGTH = 0.04  # metres of outline that errs together
_OUTLIER = 0.04  # metres; a limb that was fitted wrongly pulls no harder
_STEPS = 3  # of Gauss-Newton; the residual settles after two
_STIFF = ("jaw", "_eye_", "collar")  # hair is learnt, too; but raised arms lift the shoulders, and no pad grows


@dataclass(frozen=True)
class MovingClothes:
    """Rest offsets that depend on the pose.

    Attributes:
        rest_offsets: (V, 3) in the pose of the photo. home: (21, 3) that pose. change: (V, 3) added away from it.
    """

    rest_offsets: Tensor
    home: Tensor
    change: Tensor

    @staticmethod
    def of_photo(parameters: BodyParameters, rest_offsets: Tensor) -> "MovingClothes":
        """What one photo tells: the same in every pose."""
        return MovingClothes(rest_offsets, parameters.body_pose[0].reshape(21, 3), torch.zeros_like(rest_offsets))

    def share(self, parameters: BodyParameters) -> float:
        """How much of the change a pose (batch of one) gets, 0 to 1."""
        a, b = rotation_matrices(self.home), rotation_matrices(parameters.body_pose[0].reshape(21, 3))
        cosine = ((a * b).sum((1, 2)) - 1) / 2
        turn = torch.arccos(cosine.clamp(-1, 1)).square().mean().sqrt()
        return float(smoothstep(turn, _SAME_POSE, _OTHER_POSE))

    def at(self, parameters: BodyParameters) -> Tensor:
        """(V, 3) rest offsets, metres, in a pose (batch of one)."""
        return self.rest_offsets + self.share(parameters) * self.change


@torch.no_grad()
def fit_moving_clothes(
    body: BodyModel,
    topology: Topology,
    clothes: MovingClothes,
    camera: Camera,
    frames: list[tuple[BodyParameters, MaskEdge]],
    config: ClothedConfig | None = None,
) -> MovingClothes:
    """The change that brings the outlines of all `frames`, posed in the world of `camera`, closest to their masks."""
    shell = ClothingShell.of(body, config or ClothedConfig())
    stiff = [index for name, index in JOINT_INDEX.items() if any(part in name for part in _STIFF)]
    free = shell.freedom * (1 - body.weights[:, stiff].sum(1))
    basis = shell.basis.values * free[:, None]
    thickness = (clothes.rest_offsets * shell.direction).sum(1)
    least, most = torch.minimum(-shell.inset, thickness), torch.maximum(shell.room, thickness)

    def change(coefficients: Tensor) -> tuple[Tensor, Tensor]:
        """Metres along the shell's direction (V,), and their slope (V,) by `basis @ coefficients`."""
        bounded = _MOST * torch.tanh(basis @ coefficients / _MOST)
        total = thickness + bounded
        inside = (total >= least) & (total <= most)
        return total.clamp(least, most) - thickness, (1 - (bounded / _MOST).square()) * inside

    coefficients = torch.zeros(basis.shape[1])
    moving = [(clothes.share(parameters), parameters, edge) for parameters, edge in frames]
    moving = [one for one in moving if one[0] > 0]  # who stands as in the photo shows nothing new
    for _ in range(_STEPS):
        metres, slope = change(coefficients)
        worn = replace(clothes, change=metres[:, None] * shell.direction)
        normal, gradient = shell.basis.precision.clone(), shell.basis.precision @ coefficients
        for share, parameters, edge in moving:
            outline = _residuals(body, topology, worn, camera, parameters, edge, shell.direction)
            distance, points, ends, weight = outline
            rows = ((share * ends * slope[points])[..., None] * basis[points]).sum(1)  # (m, P)
            normal += rows.T @ (weight[:, None] * rows)
            gradient += rows.T @ (weight * distance)
        coefficients = coefficients - torch.linalg.solve(normal, gradient)
    return replace(clothes, change=change(coefficients)[0][:, None] * shell.direction)


def _residuals(
    body: BodyModel,
    topology: Topology,
    clothes: MovingClothes,
    camera: Camera,
    parameters: BodyParameters,
    edge: MaskEdge,
    direction: Tensor,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The outline's points: distance (m,) to the mask's edge, metres; vertices (m, 2) it lies between, and what a metre
    of each adds to the distance (m, 2); weight (m,)."""
    offsets = clothes.at(parameters)
    vertices = camera.to_camera(body(parameters, offsets).vertices[0])
    motion = camera.to_camera(body(parameters, offsets + direction).vertices[0]) - vertices
    points = outline_points(vertices, topology, edge.camera, rasterize(vertices, body.faces, edge.camera))
    field = torch.stack([edge.distance, *torch.gradient(edge.distance)])[None]
    grid = points.pixel / points.pixel.new_tensor([edge.camera.width, edge.camera.height]) * 2 - 1
    percent, dy, dx = grid_sample(field, grid[None, None], align_corners=False, padding_mode="border")[0, :, 0]
    at, moves = vertices[points.edge], motion[points.edge]  # (m, 2, 3)
    depth = at[..., 2:].clamp(min=0.1)
    velocity = (moves[..., :2] - at[..., :2] / depth * moves[..., 2:]) / depth * edge.camera.K.diagonal()[:2]
    ends = torch.stack([1 - points.fraction, points.fraction], 1)
    ends = ends * (velocity[..., 0] * dx[:, None] + velocity[..., 1] * dy[:, None])
    pixel = depth[..., 0].mean(1) / edge.camera.K[0, 0]  # metres
    metres = pixel / edge.percent
    distance = percent * metres
    weight = pixel / (_LENGTH * _NOISE**2) * (_OUTLIER / distance.abs().clamp(min=1e-9)).clamp(max=1.0)
    return distance, points.edge, ends * metres[:, None], weight
