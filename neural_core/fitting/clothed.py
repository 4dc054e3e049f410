"""Clothes and hair as a smooth shell over the body, fitted to the outline of the person (ROME, Khakhulin et al. 2022).

The shell is a thickness along smooth directions of the rest body, at most two centimetres under the skin (where the fit
is too thick or stands beside the person), so it deforms with the body. Its
thickness lives in a low-dimensional basis that ties front and back to the sides a photo shows (`clothing_basis`),
about the clothes that a network expects all round (`networks.clothed`), or about bare skin where there is none.
Fitting is Gauss-Newton: each point where the outline runs has a signed distance to the edge of the person mask, and
the basis has a Gaussian prior. It needs no gradient of a picture and settles in a few steps.
"""

from dataclasses import dataclass, replace

import cv2
import numpy as np
import torch
from torch import Tensor

from neural_core.body.model import BodyModel
from neural_core.camera import Camera
from neural_core.fitting.clothing_config import ClothedConfig
from neural_core.fitting.clothing_regions import smoothstep
from neural_core.fitting.clothing_shell import ClothingShell
from neural_core.fitting.jaw import fit_jaw
from neural_core.fitting.result import BodyFit
from neural_core.photo.evidence import PhotoEvidence
from neural_core.progress import Progress
from neural_core.rasterizer import Fragments, Topology, outline_points, rasterize

_MARGIN = 0.06  # of the person's size around the mask
_FOREARMS = ((13, 15), (14, 16), (15, 19), (16, 20))  # BlazePose elbow, wrist, index knuckle
_SEEN = 0.5  # visibility


@torch.no_grad()
def fit_clothed_shape(
    evidence: PhotoEvidence,
    body: BodyModel,
    fit: BodyFit,
    config: ClothedConfig | None = None,
    progress: Progress | None = None,
    expected: Tensor | None = None,
) -> Tensor:
    """Clothe the fitted body so that its outline meets the person mask.

    Args:
        expected: (V, 3) rest offsets of the clothes that are likely; what no outline reaches stays like them. None:
            bare skin is likely, and thick hair.

    Returns:
        (V, 3) rest-pose offsets, metres: outward, or inward by at most 2 cm; on the face what brings the jaw to its
        outline (`fitting.jaw`), zero on ears, eyes and hands. They go to `body(parameters, rest_offsets)`.
    """
    config, progress = config or ClothedConfig(), progress or Progress()
    shell = ClothingShell.of(body, config)
    target = _Target.of(evidence, fit.camera, config.side).to(body.device)
    arms = shell.regions.arms | shell.regions.hands
    topology = Topology.of(body.faces)
    jaw = fit_jaw(evidence, body, fit)
    bare = body(fit.parameters, jaw).vertices[0]
    # Skinning is affine in rest offsets: a metre of thickness moves a vertex by `motion`.
    motion = body(fit.parameters, jaw + shell.direction).vertices[0] - bare
    centre = torch.zeros_like(shell.room) if expected is None else shell.centre_of(expected.to(body.device))
    coefficients = shell.basis.start if expected is None else torch.zeros_like(shell.basis.start)
    best, best_overlap = coefficients, -1.0
    for step in range(config.iterations + 1):
        progress.update(step / (config.iterations + 1), "Fitting the clothes")
        thickness, slope = shell.thickness(coefficients, centre)
        vertices = bare + thickness[:, None] * motion
        fragments = rasterize(vertices, body.faces, target.camera, cull_backfaces=True)
        overlap = target.overlap(fragments)
        if overlap > best_overlap:  # the outline may swing between two answers
            best, best_overlap = coefficients, overlap
        residuals = _outline_residuals(vertices, motion * slope[:, None], topology, fragments, target)
        residuals = _without_foreign_arms(residuals, arms, target, config)
        coefficients = coefficients + _gauss_newton_step(residuals, coefficients, shell, config)
    progress.update(1.0, "Fitting the clothes")
    return shell.offsets(best, centre) + jaw


@dataclass(frozen=True)
class _Target:
    """The person in a small picture.

    Attributes:
        mask: (H, W) bool. distance: (3, H, W) signed distance to the mask's edge in pixels, negative inside, and its
            derivatives by y and x. forearms: (n, 2, 2) pixels, from elbow to wrist and from wrist to knuckles, where
            they are seen.
    """

    camera: Camera
    mask: Tensor
    distance: Tensor
    forearms: Tensor

    @staticmethod
    def of(evidence: PhotoEvidence, camera: Camera, side: int) -> "_Target":
        mask = evidence.mask
        height, width = mask.shape
        rows, columns = np.nonzero((mask > 0.5).any(1))[0], np.nonzero((mask > 0.5).any(0))[0]
        if not len(rows):
            rows, columns = np.array([0, height - 1]), np.array([0, width - 1])
        margin = 2 + round(_MARGIN * max(rows[-1] - rows[0], columns[-1] - columns[0]))
        top, bottom = max(int(rows[0]) - margin, 0), min(int(rows[-1]) + 1 + margin, height)
        left, right = max(int(columns[0]) - margin, 0), min(int(columns[-1]) + 1 + margin, width)
        scale = side / max(right - left, bottom - top)
        size = max(8, round((right - left) * scale)), max(8, round((bottom - top) * scale))
        person = cv2.resize(mask[top:bottom, left:right], size, interpolation=cv2.INTER_AREA) > 0.5
        # Beyond the picture the person goes on: its border is no outline.
        padded = cv2.copyMakeBorder(person.astype(np.uint8), side, side, side, side, cv2.BORDER_REPLICATE)
        inside = cv2.distanceTransform(padded, cv2.DIST_L2, 5)
        outside = cv2.distanceTransform(1 - padded, cv2.DIST_L2, 5)
        signed = np.where(padded > 0, 0.5 - inside, outside - 0.5)[side:-side, side:-side]
        distance = torch.from_numpy(signed.astype(np.float32))
        window = camera.crop(left, top, right - left, bottom - top).resize(*size)
        field = torch.stack([distance, *torch.gradient(distance)])
        bones = evidence.pose[np.array(_FOREARMS)]  # (4, 2, 3)
        bones = bones[(bones[..., 2] > _SEEN).all(1)][..., :2].astype(np.float32)
        forearms = (torch.from_numpy(bones) - torch.tensor([left, top])) * scale
        return _Target(window, torch.from_numpy(person), field, forearms)

    def to(self, device: torch.device) -> "_Target":
        moved = (tensor.to(device) for tensor in (self.mask, self.distance, self.forearms))
        return _Target(self.camera.to(device), *moved)

    def overlap(self, fragments: Fragments) -> float:
        """Intersection over union of mask and mesh."""
        both, either = self.mask & fragments.mask, self.mask | fragments.mask
        return float(both.sum() / either.sum().clamp(min=1))


@dataclass(frozen=True)
class _Residuals:
    """Points of the outline.

    Attributes:
        distance: (m,) to the mask's edge, metres, negative where clothes are missing. length: (m,) metres of outline
            that each stands for. pixel: (m, 2) x, y. slope: (m, 2) of the distance by the basis at `vertices` (m, 2).
    """

    distance: Tensor
    length: Tensor
    pixel: Tensor
    slope: Tensor
    vertices: Tensor


def _without_foreign_arms(residuals: _Residuals, arms: Tensor, target: _Target, config: ClothedConfig) -> _Residuals:
    """Beside a forearm and a hand the mask shows them, and is no reason for hips to grow."""
    if not len(target.forearms):
        return residuals
    start, along = target.forearms[:, 0], target.forearms[:, 1] - target.forearms[:, 0]
    offset = residuals.pixel[:, None] - start  # (m, n, 2)
    share = ((offset * along).sum(2) / (along * along).sum(1).clamp(min=1e-6)).clamp(0, 1)
    apart = (offset - share[..., None] * along).norm(dim=2).amin(1) * residuals.length  # metres
    own = arms[residuals.vertices].any(1)
    trust = torch.where(own, 1.0, smoothstep(apart, config.arm_reach / 2, config.arm_reach))
    return replace(residuals, length=residuals.length * trust)


def _outline_residuals(
    vertices: Tensor, motion: Tensor, topology: Topology, fragments: Fragments, target: _Target
) -> _Residuals:
    camera = target.camera
    points = outline_points(vertices, topology, camera, fragments)
    size = torch.tensor([camera.width, camera.height], device=vertices.device)
    value, dy, dx = torch.nn.functional.grid_sample(
        target.distance[None], (points.pixel / size * 2 - 1)[None, None], align_corners=False, padding_mode="border"
    )[0, :, 0]
    ends = vertices[points.edge]  # (m, 2, 3)
    small = 1e-3  # metres, for the derivative of the projection
    (before, depth), (after, _) = camera.project(ends), camera.project(ends + small * motion[points.edge])
    velocity = (after - before) / small  # pixels per unit of the basis
    share = torch.stack([1 - points.fraction, points.fraction], 1)
    slope = share * (velocity[..., 0] * dx[:, None] + velocity[..., 1] * dy[:, None])
    pixel = (torch.ones_like(value) if camera.orthographic else depth.mean(1)) / camera.K[0, 0]  # metres
    return _Residuals(value * pixel, pixel, points.pixel, slope * pixel[:, None], points.edge)


def _gauss_newton_step(residuals: _Residuals, coefficients: Tensor, shell: ClothingShell, config: ClothedConfig):
    """Change (P,) of the coefficients towards the most probable clothes for the outline linearised."""
    weight = residuals.length / (config.outline_length * config.outline_noise**2)
    weight = weight * (config.outlier / residuals.distance.abs().clamp(min=1e-9)).clamp(max=1.0)  # Huber
    jacobian = (residuals.slope[..., None] * shell.basis.values[residuals.vertices]).sum(1)  # (m, P)
    normal = jacobian.T @ (weight[:, None] * jacobian) + shell.basis.precision
    gradient = jacobian.T @ (weight * residuals.distance) + shell.basis.precision @ coefficients
    return -config.damping * torch.linalg.solve(normal, gradient)
