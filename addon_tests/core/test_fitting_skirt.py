"""Skirts: found where the mask fills the gap between the legs, closed all round, and only there."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from neural_core import pipeline
from neural_core.body import BodyModel, BodyParameters, load_open_body
from neural_core.body.cloth_skin import ClothSkin, rest_offsets_of
from neural_core.body.skeleton import JOINT_INDEX
from neural_core.body.skinning import rotation_matrices
from neural_core.camera import Camera, look_at
from neural_core.fitting import BodyFit
from neural_core.fitting.even_legs import even_legs
from neural_core.fitting.skirt import hang_skirt
from neural_core.fitting.skirt_evidence import Skirt, crotch_vertex, find_skirt
from neural_core.fitting.skirt_skin import skirt_skin
from neural_core.fitting.surface import vertex_normals
from neural_core.photo import PhotoEvidence
from neural_core.progress import Stopwatch
from neural_core.rasterizer import rasterize
from neural_core.sight import Sight
from neural_core.training.people import dressed
from neural_core.training.people.estimate import EstimatedPoses, EstimatedShape, pose_shape

FRONT = look_at(torch.tensor([0.0, -0.4, 3.2]), torch.tensor([0.0, -0.5, 0.0]), 560.0, 360, 420)
BACK = look_at(torch.tensor([0.0, -0.4, -3.2]), torch.tensor([0.0, -0.5, 0.0]), 560.0, 360, 420)
LENGTH = 0.22  # metres of the skirt below the crotch


@pytest.fixture(scope="module")
def body() -> BodyModel:
    return load_open_body()


def pose_of(**hips: float) -> BodyParameters:
    """Arms away from the body, thighs turned: `apart` to the sides, `stride` forwards and backwards, `lap` forwards."""
    pose = torch.zeros(1, 21, 3)
    for side, sign in (("left", 1.0), ("right", -1.0)):
        pose[0, JOINT_INDEX[f"{side}_shoulder"] - 1, 2] = -0.6 * sign
        hip = pose[0, JOINT_INDEX[f"{side}_hip"] - 1]
        hip[2] = hips.get("apart", 0.0) * sign
        hip[0] = -hips.get("lap", 0.0) - hips.get("stride", 0.0) * sign
    return BodyParameters.zeros(1, body_pose=pose)


STANDING = pose_of(apart=0.16)


def padded(body: BodyModel, thickness: float) -> torch.Tensor:
    """Rest offsets of clothes of one thickness on legs and trunk."""
    joints = [i for name, i in JOINT_INDEX.items() if any(part in name for part in ("pelvis", "hip", "knee"))]
    normals = vertex_normals(body.template, body.faces)
    return thickness * normals * body.weights[:, joints].sum(1, keepdim=True)


def cover(body: BodyModel, parameters: BodyParameters, offsets: torch.Tensor, camera: Camera = FRONT) -> np.ndarray:
    return rasterize(body(parameters, offsets).vertices[0], body.faces, camera).mask.numpy()


def evidence_of(mask: np.ndarray) -> PhotoEvidence:
    height, width = mask.shape
    nothing = np.zeros((33, 3), np.float32)
    return PhotoEvidence(
        image=np.zeros((height, width, 3), np.float32),
        mask=mask.astype(np.float32),
        pose=nothing,
        pose_world=nothing,
        face=None,
        hands=(None, None),
        focal=float(FRONT.K[0, 0]),
        focal_source="guess",
        person_height_px=float(height),
        full_body=True,
        warnings=(),
    )


def row_of(body: BodyModel, parameters: BodyParameters, below: float) -> int:
    """The picture's row so many metres below the crotch, between the legs."""
    point = body(parameters).vertices[0, crotch_vertex(body)].clone()
    point[1] -= below
    return int(FRONT.project(point[None])[0][0, 1])


@pytest.fixture(scope="module")
def in_skirt(body) -> np.ndarray:
    """The mask of a body in a skirt: every row from hips to hem is filled from its first to its last pixel."""
    mask = cover(body, STANDING, padded(body, 0.01))
    for row in range(row_of(body, STANDING, -0.05), row_of(body, STANDING, LENGTH)):
        columns = np.flatnonzero(mask[row, 100:260]) + 100
        mask[row, columns[0] : columns[-1] + 1] = True
    return mask


@pytest.fixture(scope="module")
def hung(body, in_skirt) -> tuple[Skirt, torch.Tensor]:
    skirt = find_skirt(evidence_of(in_skirt), body, BodyFit(STANDING, FRONT))
    assert skirt is not None
    return skirt, hang_skirt(body, STANDING, padded(body, 0.01), skirt).rest_offsets


def test_a_skirt_is_found_with_its_hem(body, hung):
    posed = body(STANDING)
    crotch = float(posed.joints[0, 0, 1] - posed.vertices[0, crotch_vertex(body), 1])
    assert abs(hung[0].drop - crotch - LENGTH) < 0.015


@pytest.mark.parametrize("thickness", [0.0, 0.015, 0.04])
def test_trousers_narrow_or_wide_are_no_skirt(body, thickness):
    mask = cover(body, STANDING, padded(body, thickness))
    assert find_skirt(evidence_of(mask), body, BodyFit(STANDING, FRONT)) is None


def test_legs_that_touch_or_a_lap_tell_nothing(body):
    together, sitting = pose_of(apart=-0.03), pose_of(apart=0.16, lap=1.4)
    for parameters in (together, sitting):
        mask = cover(body, parameters, padded(body, 0.02))
        assert find_skirt(evidence_of(mask), body, BodyFit(parameters, FRONT)) is None


def test_a_picture_without_a_person_or_without_legs_has_no_skirt(body, in_skirt):
    fit = BodyFit(STANDING, FRONT)
    assert find_skirt(evidence_of(np.zeros_like(in_skirt)), body, fit) is None
    cut = FRONT.crop(0, 0, 360, row_of(body, STANDING, -0.1))
    assert find_skirt(evidence_of(in_skirt[: cut.height]), body, BodyFit(STANDING, cut)) is None


@pytest.mark.parametrize("camera", [FRONT, BACK])
def test_the_gap_is_closed_down_to_the_hem_and_open_below(body, hung, camera):
    """In the middle between the legs, from in front and from behind."""
    mask = cover(body, STANDING, hung[1], camera)
    top, hem = row_of(body, STANDING, 0.0), row_of(body, STANDING, LENGTH)
    assert mask[top : hem - 4, 170:190].all()
    assert not mask[hem + 4 : hem + 30, 178:182].any()
    bare = cover(body, STANDING, padded(body, 0.01), camera)
    assert not bare[hem - 10, 178:182].any(), "the legs themselves leave the gap"


def test_the_outline_keeps_the_width_that_the_photo_shows(body, hung, in_skirt):
    mask = cover(body, STANDING, hung[1])
    rows = slice(row_of(body, STANDING, 0.03), row_of(body, STANDING, LENGTH - 0.03))
    assert abs(mask[rows].sum(1) - in_skirt[rows].sum(1)).max() <= 6  # pixels of about 80
    assert (mask & in_skirt).sum() / (mask | in_skirt).sum() > 0.97


def test_offsets_are_bounded_and_change_hips_and_legs_alone(body, hung):
    before, after = padded(body, 0.01), hung[1]
    assert after.isfinite().all()
    assert after.norm(dim=1).max() < 0.25
    far = body.template[:, 1] > body.joint_template[JOINT_INDEX["spine2"], 1]
    for joint in ("left_foot", "right_foot", "left_wrist", "head"):
        far |= body.weights[:, JOINT_INDEX[joint]] > 0.5
    assert torch.equal(after[far], before[far])


@pytest.fixture(scope="module")
def swinging(body, hung) -> tuple[ClothSkin, BodyModel, torch.Tensor]:
    """Skinning of the skirt, the body that moves so, and its rest offsets."""
    whole = hang_skirt(body, STANDING, padded(body, 0.01), hung[0])
    skin = skirt_skin(body, STANDING, whole.rest_offsets, whole.share)
    moving = skin.on(body)
    vertices = body(STANDING, whole.rest_offsets).vertices[0]
    return skin, moving, rest_offsets_of(moving, STANDING, vertices)


MOVED = [pose_of(apart=0.05, stride=0.3), pose_of(apart=0.05, stride=-0.3), pose_of(apart=-0.03), pose_of(apart=0.4)]


def test_the_photo_s_pose_looks_as_it_did(body, hung, swinging):
    _, moving, offsets = swinging
    before, after = body(STANDING, hung[1]).vertices, moving(STANDING, offsets).vertices
    assert (after - before).norm(dim=-1).max() < 1e-5


@pytest.mark.parametrize("pose", MOVED)
def test_halves_stay_together_however_legs_move(body, hung, swinging, pose):
    """Vertices of the two legs that lie on each other in the photo still do; as legs they would be torn apart."""
    _, moving, offsets = swinging
    posed = body(STANDING, hung[1])
    vertices, crotch = posed.vertices[0], float(posed.vertices[0, crotch_vertex(body), 1])
    sheet = (vertices[:, 1] < crotch - 0.03) & (vertices[:, 1] > crotch - LENGTH + 0.03)
    left, right = (torch.nonzero(sheet & (body.template[:, 0] * sign > 0.01)).flatten() for sign in (1, -1))
    near = torch.cdist(vertices[left], vertices[right])
    pairs = torch.nonzero(near < 0.025)
    one, other = left[pairs[:, 0]], right[pairs[:, 1]]
    assert len(pairs) > 15

    def apart(model: BodyModel, offsets: torch.Tensor) -> torch.Tensor:
        moved = model(pose, offsets).vertices[0]
        return (moved[one] - moved[other]).norm(dim=1)

    assert apart(moving, offsets).max() < 0.04
    assert apart(body, hung[1]).max() > 0.06


def test_only_the_skirt_moves_otherwise(body, hung, swinging):
    """Trunk, shins and feet stay the body's own; what hangs is skinned by at most eight joints, summing to one."""
    skin, moving, offsets = swinging
    torch.testing.assert_close(moving.weights.sum(1), torch.ones(body.num_vertices))
    assert (moving.weights >= 0).all() and (moving.weights > 0).sum(1).max() <= 8
    other = torch.ones(body.num_vertices, dtype=torch.bool)
    other[skin.vertex] = False
    assert other[body.weights[:, JOINT_INDEX["left_knee"]] > 0.9].all()
    assert other[body.template[:, 1] > body.joint_template[JOINT_INDEX["spine2"], 1]].all()
    pose = pose_of(apart=0.1, stride=0.4)
    torch.testing.assert_close(moving(pose, offsets).vertices[0][other], body(pose, hung[1]).vertices[0][other])


def test_a_body_with_dense_correctives_moves_alike(body, swinging):
    """As a licensed one may have."""
    skin, moving, _ = swinging
    dense = skin.on(replace(body, pose_directions=body.pose_directions.to_dense()))
    torch.testing.assert_close(dense.pose_directions, moving.pose_directions.to_dense())


@pytest.mark.parametrize("pose", MOVED)
def test_a_moving_skirt_is_closed(body, swinging, pose):
    """From in front there is cloth between the thighs, whatever they do."""
    _, moving, offsets = swinging
    mask = cover(moving, pose, offsets)
    top, hem = row_of(body, pose, 0.02), row_of(body, pose, LENGTH - 0.05)
    assert mask[top:hem, 174:186].all()


def test_the_hem_hangs_in_a_stride_and_goes_with_the_lap_of_who_sits(body, swinging):
    skin, moving, offsets = swinging
    hem = skin.vertex[(skin.skin == 0) & (moving(STANDING, offsets).vertices[0, skin.vertex, 2] > 0.05)]

    def height(parameters: BodyParameters) -> torch.Tensor:
        out = moving(parameters, offsets)
        return out.vertices[0, hem, 1] - out.joints[0, 0, 1]

    lowest = height(STANDING).argsort()[:30]
    standing = height(STANDING)[lowest]
    assert (height(pose_of(stride=0.3))[lowest] - standing).abs().max() < 0.06
    assert (height(pose_of(lap=1.5))[lowest] - standing).min() > 0.1


def test_a_walk_leaves_the_skirt_whole_and_nothing_explodes(body, swinging):
    _, moving, offsets = swinging
    edges = torch.cat([body.faces[:, [0, 1]], body.faces[:, [1, 2]]])

    def longest(parameters: BodyParameters) -> torch.Tensor:
        a, b = moving(parameters, offsets).vertices[0][edges].unbind(1)
        return (a - b).norm(dim=1).max()

    standing = longest(STANDING)
    for stride in (0.25, 0.5):
        assert longest(pose_of(apart=0.05, stride=stride)) < 1.6 * standing


def test_skirts_of_training_people_move_as_the_product_s(body, hung, swinging, monkeypatch):
    poses = [STANDING, *MOVED]
    local = rotation_matrices(torch.cat([pose.full_pose() for pose in poses]))
    worn = hang_skirt(body, STANDING, padded(body, 0.01), hung[0])
    monkeypatch.setattr(dressed, "clothe", lambda *_: (worn.rest_offsets, worn))
    person = SimpleNamespace(wardrobe=SimpleNamespace(body=body))
    bare = EstimatedShape(torch.zeros(20), torch.zeros(10), torch.zeros(body.num_vertices, 3))
    seen = EstimatedPoses(local, torch.zeros(len(poses), 3))
    shape = dressed.dressed_by_product(person, bare, seen, 0, FRONT, evidence_of(np.zeros((8, 8), bool)))
    vertices, _ = pose_shape(person, shape, local)
    _, moving, offsets = swinging
    for pose, found in zip(poses, vertices):
        assert (found - moving(pose, offsets).vertices[0]).norm(dim=1).max() < 1e-4
    as_legs, _ = pose_shape(person, replace(shape, offsets=worn.rest_offsets, skin=None), local)
    moved = (vertices - as_legs).norm(dim=2).amax(1)
    assert moved[0] < 1e-5 and moved[1] > 0.05  # metres: as in the photo there, another cloth in a stride


def test_several_photos_agree_on_one_skinning(body, hung):
    """The shape of each photo is exact in its own pose when they show the same skirt; without one nothing changes."""
    sight = Sight(
        evidence_of(np.zeros((8, 8), bool)),
        BodyFit(STANDING, FRONT),
        hung[1],
        partial=None,  # type: ignore[arg-type]  # not looked at
        partial_small=None,  # type: ignore[arg-type]
        hint=torch.zeros(1, 4, 4),
        skirt=hang_skirt(body, STANDING, padded(body, 0.01), hung[0]),
    )
    offsets, skin = pipeline._moving_as_one([sight, sight], body, hung[1])
    assert skin is not None
    posed = skin.on(body)(STANDING, offsets).vertices
    assert (posed - body(STANDING, hung[1]).vertices).norm(dim=-1).max() < 1e-5
    same, none = pipeline._moving_as_one([replace(sight, skirt=None)], body, hung[1])
    assert none is None and same is hung[1]


def test_a_hidden_or_longer_skirt_hangs_from_another_photo(body, hung):
    """Widths unknown: it hangs from the hips at least as wide as the legs are."""
    walking = pose_of(apart=0.08, stride=0.2)
    skirt = replace(hung[0].unmeasured(BACK), drop=2.0)
    offsets = hang_skirt(body, walking, padded(body, 0.01), skirt).rest_offsets
    assert offsets.isfinite().all()
    assert offsets.norm(dim=1).max() < 0.5
    assert cover(body, walking, offsets).sum() > cover(body, walking, padded(body, 0.01)).sum()


def test_without_a_skirt_nothing_changes(body):
    sight = Sight(
        evidence_of(np.zeros((8, 8), bool)),
        BodyFit(STANDING, FRONT),
        padded(body, 0.02),
        partial=None,  # type: ignore[arg-type]  # not looked at
        partial_small=None,  # type: ignore[arg-type]
        hint=torch.zeros(1, 4, 4),
    )
    (same,) = pipeline._all_in_skirts([sight], body, Stopwatch())
    assert same is sight


def test_legs_become_even_and_nothing_else(body):
    generator = torch.Generator().manual_seed(0)
    expected = 0.02 * torch.rand(body.num_vertices, 3, generator=generator)
    flip = torch.tensor([-1.0, 1.0, 1.0])
    for seen in (True, False):
        even = even_legs(expected, body, seen)
        shin = body.weights[:, JOINT_INDEX["left_knee"]] > 0.99
        torch.testing.assert_close(even[shin], even[body.mirror][shin] * flip)
        arms = body.weights[:, JOINT_INDEX["left_elbow"]] > 0.99
        assert torch.equal(even[arms], expected[arms])
    assert torch.equal(even_legs(expected, replace(body, mirror=None), True), expected)


def test_a_hem_that_slants_is_hung_as_it_slants(body, in_skirt):
    """As that of one who stands on one leg: higher on the right of the picture."""
    apart = pose_of(apart=0.3)
    mask = cover(body, apart, padded(body, 0.01))
    hem = row_of(body, apart, LENGTH)
    for row in range(row_of(body, apart, -0.05), hem + 20):
        end = 180 + 5 * (hem - row)  # a fifth of a metre a metre
        columns = np.flatnonzero(mask[row, 100:260]) + 100
        mask[row, columns[0] : max(columns[0], min(columns[-1] + 1, end))] = True
    skirt = find_skirt(evidence_of(mask), body, BodyFit(apart, FRONT))
    assert skirt is not None and 0.1 < skirt.slant < 0.3
    hung = cover(body, apart, hang_skirt(body, apart, padded(body, 0.01), skirt).rest_offsets)
    lowest = [int(np.flatnonzero(hung[:, column]).max()) for column in (170, 190)]
    assert 1 <= lowest[0] - lowest[1] <= 6
