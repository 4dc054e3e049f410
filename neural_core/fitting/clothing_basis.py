"""Smooth thickness over a body: cubic splines along each limb, rings around it.

A photo shows the outline only, two points of every cross section. Thickness that is a function of the section ties
front and back to the sides that are seen, where ROME learns a prior from many views (Khakhulin et al. 2022); so the
clothed body is as thick from the side as from the front says, and cannot grow fins.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import normalize

from neural_core.body.model import BodyModel
from neural_core.body.skeleton import JOINT_INDEX, JOINT_NAMES
from neural_core.fitting.surface import smoothed


@dataclass(frozen=True)
class Chain:
    """A part of the body with one axis.

    Attributes:
        joints: the axis runs through these rest joints, and straight on at both ends.
        owned: parts of the names of the joints whose skinning weights say how far a vertex belongs to the chain.
        knots: spline coefficients along the axis, one every 5 to 8 cm.
        depth: how thick clothes are in front and behind, as a share of the sides.
        thickness: metres, the standard deviation that clothes of this part may have.
    """

    name: str
    joints: tuple[str, ...]
    owned: tuple[str, ...]
    knots: int
    depth: float
    thickness: float


_FINGERS = ("index", "middle", "pinky", "ring", "thumb")


def _sided(side: str) -> list[Chain]:
    def named(*joints: str) -> tuple[str, ...]:
        return tuple(f"{side}_{joint}" for joint in joints)

    arm, leg, foot = named("shoulder", "elbow", "wrist"), named("hip", "knee", "ankle"), named("ankle", "foot")
    return [
        Chain(f"{side}_arm", arm, (*arm, *named(*_FINGERS)), knots=11, depth=0.8, thickness=0.035),
        Chain(f"{side}_leg", leg, leg, knots=12, depth=0.6, thickness=0.04),
        Chain(f"{side}_foot", foot, foot[1:], knots=4, depth=1.0, thickness=0.012),
    ]


_TRUNK = ("pelvis", "spine1", "spine2", "spine3", "neck")
CHAINS: tuple[Chain, ...] = (
    # A loose shirt stands off at the sides and hangs from chest and back.
    Chain("torso", _TRUNK, ("pelvis", "spine", "collar"), knots=12, depth=0.35, thickness=0.025),
    Chain("head", ("neck", "head"), ("neck", "head", "jaw", "_eye_"), knots=8, depth=1.0, thickness=0.04),
    *_sided("left"),
    *_sided("right"),
)

_BLENDING = 20  # steps of diffusion between neighbouring chains
_FIRST_HAIR = 0.10  # metres, more than ears stand off
# Standard deviations, as shares of the chain's thickness.
_EVEN = 2.0  # of a coefficient itself: the data decide
_SHIFT = 0.5  # of the difference between opposite sides: a bag or a misplaced limb more often than cloth
_CURVATURE = 0.7  # of second differences along the axis: hems are sharper than skin
_MIRROR = 0.08  # of left against right limb; looser, and legs that hide each other turn lumpy


@dataclass(frozen=True)
class ClothingBasis:
    """Thickness = values @ coefficients, before it is made positive.

    Attributes:
        values: (V, P). precision: (P, P) of the prior: coefficients c have the density exp(-c' precision c / 2).
        start: (P,) where to begin: ears and jaw hide thin hair from the outline, so hair begins thick and is cut.
    """

    values: Tensor
    precision: Tensor
    start: Tensor


def clothing_basis(body: BodyModel) -> ClothingBasis:
    """The basis on the mean body at rest."""
    shares = torch.stack([body.weights[:, _joints(chain.owned)].sum(1) for chain in CHAINS], 1)
    shares = smoothed(shares, body.faces, _BLENDING)
    values: list[Tensor] = []
    precision: list[Tensor] = []
    place: dict[str, int] = {}
    for chain, share in zip(CHAINS, shares.unbind(1)):
        along, angle = _ring_coordinates(body, chain)
        place[chain.name] = sum(len(block) for block in precision)  # of the chain's first coefficient
        profile = share * (chain.depth + (1 - chain.depth) * angle.cos() ** 2)
        for wave, scale in ((torch.ones_like(angle), 1.0), (angle.cos(), _SHIFT), (angle.sin(), _SHIFT)):
            values.append(_splines(along, chain.knots) * (profile * wave)[:, None])
            precision.append(_smoothness(chain.knots, scale * chain.thickness))
    joint = torch.block_diag(*precision)
    for chain in CHAINS:
        if chain.name.startswith("left_"):
            _tie(joint, chain, place[chain.name], place["right_" + chain.name[5:]])
    start = torch.zeros(len(joint))
    hair = next(chain for chain in CHAINS if chain.name == "head")
    start[place["head"] : place["head"] + hair.knots] = _FIRST_HAIR
    return ClothingBasis(torch.cat(values, 1), joint.to(body.device), start.to(body.device))


def _joints(parts: tuple[str, ...]) -> list[int]:
    """Joints whose name holds one of `parts`."""
    return [i for i, name in enumerate(JOINT_NAMES) if any(part in name for part in parts)]


def _splines(x: Tensor, knots: int) -> Tensor:
    """Uniform cubic B-splines over [0, 1]: (V,) to (V, knots), rows sum to one."""
    distance = (x[:, None] * (knots - 3) - (torch.arange(knots, device=x.device) - 1.0)).abs()
    near = 2 / 3 - distance**2 + distance**3 / 2
    far = (2 - distance).clamp(min=0) ** 3 / 6
    return torch.where(distance < 1, near, far)


def _smoothness(knots: int, thickness: float) -> Tensor:
    """(knots, knots) precision of the coefficients of one spline."""
    bend = torch.diff(torch.eye(knots), n=2, dim=0)
    return torch.eye(knots) / (_EVEN * thickness) ** 2 + bend.T @ bend / (_CURVATURE * thickness) ** 2


def _tie(precision: Tensor, chain: Chain, left: int, right: int) -> None:
    """Let the even thickness of two limbs (their first coefficients `left` and `right`) be alike."""
    weight = 1 / (_MIRROR * chain.thickness) ** 2
    a, b = torch.arange(chain.knots) + left, torch.arange(chain.knots) + right
    precision[a, a] += weight
    precision[b, b] += weight
    precision[a, b] -= weight
    precision[b, a] -= weight


def _ring_coordinates(body: BodyModel, chain: Chain) -> tuple[Tensor, Tensor]:
    """Position (V,) along the chain in [0, 1] over the vertices it leads, and angle (V,) around it, radians.

    The angle is 0 outwards (on arms, which point outwards themselves, upwards), and pi / 2 in front.
    """
    joints = body.joint_template[[JOINT_INDEX[name] for name in chain.joints]]
    along, centre = _nearest_on_axis(body.template, joints)
    owned, hand = body.weights[:, _joints(chain.owned)].sum(1), body.weights[:, _joints((*_FINGERS, "wrist"))].sum(1)
    led = (owned > 0.5) & (hand < 0.5)
    along = ((along - along[led].amin()) / (along[led].amax() - along[led].amin())).clamp(0, 1)

    axis = normalize(joints[-1] - joints[0], dim=0)
    front = axis.new_tensor([0.0, 1.0, 0.0] if "foot" in chain.name else [0.0, 0.0, 1.0])
    front = normalize(front - (front @ axis) * axis, dim=0)
    side = torch.linalg.cross(axis, front)
    outwards = axis.new_tensor([-1.0 if chain.name.startswith("right_") else 1.0, 0.5, 0.0])
    side = side * torch.sign(side @ outwards)
    radial = body.template - centre
    return along, torch.atan2(radial @ front, radial @ side)


def _nearest_on_axis(points: Tensor, joints: Tensor) -> tuple[Tensor, Tensor]:
    """Arc length (V,) and position (V, 3) of the point nearest to each of `points` on the line through `joints`."""
    best = torch.full((len(points),), torch.inf, device=points.device)
    along, nearest = torch.zeros_like(best), torch.zeros_like(points)
    start = 0.0
    for k in range(len(joints) - 1):
        segment = joints[k + 1] - joints[k]
        length = float(segment.norm())
        t = ((points - joints[k]) @ segment) / length**2
        if k > 0:
            t = t.clamp(min=0.0)
        if k < len(joints) - 2:
            t = t.clamp(max=1.0)
        at = joints[k] + t[:, None] * segment
        distance = (points - at).norm(dim=1)
        nearer = distance < best
        best = torch.where(nearer, distance, best)
        along = torch.where(nearer, start + t * length, along)
        nearest = torch.where(nearer[:, None], at, nearest)
        start += length
    return along, nearest
