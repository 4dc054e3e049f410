"""What detectors without errors would see of a synthetic person's photo."""

import numpy as np
import torch
from torch import Tensor

from neural_core.body.skinning import joint_transforms, rotation_matrices
from neural_core.camera import Camera
from neural_core.photo import PhotoEvidence
from neural_core.photo.mask import refine_mask
from neural_core.training.people.person import Person


def true_evidence(
    person: Person, pose: Tensor, camera: Camera, image: Tensor, mask: Tensor, coverage: Tensor
) -> PhotoEvidence:
    """True landmarks and focal length; the mask is the product's: a segmenter's, refined by the picture's own colours.

    Args:
        pose: (55, 3). image: (3, H, W) sRGB. mask: (H, W) as a segmenter gives it. coverage: (H, W) true.
    """
    rotations, joints = joint_transforms(rotation_matrices(pose[None]), person.joints[None])
    points = person.wardrobe.body.landmarks.pose_points(joints, rotations)[0].cpu()
    pixels = camera.project(points)[0]
    rows = torch.nonzero((coverage > 0.5).any(1)).flatten()
    height = float(rows[-1] - rows[0] + 1)
    picture = np.ascontiguousarray(image.permute(1, 2, 0).cpu().numpy())
    return PhotoEvidence(
        image=picture,
        mask=refine_mask(picture, np.ascontiguousarray(mask.cpu().numpy()), pixels.numpy(), height),
        pose=torch.cat([pixels, torch.ones(len(pixels), 1)], dim=1).numpy(),
        pose_world=(points - points[[23, 24]].mean(0)).numpy() @ camera.R.numpy().T,
        face=None,
        hands=(None, None),
        focal=float(camera.K[0, 0]),
        focal_source="user",
        person_height_px=height,
        full_body=True,
        warnings=(),
    )
