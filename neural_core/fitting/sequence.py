"""One person through the frames of a video: shape, clothes and camera stay, only the pose moves.

What one frame leaves open, its neighbours and the avatar know. The shape is the avatar's, and the outline to meet is
that of the *clothed* body. The search starts from the frame before, and anew where that goes wrong: warm starts alone
get stuck after fast motion (facts/fitting.md 3).
"""

from dataclasses import dataclass, replace

import numpy as np
import roma
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
from neural_core.fitting.observation import observation
from neural_core.fitting.outline import MaskEdge, OutlineTerm
from neural_core.fitting.report import LIMB_JOINTS
from neural_core.fitting.sides import without_hidden_face
from neural_core.fitting.variables import _FACING, Variables, indices
from neural_core.photo.evidence import PhotoEvidence
from neural_core.rasterizer import Topology

_SEEN = 0.5
_MISFIT = 2.0  # times the median residual: such a frame says nothing about clothes
_FIT = FitConfig()
_POSE = ("root", "place", "pose")
_MOVING = (*_POSE, "expression", "jaw", "hands")

# Stages as in `FitConfig`, without shape and camera.
_LIFT = Stage(("root", "pose"), 30, landmarks=0, robust=8, directions=60, prior=0.3, shape=0)
_PLACE = Stage(("root", "place"), 12, landmarks=2, robust=8, directions=60, prior=0.3, shape=0)
_BODY = Stage(_POSE, 30, landmarks=2, robust=6, directions=30, prior=0.3, shape=0)
_EVERYTHING = Stage(_MOVING, 25, landmarks=2, robust=4, directions=15, prior=0.3, shape=0.6, face=1, hands=1)
_OUTLINE = Stage(_MOVING, 12, landmarks=2, robust=4, directions=15, prior=0.2, shape=0.3, face=1, hands=1)
_PORTRAIT = Stage(
    ("neck", "head", "expression", "jaw"), 20, landmarks=2, robust=4, directions=15, prior=0.2, shape=0.6, face=5
)  # fmt: skip


@dataclass(frozen=True)
class SequenceConfig:
    """Settings of `SequenceFit`."""

    outline_weight: float = (
        100.0  # 40, 100, 250: mask IoU .902, .906, .910 on 15 moving frames; 250 moves joints by 1 %
    )
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
        self.previous: FramePose | None = None
        self.previous_time = -np.inf
        self.residuals: list[float] = []
        self.own: Tensor | None = None  # (33, 3) see `learn_landmarks`
        turn = camera.R @ _FACING
        tilt = torch.stack([torch.atan2(turn[2, 1], turn[2, 2]), torch.atan2(turn[1, 0], turn[0, 0])])
        known = {"tilt": tilt, "betas": self.betas[:10], "face_shape": self.betas[10:]}
        self.known_columns = indices(tuple(known))
        self.known_values = Variables.pack(1, **known).x[:, self.known_columns]

    def learn_landmarks(self, evidence: PhotoEvidence) -> None:
        """From the frame that the avatar was made of: part of what it leaves between body and landmarks is this
        person's own and comes back in every frame."""
        self.own = None
        with one_thread():
            pose = self._fit(evidence, None, False)
            self.own = self.config.own_share * self._objective(evidence).own_landmarks(Variables(pose.x))
        self.residuals = []

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
            x = self._meet_outline(objective, smooth.x, evidence, matches=1)
            log_z = indices(("place",))[2:]
            x = x.index_copy(1, log_z, smooth.x[:, log_z])
            x = run_stage(objective, x, _PORTRAIT)
        return self._pose(objective, x, smooth.restarted, smooth.swapped)

    def learn_clothes(self, frames: list[tuple[FramePose, PhotoEvidence]]) -> None:
        """Correct the clothed shape of moving poses by what these frames show; `settle` and `vertices` use it then."""
        limit = _MISFIT * float(np.median([pose.residual_percent for pose, _ in frames])) if frames else 0.0
        good = [(pose, evidence) for pose, evidence in frames if pose.residual_percent <= limit]
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
        return Objective(self.body, observation(without_hidden_face(evidence)), self.config.fit, self.betas, own=own)

    def _fit(self, evidence: PhotoEvidence, recent: FramePose | None, swapped: bool) -> FramePose:
        config, objective = self.config, self._objective(evidence, recent)
        if recent is None:
            x, restarted = self._anew(objective), True
        else:
            x = run_stage(objective, recent.x, _EVERYTHING)
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
        x = place(objective, x)
        for stage in (_PLACE, _BODY, _EVERYTHING):
            x = run_stage(objective, x, stage)
        return x

    def _meet_outline(self, objective: Objective, x: Tensor, evidence: PhotoEvidence, matches: int) -> Tensor:
        config, edge = self.config, MaskEdge.of(evidence)
        columns = indices(_OUTLINE.variables)
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


def between(a: FramePose, b: FramePose, share: float, fit: SequenceFit) -> FramePose:
    """The pose `share` of the way from one frame to another, for a frame in which nobody was found."""
    x = a.x + share * (b.x - a.x)
    turns = _turns(a.x, b.x)
    for name, rotations in _rotations(a.x).items():
        value = roma.rotmat_to_rotvec(rotations @ roma.rotvec_to_rotmat(share * turns[name]))
        columns = indices((name,))
        x[:, columns] = Variables.pack(1, **{name: value}).x[:, columns]
    return fit.at(x, a)


def smoothed(poses: list[FramePose], times: list[float], fit: SequenceFit, window: float = 0.4) -> list[FramePose]:
    """The poses with what a picture does not show, depth above all, smoothed without delay.

    A quadratic through the frames within `window` seconds (Savitzky and Golay 1964, for uneven times), on the logarithm
    of the depth and, where the person holds still, on the rotations as turns away from the frame's own: in fast motion
    they are no parabola, and smoothing them cost 0.012 of mask IoU. Poses with fewer than four neighbours that turn
    less than `_SAME` away stay as they are. A frame that faces elsewhere than those before and after it was
    misunderstood: it gets the pose between them first.
    """
    poses = _without_jumps(poses, times, fit)
    return [fit.at(_smooth_one(k, poses, times, window), pose) for k, pose in enumerate(poses)]


_JUMP = 0.7  # radians that nobody turns to and fro between three frames
_NEXT = 0.35  # seconds that these span at most
_SAME = 1.0  # radians between roots: beyond, one of the two frames was misunderstood
_STILL, _MOVES = 0.03, 0.10  # radians, mean over the joints within the window: smoothed in full, and not at all


def _without_jumps(poses: list[FramePose], times: list[float], fit: SequenceFit) -> list[FramePose]:
    kept = list(poses)
    for k in range(1, len(poses) - 1):
        before, after = kept[k - 1], poses[k + 1]
        if times[k + 1] - times[k - 1] > _NEXT:
            continue
        there, back, past = (
            float(_turns(a.x, b.x)["root"].norm()) for a, b in ((before, poses[k]), (poses[k], after), (before, after))
        )
        if min(there, back) > _JUMP and past < 0.5 * min(there, back):
            share = (times[k] - times[k - 1]) / (times[k + 1] - times[k - 1])
            kept[k] = fit.at(between(before, after, share, fit).x, poses[k])
    return kept


def _smooth_one(k: int, poses: list[FramePose], times: list[float], window: float) -> Tensor:
    own = poses[k].x
    near = [i for i, time in enumerate(times) if abs(time - times[k]) <= window / 2 + 1e-6]
    turns = {i: _turns(own, poses[i].x) for i in near}
    near = [i for i in near if float(turns[i]["root"].norm()) < _SAME]
    if len(near) < 5:
        return own
    offset = torch.tensor([times[i] - times[k] for i in near])
    design = torch.stack([torch.ones_like(offset), offset, offset.square()], dim=1)
    weights = torch.linalg.pinv(design)[0]  # of each frame in the value at this one
    x = own.clone()
    depth = indices(("place",))[2:]
    x[:, depth] = weights @ torch.cat([poses[i].x[:, depth] for i in near])
    motion = float(torch.stack([turns[i]["pose"].norm(dim=-1).mean() for i in near]).mean())
    share = min(max((_MOVES - motion) / (_MOVES - _STILL), 0.0), 1.0)
    for name, rotations in _rotations(own).items():
        turn = share * torch.einsum("i,i...->...", weights, torch.stack([turns[i][name] for i in near]))
        value = roma.rotmat_to_rotvec(rotations @ roma.rotvec_to_rotmat(turn))
        columns = indices((name,))
        x[:, columns] = Variables.pack(1, **{name: value}).x[:, columns]
    return x


def _rotations(x: Tensor) -> dict[str, Tensor]:
    return {name: roma.rotvec_to_rotmat(Variables(x)[name][0]) for name in ("root", "pose")}


def _turns(x: Tensor, other: Tensor) -> dict[str, Tensor]:
    """Axis-angle from the rotations of one pose to those of another, each in its own frame."""
    a, b = _rotations(x), _rotations(other)
    return {name: roma.rotmat_to_rotvec(a[name].transpose(-1, -2) @ b[name]) for name in a}
