"""What the backend answers, called without the process around it."""

import io
import os
import shutil
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch

import neural_core.rendering
from neural_core.avatar import Avatar
from neural_core.backend.cache import Cache
from neural_core.backend.operations import operations
from neural_core.backend.requests import RequestError
from neural_core.body import BodyParameters, load_open_body
from neural_core.body.cloth_skin import ClothSkin
from neural_core.body.skinning import rotation_matrices
from neural_core.camera import look_at
from neural_core.errors import AvatarFileError, BodyFileError, Cancelled
from neural_core.networks import RENDERER_CONFIGS, RendererNetwork
from neural_core.progress import Progress
from neural_core.wire import Decoder, Message, encode, read_message


@pytest.fixture(autouse=True)
def pasting_renderer(monkeypatch):
    """An untrained network that copies the texture into the body's mask, in place of trained weights."""
    network = RendererNetwork(replace(RENDERER_CONFIGS["tiny"], gate_prior=20.0))
    monkeypatch.setattr(neural_core.rendering, "load_renderer", lambda device="cpu": network)


@pytest.fixture
def ask():
    """Calls an operation as the server does, through an encoded frame; returns (body, arrays) as they arrive."""
    known = operations(torch.device("cpu"))

    def ask(op: str, body: dict, arrays: dict | None = None, progress: Progress | None = None):
        request = _through_the_wire(Message("request", 1, op, body, arrays or {}))
        answer = _through_the_wire(Message("result", 1, op, *known[op](request, progress or Progress())))
        return answer.body, answer.arrays

    return ask


def _through_the_wire(message: Message) -> Message:
    received = read_message(io.BytesIO(b"".join(bytes(part) for part in encode(message))), Decoder())
    assert received is not None
    return received


@cache
def _posed(path) -> np.ndarray:
    avatar = Avatar.load(path)
    return load_open_body()(avatar.parameters, avatar.rest_offsets).vertices[0].numpy()


def frame_request(path, size=96, **changes) -> tuple[dict, dict]:
    """The avatar in its own pose, seen from the front."""
    camera = look_at(torch.tensor([0.0, 1.0, 4.0]), torch.tensor([0.0, 0.9, 0.0]), 1.8 * size, size, size)
    body = {**camera.to_json(), "quality": "final", "near": 0.1, "avatars": [{"path": str(path)}], **changes}
    nothing = {"holdout_vertices": np.zeros((0, 3), np.float32), "holdout_faces": np.zeros((0, 3), np.int32)}
    return body, {"vertices_0": _posed(path), **nothing}


@pytest.fixture
def in_cloth(small_avatar, tmp_path):
    """The avatar in cloth on its thighs that half follows both and the pelvis."""
    thighs = torch.nonzero(load_open_body().weights[:, 1:3].sum(1) > 0.9).flatten()
    weight = torch.tensor([0.5, 0.3, 0.2, 0.0, 0.0, 0.0, 0.0, 0.0]).expand(len(thighs), 8)
    swing = 0.05 * torch.randn(len(thighs), 3, 18, generator=torch.Generator().manual_seed(2))
    skin = ClothSkin(thighs, torch.arange(8).expand(len(thighs), 8), weight, torch.zeros(len(thighs)), swing)
    path = tmp_path / "skirt.likeness"
    replace(Avatar.load(small_avatar), skin=skin).save(path)
    return path


@pytest.mark.parametrize("file", ["small_avatar", "in_cloth"])
def test_description_poses_the_same_body(ask, file, request):
    """Skinning done with the described arrays alone gives the avatar's own vertices, whatever clothes it wears."""
    path = request.getfixturevalue(file)
    body = Avatar.load(path).body()
    information, d = ask("describe_avatar", {"path": str(path)})
    generator = torch.Generator().manual_seed(1)
    pose = torch.randn(1, 55, 3, generator=generator) * 0.2
    expression = torch.rand(62, generator=generator) * 0.5

    rotations = rotation_matrices(pose)[0].numpy().astype(np.float64)
    rest = d["rest_vertices"] + d["clothed_offsets"] + np.tensordot(expression, d["expression_offsets"], 1)
    joints = d["joints"] + np.tensordot(expression, d["expression_joint_offsets"], 1)
    features = (rotations[1:] - np.eye(3)).reshape(-1)
    np.add.at(rest.reshape(-1), d["corrective_index"], d["corrective_value"] * features[d["corrective_feature"]])
    world, position = [], []
    for joint, parent in enumerate(information["parents"]):
        world.append(rotations[joint] if parent < 0 else world[parent] @ rotations[joint])
        offset = joints[joint] if parent < 0 else world[parent] @ (joints[joint] - joints[parent]) + position[parent]
        position.append(offset)
    moved = np.stack([(rest - joints[j]) @ world[j].T + position[j] for j in range(55)])  # (55, V, 3)
    picked = moved[d["weight_joint"].T, np.arange(len(rest))]  # (8, V, 3)
    posed = (picked * d["weight_value"].T[..., None]).sum(0)

    person = BodyParameters.zeros(1, expression=expression[None, :10], actions=expression[None, 10:])
    expected = body(person.with_full_pose(pose)).vertices[0].numpy()
    assert np.abs(posed - expected).max() < 1e-4


def test_description_names_everything_and_its_texture_is_the_file_s(ask, small_avatar):
    avatar = Avatar.load(small_avatar)
    information, arrays = ask("describe_avatar", {"path": str(small_avatar)})
    assert information["name"] == "small" and len(set(information["joint_names"])) == 55
    assert len(set(information["expression_names"])) == len(arrays["expression_offsets"]) == 62
    assert information["camera"] == avatar.camera.to_json()
    assert np.allclose(arrays["weight_value"].sum(1), 1, atol=1e-6)
    texture = arrays["texture"]
    assert texture.dtype == np.uint8 and (texture[..., 3] == 255).all()
    assert np.abs(texture[..., :3] / 255 - avatar.texture.detail.permute(1, 2, 0).numpy()).max() <= 0.5 / 255 + 1e-6


def test_named_actions_move_what_they_say(ask, small_avatar):
    """The order of the ARKit names is the order of the directions."""
    information, d = ask("describe_avatar", {"path": str(small_avatar)})
    offsets = dict(zip(information["expression_names"], d["expression_offsets"]))
    rest = d["rest_vertices"]

    def centre(name: str) -> np.ndarray:
        weight = np.linalg.norm(offsets[name], axis=1)
        return (rest * weight[:, None]).sum(0) / weight.sum()

    assert centre("eyeBlinkLeft")[0] > 0.01 > -0.01 > centre("eyeBlinkRight")[0]  # the person's left is +x
    assert centre("browInnerUp")[1] > centre("noseSneerLeft")[1] > centre("mouthSmileLeft")[1]
    assert offsets["browInnerUp"][:, 1].max() > 3 * -offsets["browInnerUp"][:, 1].min()
    assert offsets["jawOpen"][:, 1].min() < -0.01


def test_inspect_answers_what_the_file_holds(ask, small_avatar):
    body, _ = ask("inspect_avatar", {"path": str(small_avatar)})
    assert body["avatar"] == Avatar.load(small_avatar).describe()


def test_a_frame_has_colour_depth_and_mask(ask, small_avatar):
    _, pictures = ask("render_frame", *frame_request(small_avatar))
    alpha = pictures["rgba"][..., 3]
    assert pictures["rgba"].shape == (96, 96, 4) and np.array_equal(alpha, pictures["mask"])
    assert 0.05 < (alpha > 0.5).mean() < 0.5
    assert np.isfinite(pictures["depth"][alpha > 0.5]).all() and np.isinf(pictures["depth"][alpha == 0]).all()
    assert pictures["rgba"][alpha > 0.5][:, :3].std() > 0.02  # the texture, not one colour


def test_the_same_frame_is_the_same_bytes(ask, small_avatar):
    first, second = (ask("render_frame", *frame_request(small_avatar))[1] for _ in range(2))
    assert all(np.array_equal(first[name], second[name]) for name in first)


def test_a_window_is_cut_from_the_whole_picture(ask, small_avatar):
    """What the engine's border rests on."""
    body, arrays = frame_request(small_avatar)
    whole = ask("render_frame", body, arrays)[1]["rgba"]
    K = np.array(body["K"])
    K[:2, 2] -= (20, 10)
    part = ask("render_frame", {**body, "K": K.tolist(), "width": 50, "height": 60}, arrays)[1]["rgba"]
    error = np.abs(part - whole[10:70, 20:70])
    assert error.max() < 0.02 and error.mean() < 3e-4  # detail is blurred on a grid that begins at the window


def _half_plane(edge: float, z: float) -> dict:
    """A wall at depth `z` of the world that covers x < edge."""
    corners = [[-9, -9, z], [edge, -9, z], [edge, 9, z], [-9, 9, z]]
    faces = np.array([[0, 1, 2], [0, 2, 3]], np.int32)
    return {"holdout_vertices": np.array(corners, np.float32), "holdout_faces": faces}


def test_a_mesh_in_front_holds_out_with_a_smooth_edge(ask, small_avatar):
    body, arrays = frame_request(small_avatar)
    free = ask("render_frame", body, arrays)[1]["mask"]
    slanted = _half_plane(0.0, 1.0)
    slanted["holdout_vertices"][[1, 2], 0] += (-0.6, 0.6)
    cut = ask("render_frame", body, {**arrays, **slanted})[1]["mask"]
    inside = free == 1
    share = cut[inside]
    assert (share == 0).mean() > 0.2 and (share == 1).mean() > 0.2
    partial = (share > 0) & (share < 1)
    assert partial.any() and len(np.unique(share[partial].round(3))) > 3
    assert (cut <= free).all()


def test_a_mesh_behind_changes_nothing(ask, small_avatar):
    body, arrays = frame_request(small_avatar)
    free = ask("render_frame", body, arrays)[1]
    cut = ask("render_frame", body, {**arrays, **_half_plane(9.0, -2.0)})[1]
    assert all(np.array_equal(free[name], cut[name]) for name in free)


def test_a_mesh_before_all_of_it_leaves_nothing(ask, small_avatar):
    body, arrays = frame_request(small_avatar)
    _, pictures = ask("render_frame", body, {**arrays, **_half_plane(9.0, 2.0)})
    assert not pictures["mask"].any() and np.isinf(pictures["depth"]).all()


def test_no_avatar_is_an_empty_frame(ask, small_avatar):
    body, arrays = frame_request(small_avatar, avatars=[])
    _, pictures = ask("render_frame", body, {k: v for k, v in arrays.items() if k != "vertices_0"})
    assert not pictures["rgba"].any() and np.isinf(pictures["depth"]).all()


def test_only_the_passes_that_are_asked_for_are_sent(ask, small_avatar):
    _, pictures = ask("render_frame", *frame_request(small_avatar, passes=["rgba"]))
    assert set(pictures) == {"rgba"}


def test_a_frame_can_be_cancelled(ask, small_avatar):
    with pytest.raises(Cancelled):
        ask("render_frame", *frame_request(small_avatar), progress=Progress(is_cancelled=lambda: True))


def _without(name):
    def spoil(body, arrays):
        body.pop(name, None)
        arrays.pop(name, None)

    return spoil


def _set(name, value):
    def spoil(body, arrays):
        (arrays if isinstance(value, np.ndarray) else body)[name] = value

    return spoil


@pytest.mark.parametrize(
    "spoil",
    [
        *map(_without, ("width", "K", "t", "quality", "avatars", "vertices_0", "holdout_faces")),
        _set("width", 0),
        _set("width", 96.5),
        _set("width", True),
        _set("width", "96"),
        _set("height", 10**9),
        _set("near", 0.0),
        _set("K", [[1, 0], [0, 1]]),
        _set("R", [[1, 0, 0], [0, 1, 0], [0, 0, None]]),
        _set("quality", "perfect"),
        _set("passes", ["rgba", "glow"]),
        _set("passes", "rgba"),
        _set("passes", [["rgba"]]),
        _set("avatars", [{}]),
        _set("avatars", "all"),
        _set("vertices_0", np.zeros((4, 2), np.float32)),
        _set("vertices_0", np.zeros((4, 3), np.float32)),
        _set("vertices_0", np.zeros((4, 3), np.float64)),
        _set("vertices_0", np.full((4, 3), np.nan, np.float32)),
        _set("holdout_faces", np.array([[0, 1, 2]], np.int32)),
        _set("holdout_faces", np.array([[0, 0, -1]], np.int32)),
    ],
)
def test_a_request_that_does_not_fit_is_a_sentence(ask, small_avatar, spoil):
    body, arrays = frame_request(small_avatar)
    spoil(body, arrays)
    with pytest.raises(RequestError):
        ask("render_frame", body, arrays)


def test_files_of_another_body_or_none_are_sentences(ask, small_avatar, tmp_path):
    other = tmp_path / "other.likeness"
    avatar = Avatar.load(small_avatar)
    replace(avatar, body_name="SMPL-X neutral 1.1").save(other)
    with pytest.raises(BodyFileError, match="'SMPL-X neutral"):
        ask("describe_avatar", {"path": str(other)})
    replace(avatar, rest_offsets=avatar.rest_offsets[:-1]).save(other)
    with pytest.raises(AvatarFileError):
        ask("describe_avatar", {"path": str(other)})
    with pytest.raises(AvatarFileError, match="no avatar file"):
        ask("describe_avatar", {"path": str(tmp_path / "none.likeness")})
    with pytest.raises(RequestError):
        ask("describe_avatar", {"path": ""})


def test_avatars_are_read_once_until_their_file_changes(small_avatar, tmp_path, monkeypatch):
    path = tmp_path / "me.likeness"
    shutil.copy(small_avatar, path)
    loaded = Cache(torch.device("cpu"))
    first = loaded.avatar(str(path))
    assert loaded.avatar(str(path)) is first
    os.utime(path, (1, 1))
    assert loaded.avatar(str(path)) is not first
    assert len(loaded._avatars) == 1


def test_create_avatar_passes_on_what_was_asked(ask, small_avatar, monkeypatch, tmp_path):
    from neural_core.backend import creation  # imports every room of the pipeline

    asked = {}

    def create(photo, output, **options):
        asked.update(photo=photo, output=output, **options)
        avatar = replace(Avatar.load(small_avatar), fit_errors={"residual_percent": 0.4}, guessed=("legs",))
        return type("Creation", (), {"avatar": avatar, "warnings": ("Legs are guessed.",), "seconds": {"read": 0.1}})

    monkeypatch.setattr(creation, "create_avatar", create)
    body, _ = ask("create_avatar", {"photo": "/p.jpg", "output": "/a.likeness", "seed": 3, "focal": 900, "person": 1})
    assert (asked["photo"], asked["seed"], asked["focal"], asked["person"]) == ("/p.jpg", 3, 900.0, 1)
    assert body["path"] == "/a.likeness" and body["warnings"] == ["Legs are guessed."]
    assert body["errors"] == {"residual_percent": 0.4} and body["guessed"] == ["legs"]
    for wrong in ({"seed": -1}, {"seed": 0.5}, {"focal": 0}, {"person": "me"}, {"photo": None}):
        with pytest.raises(RequestError):
            ask("create_avatar", {"photo": "/p.jpg", "output": "/a.likeness", **wrong})
