"""The outline of a clothed body against the edge of the person mask, by matched points.

A rasterised silhouette sees an edge only when it lies beside it, and costs a picture per evaluation. Here the outline's
points are found once, then moved with the body (iterated closest points, Besl and McKay 1992): each has a distance to
the mask's edge however far away it is, and each point of the mask's edge pulls the nearest point of the outline.
"""

from dataclasses import dataclass

import cv2
import numpy as np
import torch
from scipy.spatial import KDTree
from torch import Tensor
from torch.nn.functional import grid_sample

from neural_core.body.model import BodyModel
from neural_core.body.skinning import rotation_matrices
from neural_core.camera import Camera
from neural_core.fitting.variables import Variables
from neural_core.photo.evidence import PhotoEvidence
from neural_core.rasterizer import Topology, outline_points, rasterize

_SIDE = 320  # pixels of the window's longer side: half a per cent of the height is one and a half of them
_MARGIN = 0.15  # of the person's size: a body that begins outside the mask is pulled back
_NEAR = 0.05  # metres


@dataclass(frozen=True)
class MaskEdge:
    """The person in a small picture.

    Attributes:
        camera: of the window, at the origin. distance: (H, W) to the mask's edge, per cent of the person's height,
            negative inside. contour: (n, 2) pixels of the edge, not where the picture's border cuts the person.
        percent: of the height, per pixel of the window.
    """

    camera: Camera
    distance: Tensor
    contour: np.ndarray
    percent: float

    @staticmethod
    def of(evidence: PhotoEvidence) -> "MaskEdge":
        mask = evidence.mask
        height, width = mask.shape
        rows, columns = np.nonzero((mask > 0.5).any(1))[0], np.nonzero((mask > 0.5).any(0))[0]
        if not len(rows):
            rows, columns = np.array([0, height - 1]), np.array([0, width - 1])
        margin = round(_MARGIN * max(np.ptp(rows), np.ptp(columns)))
        top, bottom = max(int(rows[0]) - margin, 0), min(int(rows[-1]) + 1 + margin, height)
        left, right = max(int(columns[0]) - margin, 0), min(int(columns[-1]) + 1 + margin, width)
        scale = _SIDE / max(right - left, bottom - top)
        size = max(8, round((right - left) * scale)), max(8, round((bottom - top) * scale))
        camera = Camera.pinhole(evidence.focal, width, height).crop(left, top, right - left, bottom - top).resize(*size)
        person = cv2.resize(mask[top:bottom, left:right], size, interpolation=cv2.INTER_AREA) > 0.5
        # Beyond the picture the person goes on: its border is no outline.
        border = _SIDE // 2
        padded = cv2.copyMakeBorder(person.astype(np.uint8), border, border, border, border, cv2.BORDER_REPLICATE)
        inside = cv2.distanceTransform(padded, cv2.DIST_L2, 5)
        outside = cv2.distanceTransform(1 - padded, cv2.DIST_L2, 5)
        signed = np.where(padded > 0, 0.5 - inside, outside - 0.5)[border:-border, border:-border]
        percent = 100 / (scale * evidence.person_height_px)
        contours, _ = cv2.findContours(person.astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
        points = np.concatenate([c[:, 0] for c in contours]) if contours else np.zeros((0, 2), np.int32)
        cut = (points < 1).any(1) | (points >= np.array(size) - 1).any(1)
        contour = points[~cut][::2].astype(np.float32) + 0.5
        return MaskEdge(camera, torch.from_numpy(signed.astype(np.float32) * percent), contour, percent)


class OutlineTerm:
    """Robust mean squared distance, per cent of the height squared, between outline and mask edge; see the module."""

    def __init__(
        self, body: BodyModel, topology: Topology, rest_offsets: Tensor, edge: MaskEdge, v: Variables, robust: float
    ):
        """Match at the pose `v`, one row. rest_offsets: (V, 3) clothed shape. robust: Geman-McClure, per cent."""
        self.edge, self.robust = edge, robust
        with torch.no_grad():
            parameters = v.body_parameters()
            correctives = body.pose_correctives(rotation_matrices(parameters.full_pose()))[0]
            offsets = rest_offsets + correctives
            out = body(parameters, offsets, correctives=False)
            R = v.camera_rotation()[0]
            t = v.pelvis_in_camera()[0] - R @ out.joints[0, 0]
            vertices = out.vertices[0] @ R.T + t
            fragments = rasterize(vertices, body.faces, edge.camera)
            points = outline_points(vertices, topology, edge.camera, fragments)
        used, corner = torch.unique(points.edge.reshape(-1), return_inverse=True)
        self.points, self.offsets = body.subset(used), offsets[used]
        self.corner, self.fraction = corner.reshape(-1, 2), points.fraction
        self.target = self.partner = None
        if len(points.pixel) and len(edge.contour):
            far, nearest = (np.asarray(x) for x in KDTree(points.pixel.numpy()).query(edge.contour))
            close = far * edge.percent < 3 * robust
            self.target = torch.from_numpy(edge.contour[close])
            self.partner = torch.from_numpy(nearest[close])

    def __call__(self, v: Variables, R: Tensor, t: Tensor) -> Tensor:
        """(B,) for bodies `v` with world-to-camera R (B, 3, 3) and t (B, 3)."""
        if not len(self.corner):
            return torch.zeros(v.batch)
        vertices = self.points(v.body_parameters(), self.offsets, correctives=False).vertices
        vertices = vertices @ R.transpose(1, 2) + t[:, None]
        camera = self.edge.camera
        ends = vertices[:, self.corner]  # (B, m, 2, 3)
        pixels = ends[..., :2] / ends[..., 2:].clamp(min=_NEAR) * camera.K.diagonal()[:2] + camera.K[:2, 2]
        at = pixels[:, :, 0] + self.fraction[:, None] * (pixels[:, :, 1] - pixels[:, :, 0])  # (B, m, 2)
        grid = at / at.new_tensor([camera.width, camera.height]) * 2 - 1
        field = self.edge.distance.expand(v.batch, 1, -1, -1)
        distance = grid_sample(field, grid[:, None], align_corners=False, padding_mode="border")[:, 0, 0]
        loss = _robust(distance.square(), self.robust).mean(1)
        if self.target is not None and len(self.target):
            pull = ((at[:, self.partner] - self.target) * self.edge.percent).square().sum(-1)
            loss = loss + 0.5 * _robust(pull, self.robust).mean(1)
        return loss


def _robust(squared: Tensor, scale: float) -> Tensor:
    return squared / (1 + squared / (scale * scale))
