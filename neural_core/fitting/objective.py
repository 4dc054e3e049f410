"""What a good fit is: the terms of SMPLify-X (Pavlakos et al. 2019, section 3.2) with upright people and the picture's
silhouette added (DINAR, section 3.1)."""

from dataclasses import dataclass

import torch
from torch import Tensor

from neural_core.body.actions import ACTION_NAMES
from neural_core.body.model import BodyModel
from neural_core.body.skeleton import JOINT_INDEX
from neural_core.fitting.config import FitConfig, Stage
from neural_core.fitting.directions import bone_directions
from neural_core.fitting.observation import Observation
from neural_core.fitting.penetration import overlap
from neural_core.fitting.pose_prior import beyond_limits, pose_prior, relaxed_hands
from neural_core.fitting.silhouette import SilhouetteTerm
from neural_core.fitting.variables import Variables

_NEAR = 0.05  # metres; a body behind the camera during a wild step must not divide by zero
_JAW_TURN_SIGMA = 0.03  # rad sideways
_HEAD = JOINT_INDEX["head"]
# The jaw has a joint, with a prior of its own; of gaze and tongue the points that are fitted say nothing.
_FREE = torch.tensor([float(not name.startswith(("jaw", "eyeLook", "tongue"))) for name in ACTION_NAMES])

_ANKLES, _HIPS, _SHOULDERS = [27, 28], [23, 24], [11, 12]
_HEELS, _TOES = [29, 30], [31, 32]


@dataclass(frozen=True)
class Posed:
    """A batch of bodies.

    Attributes:
        landmarks: (B, 33, 3) BlazePose points, world. joints: (B, 55, 3) world.
        face: (B, n, 3) and hands: (B, 2, 21, 3), world; only where asked for.
        extra: (B, m, 3) world, the vertices an objective was asked for besides.
        R: (B, 3, 3) and t: (B, 3), world to camera.
    """

    landmarks: Tensor
    joints: Tensor
    face: Tensor | None
    hands: Tensor | None
    extra: Tensor
    R: Tensor
    t: Tensor

    def to_camera(self, points: Tensor) -> Tensor:
        """World points (B, n, 3) in the camera."""
        return points @ self.R.transpose(1, 2) + self.t[:, None]


class Objective:
    """Loss of bodies, one a row, against one photo."""

    def __init__(
        self,
        body: BodyModel,
        seen: Observation,
        config: FitConfig,
        shape_mean: Tensor,
        silhouette: SilhouetteTerm | None = None,
        extra: Tensor | None = None,
        own: Tensor | None = None,
        own_face: Tensor | None = None,
        thickness: Tensor | None = None,
    ):
        """shape_mean: (20,) centre of the shape prior. silhouette: the term of stages that weigh it.

        extra: (m,) vertices that `pose` gives as well. own: (33, 3) by which this person's landmarks
        lie off where the body has them, metres, in the frames of their bones; see `own_landmarks`. own_face: (n, 3)
        the same of the face's points, in the frame of the head.
        thickness: of the clothes that limbs do not pass, where they are known; see `fitting.penetration`.
        """
        marks = body.landmarks
        triangles = marks.face_triangle[list(seen.face_points)]
        self.face_known = triangles >= 0
        corners = body.faces[triangles.clamp(min=0)]  # (n, 3)
        self.face_weights = marks.face_barycentric[list(seen.face_points)]
        self.num_corners = corners.numel()
        # The points' own vertices only: a hundredth of the body, and fast enough for hundreds of evaluations.
        wanted = [corners.reshape(-1), marks.hand_tip_vertex.reshape(-1)]
        self.points = body.subset(torch.cat(wanted if extra is None else [*wanted, extra]))
        self.marks, self.seen, self.config = marks, seen, config
        self.shape_mean = shape_mean
        self.hands_mean = relaxed_hands(body.hands_mean)
        self.silhouette = silhouette
        self.own, self.own_face, self.thickness = own, own_face, thickness
        rest = (body.joint_template[marks.pose_joint] + marks.pose_offset)[None]  # (1, 33, 3)
        self.rest_lines = plumb_lines(rest)
        self.sole_rest = rest[:, _HEELS + _TOES, 1]

    def pose(self, v: Variables) -> Posed:
        out = self.points(v.body_parameters(), correctives=False)
        corners = out.vertices[:, : self.num_corners].reshape(v.batch, -1, 3, 3)
        face = (corners * self.face_weights[:, :, None]).sum(2)
        if self.own_face is not None:
            face = face + self.own_face @ out.rotations[:, _HEAD].transpose(1, 2)
        extra = self.num_corners + self.marks.hand_tip_vertex.numel()
        tips = out.vertices[:, self.num_corners : extra].reshape(v.batch, 2, 5, 3)
        R = v.camera_rotation()
        t = v.pelvis_in_camera() - (R @ out.joints[:, 0, :, None])[..., 0]
        landmarks = self.marks.pose_points(out.joints, out.rotations)
        if self.own is not None:
            landmarks = landmarks + (out.rotations[:, self.marks.pose_joint] @ self.own[..., None])[..., 0]
        hands = self._hand_points(out.joints, tips)
        return Posed(landmarks, out.joints, face, hands, out.vertices[:, extra:], R, t)

    def _hand_points(self, joints: Tensor, tips: Tensor) -> Tensor:
        """(B, 2, 21, 3): joints, and tips where MediaPipe's point is one."""
        at = self.marks.hand_joint
        points = joints[:, at.clamp(min=0)]  # (B, 2, 21, 3)
        is_tip = at < 0
        tip_of = (torch.cumsum(is_tip, dim=1) - 1).clamp(min=0)  # thumb to pinky, in order
        all_tips = torch.gather(tips, 2, tip_of[None, :, :, None].expand(joints.shape[0], -1, -1, 3))
        return torch.where(is_tip[None, :, :, None], all_tips, points)

    def own_landmarks(self, v: Variables) -> Tensor:
        """(33, 3) what brings the seen landmarks of a body `v`, one row, to the evidence, in the picture's plane."""
        posed = self.pose(v)
        rotations = self.points(v.body_parameters(), correctives=False).rotations[0, self.marks.pose_joint]
        world = self._apart(posed, posed.landmarks, self.seen.pose)
        seen = (self.seen.pose_weight > 0)[:, None]
        return (seen * (rotations.transpose(1, 2) @ world[..., None])[..., 0]).detach()

    def own_face_points(self, v: Variables) -> Tensor | None:
        """(n, 3) the same of the face's points, None where no face is seen."""
        posed = self.pose(v)
        if self.seen.face is None or posed.face is None:
            return None
        head = self.points(v.body_parameters(), correctives=False).rotations[0, _HEAD]
        return (self._apart(posed, posed.face, self.seen.face) @ head).detach()

    def _apart(self, posed: Posed, points: Tensor, pixels: Tensor) -> Tensor:
        """(n, 3) metres in the world, across the line of sight, from points (1, n, 3) to where they are seen."""
        camera = posed.to_camera(points)
        apart = (pixels - self.project(camera)[0]) * camera[0, :, 2:] / self.seen.focal
        return torch.nn.functional.pad(apart, (0, 1)) @ posed.R[0]

    def project(self, points_camera: Tensor) -> Tensor:
        xy = points_camera[..., :2] / points_camera[..., 2:].clamp(min=_NEAR)
        return xy * self.seen.focal + self.seen.centre

    def percent(self, points_camera: Tensor, pixels: Tensor) -> Tensor:
        """Squared reprojection error in percent of the person's height, (B, n)."""
        return ((self.project(points_camera) - pixels) * (100 / self.seen.height_px)).square().sum(-1)

    def __call__(self, x: Tensor, stage: Stage) -> Tensor:
        """(B, SIZE) to (B,)."""
        v = Variables(x)
        return self.loss(v, self.pose(v), stage)

    def loss(self, v: Variables, posed: Posed, stage: Stage) -> Tensor:
        """(B,) of bodies that are posed already."""
        loss = stage.directions * self.direction_error(posed) + self.priors(v, stage)
        loss = loss + self.upright(v, posed) + self.config.penetration_weight * overlap(posed.joints, self.thickness)
        if stage.landmarks:
            squared = self.percent(posed.to_camera(posed.landmarks), self.seen.pose)
            loss = loss + stage.landmarks * (self.seen.pose_weight * geman_mcclure(squared, stage.robust)).sum(1)
        if stage.face and self.seen.face is not None and posed.face is not None and self.face_known.any():
            squared = self.percent(posed.to_camera(posed.face), self.seen.face)[:, self.face_known]
            face = geman_mcclure(squared, self.config.face_robust).mean(1)
            loss = loss + stage.face * self.config.face_weight * face
        if stage.hands and posed.hands is not None:
            for side, hand in enumerate(self.seen.hands):
                if hand is not None:
                    squared = self.percent(posed.to_camera(posed.hands[:, side]), hand)
                    error = geman_mcclure(squared, self.config.hand_robust).sum(1)
                    loss = loss + stage.hands * self.config.hand_weight * error
        if stage.silhouette and self.silhouette is not None:
            loss = loss + stage.silhouette * self.silhouette(v, posed.R, posed.t)
        return loss

    def direction_error(self, posed: Posed) -> Tensor:
        directions = bone_directions(posed.landmarks) @ posed.R.transpose(1, 2)
        squared = (directions - self.seen.directions).square().sum(-1)
        return (self.seen.direction_weight * squared).sum(1)

    def priors(self, v: Variables, stage: Stage) -> Tensor:
        c = self.config
        pose, jaw = v["pose"], v["jaw"]
        hands = ((v["hands"] - self.hands_mean) / c.hand_sigma).square().sum((1, 2))
        gap = max(self.seen.lip_gap - c.closed_gap, 0.0)
        jaw_sigma = torch.tensor([c.jaw_sigma_closed + c.jaw_sigma_per_gap * gap, _JAW_TURN_SIGMA, _JAW_TURN_SIGMA])
        likely = pose_prior(pose) + c.hand_prior_weight * hands + (jaw / jaw_sigma).square().sum(1)
        shape = (v.all_betas() - self.shape_mean).square().sum(1)
        actions = v["actions"]
        shape = shape + c.expression_weight * v["expression"].square().sum(1)
        shape = shape + c.action_weight * actions.square().sum(1)
        beyond = beyond_limits(pose, jaw) + (actions - actions.clamp(0, 1) * _FREE).square().sum(1)
        return stage.prior * likely + stage.shape * shape + c.limit_weight * beyond

    def upright(self, v: Variables, posed: Posed) -> Tensor:
        """People stand upright on flat ground, and cameras are held about level."""
        c = self.config
        sigma = torch.tensor([c.pitch_sigma, c.roll_sigma])
        loss = c.tilt_weight * (v["tilt"] / sigma).square().sum(1)
        lean = plumb_lines(posed.landmarks) - self.rest_lines  # (B, 3, 3); the rest pose stands straight
        sines = torch.cat(
            [lean[:, :2, 2] / c.posture_sigma, lean[:, 2:, 2] / c.lean_sigma, lean[:, 2:, 0] / c.sway_sigma], dim=1
        )
        loss = loss + c.lean_weight * geman_mcclure(sines.square(), c.lean_robust).sum(1)
        soles = posed.landmarks[:, _HEELS + _TOES, 1] - self.sole_rest
        height = (soles - soles.mean(1, keepdim=True)) / c.sole_sigma
        return loss + c.sole_weight * geman_mcclure(height.square(), c.sole_robust).sum(1)


def geman_mcclure(squared: Tensor, scale: float) -> Tensor:
    """Robust penalty of squared residuals: grows like them near zero, and never beyond scale²."""
    return squared / (1 + squared / (scale * scale))


def plumb_lines(landmarks: Tensor) -> Tensor:
    """Unit vectors (B, 3, 3) up the legs, the torso and both, from BlazePose points (B, 33, 3)."""
    ankles, hips, shoulders = (landmarks[:, pair].mean(1) for pair in (_ANKLES, _HIPS, _SHOULDERS))
    lines = torch.stack([hips - ankles, shoulders - hips, shoulders - ankles], dim=1)
    return torch.nn.functional.normalize(lines, dim=-1)
