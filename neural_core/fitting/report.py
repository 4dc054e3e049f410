"""How good a fit is, in numbers a person can check against the picture."""

import cv2
import numpy as np
import torch
from torch import Tensor

from neural_core.body.model import BodyModel
from neural_core.body.skeleton import JOINT_INDEX
from neural_core.camera import Camera
from neural_core.fitting.pose_prior import KNEES
from neural_core.fitting.result import BodyFit
from neural_core.photo.evidence import PhotoEvidence
from neural_core.rasterizer import rasterize

LIMB_JOINTS = [11, 12, 13, 14, 15, 16, 23, 24, 25, 26, 27, 28]  # BlazePose shoulders to wrists, hips to ankles
_MASK_SIDE = 512  # pixels; IoU changes by less than 0.002 above


def fit_errors(evidence: PhotoEvidence, body: BodyModel, fit: BodyFit, rest_offsets: Tensor | None) -> dict[str, float]:
    """Measures of a fit.

    Args:
        rest_offsets: (V, 3) clothed shape, or None for the bare body alone.

    Returns:
        residual_percent, worst_limb_percent: 2-D distance of the limb joints seen, percent of the person's height;
        iou_body, and iou_clothed with offsets: against the person mask; outside_percent: of the (clothed) body that
        lies outside the mask; lean_degrees: of the line from ankles to neck against gravity; pitch_degrees: camera
        looking down; knee_degrees: the smaller knee flexion, negative when reversed; jaw_degrees: opening.
    """
    out = body(fit.parameters)
    residual = landmark_residual(evidence, body, fit)
    joints = out.joints[0]
    ankles = joints[[JOINT_INDEX["left_ankle"], JOINT_INDEX["right_ankle"]]].mean(0)
    spine = torch.nn.functional.normalize(joints[JOINT_INDEX["neck"]] - ankles, dim=0)
    forward = fit.camera.R[2]
    errors = {
        "residual_percent": float(residual.mean()),
        "worst_limb_percent": float(residual.max()),
        "iou_body": 0.0,
        "outside_percent": 0.0,
        "lean_degrees": _degrees(torch.arccos(spine[1].clamp(-1, 1))),
        "pitch_degrees": _degrees(torch.arcsin(-forward[1].clamp(-1, 1))),
        "knee_degrees": _degrees(fit.parameters.body_pose[0, KNEES, 0].min()),
        "jaw_degrees": _degrees(fit.parameters.jaw_pose[0, 0]),
    }
    errors["iou_body"], errors["outside_percent"] = _mask_overlap(evidence, out.vertices[0], body, fit.camera)
    if rest_offsets is not None:
        clothed = body(fit.parameters, rest_offsets=rest_offsets).vertices[0]
        errors["iou_clothed"], errors["outside_percent"] = _mask_overlap(evidence, clothed, body, fit.camera)
    return errors


def landmark_residual(evidence: PhotoEvidence, body: BodyModel, fit: BodyFit) -> np.ndarray:
    """(n,) distances of the limb joints seen, percent of the person's height."""
    out = body(fit.parameters, correctives=False)
    points = body.landmarks.pose_points(out.joints, out.rotations)[0]
    pixels = fit.camera.project(points)[0].numpy()
    seen = [joint for joint in LIMB_JOINTS if evidence.pose[joint, 2] > 0.5]
    if not seen:
        return np.zeros(1)
    return np.linalg.norm(pixels[seen] - evidence.pose[seen, :2], axis=1) / evidence.person_height_px * 100


def body_mask(vertices: Tensor, body: BodyModel, camera: Camera) -> np.ndarray:
    """(H, W) bool, where the body covers the picture."""
    return rasterize(vertices, body.faces, camera).mask.numpy()


def _mask_overlap(evidence: PhotoEvidence, vertices: Tensor, body: BodyModel, camera: Camera) -> tuple[float, float]:
    """IoU with the person mask and percent of the body outside it, inside the picture."""
    height, width = evidence.mask.shape
    scale = min(1.0, _MASK_SIDE / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    person = cv2.resize(evidence.mask, size, interpolation=cv2.INTER_AREA) > 0.5
    covered = body_mask(vertices, body, camera.resize(*size))
    union = max(int((covered | person).sum()), 1)
    outside = int((covered & ~person).sum()) / max(int(covered.sum()), 1)
    return int((covered & person).sum()) / union, 100 * outside


def _degrees(radians: Tensor) -> float:
    return float(torch.rad2deg(radians))
