"""The segmentation term of DINAR 3.1: the body's outline against the person mask."""

from dataclasses import dataclass

import cv2
import numpy as np
import torch
from torch import Tensor

from neural_core.body.model import BodyModel
from neural_core.body.skinning import rotation_matrices
from neural_core.camera import Camera
from neural_core.fitting.config import FitConfig
from neural_core.fitting.variables import Variables
from neural_core.photo.evidence import PhotoEvidence
from neural_core.rasterizer import rasterize
from neural_core.rasterizer.silhouette import Topology, soft_mask

_MARGIN = 0.08  # of the mask's longer side, so that a body outside the mask is seen and pushed back


@dataclass(frozen=True)
class SilhouetteTerm:
    """Weighted share of the person's area that body and mask do not have in common.

    Attributes:
        body: the whole body. correctives: (1, V, 3) pose correctives, held fixed while the term is minimised: they
            are small, and half of the cost. camera: of the cropped, reduced picture, at the origin.
        mask: (H, W) the person in it.
    """

    body: BodyModel
    topology: Topology
    correctives: Tensor
    camera: Camera
    mask: Tensor
    outside_weight: float
    missed_weight: float

    @staticmethod
    def of(body: BodyModel, evidence: PhotoEvidence, v: Variables, config: FitConfig) -> "SilhouetteTerm":
        """The term about the present pose `v` (one row)."""
        height, width = evidence.mask.shape
        left, top, right, bottom = _box(evidence.mask)
        scale = config.silhouette_side / max(right - left, bottom - top)
        size = max(8, round((right - left) * scale)), max(8, round((bottom - top) * scale))
        mask = cv2.resize(evidence.mask[top:bottom, left:right], size, interpolation=cv2.INTER_AREA)
        camera = Camera.pinhole(evidence.focal, width, height)
        camera = camera.crop(left, top, right - left, bottom - top).resize(*size)
        correctives = body.pose_correctives(rotation_matrices(v.body_parameters().full_pose()))
        return SilhouetteTerm(
            body,
            Topology.of(body.faces),
            correctives.detach(),
            camera,
            torch.from_numpy(mask),
            config.outside_weight,
            config.missed_weight,
        )

    def __call__(self, v: Variables, R: Tensor, t: Tensor) -> Tensor:
        """(B,) for bodies with world-to-camera R (B, 3, 3) and t (B, 3)."""
        out = self.body(v.body_parameters(), rest_offsets=self.correctives, correctives=False)
        vertices = out.vertices @ R.transpose(1, 2) + t[:, None]
        return torch.stack([self._mismatch(one) for one in vertices])

    def _mismatch(self, vertices: Tensor) -> Tensor:
        fragments = rasterize(vertices.detach(), self.body.faces, self.camera)
        covered = soft_mask(vertices, self.topology, self.camera, fragments)
        outside = (covered * (1 - self.mask)).sum()
        missed = ((1 - covered) * self.mask).sum()
        return (self.outside_weight * outside + self.missed_weight * missed) / self.mask.sum().clamp(min=1.0)


def _box(mask: np.ndarray) -> tuple[int, int, int, int]:
    """Window about the person with a margin, inside the picture: what lies outside the picture is not known."""
    rows, columns = np.nonzero((mask > 0.5).any(1))[0], np.nonzero((mask > 0.5).any(0))[0]
    height, width = mask.shape
    if not len(rows):
        return 0, 0, width, height
    left, right, top, bottom = int(columns[0]), int(columns[-1]) + 1, int(rows[0]), int(rows[-1]) + 1
    margin = max(2, round(_MARGIN * max(right - left, bottom - top)))
    return max(left - margin, 0), max(top - margin, 0), min(right + margin, width), min(bottom + margin, height)
