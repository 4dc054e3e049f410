"""Renders of the open body with known pose, shape and camera: what fitting is measured and calibrated against.

Deliberately simple, and apart from the training people: coloured vertices, one light, a soft backdrop. What matters
here is that the detectors recognise a person and that every joint is known.
"""

from dataclasses import dataclass, replace

import cv2
import numpy as np
import roma
import torch
from torch import Tensor

from neural_core.body.model import BodyModel
from neural_core.body.parameters import BodyParameters
from neural_core.body.skeleton import JOINT_INDEX, JOINT_NAMES
from neural_core.camera import Camera
from neural_core.rasterizer import interpolate, rasterize

WIDTH, HEIGHT = 720, 960

_SHIRT = ("spine1", "spine2", "spine3", "left_collar", "right_collar", "left_shoulder", "right_shoulder")
_SLEEVES = ("left_elbow", "right_elbow")
_TROUSERS = ("pelvis", "left_hip", "right_hip", "left_knee", "right_knee")
_SHOES = ("left_ankle", "right_ankle", "left_foot", "right_foot")
_LIPS = (0, 17, 61, 291, 37, 267, 84, 314, 39, 269, 91, 321, 13, 14)  # face mesh points on the lips
_BROWS = (105, 334)


@dataclass(frozen=True)
class Subject:
    """One render. image: (H, W, 3) float32 sRGB; parameters: batch of one, in the world of `camera`."""

    image: np.ndarray
    parameters: BodyParameters
    camera: Camera


def make_subject(body: BodyModel, seed: int, max_yaw: float = 70.0) -> Subject:
    """A person who stands or takes a step, turned at most `max_yaw` degrees away. Same seed, same bytes."""
    rng = np.random.default_rng(seed)
    pose = _pose(rng)
    hands = body.hands_mean.numpy() * rng.uniform(0.5, 2.0)
    # The second ten vary the face only, so they may span all of it.
    betas = np.concatenate([rng.normal(0, 0.8, 10), rng.normal(0, 1.0, 10)])
    yaw = np.deg2rad(rng.uniform(-max_yaw, max_yaw))
    lean = np.deg2rad(rng.normal(0, 2.5, 2))

    def batch(array) -> Tensor:
        return torch.as_tensor(np.asarray(array), dtype=torch.float32)[None]

    parameters = BodyParameters.zeros(
        betas=batch(betas),
        body_pose=batch(pose[1:]),
        left_hand_pose=batch(hands[:15]),
        right_hand_pose=batch(hands[15:]),
    )
    root = _balance(body(parameters, correctives=False).joints[0], yaw, lean)
    parameters = replace(parameters, global_orient=root[None])
    vertices = body(parameters).vertices[0]
    camera = _camera(vertices, rng)
    return Subject(_render(body, vertices, camera, rng), parameters, camera)


def _pose(rng: np.random.Generator) -> np.ndarray:
    """(22, 3) axis-angle, the root at rest. Legs carry the body: hips and ankles make up for the knees."""
    pose = np.zeros((22, 3))

    def degrees(sigma: float, mean: float = 0.0) -> float:
        return float(np.deg2rad(rng.normal(mean, sigma)))

    for name in ("spine1", "spine2", "spine3"):
        pose[JOINT_INDEX[name]] = degrees(4, 1), degrees(4), degrees(3)
    pose[JOINT_INDEX["neck"]] = degrees(5), degrees(8), degrees(4)
    pose[JOINT_INDEX["head"]] = degrees(6), degrees(8), degrees(5)
    step = degrees(9)
    for side, x in (("left", 1), ("right", -1)):
        bend = -x * np.deg2rad(rng.uniform(0, 95))
        pose[JOINT_INDEX[f"{side}_shoulder"]] = degrees(12), x * degrees(15, -5), x * degrees(25, -60)
        pose[JOINT_INDEX[f"{side}_elbow"]] = degrees(8), bend, 0
        pose[JOINT_INDEX[f"{side}_wrist"]] = degrees(10), degrees(8), degrees(8)
        knee = abs(degrees(15))
        hip = -x * step - knee / 2 + degrees(4)
        foot = np.clip(-(hip + knee), -0.5, 0.35) + degrees(3)
        pose[JOINT_INDEX[f"{side}_hip"]] = hip, x * degrees(6), x * degrees(6, 2)
        pose[JOINT_INDEX[f"{side}_knee"]] = knee, 0, 0
        pose[JOINT_INDEX[f"{side}_ankle"]] = foot, degrees(5), 0
    return pose


def _balance(joints: Tensor, yaw: float, lean: np.ndarray) -> Tensor:
    """Root rotation (3,): the neck of joints (55, 3) above the feet but for `lean` (2,) radians, then turned by yaw."""
    ankles = joints[[JOINT_INDEX["left_ankle"], JOINT_INDEX["right_ankle"]]].mean(0)
    up = torch.nn.functional.normalize(joints[JOINT_INDEX["neck"]] - ankles, dim=0)
    target = torch.tensor([np.sin(lean[0]), 1.0, np.sin(lean[1])], dtype=torch.float32)
    target = torch.nn.functional.normalize(target, dim=0)
    axis = torch.linalg.cross(up, target)
    sine = axis.norm().clamp(min=1e-9)
    upright = roma.rotvec_to_rotmat(axis / sine * torch.asin(sine.clamp(max=1.0)))
    turn = roma.rotvec_to_rotmat(torch.tensor([0.0, yaw, 0.0], dtype=torch.float32))
    return roma.rotmat_to_rotvec(turn @ upright)


def _camera(vertices: Tensor, rng: np.random.Generator) -> Camera:
    """Held by hand: pitched a few degrees, the person about in the middle, focal length not told to anybody."""
    focal = float(rng.uniform(1.0, 1.6)) * HEIGHT
    low, high = vertices.amin(0), vertices.amax(0)
    distance = focal * float(high[1] - low[1]) / (HEIGHT * rng.uniform(0.65, 0.85))
    pitch = float(np.deg2rad(rng.normal(0, 6)))
    facing = torch.diag(torch.tensor([1.0, -1.0, -1.0]))
    R = roma.rotvec_to_rotmat(torch.tensor([pitch, 0.0, 0.0])) @ facing
    centre = torch.tensor([rng.normal(0, 0.05), rng.normal(0, 0.03), 1.0], dtype=torch.float32) * distance
    return Camera.pinhole(focal, WIDTH, HEIGHT, R, centre - R @ ((low + high) / 2))


def _render(body: BodyModel, vertices: Tensor, camera: Camera, rng: np.random.Generator) -> np.ndarray:
    fragments = rasterize(vertices, body.faces, camera)
    corners = vertices[body.faces]
    face_normals = torch.linalg.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normals = torch.zeros_like(vertices)
    for corner in range(3):
        normals.index_add_(0, body.faces[:, corner], face_normals)
    normals = torch.nn.functional.normalize(normals, dim=1)
    light = torch.tensor([rng.normal(0, 0.6), -0.5, -1.0], dtype=torch.float32)
    light = torch.nn.functional.normalize(light, dim=0) @ camera.R
    colours = _colours(body, rng) * (0.45 + 0.55 * (normals @ light).clamp(min=0))[:, None]
    picture = interpolate(fragments, body.faces, colours).numpy()
    backdrop = rng.uniform(0.35, 1.0, 3) + rng.normal(0, 0.08, (5, 4, 3))
    backdrop = cv2.resize(backdrop.astype(np.float32), (camera.width, camera.height), interpolation=cv2.INTER_CUBIC)
    picture = np.where(fragments.mask.numpy()[..., None], picture, backdrop)
    picture = cv2.GaussianBlur(picture, (0, 0), 0.7) + rng.normal(0, 0.015, picture.shape)
    return picture.clip(0, 1).astype(np.float32)


def _colours(body: BodyModel, rng: np.random.Generator) -> Tensor:
    """(V, 3) clothes, skin, hair, eyes and lips, by the joint that moves a vertex most."""
    owner = np.array(JOINT_NAMES)[body.weights.argmax(1).numpy()]
    v = body.template.numpy()
    skin = np.array([0.80, 0.65, 0.55]) * rng.uniform(0.6, 1.1)
    colours = np.tile(skin, (len(v), 1))
    colours[np.isin(owner, _SHIRT)] = rng.uniform(0.12, 0.9, 3)
    if rng.random() < 0.6:
        colours[np.isin(owner, _SLEEVES)] = colours[owner == "spine3"][0]
    colours[np.isin(owner, _TROUSERS)] = rng.uniform(0.08, 0.8, 3)
    colours[np.isin(owner, _SHOES)] = rng.uniform(0.04, 0.35, 3)
    marks = body.landmarks
    corners = body.template[body.faces[marks.face_triangle.clamp(min=0)]]
    face = (corners * marks.face_barycentric[..., None]).sum(1).numpy()
    brow = face[list(_BROWS)].mean(0)
    ear = (body.joint_template[JOINT_INDEX["head"]] + marks.pose_offset[7]).numpy()
    head = owner == "head"
    hairy = (v[:, 1] > brow[1] + 0.035) | ((v[:, 2] < ear[2] - 0.01) & (v[:, 1] > ear[1] - 0.05))
    colours[head & hairy] = rng.uniform(0.06, 0.35, 3)
    distance = np.linalg.norm(v[:, None] - face[list(_LIPS)][None], axis=2).min(1)
    colours[np.isin(owner, ("head", "jaw")) & (distance < 0.007)] = skin * [1.0, 0.6, 0.6]
    for side in ("left", "right"):
        eye = owner == f"{side}_eye_smplhf"
        colours[eye] = 0.93
        front = v[eye, 2].max() if eye.any() else 0.0
        colours[eye & (v[:, 2] > front - 0.004)] = [0.15, 0.11, 0.08]
    return torch.from_numpy(colours.astype(np.float32)).clamp(0, 1)
