"""Smooth thickness over a body: cubic splines along each limb times a few angular harmonics around it.

A photo shows the outline only, two points of every cross section. Thickness that is a function of the section ties
front and back to the sides that are seen, as ROME ties its offsets with a learned prior (Khakhulin et al. 2022); so the
clothed body looks the same thickness from the side, and cannot grow fins.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from neural_core.body.model import BodyModel
from neural_core.body.skeleton import JOINT_INDEX, JOINT_NAMES


@dataclass(frozen=True)
class Chain:
    """A part of the body with one axis.

    Attributes:
        joints: the axis runs through these rest joints, and straight on at both ends.
        owned: parts of the names of the joints whose skinning weights say how far a vertex belongs to the chain.
        knots: spline coefficients along the axis. harmonics: 0 for rings of even thickness, 1 adds a shift to one
            side, 2 makes sides and front differ.
        depth: how thick clothes are in front and behind, as a share of the sides.
        thickness: metres, the standard deviation that clothes of this part may have.
    """

    name: str
    joints: tuple[str, ...]
    owned: tuple[str, ...]
    knots: int
    harmonics: int
    depth: float
    thickness: float


def _limb(name: str, *args) -> list[Chain]:
    return [_sided(side, name, *args) for side in ("left", "right")]


def _sided(side: str, name: str, joints: tuple[str, ...], owned: tuple[str, ...], *args) -> Chain:
    return Chain(f"{side}_{name}", tuple(f"{side}_{j}" for j in joints), tuple(f"{side}_{j}" for j in owned), *args)


_FINGERS = ("index", "middle", "pinky", "ring", "thumb")
CHAINS: tuple[Chain, ...] = (
    Chain("torso", ("pelvis", "spine1", "spine2", "spine3", "neck"), ("pelvis", "spine", "collar"), 12, 1, 0.35, 0.025),
    Chain("head", ("neck", "head"), ("neck", "head", "jaw", "_eye_"), 8, 1, 1.0, 0.04),
    *_limb("arm", ("shoulder", "elbow", "wrist"), ("shoulder", "elbow", "wrist", *_FINGERS), 11, 1, 0.8, 0.035),
    *_limb("leg", ("hip", "knee", "ankle"), ("hip", "knee", "ankle"), 12, 1, 0.6, 0.04),
    *_limb("foot", ("ankle", "foot"), ("foot",), 4, 1, 1.0, 0.012),
)


@dataclass(frozen=True)
class ClothingBasis:
    """Thickness = values @ coefficients, before it is made positive.

    Attributes:
        start: (P,) where to begin: ears and jaw hide thin hair from the outline, so hair begins thick and is cut.
        values: (V, P). precision: (P, P) of the prior: coefficients c have the density exp(-c' precision c / 2).
    """

    values: Tensor
    precision: Tensor
    start: Tensor


_FIRST_HAIR = 0.10  # metres, more than ears stand off

# Standard deviations, as shares of the chain's thickness.
_SIDEWAYS = 0.5  # first harmonic: a bag or a misplaced limb, not cloth
_FLATNESS = 0.45  # second harmonic: clothes stand off a little more at the sides than in front
_CURVATURE = 0.7  # second difference along the axis: hems are sharper than skin
_MIRROR = 0.6  # left against right limb


def clothing_basis(body: BodyModel) -> ClothingBasis:
    """The basis on the mean body at rest."""
    columns, blocks, names = [], [], []
    for chain in CHAINS:
        along, angle = _axis_coordinates(body, chain)
        splines = _splines(along, chain.knots)
        owned = [i for i, name in enumerate(JOINT_NAMES) if any(part in name for part in chain.owned)]
        share = body.weights[:, owned].sum(1)
        for k in range(2 * chain.harmonics + 1):
            order = (k + 1) // 2
            wave = torch.cos(order * angle) if k % 2 == 0 else torch.sin(order * angle)
            wave = wave * (chain.depth + (1 - chain.depth) * angle.cos() ** 2)
            columns.append(splines * (share * wave)[:, None])
            blocks.append(_prior(chain, order))
            names.append((chain.name, k))
    precision = torch.block_diag(*blocks).to(body.device)
    starts = torch.tensor([0, *(len(b) for b in blocks)]).cumsum(0).tolist()
    place = {key: slice(a, b) for key, a, b in zip(names, starts, starts[1:])}
    for (name, k), left in place.items():
        if name.startswith("left_"):
            right = place[("right_" + name[5:], k)]
            chain = next(c for c in CHAINS if c.name == name)
            weight = torch.eye(chain.knots, device=body.device) / (_MIRROR * chain.thickness) ** 2
            precision[left, left] += weight
            precision[right, right] += weight
            precision[left, right] -= weight
            precision[right, left] -= weight
    start = torch.zeros(len(precision), device=body.device)
    start[place[("head", 0)]] = _FIRST_HAIR
    return ClothingBasis(torch.cat(columns, 1), precision, start)


def _axis_coordinates(body: BodyModel, chain: Chain) -> tuple[Tensor, Tensor]:
    """Position (V,) along the chain in [0, 1] over the vertices it leads, and angle (V,) around it, radians.

    The angle is 0 outwards (away from the middle plane) and grows towards the front, so left and right are mirrored.
    """
    joints = body.joint_template[[JOINT_INDEX[name] for name in chain.joints]]
    points = body.template
    best = torch.full((len(points),), torch.inf, device=points.device)
    along, foot_point = torch.zeros_like(best), torch.zeros_like(points)
    length = 0.0
    for k in range(len(joints) - 1):
        a, b = joints[k], joints[k + 1]
        segment = b - a
        size = segment.norm()
        t = ((points - a) @ segment) / size**2
        low = None if k == 0 else 0.0
        high = None if k == len(joints) - 2 else 1.0
        t = t.clamp(min=low, max=high) if low is not None or high is not None else t
        at = a + t[:, None] * segment
        distance = (points - at).norm(dim=1)
        nearer = distance < best
        best = torch.where(nearer, distance, best)
        along = torch.where(nearer, length + t * size, along)
        foot_point = torch.where(nearer[:, None], at, foot_point)
        length += float(size)
    axis = torch.nn.functional.normalize(joints[-1] - joints[0], dim=0)
    front = torch.tensor([0.0, 0.0, 1.0], device=points.device)
    if "foot" in chain.name:
        front = torch.tensor([0.0, 1.0, 0.0], device=points.device)
    front = torch.nn.functional.normalize(front - (front @ axis) * axis, dim=0)
    side = torch.linalg.cross(axis, front)
    outwards = -1.0 if chain.name.startswith("right_") else 1.0
    lateral = side[0].abs() > 0.3  # not so on arms, which point sideways themselves: there 0 is up
    if (side[0] * outwards if lateral else side[1]) < 0:
        side = -side
    radial = points - foot_point
    angle = torch.atan2(radial @ front, radial @ side)
    led = _led(body, chain)
    low, high = along[led].amin(), along[led].amax()
    return ((along - low) / (high - low)).clamp(0, 1), angle


def _led(body: BodyModel, chain: Chain) -> Tensor:
    owned = [i for i, name in enumerate(JOINT_NAMES) if any(part in name for part in chain.owned)]
    fingers = [i for i, name in enumerate(JOINT_NAMES) if any(part in name for part in (*_FINGERS, "wrist"))]
    return (body.weights[:, owned].sum(1) > 0.5) & (body.weights[:, fingers].sum(1) < 0.5)


def _splines(x: Tensor, knots: int) -> Tensor:
    """Uniform cubic B-splines over [0, 1]: (V,) to (V, knots), rows sum to one."""
    u = x * (knots - 3)
    distance = (u[:, None] - (torch.arange(knots, device=x.device) - 1.0)).abs()
    near = 2 / 3 - distance**2 + distance**3 / 2
    far = (2 - distance).clamp(min=0) ** 3 / 6
    return torch.where(distance < 1, near, far)


def _prior(chain: Chain, order: int) -> Tensor:
    """(knots, knots) precision of one harmonic."""
    scale = chain.thickness * (1.0, _SIDEWAYS, _FLATNESS)[order]
    n = chain.knots
    bend = torch.diff(torch.eye(n), n=2, dim=0)
    return torch.eye(n) / scale**2 / 4 + bend.T @ bend / (_CURVATURE * scale) ** 2
