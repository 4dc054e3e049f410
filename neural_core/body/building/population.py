"""Random adults of anny, brought to the rest pose: the samples from which the shape space is learned."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from neural_core.body.building.rest_pose import to_rest_pose
from neural_core.body.building.source import MIRRORED_JOINTS, AnnySource

_NOT_SHAPE = ("pregnant", "genital", "nipple", "penis", "testic")
_LOPSIDED = (
    "head-angle-out",
    "head-trans-out",
    "nose-trans-out",
    "mouth-trans-out",
    "neck-trans-out",
    "torso-trans-out",
)
_HEIGHT = (1.45, 2.05)  # metres; anny's uniform height reaches 1.19-2.50 m, which no adult should take
_FACE = ("head", "face", "forehead", "eye", "nose", "mouth", "ear", "chin", "cheek", "brow", "lip", "jaw")


@dataclass(frozen=True)
class Population:
    """n people in the rest pose. vertices (n, N, 3), joints (n, 55, 3), rotations (n, 55, 3, 3) from the A-pose."""

    vertices: np.ndarray
    joints: np.ndarray
    rotations: np.ndarray


def sample_people(source: AnnySource, count: int, seed: int) -> Population:
    """Adults of all kinds, for the body's shape space: calibrated phenotypes, widened, with sparse local changes."""
    from anny.shape_distribution import SimpleShapeDistribution

    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    n = int(count * 1.35)  # some are rejected by their height
    f64 = torch.float64
    years = torch.distributions.Uniform(torch.tensor(18.0, dtype=f64), torch.tensor(80.0, dtype=f64))
    _, phenotypes = SimpleShapeDistribution(source.model, years).sample(n)
    both_ends = torch.tensor(0.35, dtype=f64)  # most people are clearly male or clearly female
    phenotypes["gender"] = torch.distributions.Beta(both_ends, both_ends).sample((n,))
    for key in ("height", "weight", "muscle"):
        uniform, mixed = torch.rand(n, dtype=f64), torch.rand(n) < 0.3
        phenotypes[key] = torch.where(mixed, uniform, phenotypes[key])
    _mix_ancestry(phenotypes, n)
    labels = [x for x in source.model.local_change_labels if x not in _LOPSIDED and not any(w in x for w in _NOT_SHAPE)]
    local = {x: _normal(rng, n, 0.15) * torch.tensor(rng.random(n) < 0.3) for x in labels}
    people = _pose_all(source, phenotypes, local)
    height = np.ptp(people.vertices[:, :, 1], axis=1)
    keep = np.where((height > _HEIGHT[0]) & (height < _HEIGHT[1]))[0][:count]
    return Population(people.vertices[keep], people.joints[keep], people.rotations[keep])


def sample_faces(source: AnnySource, count: int, seed: int) -> Population:
    """Average bodies with every face: ancestry, age, gender and dense local changes of the face only."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    f64 = torch.float64
    phenotypes = {key: torch.full((count,), 0.5, dtype=f64) for key in ("height", "weight", "muscle", "proportions")}
    phenotypes["gender"] = torch.rand(count, dtype=f64)
    phenotypes["age"] = 0.67 + 0.25 * torch.rand(count, dtype=f64)
    phenotypes["weight"] = 0.5 + 0.15 * torch.randn(count, dtype=f64).clamp(-2, 2)
    _mix_ancestry(phenotypes, count)
    labels = [
        x
        for x in source.model.local_change_labels
        if any(x.startswith(w) or f"-{w}-" in x for w in _FACE) and x not in _LOPSIDED
    ]
    local = {x: _normal(rng, count, 0.22) * torch.tensor(rng.random(count) < 0.6) for x in labels}
    for x in labels:
        if x.startswith("r-"):
            local[x] = local["l-" + x[2:]]
    return _pose_all(source, phenotypes, local)


def _mix_ancestry(phenotypes: dict[str, Tensor], n: int) -> None:
    share = torch.distributions.Dirichlet(torch.full((3,), 0.5, dtype=torch.float64)).sample((n,))
    for i, key in enumerate(("african", "asian", "caucasian")):
        phenotypes[key] = share[:, i]


def _normal(rng: np.random.Generator, n: int, deviation: float) -> Tensor:
    return torch.tensor(rng.normal(0, deviation, n)).clamp(-1, 1)


@torch.no_grad()
def _pose_all(source: AnnySource, phenotypes: dict, local: dict, batch: int = 50) -> Population:
    parts: list[tuple[Tensor, Tensor, Tensor]] = []
    n = len(next(iter(phenotypes.values())))
    for i in range(0, n, batch):
        now = slice(i, i + batch)
        people = source.rest({k: x[now] for k, x in phenotypes.items()}, {k: x[now] for k, x in local.items()})
        parts.append(to_rest_pose(source.weights, *people))
    vertices, joints, rotations = (torch.cat(x).numpy() for x in zip(*parts, strict=True))
    return Population(_symmetric(vertices, source.mirror), _symmetric(joints, MIRRORED_JOINTS), rotations)


def _symmetric(points: np.ndarray, mirror: np.ndarray) -> np.ndarray:
    """Averaged with their mirror images, (n, N, 3): shape coefficients are not spent on lopsided people."""
    return (points + points[:, mirror] * np.array([-1, 1, 1], np.float32)) / 2
