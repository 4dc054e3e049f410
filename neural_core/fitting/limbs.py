"""The parts of a body that point somewhere: limbs, trunk and head, and the joints that go with each."""

import torch

from neural_core.body.skeleton import JOINT_INDEX, PARENTS

# Lines from joint to joint: thighs, shins, upper arms and forearms of both sides ...
LIMBS = [
    (JOINT_INDEX[f"{side}_{near}"], JOINT_INDEX[f"{side}_{far}"])
    for side in ("left", "right")
    for near, far in (("hip", "knee"), ("knee", "ankle"), ("shoulder", "elbow"), ("elbow", "wrist"))
]
# ... and two that together say how the trunk stands: it leans, and it twists.
TRUNK_LINES = [(0, JOINT_INDEX["neck"]), (JOINT_INDEX["right_shoulder"], JOINT_INDEX["left_shoulder"])]
TRUNK, HEAD = len(LIMBS), len(LIMBS) + 1  # numbers of these parts, after the limbs'


def _owners() -> list[int]:
    first = {near: k for k, (near, _) in enumerate(LIMBS)} | {0: TRUNK, JOINT_INDEX["head"]: HEAD}
    owner: list[int] = []
    for joint, parent in enumerate(PARENTS):
        owner.append(first[joint] if joint in first else owner[parent])
    return owner


PART_OF_JOINT = torch.tensor(_owners())  # (55,)
