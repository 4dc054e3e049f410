"""The clothed shape as the product fits it to the photo of a view, instead of a share of the true one."""

from dataclasses import replace

import roma
from torch import Tensor

from neural_core.body.parameters import BodyParameters
from neural_core.camera import Camera
from neural_core.fitting import BodyFit
from neural_core.fitting.skirt_skin import moving_as_one
from neural_core.photo import PhotoEvidence
from neural_core.sight import clothe
from neural_core.training.people.estimate import EstimatedPoses, EstimatedShape
from neural_core.training.people.person import Person


def dressed_by_product(
    person: Person, shape: EstimatedShape, poses: EstimatedPoses, view: int, camera: Camera, evidence: PhotoEvidence
) -> EstimatedShape:
    """The shape with the clothes that the expected ones, the outline and skirts give in that view's estimated pose.

    Skirts move in other poses as an avatar's do (fitting.skirt_skin).
    """
    parameters = fitted_parameters(shape, poses.local[view], poses.transl[view])
    body = person.wardrobe.body
    offsets, skirt = clothe(evidence, BodyFit(parameters, camera), body)
    if skirt is None:
        return replace(shape, offsets=offsets)
    offsets, skin = moving_as_one(body, [(parameters, offsets, skirt.share)], offsets)
    return replace(shape, offsets=offsets, skin=skin)


def fitted_parameters(shape: EstimatedShape, local: Tensor, transl: Tensor) -> BodyParameters:
    """What a fit would hand on: local (55, 3, 3), transl (3,)."""
    given = BodyParameters.zeros(
        1, device=local.device, betas=shape.betas[None], expression=shape.expression[None], transl=transl[None]
    )
    return given.with_full_pose(roma.rotmat_to_rotvec(local)[None])
