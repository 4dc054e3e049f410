"""Who is photographed: a shape, a pose, and the body they give."""

import numpy as np
import torch

from neural_core.body import BodyParameters, load_open_body
from neural_core.body.skeleton import JOINT_INDEX

SEED = 11
BODY = load_open_body()
TEMPLATE = BODY.template.numpy()
FACES = BODY.faces.numpy()
WEIGHTS = BODY.weights.numpy()


def weight(*joints: str) -> np.ndarray:
    """(V,) summed skinning weight of the joints."""
    return WEIGHTS[:, [JOINT_INDEX[j] for j in joints]].sum(1)


def person() -> BodyParameters:
    """A young man, relaxed, weight on one leg, arms a little away from the body."""
    betas = torch.zeros(1, 20)
    betas[0, :10] = torch.tensor([0.35, 0.9, -0.6, 0.2, 0.3, -0.2, 0.1, 0.0, 0.2, 0.0])
    betas[0, 10:] = torch.randn(10, generator=torch.Generator().manual_seed(SEED)) * 0.6
    pose = torch.zeros(1, 55, 3)

    def turn(joint: str, x: float = 0.0, y: float = 0.0, z: float = 0.0) -> None:
        pose[0, JOINT_INDEX[joint]] = torch.tensor([x, y, z])

    turn("left_shoulder", 0.05, -0.10, -1.24)
    turn("right_shoulder", 0.08, 0.08, 1.20)
    turn("left_elbow", 0.0, -0.32, 0.0)
    turn("right_elbow", 0.0, 0.38, 0.0)
    turn("left_collar", 0.0, 0.0, -0.06)
    turn("right_collar", 0.0, 0.0, 0.06)
    turn("left_hip", -0.06, 0.10, 0.03)
    turn("right_hip", -0.02, -0.06, -0.05)
    turn("left_knee", 0.14)
    turn("right_knee", 0.05)
    turn("spine2", 0.03, 0.0, 0.02)
    turn("neck", 0.02, 0.06, 0.0)
    turn("head", -0.02, 0.06, -0.02)
    turn("jaw", -0.06)
    pose[0, 25:55] = BODY.hands_mean * 1.15
    return BodyParameters.zeros(1, betas=betas).with_full_pose(pose)


def posed(parameters: BodyParameters, fraction: float) -> np.ndarray:
    """(V, 3) y-up vertices a fraction of the way from the T pose, soles near y = 0."""
    part = parameters.with_full_pose(parameters.full_pose() * fraction)
    vertices = BODY(part).vertices[0].numpy()
    end = BODY(parameters).vertices[0].numpy()
    vertices[:, 1] -= end[:, 1].min()
    return vertices
