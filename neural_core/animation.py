"""Frames of an avatar without Blender: a turntable, or a motion file."""

import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from neural_core.avatar import Avatar
from neural_core.body import BodyModel, BodyParameters
from neural_core.camera import Camera, look_at
from neural_core.motion import Motion, read_motion
from neural_core.rendering import AvatarRenderer, Frame

WALK = Path(__file__).parent / "data" / "walk.npz"
TURNTABLE_FRAMES = 36
_FIELD_OF_VIEW = math.radians(24)  # a portrait lens: little perspective on the limbs
_MARGIN = 1.12  # free space around the figure


def posed_vertices(avatar: Avatar, body: BodyModel, parameters: BodyParameters | None = None) -> Tensor:
    """(B, V, 3) clothed vertices in `parameters`, by default the pose of the photo."""
    return body(parameters or avatar.parameters, avatar.rest_offsets).vertices


def framing_camera(vertices: Tensor, size: int, yaw: float = 0.0) -> Camera:
    """A square picture of `size` pixels holding all of `vertices` (..., 3), seen from `yaw` radians round the body."""
    points = vertices.reshape(-1, 3)
    low, high = points.amin(0), points.amax(0)
    centre = (low + high) / 2
    radius = float((points - centre)[:, [0, 2]].norm(dim=1).max())
    extent = max(float(high[1] - low[1]) / 2, radius) * _MARGIN
    distance = extent / math.tan(_FIELD_OF_VIEW / 2) + radius
    focal = size / 2 / math.tan(_FIELD_OF_VIEW / 2)
    offset = torch.tensor([math.sin(yaw), 0.0, math.cos(yaw)]) * distance
    return look_at(centre + offset, centre, focal, size, size)


def turntable(
    avatar: Avatar, body: BodyModel, renderer: AvatarRenderer, size: int, frames: int = TURNTABLE_FRAMES
) -> Iterator[Frame]:
    """The avatar in its photo pose, once round."""
    vertices = posed_vertices(avatar, body)[0]
    for index in range(frames):
        yield renderer.render(vertices, framing_camera(vertices, size, 2 * math.pi * index / frames), avatar.texture)


def play(avatar: Avatar, body: BodyModel, renderer: AvatarRenderer, motion: Motion, size: int) -> Iterator[Frame]:
    """The avatar in every frame of a motion, seen from the front by a camera that holds the whole motion."""
    vertices = torch.cat([posed_vertices(avatar, body, p) for p in motion_parameters(avatar, body, motion)])
    camera = framing_camera(vertices, size)
    for frame in vertices:
        yield renderer.render(frame, camera, avatar.texture)


def motion_parameters(avatar: Avatar, body: BodyModel, motion: Motion) -> Iterator[BodyParameters]:
    """The avatar's own shape in each pose of the motion, beginning where the avatar stands.

    The lowest point of the whole motion is on the ground, as in Blender (`place = GROUND`): nothing ever sinks in.
    """
    frames = [_in_place(avatar, motion, index) for index in range(len(motion))]
    lowest = min(float(posed_vertices(avatar, body, frame)[..., 1].min()) for frame in frames)
    for frame in frames:
        yield replace(frame, transl=frame.transl - torch.tensor([0.0, lowest, 0.0]))


def _in_place(avatar: Avatar, motion: Motion, index: int) -> BodyParameters:
    """One pose of the motion, where the first one stands over the origin."""
    pose = torch.from_numpy(motion.poses[index]).float()[None]
    moved = torch.from_numpy(motion.trans[index] - motion.trans[0]).float()
    neutral = BodyParameters.zeros(1, betas=avatar.parameters.betas, actions=avatar.parameters.actions)
    parameters = replace(neutral.with_full_pose(pose), transl=moved[None])
    if motion.expression is not None:
        parameters = replace(parameters, expression=torch.from_numpy(motion.expression[index]).float()[None])
    return parameters


def load_motion(name: str) -> Motion:
    """`walk` for the bundled walk, otherwise a motion file."""
    return read_motion(WALK if name == "walk" else Path(name))
