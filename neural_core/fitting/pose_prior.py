"""How people hold themselves when the picture does not tell: means, spreads and hard limits of the joints.

Axis-angle in the SMPL-X rest frames (T pose): x bends forward, y turns, z tilts; written for the left side, y and z
change sign on the right.
"""

from functools import cache

import torch
from torch import Tensor

from neural_core.body.skeleton import JOINT_INDEX

# name: (mean, sigma), radians. Standing, arms hanging.
_PRIOR: dict[str, tuple[tuple[float, float, float], tuple[float, float, float]]] = {
    "spine1": ((0, 0, 0), (0.15, 0.15, 0.1)),
    "spine2": ((0, 0, 0), (0.15, 0.15, 0.1)),
    "spine3": ((0, 0, 0), (0.15, 0.15, 0.1)),
    "neck": ((0, 0, 0), (0.2, 0.25, 0.15)),
    "head": ((0, 0, 0), (0.25, 0.3, 0.2)),
    "collar": ((0, 0, 0), (0.1, 0.15, 0.2)),
    "shoulder": ((0, -0.1, -0.9), (0.4, 0.6, 0.7)),  # the T pose is rare in photos: arms hang
    "elbow": ((0, -0.4, 0), (0.35, 0.8, 0.2)),
    "wrist": ((0, 0, 0), (0.3, 0.3, 0.35)),
    "hip": ((-0.15, 0, 0.02), (0.5, 0.25, 0.2)),
    "knee": ((0.08, 0, 0), (0.4, 0.08, 0.06)),
    "ankle": ((0, 0, 0), (0.25, 0.15, 0.12)),
    "foot": ((0, 0, 0), (0.06, 0.03, 0.03)),
}
# Standing legs are straight far more often than a Gaussian about 0.08 rad can say: a narrow, robust well at the mean.
_STRAIGHT_SIGMA, _STRAIGHT_SCALE = 0.06, 2.5  # radians; sigmas beyond which the knee is bent and the well lets go
_CURL = (0.40, 0.50, 0.30)  # radians of flexion at knuckle, middle and end joint of a relaxed finger
_CLOSED_CURL = (0.60, 0.70, 0.40)  # and of one that moves too fast to be seen
_TOGETHER = (0.20, 0.0, -0.32, -0.18)  # radians about y by which index, middle, pinky and ring close up
_FINGERS = 4  # index, middle, pinky, ring; the thumb, last in a hand, rests as the body has it
_MAX_KNEE, _MAX_ELBOW = 2.4, 2.5  # radians, heel to buttock and hand to shoulder

KNEES = [JOINT_INDEX["left_knee"] - 1, JOINT_INDEX["right_knee"] - 1]  # rows of the body pose
_ELBOWS = [JOINT_INDEX["left_elbow"] - 1, JOINT_INDEX["right_elbow"] - 1]
_ELBOW_SIGN = torch.tensor([-1.0, 1.0])  # the left elbow bends about -y


@cache
def _tables() -> tuple[Tensor, Tensor]:
    mean, sigma = torch.zeros(21, 3), torch.ones(21, 3)
    for name, (mu, spread) in _PRIOR.items():
        for joint, sign in ((name, 1.0), (f"left_{name}", 1.0), (f"right_{name}", -1.0)):
            if joint in JOINT_INDEX:
                row = JOINT_INDEX[joint] - 1
                mean[row] = torch.tensor([mu[0], sign * mu[1], sign * mu[2]])
                sigma[row] = torch.tensor(spread)
    return mean, sigma


def mean_pose() -> Tensor:
    """(21, 3) axis-angle of the most likely body pose."""
    return _tables()[0]


def pose_prior(pose: Tensor) -> Tensor:
    """Squared distance in sigmas from the mean pose, (B, 21, 3) to (B,), with a robust preference for straight legs."""
    mean, sigma = _tables()
    straight = ((pose[:, KNEES, 0] - mean[KNEES, 0]) / _STRAIGHT_SIGMA).square()
    straight = straight / (1 + straight / _STRAIGHT_SCALE**2)
    return (((pose - mean) / sigma) ** 2).sum((1, 2)) + straight.sum(1)


def relaxed_hands(hands_mean: Tensor) -> Tensor:
    """(30, 3) hanging hands, a little curled; from the body's own mean, which is nearly flat."""
    hands = hands_mean.clone().reshape(2, 5, 3, 3)  # left and right, finger, joint
    fingers = hands[:, :_FINGERS]
    fingers[..., :2] *= 0.5  # flat fingers splay, curled ones come together
    fingers[0, ..., 2] = -torch.tensor(_CURL)  # in the T pose with palms down, flexion is about -z on the left
    fingers[1, ..., 2] = torch.tensor(_CURL)
    return hands.reshape(30, 3)


def closed_hands() -> Tensor:
    """(30, 3) hands half closed, finger beside finger: what a blur most likely hides, and never a spread fan."""
    hands = torch.zeros(2, 5, 3, 3)
    for side, sign in ((0, 1.0), (1, -1.0)):
        hands[side, :_FINGERS, :, 2] = -sign * torch.tensor(_CLOSED_CURL)
        hands[side, :_FINGERS, 0, 1] = sign * torch.tensor(_TOGETHER)
    return hands.reshape(30, 3)


def beyond_limits(pose: Tensor, jaw: Tensor) -> Tensor:
    """Squared radians by which knees, elbows (B, 21, 3) and jaw (B, 3) leave the range of their hinges, (B,)."""
    knee = pose[:, KNEES, 0]
    elbow = pose[:, _ELBOWS, 1] * _ELBOW_SIGN
    over = [-knee, knee - _MAX_KNEE, -elbow, elbow - _MAX_ELBOW, -jaw[:, :1]]
    return torch.cat(over, dim=1).relu().square().sum(1)
