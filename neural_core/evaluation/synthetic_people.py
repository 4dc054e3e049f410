"""Held-out synthetic people as a photographer would meet them: a photo to make the avatar from, and what it must match.

The photo is 512 x 512 with background, blur, noise and JPEG; the truths are the same person in the same light from
other sides, and in other poses. Seeds from 1,000,000 are never trained on.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import roma
import torch
from torch import Tensor

from neural_core.body.model import BodyModel
from neural_core.body.parameters import BodyParameters
from neural_core.body.skinning import joint_transforms, rotation_matrices
from neural_core.camera import Camera
from neural_core.fitting import BodyFit
from neural_core.fitting.placement import shift_in_picture
from neural_core.photo import Photo, PhotoEvidence, observe
from neural_core.training.people.cameras import random_camera
from neural_core.training.people.estimate import FitNoise, wrong_rotations
from neural_core.training.people.evidence import true_evidence
from neural_core.training.people.lights import random_light
from neural_core.training.people.person import GARMENTS, Person, make_person, pose_person
from neural_core.training.people.photograph import photograph, reduce_picture
from neural_core.training.people.poses import random_pose
from neural_core.training.people.sensor import take_picture
from neural_core.training.people.wardrobe import load_wardrobe

SIZE = 512  # pixels, as the photo and every picture compared
_SUPERSAMPLING = 1.5
_YAWS = (0, 45, 90, 135, 180)  # degrees from the photo's; the middle three to alternating sides
_NEW_POSES = 2
_LEG_FREEDOM_IN_SKIRTS = 0.6
PHOTO_VIEWS = ("same", "yaw 180", "yaw 90", "other side")  # what several photos show: front, back and both sides
_BODY_JOINTS = 22
_NOISE = FitNoise()


@dataclass(frozen=True)
class View:
    """One picture of the person.

    Attributes:
        name: "same", "yaw 45" ... "yaw 180", "pose". truth: (3, H, W) sRGB, straight where mask (H, W) > 0.
        camera: true. pose: row of the subject's poses.
    """

    name: str
    truth: Tensor
    mask: Tensor
    camera: Camera
    pose: int


@dataclass(frozen=True)
class Subject:
    """A person with their views; view 0 is the photo's.

    Attributes:
        photos: by view index, image (3, H, W) with background and estimated mask (H, W). poses: (P, 55, 3).
        groups: garments worn, of `GARMENTS`.
    """

    seed: int
    person: Person
    views: tuple[View, ...]
    photos: dict[int, tuple[Tensor, Tensor]]
    poses: Tensor
    groups: tuple[str, ...]
    noise_seed: int


@torch.no_grad()
def make_subject(body: BodyModel, seed: int) -> Subject:
    """The person of a seed: photo, five yaws in its pose, two other poses. Same seed, same bytes."""
    rng = np.random.default_rng(seed)
    person = make_person(load_wardrobe(body), rng)
    light = random_light(rng)
    freedom = _LEG_FREEDOM_IN_SKIRTS if person.drapes else 1.0
    poses = torch.stack([random_pose(rng, leg_freedom=freedom) for _ in range(1 + _NEW_POSES)])
    posed = pose_person(person, poses)
    seen = posed.vertices[:, person.level > 0]
    front = random_camera(rng, seen[0], SIZE, SIZE, frontal=True)
    side = 1 if seed % 2 else -1
    turns = [0, 45 * side, 90 * -side, 135 * side, 180, 90 * side]
    cameras = [front] + [_turned(front, seen[0], turn) for turn in turns[1:]]
    names = ["same", *(f"yaw {yaw}" for yaw in _YAWS[1:]), "other side"]
    pose_of = [0] * len(cameras) + list(range(1, 1 + _NEW_POSES))
    cameras += [random_camera(rng, seen[k], SIZE, SIZE, frontal=k % 2 == 1) for k in range(1, 1 + _NEW_POSES)]
    names += ["pose"] * _NEW_POSES
    fine = [camera.resize(round(SIZE * _SUPERSAMPLING), round(SIZE * _SUPERSAMPLING)) for camera in cameras]
    pictures = photograph(person, posed, torch.tensor(pose_of), fine, light)
    pictures = reduce_picture(pictures, SIZE, SIZE)
    views = tuple(
        View(name, picture[:3] / picture[3:].clamp(min=1e-4), picture[3], camera, pose)
        for name, picture, camera, pose in zip(names, pictures, cameras, pose_of)
    )
    # Photos to make avatars from: the front, and for merging the back and both sides.
    photos = {k: take_picture(pictures[k], rng) for k, name in enumerate(names) if name in PHOTO_VIEWS}
    groups = tuple(name for name in GARMENTS if person.wears(name))
    return Subject(seed, person, views, photos, poses, groups, int(rng.integers(2**31)))


def _turned(camera: Camera, points: Tensor, degrees: float) -> Camera:
    """The camera led round the vertical axis through the middle of points (n, 3)."""
    centre = (points.amin(0) + points.amax(0)) / 2
    angle = torch.deg2rad(torch.tensor(float(degrees)))
    c, s = float(angle.cos()), float(angle.sin())
    turn = torch.tensor([[c, 0.0, s], [0.0, 1.0, 0.0], [-s, 0.0, c]])
    R = camera.R @ turn.T
    position = turn @ (camera.position - centre) + centre
    return replace(camera, R=R, t=-R @ position)


def noisy_fit(subject: Subject, view: int, noise: FitNoise = _NOISE) -> BodyFit:
    """Body and camera of a view with errors of the size the product's fit makes; the true camera.

    The wrong shape is the same in all views. The body is placed by what the picture shows, but for `noise.shift`.
    """
    person, body, seen = subject.person, subject.person.wardrobe.body, subject.views[view]
    betas = person.betas + noise.betas * _normal(np.random.default_rng(subject.noise_seed), 20)
    rng = np.random.default_rng(subject.noise_seed + 1 + view)
    local = rotation_matrices(subject.poses[seen.pose][None])
    R, eye = seen.camera.R[None], seen.camera.position[None]
    wrong = roma.rotmat_to_rotvec(wrong_rotations(person.joints, local, R, eye, rng, noise))
    parameters = BodyParameters.zeros(1, betas=betas[None]).with_full_pose(wrong)
    found = body(parameters, correctives=False).joints[0, :_BODY_JOINTS]
    shift = placement(found, true_joints(subject, seen.pose), seen.camera)
    shift = shift + (_normal(rng, 3) * torch.tensor(noise.shift)) @ seen.camera.R
    return BodyFit(replace(parameters, transl=shift[None]), seen.camera)


def placement(found: Tensor, truth: Tensor, camera: Camera) -> Tensor:
    """(3,) metres, world, by which joints (22, 3) must move to look in the picture as the true ones do."""
    R, eye = camera.R, camera.position
    return shift_in_picture(((found - eye) @ R.T)[None], ((truth - eye) @ R.T)[None])[0] @ R


def evidence_of(subject: Subject, view: int) -> PhotoEvidence:
    """What detectors without errors would see of a photo."""
    seen = subject.views[view]
    return true_evidence(subject.person, subject.poses[seen.pose], seen.camera, *subject.photos[view], seen.mask)


def seen_by_detectors(subject: Subject, view: int, **how: Any) -> PhotoEvidence:
    """What the product's own detectors see of a view's picture; raises PhotoError where they find nobody.

    how: as of `observe`.
    """
    if view in subject.photos:
        image = subject.photos[view][0]
    else:  # no avatar is made of it: photographed for the detectors alone
        rng, seen = np.random.default_rng([subject.noise_seed, view]), subject.views[view]
        image = take_picture(torch.cat([seen.truth * seen.mask, seen.mask[None]]), rng)[0]
    pixels = np.ascontiguousarray(image.permute(1, 2, 0).numpy())
    return observe(Photo(pixels, None, None, Path(f"person {subject.seed}")), **how)


def true_joints(subject: Subject, pose: int) -> Tensor:
    """(22, 3) body joints, world."""
    rotations = rotation_matrices(subject.poses[pose][None])
    return joint_transforms(rotations, subject.person.joints[None])[1][0, :_BODY_JOINTS]


def _normal(rng: np.random.Generator, *shape: int) -> Tensor:
    return torch.from_numpy(rng.standard_normal(shape, dtype=np.float32))
