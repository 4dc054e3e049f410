"""A fit corrected by hand, fast enough to follow the mouse: pins pull, the painted outline pushes, the rest stays.

The start is always the fit of the photo as it was detected, so that a correction taken back gives that fit back.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
import torch
from torch import Tensor

from neural_core.body.model import BodyModel
from neural_core.fitting.config import FitConfig, Stage
from neural_core.fitting.directions import BONE_END, BONE_START
from neural_core.fitting.fit import guessed_parts, one_thread, run_stage, stand_up
from neural_core.fitting.objective import Objective, Posed, geman_mcclure
from neural_core.fitting.observation import Observation, observation
from neural_core.fitting.report import fit_errors
from neural_core.fitting.result import BodyFit
from neural_core.fitting.shape_prior import shape_mean
from neural_core.fitting.variables import Variables
from neural_core.photo.evidence import PhotoEvidence
from neural_core.rasterizer import rasterize
from neural_core.rasterizer.silhouette import Topology, outline_points

_SIDE = 256  # pixels of the longer side of the mask's distance field
_OUTLINE_POINTS = 300  # of about a thousand: their neighbours say the same


_STAGE = Stage(
    ("root", "place", "tilt", "pose", "betas"), 22, landmarks=2, robust=8, directions=15, prior=0.2, shape=0.3
)  # fmt: skip


@dataclass(frozen=True)
class RefitConfig:
    """Weights of a refit; residuals are in percent of the person's height, as in `FitConfig`."""

    stage: Stage = _STAGE
    draft_iterations: int = 6  # while the mouse moves: the next one goes on from there
    pin: float = 60.0  # a pin is where the user says, within 0.1 %
    pinned_directions: float = 0.15  # of the detector's 3-D directions at a pin: it took the joint for another place
    anchor: float = 0.3  # per squared typical step: what no correction reaches stays as it was fitted
    outside: float = 100.0  # of the outline beyond the mask, shared by its points: painted, it outweighs a joint
    inside: float = 40.0  # of the outline within the mask
    inside_robust: float = 2.0  # percent; clothes stand off further


def refit_body(
    detected: PhotoEvidence,
    corrected: PhotoEvidence,
    pinned: Sequence[int],
    body: BodyModel,
    base: BodyFit,
    start: BodyFit | None = None,
    config: RefitConfig = RefitConfig(),
) -> BodyFit:
    """Correct a fit.

    Args:
        detected: the evidence that `base` fits. corrected: the same after `photo.edits.edited`.
        pinned: BlazePose landmarks whose pixels in `corrected` are certain.
        start: a draft goes on from this fit, with few steps and without errors; None computes the whole refit.
    """
    with one_thread():
        as_fitted = variables_of(base, body, detected.focal)
        home = variables_of(base, body, corrected.focal)
        outline = None
        if start is None and corrected.mask is not detected.mask:
            outline = _Outline.of(body, base, detected.mask, corrected)
        mean = shape_mean(body, base.gender)
        settings = FitConfig(gender=base.gender)
        slope = _slope(Objective(body, observation(detected), settings, mean), as_fitted, config.stage)
        seen = _distrust_bones(observation(corrected), pinned, config)
        objective = _Corrected(body, seen, settings, mean, extra=None if outline is None else outline.vertices)
        objective.correct(pinned, outline, home, slope, config)
        if start is None:
            x = run_stage(objective, home, config.stage)
        else:
            draft = replace(config.stage, iterations=config.draft_iterations)
            x = run_stage(objective, variables_of(start, body, corrected.focal), draft)
        fit = stand_up(body, corrected, Variables(x))
        fit = replace(fit, guessed=guessed_parts(corrected), gender=base.gender)
        return fit if start is not None else replace(fit, errors=fit_errors(corrected, body, fit, None))


def variables_of(fit: BodyFit, body: BodyModel, focal: float) -> Tensor:
    """The row (1, SIZE) of `Variables` that a fit is, moved nearer or farther as `focal` pixels ask for."""
    p, camera = fit.parameters, fit.camera
    pelvis = body.subset(torch.zeros(1, dtype=torch.long))(p, correctives=False).joints[0, 0]
    at = camera.R @ pelvis + camera.t
    zoom = focal / float(camera.K[0, 0])
    tilted = camera.R @ Variables.pack(1).camera_rotation()[0].T  # roll after pitch
    pitch = torch.atan2(tilted[2, 1], tilted[2, 2])
    roll = torch.atan2(tilted[1, 0], tilted[0, 0])
    place = torch.stack([at[0] / at[2] / zoom, at[1] / at[2] / zoom, at[2].log() + np.log(zoom)])
    return Variables.pack(
        1,
        root=p.global_orient[0],
        place=place,
        tilt=torch.stack([pitch, roll]),
        pose=p.body_pose[0],
        betas=p.betas[0, :10],
        face_shape=p.betas[0, 10:],
        expression=p.expression[0],
        jaw=p.jaw_pose[0],
        hands=torch.cat([p.left_hand_pose[0], p.right_hand_pose[0]]),
        actions=p.actions[0],
    ).x


@dataclass(frozen=True)
class _Outline:
    """Points of the fitted outline, and how far from the mask's edge they may be.

    Attributes:
        ends: (m, 2) rows of `vertices`; vertices: (n,) of the body; fraction: (m,) between the two ends.
        distance: (1, 1, h, w) signed distance of pixels from the edge, percent of the person's height, outside above 0.
        scale: distance pixels per photo pixel. outer, inner: (m,) distances that the fit had, at least and at most 0.
    """

    vertices: Tensor
    ends: Tensor
    fraction: Tensor
    distance: Tensor
    scale: Tensor
    outer: Tensor
    inner: Tensor

    @staticmethod
    def of(body: BodyModel, base: BodyFit, detected: np.ndarray, evidence: PhotoEvidence) -> "_Outline":
        """The outline of `base`, which suits the mask `detected`, against the mask of `evidence`."""
        height, width = detected.shape
        scale = _SIDE / max(height, width)
        camera = base.camera.resize(max(1, round(width * scale)), max(1, round(height * scale)))
        size = torch.tensor([camera.width / width, camera.height / height])
        vertices = body(base.parameters).vertices[0]
        points = outline_points(vertices, Topology.of(body.faces), camera, rasterize(vertices, body.faces, camera))
        kept = torch.linspace(0, len(points.edge) - 1, min(_OUTLINE_POINTS, len(points.edge))).round().long()
        used, ends = torch.unique(points.edge[kept], return_inverse=True)
        percent = 100 / evidence.person_height_px / float(size.mean())
        before = _distance(detected, camera.width, camera.height) * percent
        after = _distance(evidence.mask, camera.width, camera.height) * percent
        had = _look_up(before, points.pixel[kept])
        return _Outline(used, ends, points.fraction[kept], after, size, had.clamp(min=0), had.clamp(max=0))

    def penalty(self, pixels: Tensor, config: RefitConfig) -> Tensor:
        """(B,) for the vertices' pixels (B, n, 2) in the photo."""
        a, b = pixels[:, self.ends[:, 0]], pixels[:, self.ends[:, 1]]
        at = a + self.fraction[:, None] * (b - a)
        distance = torch.stack([_look_up(self.distance, one * self.scale) for one in at])
        outside = (distance - self.outer).relu().square()
        inside = geman_mcclure((self.inner - distance).relu().square(), config.inside_robust)
        return (config.outside * outside + config.inside * inside).mean(1)


class _Corrected(Objective):
    """The objective of a fit with pins, the edited outline, and a pull to the fit that was there."""

    def correct(
        self, pinned: Sequence[int], outline: _Outline | None, home: Tensor, slope: Tensor, config: RefitConfig
    ) -> None:
        """home: (1, SIZE) the fit that was there. slope: (1, SIZE) of the uncorrected objective at it."""
        self.pins = torch.tensor(sorted(pinned), dtype=torch.long)
        self.outline, self.home, self.slope, self.refit = outline, home, slope, config

    def loss(self, v: Variables, posed: Posed, stage: Stage) -> Tensor:
        away = v.x - self.home
        # At home the slope is what outline and face held in balance there: without them the fit would drift.
        loss = super().loss(v, posed, stage) + (self.refit.anchor * away.square() - self.slope * away).sum(1)
        if len(self.pins):
            squared = self.percent(posed.to_camera(posed.landmarks[:, self.pins]), self.seen.pose[self.pins])
            loss = loss + self.refit.pin * squared.sum(1)
        if self.outline is not None:
            loss = loss + self.outline.penalty(self.project(posed.to_camera(posed.extra)), self.refit)
        return loss


def _slope(objective: Objective, x: Tensor, stage: Stage) -> Tensor:
    x = x.clone().requires_grad_()
    (slope,) = torch.autograd.grad(objective(x, stage).sum(), x)
    return slope


def _distrust_bones(seen: Observation, pinned: Sequence[int], config: RefitConfig) -> Observation:
    """Directions at pins count less: the detector took the joint for another place."""
    pins = torch.tensor(list(pinned), dtype=torch.long)
    touched = torch.isin(BONE_START, pins) | torch.isin(BONE_END, pins)
    weight = torch.where(touched, config.pinned_directions * seen.direction_weight, seen.direction_weight)
    return replace(seen, direction_weight=weight)


def _distance(mask: np.ndarray, width: int, height: int) -> Tensor:
    """(1, 1, h, w) pixels from the edge of a mask, above 0 outside of it."""
    small = cv2.resize(mask, (width, height), interpolation=cv2.INTER_AREA)
    person = (small > 0.5).astype(np.uint8)
    outside = cv2.distanceTransform(1 - person, cv2.DIST_L2, 5) if person.any() else np.zeros_like(small)
    return torch.from_numpy(outside - cv2.distanceTransform(person, cv2.DIST_L2, 5))[None, None]


def _look_up(field: Tensor, pixels: Tensor) -> Tensor:
    """(m,) bilinear values of (1, 1, h, w) at (m, 2) pixels; the border's beyond it."""
    size = torch.tensor([field.shape[3], field.shape[2]])
    grid = (2 * pixels / size - 1)[None, None]
    return torch.nn.functional.grid_sample(field, grid, padding_mode="border", align_corners=False)[0, 0, 0]
