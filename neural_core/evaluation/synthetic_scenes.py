"""An avatar where the truth of a held-out person is known: its vertices and a camera for every view."""

import contextlib
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from neural_core.avatar import Avatar
from neural_core.body import BodyModel, BodyParameters
from neural_core.camera import Camera
from neural_core.errors import PhotoError
from neural_core.evaluation.fitting import procrustes
from neural_core.evaluation.synthetic_people import Subject, View, noisy_fit, placement, seen_by_detectors, true_joints
from neural_core.fitting.sequence import SequenceFit
from neural_core.fitting.sides import misread, turned_round
from neural_core.photo import PhotoEvidence

_APART = 10.0  # seconds between views


@dataclass(frozen=True)
class Scene:
    """A view with the avatar's vertices (V, 3) in it and the camera to draw them with.

    Attributes:
        name: the view's, or "orbit 45" ... "orbit 180" where the pose is not the view's own fit but the photo's.
    """

    name: str
    view: View
    vertices: Tensor
    camera: Camera


def scenes_of(subject: Subject, avatar: Avatar, body: BodyModel, seen: PhotoEvidence | None = None) -> list[Scene]:
    """The avatar in every view but the other side's, and its own pose, as it was fitted to the photo, led round.

    seen: the photo, where the product's detectors looked at it: they look at the other views, too, which are left out
    where they find nobody.
    """
    views = [k for k, view in enumerate(subject.views) if view.name != "other side"]
    turned = [k for k in views if k and not subject.views[k].pose]
    posing = _Posing(subject, avatar, avatar.on(body), real_fit=seen is not None)
    fitted = posing.with_noise(views[1:]) if seen is None else posing.followed(views[1:], seen)
    return [posing.own(), *fitted, *(posing.orbit(k) for k in turned)]


@dataclass(frozen=True)
class _Posing:
    subject: Subject
    avatar: Avatar
    body: BodyModel  # that moves as the avatar does
    real_fit: bool  # the avatar's, that knows neither scale nor focal length

    def own(self) -> Scene:
        """In the photo's view, as it was fitted."""
        view = self.subject.views[0]
        camera = self.avatar.camera if self.real_fit else view.camera
        return Scene(view.name, view, self._vertices(self.avatar.parameters), camera)

    def with_noise(self, views: list[int]) -> list[Scene]:
        """As a fit to each view's own picture would pose it, by errors of a fit's size."""
        scenes = []
        for k in views:
            view = self.subject.views[k]
            parameters = replace(noisy_fit(self.subject, k).parameters, betas=self.avatar.parameters.betas)
            scenes.append(Scene(view.name, view, self._vertices(parameters), view.camera))
        return scenes

    def followed(self, views: list[int], seen: PhotoEvidence) -> list[Scene]:
        """As the product fits the person in other frames of a video, too far apart to know anything of each other."""
        avatar = self.avatar
        follower = SequenceFit(self.body, avatar.parameters, avatar.rest_offsets, avatar.camera)
        follower.learn_landmarks(seen)
        found: dict[int, PhotoEvidence] = {}
        for k in views:
            with contextlib.suppress(PhotoError):
                found[k] = seen_by_detectors(self.subject, k, focal=float(avatar.camera.K[0, 0]), settle=True)
        times = [_APART * count for count in range(len(found) + 1)]
        scenes = []
        for (k, evidence), time, turned in zip(found.items(), times[1:], misread([seen, *found.values()], times)[1:]):
            evidence = turned_round(evidence, *turned)
            pose = follower.follow(evidence, time, any(turned))
            view = self.subject.views[k]
            scenes.append(Scene(view.name, view, follower.vertices(pose), pose.camera))
        return scenes

    def orbit(self, index: int) -> Scene:
        """Vertices where the view's picture shows the body; what real detectors fitted is first scaled and turned."""
        view, parameters = self.subject.views[index], self.avatar.parameters
        vertices, truth = self._vertices(parameters), true_joints(self.subject, view.pose)
        joints = self.body(parameters, correctives=False).joints[0, : len(truth)]
        if self.real_fit:
            vertices, joints = (into_truth(x, joints, truth) for x in (vertices, joints))
        # One photo does not tell the distance: as in training, the body is placed by what this picture shows.
        placed = vertices + placement(joints, truth, view.camera)
        return Scene(view.name.replace("yaw", "orbit"), view, placed, view.camera)

    def _vertices(self, parameters: BodyParameters) -> Tensor:
        return self.body(parameters, self.avatar.rest_offsets).vertices[0]


def into_truth(vertices: Tensor, joints: Tensor, truth: Tensor) -> Tensor:
    """A fitted body (V, 3) in the true world, by the similarity of the joints: nobody told the fit the focal length."""
    source, target = joints.double().numpy(), truth.double().numpy()
    aligned = procrustes(source, target)
    centre, moved = source.mean(0), aligned.mean(0)
    turn, *_ = np.linalg.lstsq(source - centre, aligned - moved, rcond=None)
    return torch.from_numpy((vertices.double().numpy() - centre) @ turn + moved).float()
