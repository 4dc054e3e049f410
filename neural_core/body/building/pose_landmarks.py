"""Where BlazePose's 33 points lie on the open body: an offset from a joint for each, calibrated on random renders.

BlazePose points are not joints: against plain joints the errors are 20-60 mm, calibrated 10-18 mm (median). Seeds from
10000 on are reserved for the evaluation of fits and never used here.
"""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from neural_core.body.building.pictures import shaded, skin_colours
from neural_core.body.model import BodyModel, BodyOutput
from neural_core.body.parameters import BodyParameters
from neural_core.body.skeleton import JOINT_INDEX, JOINT_NAMES
from neural_core.camera import Camera, look_at

_RENDERS = 150
_WIDTH, _HEIGHT = 480, 640
_ROBUST = 30.0  # millimetres, Geman-McClure scale
_LIMBS = ("shoulder", "elbow", "wrist", "wrist", "wrist", "wrist", None, "knee", "ankle", "ankle", "ankle")
_START = ("shoulder", "elbow", "wrist", "pinky1", "index1", "thumb2", "hip", "knee", "ankle", "ankle", "foot")


def landmark_joints() -> np.ndarray:
    """(33,) the joint each BlazePose landmark is attached to; the hips to the pelvis."""
    names = ["head"] * 11
    for limb in _LIMBS:
        names += [f"left_{limb}", f"right_{limb}"] if limb else ["pelvis", "pelvis"]
    return np.array([JOINT_INDEX[n] for n in names])


def landmark_partners() -> np.ndarray:
    """(33,) the landmark on the other side."""
    partner = np.arange(33)
    for a, b in [(1, 4), (2, 5), (3, 6), (7, 8), (9, 10)] + [(i, i + 1) for i in range(11, 33, 2)]:
        partner[[a, b]] = b, a
    return partner


def random_clothed_body(body: BodyModel, lips: np.ndarray, seed: int) -> tuple[np.ndarray, BodyOutput, Camera]:
    """A picture (640, 480, 3) of a random person in painted clothes, the posed body and the camera."""
    rng = np.random.default_rng(seed)
    betas = np.zeros((1, 20), np.float32)
    betas[0] = rng.normal(0, 0.8, 20)
    yaw = rng.uniform(-70, 70) if rng.random() < 0.8 else rng.uniform(-180, 180)
    pose = _random_pose(body, rng)
    pose[0, 1] = np.deg2rad(yaw)
    parameters = BodyParameters.zeros(betas=torch.from_numpy(betas)).with_full_pose(torch.from_numpy(pose)[None])
    output = body(parameters)
    vertices = output.vertices[0]
    centre = (vertices.amin(0) + vertices.amax(0)) / 2 + torch.from_numpy(rng.normal(0, 0.08, 3)).float()
    pitch, distance = np.deg2rad(rng.normal(0, 6)), rng.uniform(2.4, 3.4)
    at = centre + distance * torch.tensor([0.0, np.sin(pitch), np.cos(pitch)]).float()
    camera = look_at(at, centre, 1.2 * _HEIGHT, _WIDTH, _HEIGHT)
    picture, _ = shaded(vertices, body.faces, camera, _clothes(body, lips, rng), rng.uniform(0.35, 1.0))
    noisy = np.clip(picture + rng.normal(0, 4, picture.shape), 0, 255)
    return noisy.astype(np.uint8), output, camera


def _random_pose(body: BodyModel, rng: np.random.Generator) -> np.ndarray:
    """(55, 3) standing, walking and gesturing people, arms mostly down."""
    pose = np.zeros((55, 3), np.float32)

    def degrees(name: str, x: tuple[float, float], y: tuple[float, float], z: tuple[float, float]) -> None:
        pose[JOINT_INDEX[name]] = np.deg2rad([rng.normal(*x), rng.normal(*y), rng.normal(*z)])

    for name in ("spine1", "spine2", "spine3"):
        degrees(name, (1, 4), (0, 4), (0, 3))
    degrees("neck", (0, 5), (0, 8), (0, 4))
    degrees("head", (0, 6), (0, 8), (0, 5))
    for side, s in (("left", 1), ("right", -1)):
        degrees(f"{side}_shoulder", (0, 12), (-5 * s, 15), (-60 * s, 25))
        degrees(f"{side}_elbow", (0, 8), (0, 1), (0, 1))
        pose[JOINT_INDEX[f"{side}_elbow"], 1] = -s * np.deg2rad(rng.uniform(0, 95))
        degrees(f"{side}_wrist", (0, 10), (0, 8), (0, 8))
        degrees(f"{side}_hip", (-8, 14), (0, 6), (2 * s, 6))
        pose[JOINT_INDEX[f"{side}_knee"], 0] = abs(np.deg2rad(rng.normal(0, 25)))
        degrees(f"{side}_ankle", (0, 6), (0, 5), (0, 1))
    pose[25:55] = body.hands_mean.numpy() * rng.uniform(0.5, 1.5)
    return pose


def _clothes(body: BodyModel, lips: np.ndarray, rng: np.random.Generator) -> Tensor:
    """(V, 3) skin, hair, shirt with long or short sleeves, trousers and shoes in random colours."""
    colours = skin_colours(body, lips) * float(rng.uniform(0.65, 1.1))
    shirt, trousers, shoes = (
        torch.from_numpy(rng.uniform(a, b, 3)).float() for a, b in ((0.1, 0.9), (0.1, 0.8), (0, 0.3))
    )
    carrier = body.weights.argmax(1)

    def paint(colour: Tensor, *names: str) -> None:
        ids = [j for j, joint in enumerate(JOINT_NAMES) if joint in names or joint.split("_")[-1] in names]
        colours[torch.isin(carrier, torch.tensor(ids))] = colour

    paint(shirt, "spine1", "spine2", "spine3", "collar", "shoulder")
    if rng.random() < 0.6:
        paint(shirt, "elbow")
    paint(trousers, "pelvis", "hip", "knee")
    paint(shoes, "ankle", "foot")
    return colours.clamp(0, 1)


def pose_landmarks(body: BodyModel, lips: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Joint (33,) and offset (33, 3), metres in the joint's frame, mirror-symmetric."""
    import mediapipe

    solutions: Any = mediapipe.solutions  # untyped
    holistic = solutions.holistic.Holistic(static_image_mode=True, model_complexity=1)
    pixels, visibility, joints, rotations, cameras = [], [], [], [], []
    for seed in range(_RENDERS):
        picture, output, camera = random_clothed_body(body, lips, seed)
        found = holistic.process(picture)
        if found.pose_landmarks is None:
            continue
        points = np.array([(p.x, p.y, p.visibility) for p in found.pose_landmarks.landmark], np.float32)
        pixels.append(points[:, :2] * [_WIDTH, _HEIGHT])
        visibility.append(points[:, 2])
        joints.append(output.joints[0])
        rotations.append(output.rotations[0])
        cameras.append(camera)
    print(f"pose landmarks: a person found in {len(pixels)} of {_RENDERS} renders")
    return landmark_joints(), _solve(
        body,
        torch.tensor(np.array(pixels), dtype=torch.float32),
        (torch.tensor(np.array(visibility)) > 0.5).float(),
        torch.stack(joints),
        torch.stack(rotations),
        cameras,
    )


def _solve(
    body: BodyModel, pixels: Tensor, seen: Tensor, joints: Tensor, rotations: Tensor, cameras: list[Camera]
) -> np.ndarray:
    """Offsets (33, 3) that minimise the robust reprojection error of n renders, in millimetres at the body."""
    attached, partner = torch.from_numpy(landmark_joints()), torch.from_numpy(landmark_partners())
    start = _first_guess(body, attached)
    flip = torch.tensor([-1.0, 1.0, 1.0])
    R, t = torch.stack([c.R for c in cameras]), torch.stack([c.t for c in cameras])
    focal, centre = cameras[0].K[0, 0], cameras[0].K[:2, 2]
    depth = (joints[:, :1] @ R.transpose(1, 2) + t[:, None])[:, 0, 2]

    def error(offset: Tensor) -> Tensor:
        points = joints[:, attached] + (rotations[:, attached] @ offset[..., None])[..., 0]
        view = points @ R.transpose(1, 2) + t[:, None]
        at = view[..., :2] / view[..., 2:] * focal + centre
        return (at - pixels).norm(dim=-1) * depth[:, None] / focal * 1000  # (n, 33) mm

    free = start.clone().requires_grad_(True)

    def symmetric() -> Tensor:
        return (free + free[partner] * flip) / 2

    optimizer = torch.optim.LBFGS([free], max_iter=200, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimizer.zero_grad()
        square = error(symmetric()) ** 2
        loss = (seen * square / (_ROBUST**2 + square)).sum() + ((symmetric() - start) ** 2).sum()
        loss.backward()
        return loss

    optimizer.step(closure)  # pyright: ignore[reportArgumentType]
    with torch.no_grad():
        offset = symmetric()
        before, after = error(start).median(0).values, error(offset).median(0).values
    for i in (0, 2, 7, 9, *range(11, 33, 2)):
        print(f"  BlazePose {i:2}: median {before[i]:.0f} -> {after[i]:.0f} mm, at {(1e3 * offset[i]).int().tolist()}")
    return offset.numpy()


def _first_guess(body: BodyModel, attached: Tensor) -> Tensor:
    """(33, 3) offsets from the attached joints to the plainest guess: the joint of that name, the eyes for the face."""
    J = body.joint_template
    eyes = [J[JOINT_INDEX[f"{side}_eye_smplhf"]] for side in ("left", "right")]
    guess = [(eyes[0] + eyes[1]) / 2] + [eyes[0]] * 3 + [eyes[1]] * 3 + [eyes[0], eyes[1], eyes[0], eyes[1]]
    for name in _START:
        guess += [J[JOINT_INDEX[f"left_{name}"]], J[JOINT_INDEX[f"right_{name}"]]]
    return torch.stack(guess) - J[attached]
