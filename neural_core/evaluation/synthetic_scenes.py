"""An avatar where the truth of a held-out person is known: its vertices and a camera for every view."""

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from neural_core.avatar import Avatar
from neural_core.body import BodyModel, BodyParameters
from neural_core.camera import Camera
from neural_core.evaluation.fitting import procrustes
from neural_core.evaluation.synthetic_people import Subject, View, noisy_fit, placement, true_joints


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


def scenes_of(subject: Subject, avatar: Avatar, body: BodyModel, real_fit: bool) -> list[Scene]:
    """The avatar in every view but the other side's, and its own pose, as it was fitted to the photo, led round.

    real_fit: the avatar was fitted by the product's detectors, which know neither scale nor focal length.
    """
    posing = _Posing(subject, avatar, body, real_fit)
    views = [k for k, view in enumerate(subject.views) if view.name != "other side"]
    turned = [k for k in views if k and not subject.views[k].pose]
    return [posing.scene(k) for k in views] + [posing.orbit(k) for k in turned]


@dataclass(frozen=True)
class _Posing:
    subject: Subject
    avatar: Avatar
    body: BodyModel
    real_fit: bool

    def scene(self, index: int) -> Scene:
        """In the photo's view as it was fitted; in another as a fit to that view's own picture would pose it."""
        view = self.subject.views[index]
        if index == 0:
            camera = self.avatar.camera if self.real_fit else view.camera
            return Scene(view.name, view, self._vertices(self.avatar.parameters), camera)
        parameters = replace(noisy_fit(self.subject, index).parameters, betas=self.avatar.parameters.betas)
        vertices = self._placed(view, parameters) if self.real_fit else self._vertices(parameters)
        return Scene(view.name, view, vertices, view.camera)

    def orbit(self, index: int) -> Scene:
        view = self.subject.views[index]
        name = view.name.replace("yaw", "orbit")
        return Scene(name, view, self._placed(view, self.avatar.parameters), view.camera)

    def _vertices(self, parameters: BodyParameters) -> Tensor:
        return self.avatar.on(self.body)(parameters, self.avatar.rest_offsets).vertices[0]

    def _placed(self, view: View, parameters: BodyParameters) -> Tensor:
        """Vertices where the view's picture shows the body; what real detectors fitted is first scaled and turned."""
        vertices, truth = self._vertices(parameters), true_joints(self.subject, view.pose)
        joints = self.body(parameters, correctives=False).joints[0, : len(truth)]
        if self.real_fit:
            vertices, joints = (into_truth(x, joints, truth) for x in (vertices, joints))
        # One photo does not tell the distance: as in training, the body is placed by what this picture shows.
        return vertices + placement(joints, truth, view.camera)


def into_truth(vertices: Tensor, joints: Tensor, truth: Tensor) -> Tensor:
    """A fitted body (V, 3) in the true world, by the similarity of the joints: nobody told the fit the focal length."""
    source, target = joints.double().numpy(), truth.double().numpy()
    aligned = procrustes(source, target)
    centre, moved = source.mean(0), aligned.mean(0)
    turn, *_ = np.linalg.lstsq(source - centre, aligned - moved, rcond=None)
    return torch.from_numpy((vertices.double().numpy() - centre) @ turn + moved).float()
