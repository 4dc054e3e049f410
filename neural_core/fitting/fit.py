"""Body and camera from the evidence of one photo: SMPLify-X (Pavlakos et al. 2019) in stages, with silhouettes."""

import contextlib
from collections.abc import Iterator
from dataclasses import replace

import roma
import torch
from torch import Tensor

from neural_core.body.model import BodyModel
from neural_core.camera import Camera
from neural_core.fitting.config import FitConfig, Stage
from neural_core.fitting.directions import TORSO_BONES, bone_directions
from neural_core.fitting.minimise import minimise
from neural_core.fitting.objective import Objective
from neural_core.fitting.observation import observation
from neural_core.fitting.pose_prior import mean_pose
from neural_core.fitting.report import fit_errors
from neural_core.fitting.result import BodyFit
from neural_core.fitting.shape_prior import shape_mean
from neural_core.fitting.silhouette import SilhouetteTerm
from neural_core.fitting.variables import Variables, indices
from neural_core.photo.evidence import PhotoEvidence
from neural_core.progress import Progress

_DEFAULT = FitConfig()
_BODY_HEIGHT = 1.68  # metres, of the mean body; only where the search for the distance starts


def fit_body(
    evidence: PhotoEvidence, body: BodyModel, config: FitConfig = _DEFAULT, progress: Progress | None = None
) -> BodyFit:
    """Fit pose, shape, expression and camera; the result stands upright on y = 0."""
    progress = progress or Progress()
    seen = observation(evidence)
    with one_thread():
        mean = shape_mean(body, config.gender)
        objective = Objective(body, seen, config, mean)
        x = initialise(objective, body).x
        progress.update(0.05, "Lifting the pose")
        x = run_stage(objective, x, config.lift)
        x = place(objective, x)
        progress.update(0.15, "Fitting the camera")
        x = run_stage(objective, x, config.place)
        progress.update(0.2, "Fitting the body")
        x = run_stage(objective, x, config.body)
        progress.update(0.35, "Fitting hands and face")
        x = run_stage(objective, x, config.everything)
        progress.update(0.5, "Fitting the outline")
        term = SilhouetteTerm.of(body, evidence, Variables(x), config)
        x = run_stage(Objective(body, seen, config, mean, term), x, config.outline)
        progress.update(0.9, "Fitting the face")
        x = run_stage(objective, x, config.portrait)
        progress.update(0.97, "Standing the body up")
        fit = replace(stand_up(body, evidence, Variables(x)), guessed=guessed_parts(evidence), gender=config.gender)
        return replace(fit, errors=fit_errors(evidence, body, fit, None))


def initialise(objective: Objective, body: BodyModel) -> Variables:
    """Mean pose, turned so that the torso's directions fit (Kabsch 1976), at the distance its size tells."""
    seen = objective.seen
    rest = body.joint_template[body.landmarks.pose_joint] + body.landmarks.pose_offset
    bones = bone_directions(rest)
    chosen = list(TORSO_BONES)
    facing = Variables.pack(1).camera_rotation()[0]
    covariance = (seen.directions[chosen] @ facing).T @ bones[chosen]
    root = roma.special_procrustes(covariance)
    hips = (seen.pose[[23, 24]].mean(0) - seen.centre) / seen.focal
    distance = torch.tensor([seen.focal * _BODY_HEIGHT / seen.height_px])
    return Variables.pack(
        1,
        root=roma.rotmat_to_rotvec(root),
        place=torch.cat([hips, distance.log()]),
        pose=mean_pose(),
        betas=objective.shape_mean[:10],
        face_shape=objective.shape_mean[10:],
        hands=objective.hands_mean,
    )


def run_stage(objective: Objective, x: Tensor, stage: Stage) -> Tensor:
    """Minimise over the stage's variables, (B, SIZE)."""
    columns = indices(stage.variables)
    y, _ = minimise(lambda y: objective(x.index_copy(1, columns, y), stage), x[:, columns], stage.iterations)
    return x.index_copy(1, columns, y)


def place(objective: Objective, x: Tensor) -> Tensor:
    """Move the pelvis to where the posed landmarks project best: linear least squares in its position."""
    v = Variables(x)
    posed, seen = objective.pose(v), objective.seen
    points = (posed.landmarks - posed.joints[:, :1]) @ posed.R.transpose(1, 2)  # (B, 33, 3) about the pelvis
    rays = (seen.pose - seen.centre) / seen.focal
    weight = seen.pose_weight.sqrt()
    zero = torch.zeros_like(weight)
    # X + p projects to ray q where p_x - q_x p_z = q_x X_z - X_x, and the same for y.
    rows_x = torch.stack([weight, zero, -weight * rays[:, 0]], dim=1)
    rows_y = torch.stack([zero, weight, -weight * rays[:, 1]], dim=1)
    A = torch.cat([rows_x, rows_y])  # (66, 3)
    right_x = weight * (rays[:, 0] * points[..., 2] - points[..., 0])
    right_y = weight * (rays[:, 1] * points[..., 2] - points[..., 1])
    b = torch.cat([right_x, right_y], dim=1)  # (B, 66)
    # Not torch's default driver, gelsy: for the same input it gave up to six answers in 400 calls, gelsd one.
    p = torch.linalg.lstsq(A.expand(len(b), -1, -1), b[..., None], driver="gelsd").solution[..., 0]
    solved = torch.stack([p[:, 0] / p[:, 2], p[:, 1] / p[:, 2], p[:, 2].clamp(min=1e-3).log()], dim=1)
    good = (p[:, 2] > 0.3) & torch.isfinite(solved).all(1)
    place = torch.where(good[:, None], solved, v["place"])
    columns = indices(("place",))
    scaled = Variables.pack(v.batch, place=place).x[:, columns]
    return x.index_copy(1, columns, scaled)


def stand_up(body: BodyModel, evidence: PhotoEvidence, v: Variables) -> BodyFit:
    """Put the soles on y = 0 and the pelvis above the origin; the camera moves along."""
    parameters = v.body_parameters().detach()
    out = body(parameters)
    pelvis = out.joints[0, 0]
    shift = torch.stack([-pelvis[0], -out.vertices[0, :, 1].min(), -pelvis[2]])
    R = v.camera_rotation()[0]
    t = v.pelvis_in_camera()[0] - R @ (pelvis + shift)
    height, width = evidence.image.shape[:2]
    camera = Camera.pinhole(evidence.focal, width, height, R, t)
    return BodyFit(replace(parameters, transl=shift[None]), camera)


def guessed_parts(evidence: PhotoEvidence) -> tuple[str, ...]:
    seen = evidence.pose[:, 2] > 0.5
    parts = {
        "legs": not seen[[25, 26]].any(),
        "feet": not evidence.full_body,
        "left hand": evidence.hands[0] is None,
        "right hand": evidence.hands[1] is None,
        "face": evidence.face is None,
    }
    return tuple(name for name, guessed in parts.items() if guessed)


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Tensors are tiny here: more threads only wait for each other, 5 to 20 times slower beside another process."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
