"""Pictures of a fit, for reports and for the eye: over the photo, and from the side."""

import cv2
import numpy as np
import torch
from torch import Tensor

from neural_core.body.model import BodyModel
from neural_core.camera import Camera, look_at
from neural_core.fitting.report import LIMB_JOINTS
from neural_core.fitting.result import BodyFit
from neural_core.photo.evidence import PhotoEvidence
from neural_core.rasterizer import interpolate, rasterize

_MAX_SIDE = 1024  # pixels; pictures for a page
_CLAY = np.array([0.72, 0.80, 0.92], dtype=np.float32)
_OPACITY = 0.7
_OUTLINE, _SEEN, _FITTED = (0.1, 0.9, 0.2), (0.95, 0.25, 0.2), (1.0, 0.9, 0.1)


def draw_overlay(
    evidence: PhotoEvidence, body: BodyModel, fit: BodyFit, rest_offsets: Tensor | None = None
) -> np.ndarray:
    """The fitted body over the photo, with the mask's outline (green), landmarks seen (red) and fitted (yellow).

    Returns:
        (H, W, 3) float32 sRGB, at most 1024 pixels a side.
    """
    height, width = evidence.image.shape[:2]
    scale = min(1.0, _MAX_SIDE / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    picture = cv2.resize(evidence.image, size, interpolation=cv2.INTER_AREA)
    camera = fit.camera.resize(*size)
    out = body(fit.parameters, rest_offsets=rest_offsets)
    shaded, covered = shade(out.vertices[0], body.faces, camera)
    picture[covered] = (1 - _OPACITY) * picture[covered] + _OPACITY * shaded[covered]

    mask = cv2.resize(evidence.mask, size, interpolation=cv2.INTER_AREA)
    contours, _ = cv2.findContours((mask > 0.5).astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(picture, contours, -1, _OUTLINE, 1, cv2.LINE_AA)
    radius = max(2, round(evidence.person_height_px * scale / 250))
    fitted = camera.project(body.landmarks.pose_points(out.joints, out.rotations)[0])[0].numpy()
    for joint in LIMB_JOINTS:
        if evidence.pose[joint, 2] > 0.5:
            seen = evidence.pose[joint, :2] * scale
            cv2.line(picture, _pixel(seen), _pixel(fitted[joint]), _SEEN, 1, cv2.LINE_AA)
            cv2.circle(picture, _pixel(seen), radius, _SEEN, -1, cv2.LINE_AA)
            cv2.circle(picture, _pixel(fitted[joint]), max(1, radius - 1), _FITTED, -1, cv2.LINE_AA)
    for points in (evidence.face, *evidence.hands):
        for point in () if points is None else points * scale:
            cv2.circle(picture, _pixel(point), 1, _SEEN, -1, cv2.LINE_AA)
    return picture.clip(0, 1)


def side_view(
    evidence: PhotoEvidence, body: BodyModel, fit: BodyFit, rest_offsets: Tensor | None = None, degrees: float = 90.0
) -> np.ndarray:
    """The fitted body on its ground, seen from its left, `degrees` around from the camera's side.

    Returns:
        (H, W, 3) float32 sRGB, as high as the overlay.
    """
    height = min(_MAX_SIDE, evidence.image.shape[0])
    width = round(height * 0.75)
    vertices = body(fit.parameters, rest_offsets=rest_offsets).vertices[0]
    low, high = vertices.amin(0), vertices.amax(0)
    centre, tall = (low + high) / 2, float((high - low)[1])
    towards = fit.camera.position - centre
    turn = torch.deg2rad(torch.tensor(degrees)) + torch.atan2(towards[0], towards[2])
    distance = 3.0 * tall
    position = centre + distance * torch.stack([turn.sin(), torch.zeros(()), turn.cos()])
    camera = look_at(position, centre, 0.85 * height * distance / tall, width, height)
    shaded, covered = shade(vertices, body.faces, camera)
    picture = np.ones((height, width, 3), dtype=np.float32)
    ground = camera.project(torch.stack([centre[0], torch.zeros(()), centre[2]])[None])[0][0].numpy()
    cv2.line(picture, _pixel((0, ground[1])), _pixel((width - 1, ground[1])), (0.7, 0.7, 0.7), 1, cv2.LINE_AA)
    # A plumb line through the middle of the feet shows at a glance whether the body leans.
    cv2.line(picture, _pixel((ground[0], 0)), _pixel((ground[0], height - 1)), (0.85, 0.85, 0.85), 1, cv2.LINE_AA)
    picture[covered] = shaded[covered]
    return picture


def shade(vertices: Tensor, faces: Tensor, camera: Camera) -> tuple[np.ndarray, np.ndarray]:
    """A clay render: (H, W, 3) float32 and where the body covers it (H, W) bool."""
    fragments = rasterize(vertices, faces, camera)
    corners = vertices[faces]
    face_normals = torch.linalg.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normals = torch.zeros_like(vertices)
    for corner in range(3):
        normals.index_add_(0, faces[:, corner], face_normals)
    normals = torch.nn.functional.normalize(normals, dim=1)
    # A light over the camera's left shoulder, in camera axes.
    light = torch.nn.functional.normalize(torch.tensor([-0.4, -0.6, -1.0]), dim=0) @ camera.R
    brightness = 0.35 + 0.65 * (normals @ light).clamp(min=0)
    picture = interpolate(fragments, faces, brightness[:, None]).numpy() * _CLAY
    return picture.astype(np.float32), fragments.mask.numpy()


def _pixel(point) -> tuple[int, int]:
    return round(float(point[0])), round(float(point[1]))
