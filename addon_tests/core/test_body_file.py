"""The shipped body: its file, skeleton, symmetry and shape space."""

import json

import numpy as np
import pytest
import torch

from neural_core.body import BodyParameters, load_open_body
from neural_core.body.actions import ACTION_NAMES
from neural_core.body.open_body import OPEN_BODY_FILE
from neural_core.body.open_file import load_body, save_body
from neural_core.body.skeleton import JOINT_INDEX, JOINT_NAMES, PARENTS, mirrored
from neural_core.errors import BodyFileError

FLIP = torch.tensor([-1.0, 1.0, 1.0])
HEAD = ("head", "jaw", "left_eye_smplhf", "right_eye_smplhf")


@pytest.fixture(scope="module")
def body():
    return load_open_body()


def test_file_is_small_and_says_where_it_comes_from():
    assert OPEN_BODY_FILE.stat().st_size <= 3 * 2**20
    with np.load(OPEN_BODY_FILE, allow_pickle=False) as file:
        metadata = json.loads(str(file["metadata"]))
    assert metadata["licence"] == "CC0-1.0"
    assert all(source["licence"] in ("CC0-1.0", "Apache-2.0") for source in metadata["sources"])
    assert tuple(metadata["action_names"]) == ACTION_NAMES
    assert (OPEN_BODY_FILE.parent / "NOTICE.md").exists()


def test_file_holds_no_pickled_object():
    with np.load(OPEN_BODY_FILE, allow_pickle=False) as file:
        assert all(file[name].dtype.kind in "fiuU" for name in file.files)


def test_saving_what_was_loaded_changes_nothing(body, tmp_path):
    save_body(tmp_path / "again.npz", body, {})
    again = load_body(tmp_path / "again.npz")
    for name in ("template", "faces", "uv", "face_uv", "shape_directions", "action_directions", "mirror"):
        assert torch.equal(getattr(body, name), getattr(again, name)), name
    assert torch.equal(body.pose_directions.to_dense(), again.pose_directions.to_dense())
    assert (body.weights - again.weights).abs().max() < 3e-5  # sixteen bits


@pytest.mark.parametrize("damage", ["cut", "foreign", "missing"])
def test_damaged_file_is_refused_in_one_sentence(damage, tmp_path):
    path = tmp_path / "body.npz"
    if damage == "cut":
        path.write_bytes(OPEN_BODY_FILE.read_bytes()[:100_000])
    elif damage == "foreign":
        np.savez(path, metadata=np.array('{"format": "other", "version": 1}'))
    with pytest.raises(BodyFileError, match="reinstall"):
        load_body(path)


def test_joints_have_the_order_of_smplx():
    joint_names = pytest.importorskip("smplx.joint_names")
    assert tuple(joint_names.JOINT_NAMES[:55]) == JOINT_NAMES
    assert all(parent < joint for joint, parent in enumerate(PARENTS))


def test_weights_sum_to_one_over_few_joints(body):
    assert (body.weights.sum(1) - 1).abs().max() < 1e-6
    assert body.weights.min() >= 0
    assert (body.weights > 0).sum(1).max() <= 8


def test_template_is_its_own_mirror_image(body):
    assert torch.equal(body.mirror[body.mirror], torch.arange(body.num_vertices))
    assert torch.equal(body.template[body.mirror] * FLIP, body.template)
    joints = torch.tensor([JOINT_INDEX[mirrored(n)] for n in JOINT_NAMES])
    assert (body.joint_template[joints] * FLIP - body.joint_template).abs().max() < 1e-6
    assert (body.weights[body.mirror][:, joints] - body.weights).abs().max() < 5e-5
    faces = {tuple(sorted(f)) for f in body.faces.tolist()}
    assert {tuple(sorted(f)) for f in body.mirror[body.faces].tolist()} == faces


def test_shape_coefficients_keep_the_symmetry(body):
    assert (body.shape_directions[body.mirror] * FLIP[:, None] - body.shape_directions).abs().max() < 1e-6


def test_template_is_a_standing_person_facing_z(body):
    height = float(body.template[:, 1].max() - body.template[:, 1].min())
    assert 1.6 < height < 1.8
    assert torch.allclose(body.joint_template[0], torch.tensor([0.0, -0.351, 0.012]), atol=2e-3)
    nose = body.template[body.template[:, 1] > 0.1][:, 2].argmax()
    assert body.template[body.template[:, 1] > 0.1][nose, 2] > body.joint_template[JOINT_INDEX["head"], 2] + 0.08
    assert body.joint_template[JOINT_INDEX["left_wrist"], 0] > 0.5
    assert body.joint_template[JOINT_INDEX["left_foot"], 2] > body.joint_template[JOINT_INDEX["left_ankle"], 2]


def test_faces_are_wound_outwards(body):
    a, b, c = body.template[body.faces].unbind(1)
    volume = (a * torch.linalg.cross(b, c)).sum() / 6
    assert 0.04 < volume < 0.11  # cubic metres: a person of 40 to 110 kg


def test_second_ten_betas_move_the_head_only(body):
    on_head = body.weights[:, [JOINT_INDEX[n] for n in HEAD]].sum(1) > 0.05
    moved = body.shape_directions[..., 10:].abs().amax((1, 2))
    assert moved[~on_head].max() == 0
    assert (moved[on_head] > 5e-4).float().mean() > 0.8
    below = [j for j, n in enumerate(JOINT_NAMES) if n not in HEAD]
    assert body.joint_shape_directions[below][..., 10:].abs().max() == 0


def test_every_face_coefficient_changes_the_face_visibly(body):
    face = (body.template[:, 2] > 0.12) & (body.template[:, 1] > 0.12)
    change = body.shape_directions[face][..., 10:].norm(dim=1).mean(0)
    assert change.min() > 2e-4  # metres per standard deviation, mean over the face


def test_taller_is_positive_and_people_stay_plausible(body):
    generator = torch.Generator().manual_seed(0)
    betas = torch.randn(16, 20, generator=generator).clamp(-2, 2)
    vertices, _ = body.rest(BodyParameters.zeros(16, betas=betas))
    height = vertices[..., 1].amax(1) - vertices[..., 1].amin(1)
    assert height.min() > 1.35 and height.max() < 2.15
    assert torch.corrcoef(torch.stack([betas[:, 0], height]))[0, 1] > 0.7


def test_amass_motion_drives_it(body):
    """An AMASS npz has poses (N, 165) in SMPL-X order; bending the left elbow moves nothing on the right."""
    poses = np.zeros((5, 165), np.float32)
    elbow = 3 * JOINT_INDEX["left_elbow"]
    poses[:, elbow + 1] = np.linspace(0, -1.5, 5)
    moved = body(BodyParameters.zeros(5).with_full_pose(torch.from_numpy(poses).reshape(5, 55, 3)))
    wrist, other = (moved.joints[:, JOINT_INDEX[f"{s}_wrist"]] for s in ("left", "right"))
    assert (wrist[-1] - wrist[0]).norm() > 0.25 and wrist[-1, 2] > wrist[0, 2]  # the hand comes forward
    assert (other - other[0]).abs().max() == 0
    right = body.template[:, 0] < -0.05
    assert (moved.vertices[:, right] - moved.vertices[0, right]).abs().max() < 1e-6


def test_jaw_pose_lowers_the_lower_lip(body):
    low, up = body.landmarks.face_triangle[17], body.landmarks.face_triangle[0]
    opened = body(BodyParameters.zeros(jaw_pose=torch.tensor([[0.3, 0, 0]]))).vertices[0]
    change = opened - body.template
    assert change[body.faces[low]].mean(0)[1] < -0.01
    assert change[body.faces[up]].abs().max() < 0.004
