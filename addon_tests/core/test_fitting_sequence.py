"""Following a known body through known frames."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from neural_core.body import BodyParameters, load_open_body
from neural_core.body.actions import ACTION_NAMES
from neural_core.body.skeleton import JOINT_INDEX
from neural_core.camera import Camera
from neural_core.fitting import sequence
from neural_core.fitting.clothing_config import ClothedConfig
from neural_core.fitting.clothing_shell import ClothingShell
from neural_core.fitting.minimise import minimise
from neural_core.fitting.moving_clothes import MovingClothes, fit_moving_clothes
from neural_core.fitting.observation import MESH_POINTS
from neural_core.fitting.outline import MaskEdge, OutlineTerm
from neural_core.fitting.pose_prior import closed_hands, mean_pose
from neural_core.fitting.sequence import FramePose, SequenceConfig, SequenceFit
from neural_core.fitting.smoothing import between, smoothed, velocity
from neural_core.fitting.variables import Variables, indices
from neural_core.photo import PhotoEvidence
from neural_core.rasterizer import Topology, rasterize

_FACING = torch.diag(torch.tensor([1.0, -1.0, -1.0]))
_QUICK = SequenceConfig(matches=1)


@pytest.fixture(scope="module")
def body():
    return load_open_body()


@pytest.fixture(scope="module")
def camera():
    return Camera.pinhole(600.0, 320, 480, _FACING, torch.tensor([0.0, -0.35, 2.9]))


def _standing(yaw: float = 0.0, step: float = 0.0, x: float = 0.0) -> BodyParameters:
    pose = mean_pose().clone()  # it is kept and shared
    pose[0, 0], pose[1, 0] = -step, step  # hips
    orient = torch.tensor([[0.0, yaw, 0.0]])
    return BodyParameters.zeros(1, body_pose=pose[None], global_orient=orient, transl=torch.tensor([[x, 0.0, 0.0]]))


def _evidence(body, camera, parameters: BodyParameters, offsets=None) -> PhotoEvidence:
    """What detectors without errors would see."""
    out = body(parameters, offsets)
    points = body.landmarks.pose_points(out.joints, out.rotations)[0]
    mask = rasterize(out.vertices[0], body.faces, camera).mask.numpy().astype(np.float32)
    pixels = camera.project(points)[0].numpy()
    return PhotoEvidence(
        image=np.zeros((camera.height, camera.width, 3), np.float32),
        mask=mask,
        pose=np.concatenate([pixels, np.ones((33, 1))], axis=1).astype(np.float32),
        pose_world=(points @ camera.R.T).numpy(),
        face=None,
        hands=(None, None),
        focal=float(camera.K[0, 0]),
        focal_source="user",
        person_height_px=float(np.ptp(np.nonzero(mask.any(1))[0])),
        full_body=True,
        warnings=(),
    )


def test_the_outline_pulls_a_shifted_body_back_from_any_distance(body, camera):
    evidence = _evidence(body, camera, _standing())
    pelvis = body(_standing()).joints[0, 0]
    x_y_z = camera.to_camera(pelvis)
    truth = torch.stack([x_y_z[0] / x_y_z[2], x_y_z[1] / x_y_z[2], x_y_z[2].log()])
    start = Variables.pack(
        1, pose=_standing().body_pose[0], place=truth + torch.tensor([0.05, 0.0, 0.0])
    )  # 14 cm aside
    edge, columns, x = MaskEdge.of(evidence), indices(("place",)), start.x
    topology = Topology.of(body.faces)
    for _ in range(4):
        term = OutlineTerm(body, topology, torch.zeros(body.num_vertices, 3), edge, Variables(x), 8.0)

        def loss(y, x=x, term=term):
            v = Variables(x.index_copy(1, columns, y))
            R = v.camera_rotation()
            t = v.pelvis_in_camera() - (R @ pelvis[None, :, None])[..., 0]
            return term(v, R, t)

        y, value = minimise(loss, x[:, columns], 10)
        x = x.index_copy(1, columns, y)
    assert (Variables(x)["place"][0] - truth).abs().max() < 0.004
    assert float(value) < 0.2


def test_a_mask_cut_by_the_picture_has_no_outline_there(body, camera):
    cut = camera.crop(0, 0, camera.width, 330)  # below the knees nothing is in the picture
    edge = MaskEdge.of(_evidence(body, cut, _standing()))
    assert edge.contour[:, 1].max() < edge.camera.height - 1
    legs = edge.distance[-3:]
    assert float(legs.min()) < -1, "the legs go on beyond the border: it is no edge of theirs"


@pytest.fixture(scope="module")
def walk(body, camera):
    """Truth and poses of three frames, a fifteenth of a second apart, and what followed them."""
    truth = [_standing(yaw=0.15 * k, step=0.05 * k, x=0.02 * k) for k in range(3)]
    fit = SequenceFit(body, truth[0], torch.zeros(body.num_vertices, 3), camera, _QUICK)
    return truth, [fit.follow(_evidence(body, camera, p), k / 15) for k, p in enumerate(truth)], fit


def test_a_walk_is_followed_with_the_shape_of_the_avatar(body, walk):
    truth, poses, _ = walk
    assert poses[0].restarted and not any(pose.swapped for pose in poses)
    for wanted, pose in zip(truth, poses):
        apart = (body(pose.parameters).joints - body(wanted).joints)[0, :22].norm(dim=1)
        assert float(apart.mean()) < 0.08, "what is left is depth: true directions are not what MediaPipe makes of them"
        assert pose.residual_percent < 0.8
        assert torch.equal(pose.parameters.betas, truth[0].betas)


def test_fingers_of_a_hand_that_is_not_seen_are_half_closed_and_no_outline_spreads_them(body, camera, walk):
    _, poses, _ = walk
    closed = closed_hands()
    for pose in poses:
        assert torch.allclose(Variables(pose.x)["hands"][0], closed, atol=1e-6)
    fan = _standing()
    seen = _evidence(body, camera, fan)
    hand = torch.from_numpy(seen.pose[[15] * 21, :2]) + torch.linspace(0, 20, 21)[:, None]
    fit = SequenceFit(body, fan, torch.zeros(body.num_vertices, 3), camera, _QUICK)
    left = Variables(fit.follow(replace(seen, hands=(hand.numpy(), None)), 0.0).x)["hands"][0]
    assert not torch.allclose(left[:15], closed[:15], atol=0.01), "a hand that is seen is fitted"
    assert torch.allclose(left[15:], closed[15:], atol=1e-6)


def test_closed_fingers_lie_side_by_side(body):
    hands = closed_hands()[None]
    joints = body(BodyParameters.zeros(1, left_hand_pose=hands[:, :15], right_hand_pose=hands[:, 15:])).joints[0]
    for side in ("left", "right"):
        knuckles, ends = (
            joints[[JOINT_INDEX[f"{side}_{finger}{k}"] for finger in ("index", "middle", "ring", "pinky")]]
            for k in (1, 3)
        )
        assert float(ends[:, 2].max() - ends[:, 2].min()) < float(knuckles[:, 2].max() - knuckles[:, 2].min())
        assert float((knuckles[:, 1] - ends[:, 1]).min()) > 0.02, "bent towards the palm"


def _astride(step: float) -> BodyParameters:
    p = _standing(yaw=step, step=step)
    p.body_pose[0, 0, 2], p.body_pose[0, 1, 2] = 0.2, -0.2  # legs apart
    return p


def test_clothes_that_only_movement_shows_are_learnt_and_leave_the_photo_alone(body, camera):
    shell = ClothingShell.of(body, ClothedConfig())
    leg = body.weights[:, [JOINT_INDEX["left_knee"], JOINT_INDEX["right_knee"]]].sum(1) * shell.freedom
    wider = (0.02 * leg)[:, None] * shell.direction  # trousers
    photo = _standing()
    bare = MovingClothes.of_photo(photo, torch.zeros_like(wider))
    frames = [(p, MaskEdge.of(_evidence(body, camera, p, wider))) for p in map(_astride, (-0.5, 0.5))]
    topology = Topology.of(body.faces)
    learnt = fit_moving_clothes(body, topology, bare, camera, frames)
    seen = leg > 0.8
    along = (learnt.change * shell.direction).sum(1)
    assert float((along - 0.02)[seen].abs().mean()) < 0.006, "twenty millimetres of trousers"
    face = (body.weights[:, JOINT_INDEX["head"]] > 0.9) & (shell.freedom == 0)
    assert bool(face.any()) and not learnt.change[face].any(), "the face is the photo's"
    assert float(learnt.change.norm(dim=1).max()) < 0.041
    assert torch.equal(learnt.at(photo), bare.rest_offsets), "in the photo's pose the photo knows better"
    assert learnt.share(_astride(0.5)) > learnt.share(_standing(step=0.35)) > 0
    still = fit_moving_clothes(body, topology, bare, camera, [(photo, frames[0][1])])
    assert not still.change.any(), "who does not move shows nothing new, whatever the mask"


def test_moving_frames_teach_clothes_however_well_still_ones_fit(body, camera, walk, monkeypatch):
    _, poses, _ = walk
    photo = _standing()
    fit = SequenceFit(body, photo, torch.zeros(body.num_vertices, 3), camera, _QUICK)
    still = replace(poses[0], parameters=photo, residual_percent=0.3)
    moving = [replace(still, parameters=_astride(0.5), residual_percent=percent) for percent in (0.9, 1.0, 1.2, 3.0)]
    taught = []
    monkeypatch.setattr(sequence, "fit_moving_clothes", lambda *given: taught.append(given[-1]) or given[2])
    evidence = _evidence(body, camera, photo)
    fit.learn_clothes([(pose, evidence) for pose in [still] * 9 + moving])
    assert [views for views, _ in taught[0]] == [pose.parameters for pose in moving[:3]], "and the misfit is left out"
    fit.learn_clothes([(still, evidence)])
    assert taught[1] == []


def test_landmarks_that_lie_off_in_the_source_lie_off_alike_when_the_person_turns(body, camera):
    fit = SequenceFit(body, _standing(), torch.zeros(body.num_vertices, 3), camera, _QUICK)
    evidence = _evidence(body, camera, _standing())
    x = fit._fit(evidence, None, False).x
    shifted = evidence.pose.copy()
    shifted[14, :2] += [6, 3]  # an elbow, by 3 cm
    objective = fit._objective(replace(evidence, pose=shifted))
    fit.own = objective.own_landmarks(Variables(x))
    moved = replace(fit._pose(objective, x, False, False), parameters=_astride(0.5))
    again = fit._objective(replace(evidence, pose=shifted), moved)
    pixels = again.project((p := again.pose(Variables(x))).to_camera(p.landmarks))[0]
    assert torch.allclose(pixels, torch.from_numpy(shifted[:, :2]), atol=1.0)
    still = fit._objective(evidence, replace(moved, parameters=_standing()))
    assert still.own is not None and not still.own.any(), "in the photo's pose the photo's fit knows better"
    fit.learn_landmarks(evidence)
    assert fit.own is not None and float(fit.own.norm(dim=1).max()) < 0.03 and not fit.residuals


def _face_of(body, camera, parameters: BodyParameters, off: torch.Tensor) -> np.ndarray:
    """(478, 2) pixels of the face's points, moved by off (478, 3) metres in the frame of the head."""
    out, marks = body(parameters), body.landmarks
    points = (out.vertices[0][body.faces[marks.face_triangle]] * marks.face_barycentric[..., None]).sum(1)
    return camera.project(points + off @ out.rotations[0, JOINT_INDEX["head"]].T)[0].numpy()


def test_blinks_and_smiles_are_found_on_a_face_that_lies_off_as_in_the_source(body, camera):
    off = torch.zeros(478, 3)
    off[:, 1] = 0.004 * torch.sin(torch.arange(478.0))  # a face that the shape space has not
    neutral = _standing()
    names = ("eyeBlinkLeft", "eyeBlinkRight", "mouthSmileLeft", "mouthSmileRight")
    actions = torch.zeros(1, 52).index_fill(1, torch.tensor([ACTION_NAMES.index(name) for name in names]), 0.8)
    smiling = replace(_standing(yaw=0.2), actions=actions)
    fit = SequenceFit(body, neutral, torch.zeros(body.num_vertices, 3), camera, _QUICK)
    source = replace(_evidence(body, camera, neutral), face=_face_of(body, camera, neutral, off))
    seen = replace(_evidence(body, camera, smiling), face=_face_of(body, camera, smiling, off))
    fit.learn_landmarks(source)
    assert fit.own_face is not None
    apart = (fit.own_face - off[list(MESH_POINTS)])[:, :2].norm(dim=1)
    assert float(apart.median()) < 5e-4 and float((apart > 5e-4).float().mean()) < 0.1, "all but what faces away"

    start = fit.follow(seen, 0.0)
    settled = fit.settle(seen, start)
    found = settled.parameters.actions[0]
    assert float(found.min()) > -0.05 and float(found[actions[0] > 0].mean()) > 0.15
    error = {}
    for name, pose in (("followed", start), ("settled", settled)):
        apart = _face_of(body, camera, pose.parameters, off) - seen.face
        error[name] = float(np.linalg.norm(apart[list(MESH_POINTS)], axis=1).mean())
    assert error["settled"] < 0.15 < error["followed"], "pixels of a face of 40"


def test_a_frame_in_which_nobody_was_found_lies_between_its_neighbours(body, walk):
    _, poses, fit = walk
    middle = between(poses[0], poses[2], 0.5, fit)
    apart = (body(middle.parameters).joints - body(poses[1].parameters).joints)[0, :22].norm(dim=1)
    assert float(apart.mean()) < 0.05
    assert torch.allclose(between(poses[0], poses[2], 1.0, fit).x, poses[2].x, atol=1e-4)


def test_smoothing_keeps_a_turn_and_drops_the_noise_of_depth(walk):
    _, poses, fit = walk
    generator = torch.Generator().manual_seed(0)
    depth = indices(("place",))[2:]
    clean, noisy = [], []
    for k in range(11):
        turned = Variables.pack(1, root=torch.tensor([0.0, 0.1 * k, 0.0]), place=torch.tensor([0.0, 0.0, 1.0])).x
        noise = torch.zeros_like(turned)
        noise[:, depth] = 0.2 * torch.randn(1, generator=generator)
        clean.append(turned)
        noisy.append(replace(poses[0], x=turned + noise))
    times = [k / 30 for k in range(11)]
    result: list[FramePose] = smoothed(noisy, times, fit, window=0.3)
    middle = slice(3, 8)
    before = torch.cat([a.x - b for a, b in zip(noisy, clean)])[middle, depth].abs().mean()
    after = torch.cat([a.x - b for a, b in zip(result, clean)])[middle, depth].abs().mean()
    assert after < 0.75 * before
    roots = torch.stack([Variables(pose.x)["root"][0] for pose in result])
    assert torch.allclose(roots[:, 1], 0.1 * torch.arange(11.0), atol=1e-3), "a steady turn is no noise"


def test_a_frame_that_faces_elsewhere_than_its_neighbours_is_put_between_them(walk):
    _, poses, fit = walk

    def facing(yaw: float) -> FramePose:
        return fit.at(Variables.pack(1, root=torch.tensor([0.0, yaw, 0.0])).x, poses[0])

    yaws = [0.0, 0.1, 1.5, 0.3, 0.4, 1.4, 2.4]  # one misunderstood, then a quick turn that is none
    times = [k / 12.5 for k in range(7)]
    found = [float(Variables(p.x)["root"][0, 1]) for p in smoothed([facing(y) for y in yaws], times, fit)]
    assert found[2] == pytest.approx(0.2, abs=0.05)
    assert found[5:] == pytest.approx([1.4, 2.4], abs=0.05)
    late = smoothed([facing(y) for y in yaws[:3]] + [facing(0.2)], [0.0, 1.0, 2.0, 3.0], fit)
    assert float(Variables(late[2].x)["root"][0, 1]) == pytest.approx(1.5)


def test_frames_too_far_apart_are_not_smoothed(walk):
    _, poses, fit = walk
    result = smoothed(poses, [float(k) for k in range(3)], fit)
    assert all(torch.equal(a.x, b.x) for a, b in zip(result, poses))


def test_the_frames_beside_tell_how_fast_the_person_moves(body, walk):
    _, poses, fit = walk
    times = [0.0, 1 / 15, 2 / 15]
    ahead = fit.vertices(poses[2]) - fit.vertices(poses[0])
    assert torch.allclose(velocity(poses, times, 1, fit), ahead * 7.5, atol=1e-4)
    assert torch.allclose(
        velocity(poses, times, 0, fit), (fit.vertices(poses[1]) - fit.vertices(poses[0])) * 15, atol=1e-4
    )
    assert not velocity(poses, [0.0, 1.0, 2.0], 1, fit).any(), "what lies a second apart tells nothing"
