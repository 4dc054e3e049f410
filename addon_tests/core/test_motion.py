"""Motion files of every layout, resampling, up axes, and files that are none."""

import io
import pickle
import zipfile

import numpy as np
import pytest
import torch

from neural_core import motion as motion_module
from neural_core import quaternions
from neural_core.animation import WALK
from neural_core.body import BodyParameters, load_open_body
from neural_core.errors import MotionError
from neural_core.motion import Motion, read_motion, up_axis, write_motion, z_up_to_y_up


def random_motion(frames: int = 6, seed: int = 0) -> Motion:
    random = np.random.default_rng(seed)
    return Motion(
        poses=random.normal(size=(frames, 55, 3)) * 0.4,
        trans=random.normal(size=(frames, 3)),
        fps=30.0,
        betas=random.normal(size=16),
        expression=random.normal(size=(frames, 10)),
    )


def save(path, **arrays):
    np.savez(path, **arrays)
    return path


def test_written_is_read_again(tmp_path):
    motion = random_motion()
    write_motion(tmp_path / "m.npz", motion)
    again = read_motion(tmp_path / "m.npz")
    for name in ("poses", "trans", "betas", "expression"):
        assert np.abs(getattr(again, name) - getattr(motion, name)).max() < 1e-6
    assert again.fps == 30.0 and again.has_hands and not again.warnings


@pytest.mark.parametrize(
    ("width", "joints", "hands"), [(165, 55, True), (156, 52, True), (72, 24, False), (66, 22, False)]
)
@pytest.mark.parametrize("flat", [True, False])
def test_packed_layouts(tmp_path, width, joints, hands, flat):
    given = np.random.default_rng(1).normal(size=(4, joints, 3)) * 0.2
    poses = given.reshape(4, -1) if flat else given
    motion = read_motion(save(tmp_path / "m.npz", poses=poses, trans=np.zeros((4, 3)), fps=24), up="y")
    assert motion.poses.shape == (4, 55, 3) and motion.has_hands is hands
    assert np.allclose(motion.poses[:, :22], given[:, :22])
    if width == 165:
        assert np.allclose(motion.poses, given)
    elif width == 156:
        assert np.allclose(motion.poses[:, 25:], given[:, 22:]) and not motion.poses[:, 22:25].any()
    else:
        assert not motion.poses[:, 22:].any()


def test_split_layout_of_smplx_results(tmp_path):
    given = random_motion().poses
    parts = {
        "global_orient": given[:, 0], "body_pose": given[:, 1:22], "jaw_pose": given[:, 22], "leye_pose": given[:, 23],
        "reye_pose": given[:, 24], "left_hand_pose": given[:, 25:40], "right_hand_pose": given[:, 40:55],
        "transl": np.ones((6, 3)), "mocap_framerate": 120.0, "gender": "female",
    }  # fmt: skip
    motion = read_motion(save(tmp_path / "m.npz", **parts), up="y")
    assert np.allclose(motion.poses, given) and motion.fps == 120 and np.allclose(motion.trans, 1)


def test_split_layout_of_amass(tmp_path):
    given = random_motion().poses
    parts = {
        "root_orient": given[:, 0], "pose_body": given[:, 1:22].reshape(6, -1), "pose_jaw": given[:, 22],
        "pose_eye": given[:, 23:25].reshape(6, -1), "pose_hand": given[:, 25:].reshape(6, -1),
        "trans": np.zeros((6, 3)), "mocap_frame_rate": 60,
    }  # fmt: skip
    assert np.allclose(read_motion(save(tmp_path / "m.npz", **parts), up="y").poses, given)


def test_smpl_results_lose_their_rigid_hands(tmp_path):
    body = np.random.default_rng(0).normal(size=(3, 69))
    motion = read_motion(save(tmp_path / "m.npz", global_orient=np.zeros((3, 3)), body_pose=body, fps=30), up="y")
    assert np.allclose(motion.poses[:, 1:22].reshape(3, -1), body[:, :63]) and not motion.has_hands


def test_what_the_file_does_not_say_is_told(tmp_path):
    motion = read_motion(save(tmp_path / "m.npz", poses=np.zeros((2, 165))))
    assert motion.fps == 30 and not motion.trans.any() and len(motion.warnings) == 2


def test_z_up_worlds_stand_up_again(tmp_path):
    """The posed body of the turned motion is the turned posed body."""
    motion = random_motion(3)
    turned = z_up_to_y_up(motion)
    body = load_open_body()
    zero = BodyParameters.zeros(3)

    def joints(m: Motion) -> np.ndarray:
        posed = zero.with_full_pose(torch.from_numpy(m.poses).float())
        return body(posed, correctives=False).joints.numpy() + m.trans[:, None]

    y_up = joints(motion) @ np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]]).T
    assert np.abs(joints(turned) - y_up).max() < 5e-3  # AMASS's pelvis is not the open body's, to millimetres


def test_automatic_up_axis(tmp_path):
    walk = read_motion(WALK)
    assert up_axis(walk) == "y"
    poses = walk.poses.copy()
    upright = quaternions.from_axis_angle(np.array([np.pi / 2, 0, 0]))  # +y of the body to +z of the world
    poses[:, 0] = quaternions.to_axis_angle(quaternions.multiply(upright, quaternions.from_axis_angle(poses[:, 0])))
    file = save(tmp_path / "m.npz", poses=poses.reshape(24, -1), trans=walk.trans, fps=24)
    assert np.allclose(read_motion(file).poses, walk.poses, atol=1e-6)
    assert np.allclose(read_motion(file, up="y").poses, poses, atol=1e-6)


def test_resampling_goes_the_short_way():
    """Half a turn less a bit about y, sampled at twice the rate, is a quarter turn in the middle."""
    poses = np.zeros((2, 55, 3))
    poses[0, 0], poses[1, 0] = [0, 3.0, 0], [0, -3.0, 0]  # 6 rad one way, 0.28 the other
    motion = Motion(poses, np.array([[0.0, 0, 0], [1, 2, 3]]), fps=10)
    double = motion.resampled(20)
    assert len(double) == 3 and np.allclose(double.trans[1], [0.5, 1, 1.5])
    assert np.abs(double.poses[1, 0]) == pytest.approx([0, np.pi, 0], abs=1e-6)


RATES = [(121, 120, 30, 31), (31, 30, 24, 25), (24, 24, 25, 24), (1, 30, 24, 1)]


@pytest.mark.parametrize(("frames", "fps", "to", "expected"), RATES)
def test_resampling_keeps_the_duration(frames, fps, to, expected):
    motion = Motion(np.zeros((frames, 55, 3)), np.linspace(0, 1, frames)[:, None].repeat(3, 1), fps)
    again = motion.resampled(to)
    assert len(again) == expected and again.fps == to
    assert np.allclose(again.trans[0], motion.trans[0])
    assert again.trans[-1, 0] == pytest.approx(again.seconds / motion.seconds if frames > 1 else 0, abs=1e-9)


def test_the_walk_loops_and_stands_on_the_ground():
    walk = read_motion(WALK)
    assert walk.poses.shape == (24, 55, 3) and walk.fps == 24
    q = quaternions.from_axis_angle(walk.poses)
    steps = np.abs((q * np.roll(q, 1, axis=0)).sum(-1)).clip(max=1)
    assert np.degrees(2 * np.arccos(steps)).max() < 25  # no jump, from the last frame to the first either
    body = load_open_body()
    posed = BodyParameters.zeros(24).with_full_pose(torch.from_numpy(walk.poses).float())
    floor = body(posed).vertices[..., 1].amin(1).numpy() + walk.trans[:, 1]
    assert np.abs(floor).max() < 0.012
    left, right = walk.poses[:, 1, 0], walk.poses[:, 2, 0]
    assert np.allclose(left, np.roll(right, 12), atol=0.02)  # both legs do the same, half a stride apart


def _npz_with_pickle(path):
    np.savez(path, poses=np.array([{"a": 1}], dtype=object))
    return path


def _claims_a_terabyte(path):
    """A header that asks for more memory than there is, with little behind it."""
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f8", "fortran_order": False, "shape": (10**12, 165)})
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("poses.npy", header.getvalue() + bytes(800))
    return path


def _truncated(path):
    write_motion(path, random_motion(50))
    path.write_bytes(path.read_bytes()[:2000])
    return path


def _flipped(path):
    write_motion(path, random_motion(50))
    data = bytearray(path.read_bytes())
    data[300:320] = bytes(20)
    path.write_bytes(bytes(data))
    return path


def _pickle(path):
    path.write_bytes(pickle.dumps({"poses": np.zeros((3, 165))}))
    return path


FRAMES = 4
PCA_HAND = {"left_hand_pose": np.zeros((3, 6))}
GOOD = {"poses": np.zeros((FRAMES, 165)), "trans": np.zeros((FRAMES, 3)), "fps": 24}


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda p: p, "no motion file"),
        (lambda p: p.parent, "cannot be read"),
        (lambda p: (p.write_bytes(b"hello"), p)[1], "not a SMPL-X or AMASS motion"),
        (_pickle, "not a SMPL-X or AMASS motion"),
        (_npz_with_pickle, "not a SMPL-X or AMASS motion"),
        (_truncated, "not a SMPL-X or AMASS motion"),
        (_claims_a_terabyte, "not a SMPL-X or AMASS motion"),
        (_flipped, "not a SMPL-X or AMASS motion"),
        (lambda p: save(p, trans=np.zeros((3, 3))), "neither 'poses' nor"),
        (lambda p: save(p, global_orient=np.zeros((3, 3))), "neither 'poses' nor"),
        (lambda p: save(p, **{**GOOD, "poses": np.zeros((FRAMES, 100))}), "has the shape"),
        (lambda p: save(p, **{**GOOD, "poses": np.zeros((0, 165))}), "has the shape"),
        (lambda p: save(p, **{**GOOD, "poses": np.zeros(165)}), "has the shape"),
        (lambda p: save(p, **{**GOOD, "poses": np.full((FRAMES, 165), np.nan)}), "not finite"),
        (lambda p: save(p, **{**GOOD, "poses": np.full((FRAMES, 165), "a")}), "does not hold numbers"),
        (lambda p: save(p, **{**GOOD, "trans": np.zeros((FRAMES + 1, 3))}), "'trans'"),
        (lambda p: save(p, **{**GOOD, "fps": 0}), "frames per second"),
        (lambda p: save(p, **{**GOOD, "fps": [1, 2]}), "one number"),
        (lambda p: save(p, **{**GOOD, "fps": "fast"}), "does not hold numbers"),
        (lambda p: save(p, global_orient=np.zeros((3, 3)), body_pose=np.zeros((2, 63)), fps=1), "'body_pose'"),
        (
            lambda p: save(
                p, global_orient=np.zeros((3, 3)), body_pose=np.zeros((3, 63)), left_hand_pose=np.zeros((3, 6))
            ),
            "PCA",
        ),
    ],
)
def test_bad_files_get_one_sentence(tmp_path, make, sentence):
    with pytest.raises(MotionError, match=sentence) as caught:
        read_motion(make(tmp_path / "m.npz"))
    assert "\n" not in str(caught.value)


def test_what_unpacks_too_large_is_refused_unopened(tmp_path, monkeypatch):
    monkeypatch.setattr(motion_module, "_MAX_BYTES", 10_000)
    write_motion(tmp_path / "m.npz", random_motion(100))
    monkeypatch.setattr(np, "load", lambda *a, **k: pytest.fail("opened"))
    with pytest.raises(MotionError, match="2 GB"):
        read_motion(tmp_path / "m.npz")


def test_pickles_are_never_loaded(tmp_path, monkeypatch):
    monkeypatch.setattr(pickle, "load", lambda *a, **k: pytest.fail("unpickled"))
    monkeypatch.setattr(pickle, "loads", lambda *a, **k: pytest.fail("unpickled"))
    with pytest.raises(MotionError):
        read_motion(_npz_with_pickle(tmp_path / "m.npz"))


def test_a_motion_without_orientation_stands_upright(tmp_path):
    motion = read_motion(save(tmp_path / "m.npz", body_pose=np.full((3, 63), 0.1), fps=30))
    assert len(motion) == 3 and not motion.poses[:, 0].any() and np.all(motion.poses[:, 1:22] == 0.1)
    assert any("global_orient" in warning for warning in motion.warnings)
