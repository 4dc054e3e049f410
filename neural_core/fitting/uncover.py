"""Clothes do not cover an arm that the photo shows.

The outline beside an arm is the arm's, and what grows to meet it (a hip, a skirt's hull) may swallow the arm behind it.
Where the photo shows skin of a forearm or hand, the clothes before the fitted one shrink until it is seen again.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from neural_core.body.model import BodyModel
from neural_core.body.skeleton import JOINT_NAMES
from neural_core.fitting.result import BodyFit
from neural_core.rasterizer import Fragments, rasterize

_ARM = ("elbow", "wrist", "thumb", "index", "middle", "ring", "pinky")


@dataclass(frozen=True)
class UncoverConfig:
    height: int = 500  # pixels of the picture that is looked at
    rounds: int = 16
    step: float = 0.8  # factor of the clothes' thickness, each round, where an arm is covered
    falloff: float = 0.15  # metres over which thickness may go from none to all: no dents
    thin: float = 0.005  # metres: clothes thinner than this cover nothing
    least: float = 2e-4  # square metres of arm that are worth it


@torch.no_grad()
def uncover_arms(
    limb: Tensor, body: BodyModel, fit: BodyFit, rest_offsets: Tensor, config: UncoverConfig | None = None
) -> Tensor:
    """The clothed shape (V, 3) without what hides arms; the same tensor where nothing does.

    Args:
        limb: (H, W) bool, pixels that show a bare forearm or hand. rest_offsets: (V, 3).
    """
    config = config or UncoverConfig()
    if not bool(limb.any()):
        return rest_offsets
    size = [max(2, round(x * min(1.0, config.height / limb.shape[0]))) for x in limb.shape]
    limb = torch.nn.functional.interpolate(limb[None, None].float(), size, mode="area")[0, 0] > 0.5
    camera = fit.camera.resize(size[1], size[0])
    arms = body.weights[:, [i for i, name in enumerate(JOINT_NAMES) if any(x in name for x in _ARM)]].sum(1) > 0.5
    arm_faces = arms[body.faces].all(1)

    def covered(offsets: Tensor) -> tuple[Tensor, Fragments]:
        """(h, w) bool, where the arm alone would be seen and the body before it is."""
        vertices = body(fit.parameters, offsets).vertices[0]
        whole, arm = rasterize(vertices, body.faces, camera), rasterize(vertices, body.faces[arm_faces], camera)
        other = whole.mask & ~arm_faces[whole.triangle.clamp(min=0)]
        return limb & other & arm.mask & (whole.depth < arm.depth), whole

    bare, whole = covered(rest_offsets * arms[:, None])
    pixel = float(whole.depth[whole.mask].median()) / float(camera.K[1, 1]) if bool(whole.mask.any()) else 0.0
    pixel = 1 / float(camera.K[1, 1]) if camera.orthographic else pixel
    edges = torch.cat([body.faces[:, [0, 1]], body.faces[:, [1, 2]], body.faces[:, [2, 0]]])
    steps = (body.template[edges[:, 0]] - body.template[edges[:, 1]]).norm(dim=1) / config.falloff
    thick = (rest_offsets.norm(dim=1) > config.thin) & ~arms
    factor = torch.ones_like(rest_offsets[:, 0])
    for _ in range(config.rounds):
        hidden, whole = covered(rest_offsets * factor[:, None])
        hidden = hidden & ~bare
        if float(hidden.sum()) * pixel**2 < config.least:
            break
        chosen = torch.zeros_like(arms)
        chosen[body.faces[whole.triangle[hidden]].reshape(-1)] = True
        factor = torch.where(chosen & thick, config.step * factor, factor)
        factor = torch.where(arms, torch.ones_like(factor), _gentle(factor, edges, steps))
    return rest_offsets if bool((factor == 1).all()) else rest_offsets * factor[:, None]


def _gentle(factor: Tensor, edges: Tensor, steps: Tensor) -> Tensor:
    """The factors (V,), lowered where they would rise faster than `steps` (e,) along the edges (e, 2)."""
    for _ in range(40):
        lower = factor.clone()
        for a, b in (edges.T, edges.flip(1).T):
            lower = lower.scatter_reduce(0, a, factor[b] + steps, "amin")
        if torch.equal(lower, factor):
            break
        factor = lower
    return factor
