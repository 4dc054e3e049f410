"""A shell of clothes and hair over a body at rest: directions, limits, and thickness from a few coefficients."""

from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from neural_core.body.identity import SameBody
from neural_core.body.model import BodyModel
from neural_core.body.skeleton import JOINT_INDEX
from neural_core.fitting.clothing_basis import ClothingBasis, clothing_basis
from neural_core.fitting.clothing_config import ClothedConfig
from neural_core.fitting.clothing_regions import ClothingRegions, clothing_regions, distance_to, smoothstep
from neural_core.fitting.surface import smoothed, stretched_over, vertex_normals

_INVERSION_STEPS = 6
_FULL = 0.9  # share of the room that expected clothes may take, so that the outline can still move them


@dataclass(frozen=True)
class ClothingShell:
    """What the clothes of every person on one body have in common.

    Attributes:
        direction: (V, 3) unit vectors that clothes stand off along, in the rest pose.
        freedom: (V,) in [0, 1], 0 where nothing grows. room: (V,) most thickness, metres. inset: (V,) metres, how far
            the shell may go under the skin of the fit.
        hollows: (V,) metres by which taut cloth stands off the skin.
    """

    regions: ClothingRegions
    basis: ClothingBasis
    direction: Tensor
    freedom: Tensor
    room: Tensor
    inset: Tensor
    hollows: Tensor
    config: ClothedConfig

    @staticmethod
    def of(body: BodyModel, config: ClothedConfig) -> "ClothingShell":
        """The shell of a body; kept for the next person on the same body."""
        return _shell(SameBody(body), config)

    def thickness(self, coefficients: Tensor, centre: Tensor | float = 0.0) -> tuple[Tensor, Tensor]:
        """Thickness (V,) metres, at least -inset, and its derivative (V,) by `basis.values @ coefficients`.

        Args:
            centre: what coefficients of zero stand for: (V,) of `centre_of`, or 0 for bare skin.
        """
        wanted = (centre + self.basis.values @ coefficients) * self.freedom
        limit = torch.where(wanted > 0, self.room, self.inset)
        limited = limit * torch.tanh(wanted / limit)
        slope = self.freedom * (1 - (limited / limit) ** 2)
        skin = torch.exp(-limited.clamp(min=0) / self.config.bridging)  # how far cloth still follows the skin
        bridged = (limited > 0) * self.hollows / self.config.bridging * skin
        return limited + self.hollows * (1 - skin), slope * (1 + bridged)

    def offsets(self, coefficients: Tensor, centre: Tensor | float = 0.0) -> Tensor:
        """(V, 3) rest offsets, metres."""
        return self.thickness(coefficients, centre)[0][:, None] * self.direction

    def centre_of(self, expected: Tensor) -> Tensor:
        """The centre (V,) whose thickness is that of rest offsets (V, 3), as far as room and freedom let it.

        Of the offsets their lengths count: the shell stands off along directions of its own.
        """
        wanted = expected.norm(dim=1)
        under = wanted  # what hollows add to; Newton on: under + hollows * (1 - exp(-under / bridging)) = wanted
        for _ in range(_INVERSION_STEPS):
            skin = torch.exp(-under / self.config.bridging)
            slope = 1 + self.hollows / self.config.bridging * skin
            under = (under - (under + self.hollows * (1 - skin) - wanted) / slope).clamp(min=0)
        return self.room * torch.atanh((under / self.room).clamp(max=_FULL))


@lru_cache(maxsize=2)
@torch.no_grad()
def _shell(same: SameBody, config: ClothedConfig) -> ClothingShell:
    body = same.body
    regions = clothing_regions(body)
    normals = vertex_normals(body.template, body.faces)
    direction = _unit(smoothed(normals, body.faces, config.normal_smoothing))
    direction = _hair_direction(body, regions, direction, config.hair_smoothing)
    sole = regions.feet.float() * smoothstep(-direction[:, 1], 0.3, 0.8)  # shoes do not lift the person
    inwards = 1 - smoothstep((direction * normals).sum(1), 0.0, 0.3)
    freedom = regions.freedom * (1 - sole) * (1 - inwards * _hair(body))  # no hair grows into a crease of the neck
    room = _room(body, regions, direction, config)
    hollows = stretched_over(body.template, direction, body.faces, config.bridging_steps)
    hollows = torch.minimum(hollows, room) * freedom
    inset = _inset(body, regions, config)
    return ClothingShell(regions, clothing_basis(body), direction, freedom, room, inset, hollows, config)


def _hair_direction(body: BodyModel, regions: ClothingRegions, direction: Tensor, steps: int) -> Tensor:
    """The given directions (V, 3), but on head and neck those away from the middle of skull and neck.

    Normals of nape and ears point everywhere; hair that follows them is a ruff.
    """
    rest, joints = body.template, body.joint_template
    height = joints[JOINT_INDEX["left_eye_smplhf"], 1]
    skull = (rest[regions.scalp].amax(0) + rest[regions.scalp].amin(0)) / 2
    neck = joints[JOINT_INDEX["neck"]]
    share = ((rest[:, 1] - neck[1]) / (height - neck[1])).clamp(0, 1)
    depth = neck[2] + share * (skull[2] - neck[2])
    soft = 0.02  # metres over which horizontal directions begin to rise
    low = height - soft * torch.nn.functional.softplus((height - rest[:, 1]) / soft)
    middle = torch.stack([torch.zeros_like(depth), low, depth], 1)
    hair = _hair(body)[:, None]
    mixed = (1 - hair) * direction + hair * _unit(rest - middle)
    return _unit(hair * smoothed(mixed, body.faces, steps) + (1 - hair) * mixed)


def _hair(body: BodyModel) -> Tensor:
    """(V,) in [0, 1], how far a vertex follows neck and head."""
    return body.weights[:, [JOINT_INDEX[name] for name in ("neck", "head", "jaw")]].sum(1)


def _room(body: BodyModel, regions: ClothingRegions, direction: Tensor, config: ClothedConfig) -> Tensor:
    """(V,) metres, positive: by what is worn there, by steepness beside bare skin, and by the other leg."""
    rest = body.template
    neck, jaw = (body.joint_template[JOINT_INDEX[name], 1] for name in ("neck", "jaw"))
    hanging = smoothstep(rest[:, 1], neck, jaw)  # long hair is thick below the ears and lies flat on the shoulders
    room = config.collar_room + (config.neck_room - config.collar_room) * hanging
    for region, most in (
        (regions.scalp, config.scalp_room),
        (regions.torso, config.torso_room),
        (regions.arms, config.arm_room),
        (regions.legs, config.leg_room),
        (regions.feet, config.foot_room),
    ):
        room[region] = most
    room = smoothed(room[:, None], body.faces, 10)[:, 0]
    behind = rest[:, 2] < body.joint_template[JOINT_INDEX["head"], 2]
    steep = torch.where(behind, config.hair_steepness, config.steepness)
    room = torch.minimum(room, steep * distance_to(rest, regions.face | regions.eyes | regions.inside))
    room = torch.minimum(room, config.hair_steepness * distance_to(rest, regions.ears))
    room = torch.minimum(room, config.steepness * distance_to(rest, regions.hands))
    room = smoothed(room[:, None], body.faces, 3)[:, 0]
    inwards = (regions.legs | regions.feet) & (direction[:, 0] * rest[:, 0] < 0)
    to_middle = config.legs_apart * rest[:, 0].abs() / direction[:, 0].abs().clamp(min=1e-3)
    return torch.where(inwards, torch.minimum(room, to_middle), room).clamp(min=1e-4)


def _inset(body: BodyModel, regions: ClothingRegions, config: ClothedConfig) -> Tensor:
    """(V,) metres, positive."""
    inset = torch.zeros_like(regions.freedom)
    for region, most in (
        (regions.scalp, config.scalp_inset),
        (regions.torso, config.torso_inset),
        (regions.arms, config.arm_inset),
        (regions.legs, config.leg_inset),
        (regions.feet, config.foot_inset),
    ):
        inset[region] = most
    return smoothed(inset[:, None], body.faces, 10)[:, 0].clamp(min=1e-4)


def _unit(vectors: Tensor) -> Tensor:
    return torch.nn.functional.normalize(vectors, dim=1)
