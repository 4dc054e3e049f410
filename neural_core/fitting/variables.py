"""What the minimiser moves: one row of scaled numbers per body, and what they mean."""

from dataclasses import dataclass

import torch
from torch import Tensor

from neural_core.body.parameters import NUM_ACTIONS, BodyParameters
from neural_core.body.skeleton import JOINT_INDEX
from neural_core.body.skinning import rotation_matrices

# Name, shape and scale. Scales make the blocks about equally stiff for L-BFGS: a step of one is a typical correction.
_BLOCKS: tuple[tuple[str, tuple[int, ...], float], ...] = (
    ("root", (3,), 0.3),  # axis-angle of the pelvis in the upright world
    ("place", (3,), 0.1),  # pelvis in the camera: x / z, y / z, log z
    ("tilt", (2,), 0.1),  # camera looking down (pitch) and turned clockwise about its axis (roll), radians
    ("pose", (21, 3), 0.3),
    ("betas", (10,), 1.0),  # of the body
    ("face_shape", (10,), 1.0),  # the second ten betas: of the face, on the open body
    ("expression", (10,), 1.0),
    ("jaw", (3,), 0.2),
    ("hands", (30, 3), 0.2),
    ("actions", (NUM_ACTIONS,), 0.3),
)

_HANDS = ("left_hand", "right_hand")

# World (y up) to the axes of an unpitched camera (y down) that looks at a person who faces it.
_FACING = torch.diag(torch.tensor([1.0, -1.0, -1.0]))


def _layout() -> dict[str, tuple[int, int, tuple[int, ...], float]]:
    layout, start = {}, 0
    for name, shape, scale in _BLOCKS:
        size = int(torch.tensor(shape).prod())
        layout[name] = (start, start + size, shape, scale)
        start += size
    return layout


LAYOUT = _layout()
SIZE = max(end for _, end, _, _ in LAYOUT.values())


@dataclass(frozen=True)
class Variables:
    """A batch of bodies and cameras. x: (B, SIZE), scaled."""

    x: Tensor

    @staticmethod
    def pack(batch: int, **blocks: Tensor) -> "Variables":
        """Blocks by name, each broadcast to the batch; the rest is zero."""
        x = torch.zeros(batch, SIZE)
        for name, value in blocks.items():
            start, end, shape, scale = LAYOUT[name]
            x[:, start:end] = value.expand(batch, *shape).reshape(batch, -1) / scale
        return Variables(x)

    def __getitem__(self, name: str) -> Tensor:
        """(B, *shape) in physical units."""
        start, end, shape, scale = LAYOUT[name]
        return self.x[:, start:end].reshape(-1, *shape) * scale

    @property
    def batch(self) -> int:
        return self.x.shape[0]

    def all_betas(self) -> Tensor:
        """(B, 20)."""
        return torch.cat([self["betas"], self["face_shape"]], dim=1)

    def body_parameters(self) -> BodyParameters:
        """The body in the upright world, its pelvis where the rest pose has it."""
        hands = self["hands"]
        return BodyParameters.zeros(
            self.batch,
            betas=self.all_betas(),
            expression=self["expression"],
            global_orient=self["root"],
            body_pose=self["pose"],
            jaw_pose=self["jaw"],
            actions=self["actions"],
            left_hand_pose=hands[:, :15],
            right_hand_pose=hands[:, 15:],
        )

    def camera_rotation(self) -> Tensor:
        """(B, 3, 3) world to camera: roll after pitch; positive pitch looks down."""
        pitch, roll = self["tilt"].unbind(1)
        zero = torch.zeros_like(pitch)
        pitched = rotation_matrices(torch.stack([pitch, zero, zero], dim=1))
        return rotation_matrices(torch.stack([zero, zero, roll], dim=1)) @ pitched @ _FACING

    def pelvis_in_camera(self) -> Tensor:
        """(B, 3) metres."""
        x, y, log_z = self["place"].unbind(1)
        z = log_z.exp()
        return torch.stack([x * z, y * z, z], dim=1)


def indices(names: tuple[str, ...]) -> Tensor:
    """Columns of the named blocks; the name of a body joint is that joint's part of the pose, a hand's its half."""
    return torch.cat([_columns(name) for name in names])


def _columns(name: str) -> Tensor:
    if name in LAYOUT:
        return torch.arange(LAYOUT[name][0], LAYOUT[name][1])
    if name in _HANDS:
        start, end = LAYOUT["hands"][:2]
        half = (end - start) // 2
        return torch.arange(start, start + half) + _HANDS.index(name) * half
    first = LAYOUT["pose"][0] + 3 * (JOINT_INDEX[name] - 1)
    return torch.arange(first, first + 3)
