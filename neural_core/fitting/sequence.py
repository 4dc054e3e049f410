"""One person through the frames of a video: shape, clothes and camera stay, only the pose moves.

What one frame leaves open, its neighbours and the avatar know. The shape is the avatar's, and the outline to meet is
that of the *clothed* body. The search starts from the frame before, and anew where that goes wrong: warm starts alone
get stuck after fast motion (facts/fitting.md 3).
"""

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from neural_core.body.model import BodyModel
from neural_core.body.parameters import BodyParameters
from neural_core.camera import Camera
from neural_core.fitting.config import FitConfig, Stage
from neural_core.fitting.fit import initialise, one_thread, place, run_stage
from neural_core.fitting.minimise import minimise
from neural_core.fitting.moving_clothes import MovingClothes, fit_moving_clothes
from neural_core.fitting.objective import Objective
from neural_core.fitting.observation import MESH_POINTS, observation
from neural_core.fitting.outline import MaskEdge, OutlineTerm
from neural_core.fitting.penetration import thickness
from neural_core.fitting.pose_prior import closed_hands
from neural_core.fitting.refit import variables_of
from neural_core.fitting.report import LIMB_JOINTS
from neural_core.fitting.result import BodyFit
from neural_core.fitting.sides import without_hidden_face
from neural_core.fitting.variables import _FACING, Variables, indices
from neural_core.photo.evidence import PhotoEvidence
from neural_core.rasterizer import Topology

_SEEN = 0.5
_MISFIT, _SURE = 2.0, 2.0  # times the median residual, if above so many per cent: says nothing about clothes
_FIT = FitConfig()
_POSE = ("root", "place", "pose")
_HANDS = ("left_hand", "right_hand")
_MOVING = (*_POSE, "expression", "jaw", *_HANDS)

# Stages as in `FitConfig`, without shape and camera.
_LIFT = Stage(("root", "pose"), 30, landmarks=0, robust=8, directions=60, prior=0.3, shape=0)
_PLACE = Stage(("root", "place"), 12, landmarks=2, robust=8, directions=60, prior=0.3, shape=0)
_BODY = Stage(_POSE, 30, landmarks=2, robust=6, directions=30, prior=0.3, shape=0)
_EVERYTHING = Stage(_MOVING, 25, landmarks=2, robust=4, directions=15, prior=0.3, shape=0.6, face=1, hands=1)
_OUTLINE = Stage(_MOVING, 12, landmarks=2, robust=4, directions=15, prior=0.2, shape=0.3, face=1, hands=1)
_PORTRAIT = Stage(
    ("neck", "head", "expression", "jaw"), 20, landmarks=2, robust=4, directions=15, prior=0.2, shape=0.6, face=5
)  # fmt: skip
# Ten expressions alone pull lips and lids where no face goes; of 20 steps with the actions most fall short.
_MIMICS = replace(_PORTRAIT, variables=(*_PORTRAIT.variables, "actions"), iterations=60, face=10)


@dataclass(frozen=True)
class SequenceConfig:
    """Settings of `SequenceFit`."""

    # 40, 100, 250: mask IoU .902, .906, .910 on 15 moving frames; 250 moves joints by 1 %.
    outline_weight: float = 100.0
    outline_robust: float = 4.0  # per cent of the height
    own_share: float = 0.4  # of the source frame's residuals is the person's own: .5 fits other frames best
    matches: int = 4  # times the outline is found anew
    restart: float = 0.8  # mean residual, per cent, from which a warm start is not believed
    restart_jump: float = 1.6  # and how many times the median of the frames before
    recent: float = 0.5  # seconds for which the frame before is a start
    fit: FitConfig = _FIT


@dataclass(frozen=True)
class FramePose:
    """The person in one frame.

    Attributes:
        parameters: batch of one, in the world of the sequence's camera. camera: the same in every frame.
        residual_percent: mean 2-D distance of the limb joints seen, per cent of the height.
        restarted: found anew instead of from the frame before. swapped: front and back, left and right were exchanged.
        x: (1, SIZE) the minimiser's variables.
    """

    parameters: BodyParameters
    camera: Camera
    residual_percent: float
    restarted: bool
    swapped: bool
    x: Tensor


class SequenceFit:
    """Follows a person from frame to frame."""

    def __init__(
        self,
        body: BodyModel,
        parameters: BodyParameters,
        rest_offsets: Tensor,
        camera: Camera,
        config: SequenceConfig | None = None,
    ):
        """parameters: the avatar's, whose shape stays. rest_offsets: (V, 3) its clothes. camera: its photo's."""
        self.body, self.camera = body, camera
        self.clothes = MovingClothes.of_photo(parameters, rest_offsets.detach())
        self.config = config or SequenceConfig()
        self.topology = Topology.of(body.faces)
        self.betas = parameters.betas[0].detach()
        self.thickness = thickness(body, self.betas, rest_offsets.detach())
        self.previous: FramePose | None = None
        self.previous_time = -np.inf
        self.residuals: list[float] = []
        self.photo = BodyFit(parameters, camera)
        self.own: Tensor | None = None  # (33, 3) see `learn_landmarks`
        self.own_face: Tensor | None = None  # (n, 3)
        turn = camera.R @ _FACING
        tilt = torch.stack([torch.atan2(turn[2, 1], turn[2, 2]), torch.atan2(turn[1, 0], turn[0, 0])])
        known = {"tilt": tilt, "betas": self.betas[:10], "face_shape": self.betas[10:]}
        self.known_columns = indices(tuple(known))
        self.known_values = Variables.pack(1, **known).x[:, self.known_columns]

    def learn_landmarks(self, evidence: PhotoEvidence) -> None:
        """From the frame that the avatar was made of: part of what it leaves between body and landmarks is this
        person's own and comes back in every frame. All of it in the face, where the photo's fit put the texture."""
        self.own = self.own_face = None
        with one_thread():
            pose, objective = self._fit(evidence, None, False), self._objective(evidence)
            self.own = self.config.own_share * objective.own_landmarks(Variables(pose.x))
            x = variables_of(self.photo, self.body, evidence.focal)
            own_face = objective.own_face_points(Variables(x))
            self.own_face = None if own_face is None else own_face * self._in_sight()[:, None]
        self.residuals = []

    def _in_sight(self) -> Tensor:
        """(n,) bool, which of the face's points lie on skin that faces the photo's camera: others are guessed there."""
        vertices = self.body(self.photo.parameters).vertices[0]
        corners = vertices[self.body.faces[self.body.landmarks.face_triangle[list(MESH_POINTS)]]]  # (n, 3, 3)
        normals = torch.linalg.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        eye = -self.camera.R.T @ self.camera.t
        return (normals * (eye - corners[:, 0])).sum(1) > 0

    def follow(self, evidence: PhotoEvidence, time: float, swapped: bool = False) -> FramePose:
        """The person in the next frame, `time` seconds into the video; times must grow.

        Left and right are believed; see `fitting.sides`. swapped: they were exchanged, to be told on.
        """
        with one_thread():
            recent = self.previous if time - self.previous_time <= self.config.recent else None
            pose = self._fit(evidence, recent, swapped)
        self.previous, self.previous_time = pose, time
        return pose

    def settle(self, evidence: PhotoEvidence, smooth: FramePose) -> FramePose:
        """A smoothed pose put back on the picture: all but the depth moves a little, to landmarks and outline."""
        objective = self._objective(evidence, smooth)
        with one_thread():
            x = self._meet_outline(objective, _closed(objective, smooth.x), evidence, matches=1)
            log_z = indices(("place",))[2:]
            x = x.index_copy(1, log_z, smooth.x[:, log_z])
            x = run_stage(objective, x, _MIMICS)
        return self._pose(objective, x, smooth.restarted, smooth.swapped)

    def learn_clothes(self, frames: list[tuple[FramePose, PhotoEvidence]]) -> None:
        """Correct the clothed shape of moving poses by what these frames show; `settle` and `vertices` use it then."""
        moving = [one for one in frames if self.clothes.share(one[0].parameters) > 0]
        # Not by the median alone: still frames always fit better, and would rule out those of most motion.
        residuals = [pose.residual_percent for pose, _ in moving]
        limit = max(_SURE, _MISFIT * float(np.median(residuals))) if moving else 0.0
        good = [(pose, evidence) for pose, evidence in moving if pose.residual_percent <= limit]
        views = [(pose.parameters, MaskEdge.of(evidence)) for pose, evidence in good]
        with one_thread():
            self.clothes = fit_moving_clothes(self.body, self.topology, self.clothes, self.camera, views)

    def vertices(self, pose: FramePose) -> Tensor:
        """(V, 3) of the clothed body, world."""
        return self.body(pose.parameters, self.clothes.at(pose.parameters)).vertices[0]

    def at(self, x: Tensor, like: FramePose) -> FramePose:
        """The pose of other variables (1, SIZE)."""
        return replace(like, parameters=self._parameters(x), x=x)

    def _objective(self, evidence: PhotoEvidence, near: FramePose | None = None) -> Objective:
        """near: about the pose; in that of the photo the fit of the photo holds, and no landmark is moved."""
        own = None if self.own is None or near is None else self.clothes.share(near.parameters) * self.own
        seen = observation(without_hidden_face(evidence), MESH_POINTS)
        more = {"own": own, "own_face": self.own_face, "thickness": self.thickness}
        return Objective(self.body, seen, self.config.fit, self.betas, **more)

    def _fit(self, evidence: PhotoEvidence, recent: FramePose | None, swapped: bool) -> FramePose:
        config, objective = self.config, self._objective(evidence, recent)
        if recent is None:
            x, restarted = self._anew(objective), True
        else:
            x = run_stage(objective, _closed(objective, recent.x), _without_unseen(objective, _EVERYTHING))
            limit = max(config.restart_jump * float(np.median(self.residuals)), config.restart / 2)
            restarted = False
            if self._residual(objective, x) > min(config.restart, limit):
                both = torch.cat([x, self._anew(objective)])
                restarted = bool(objective(both, _EVERYTHING).argmin())
                x = both[int(restarted)][None]
        self.residuals = [*self.residuals[-20:], self._residual(objective, x)]
        x = self._meet_outline(objective, x, evidence, config.matches)
        x = run_stage(objective, x, _PORTRAIT)
        return self._pose(objective, x, restarted, swapped)

    def _anew(self, objective: Objective) -> Tensor:
        x = initialise(objective, self.body).x.index_copy(1, self.known_columns, self.known_values)
        x = run_stage(objective, x, _LIFT)
        x = _closed(objective, place(objective, x))
        for stage in (_PLACE, _BODY, _EVERYTHING):
            x = run_stage(objective, x, _without_unseen(objective, stage))
        return x

    def _meet_outline(self, objective: Objective, x: Tensor, evidence: PhotoEvidence, matches: int) -> Tensor:
        config, edge = self.config, MaskEdge.of(evidence)
        columns = indices(_without_unseen(objective, _OUTLINE).variables)
        for _ in range(matches):
            v = Variables(x)
            clothes = self.clothes.at(v.body_parameters())
            term = OutlineTerm(self.body, self.topology, clothes, edge, v, config.outline_robust)

            def loss(y: Tensor, start: Tensor = x, term: OutlineTerm = term) -> Tensor:
                v = Variables(start.index_copy(1, columns, y))
                posed = objective.pose(v)
                return objective.loss(v, posed, _OUTLINE) + config.outline_weight * term(v, posed.R, posed.t)

            y, _ = minimise(loss, x[:, columns], _OUTLINE.iterations)
            x = x.index_copy(1, columns, y)
        return x

    def _pose(self, objective: Objective, x: Tensor, restarted: bool, swapped: bool) -> FramePose:
        residual = self._residual(objective, x)
        return FramePose(self._parameters(x), self.camera, residual, restarted, swapped, x.detach())

    def _parameters(self, x: Tensor) -> BodyParameters:
        """Into the world of the avatar's camera."""
        v = Variables(x)
        parameters = v.body_parameters().detach()
        pelvis = self.body.subset(torch.zeros(1, dtype=torch.long))(parameters, correctives=False).joints[0, 0]
        world = self.camera.R.T @ (v.pelvis_in_camera()[0] - self.camera.t)
        return replace(parameters, transl=(world - pelvis)[None].detach())

    @staticmethod
    @torch.no_grad()
    def _residual(objective: Objective, x: Tensor) -> float:
        posed, seen = objective.pose(Variables(x)), objective.seen
        apart = objective.percent(posed.to_camera(posed.landmarks), seen.pose)[0].sqrt()
        visible = seen.pose_weight[LIMB_JOINTS] > 0
        return float(apart[LIMB_JOINTS][visible].mean()) if bool(visible.any()) else 100.0


def _unseen_hands(objective: Objective) -> list[str]:
    return [name for name, hand in zip(_HANDS, objective.seen.hands) if hand is None]


def _without_unseen(objective: Objective, stage: Stage) -> Stage:
    """The stage with the fingers of unseen hands left alone: an outline would spread them to reach a blur."""
    unseen = _unseen_hands(objective)
    return replace(stage, variables=tuple(name for name in stage.variables if name not in unseen))


def _closed(objective: Objective, x: Tensor) -> Tensor:
    """The same pose with hands that were not seen half closed, whatever they did in the frame before."""
    closed = Variables.pack(1, hands=closed_hands()).x
    for name in _unseen_hands(objective):
        columns = indices((name,))
        x = x.index_copy(1, columns, closed[:, columns])
    return x
