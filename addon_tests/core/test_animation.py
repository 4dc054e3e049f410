"""Where a motion happens without Blender: the same place as in Blender."""

import numpy as np
import torch

from neural_core.animation import motion_parameters, posed_vertices
from neural_core.avatar import Avatar
from neural_core.motion import Motion


def test_the_lowest_point_of_the_whole_motion_is_on_the_ground(small_avatar):
    """Also where the first frame is not the lowest: a landing must not sink in."""
    avatar = Avatar.load(small_avatar)
    body = avatar.body()
    trans = np.array([[3.0, 0.5, 1.0], [3.5, 0.1, 1.0], [4.0, 0.9, 1.0]])
    frames = list(motion_parameters(avatar, body, Motion(np.zeros((3, 55, 3)), trans, 30.0)))
    lowest = torch.stack([posed_vertices(avatar, body, frame)[0, :, 1].min() for frame in frames])
    assert torch.allclose(lowest, torch.tensor([0.4, 0.0, 0.8]), atol=1e-5)
    ways = torch.cat([frame.transl for frame in frames])[:, [0, 2]]
    assert torch.allclose(ways, torch.tensor([[0.0, 0.0], [0.5, 0.0], [1.0, 0.0]]), atol=1e-5)
