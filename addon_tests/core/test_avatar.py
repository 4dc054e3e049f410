"""The avatar file: what goes in comes out, and files of strangers do no harm."""

import json
import resource
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file

from neural_core import avatar as avatar_module
from neural_core.avatar import Avatar
from neural_core.body.cloth_skin import ClothSkin
from neural_core.body.parameters import BodyParameters
from neural_core.camera import Camera
from neural_core.errors import AvatarFileError, OutputError
from neural_core.texture.neural_texture import NeuralTexture


@pytest.fixture
def avatar() -> Avatar:
    generator = torch.Generator().manual_seed(0)
    return Avatar(
        parameters=BodyParameters.zeros(1, betas=torch.randn(1, 20, generator=generator)),
        rest_offsets=torch.rand(40, 3, generator=generator) * 0.01,
        camera=Camera.pinhole(600.0, 480, 640),
        texture=NeuralTexture.from_tensors(_texture_tensors(generator)),
        body_name="test body",
        fit_errors={"residual_percent": 0.4},
        guessed=("legs",),
        provenance={"seed": 3, "photo": "somebody.jpg"},
    )


def _texture_tensors(generator: torch.Generator) -> dict[str, torch.Tensor]:
    data = torch.rand(5, 16, 16, generator=generator)
    detail = torch.randint(0, 256, (3, 32, 32), generator=generator) / 255  # kept as bytes
    return NeuralTexture(data=data, detail=detail).to_tensors()


def test_round_trip(avatar: Avatar, tmp_path: Path):
    path = tmp_path / "a.likeness"
    avatar.save(path)
    back = Avatar.load(path)
    for name, tensor in avatar.parameters.to_tensors().items():
        assert torch.equal(tensor, back.parameters.to_tensors()[name]), name
    assert torch.equal(avatar.rest_offsets, back.rest_offsets)
    for name, tensor in avatar.texture.to_tensors().items():
        assert torch.equal(tensor, back.texture.to_tensors()[name]), name
    assert back.camera.to_json() == avatar.camera.to_json()
    assert back.describe() == avatar.describe()
    json.dumps(back.describe())


def skin(**changed: torch.Tensor) -> ClothSkin:
    """Three vertices of forty."""
    joint = torch.arange(8).expand(3, 8)
    given = {
        "vertex": torch.tensor([0, 7, 39]),
        "joint": joint,
        "weight": torch.full((3, 8), 0.125),
        "skin": torch.tensor([0.0, 0.5, 1.0]),
        "swing": torch.rand(3, 3, 18, generator=torch.Generator().manual_seed(1)),
    }
    return ClothSkin(**(given | changed))


def test_skin_of_clothes_round_trip(avatar: Avatar, tmp_path: Path):
    path = tmp_path / "a.likeness"
    replace(avatar, skin=skin()).save(path)
    back = Avatar.load(path).skin
    assert back is not None
    for name, tensor in vars(skin()).items():
        assert torch.equal(tensor, getattr(back, name)), name
    avatar.save(path)
    assert Avatar.load(path).skin is None


@pytest.mark.parametrize(
    "changed",
    [
        {"vertex": torch.tensor([0, 7, 40])},
        {"vertex": torch.tensor([7, 0, 39])},
        {"vertex": torch.tensor([-1, 7, 39])},
        {"vertex": torch.tensor([0, 7])},
        {"joint": torch.full((3, 8), 55)},
        {"joint": torch.zeros(3, 7, dtype=torch.int64)},
        {"weight": torch.full((3, 8), 0.2)},
        {"weight": torch.tensor([[2.0, -1.0, 0, 0, 0, 0, 0, 0]]).expand(3, 8)},
        {"skin": torch.tensor([0.0, 2.0, 0.0])},
        {"swing": torch.full((3, 3, 18), float("inf"))},
        {"swing": torch.zeros(3, 3, 17)},
    ],
)
def test_skin_that_cannot_be_is_refused(avatar: Avatar, tmp_path: Path, changed: dict[str, torch.Tensor]):
    path = tmp_path / "a.likeness"
    replace(avatar, skin=skin(**changed)).save(path)
    with pytest.raises(AvatarFileError, match="damaged"):
        Avatar.load(path)


def test_a_file_of_version_1_loads_without_skin(avatar: Avatar, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "a.likeness"
    monkeypatch.setattr(avatar_module, "FORMAT_VERSION", 1)
    avatar.save(path)
    monkeypatch.undo()
    back = Avatar.load(path)
    assert back.skin is None and torch.equal(back.rest_offsets, avatar.rest_offsets)


def test_same_avatar_same_bytes(avatar: Avatar, tmp_path: Path):
    for name in ("a", "b"):
        avatar.save(tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_missing_file(tmp_path: Path):
    with pytest.raises(AvatarFileError, match="no avatar file"):
        Avatar.load(tmp_path / "nobody.likeness")


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=400))
def test_noise_is_refused(tmp_path_factory: pytest.TempPathFactory, noise: bytes):
    path = tmp_path_factory.getbasetemp() / "noise.likeness"
    path.write_bytes(noise)
    with pytest.raises(AvatarFileError):
        Avatar.load(path)


def test_every_truncation_and_flip_is_refused_or_harmless(avatar: Avatar, tmp_path: Path):
    path = tmp_path / "a.likeness"
    avatar.save(path)
    whole = path.read_bytes()
    for end in range(0, len(whole) - 1, max(1, len(whole) // 40)):
        path.write_bytes(whole[:end])
        with pytest.raises(AvatarFileError):
            Avatar.load(path)
    for at in range(0, min(len(whole), 3000), 37):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0x55]) + whole[at + 1 :])
        try:
            Avatar.load(path)
        except AvatarFileError as error:
            assert "damaged" in str(error) or "not an avatar" in str(error) or "newer" in str(error)


def test_foreign_safetensors(tmp_path: Path):
    path = tmp_path / "model.safetensors"
    save_file({"weight": torch.zeros(3)}, str(path))
    with pytest.raises(AvatarFileError, match="not an avatar"):
        Avatar.load(path)


def test_not_a_number(avatar: Avatar, tmp_path: Path):
    path = tmp_path / "a.likeness"
    replace(avatar, rest_offsets=avatar.rest_offsets * float("nan")).save(path)
    with pytest.raises(AvatarFileError, match="not numbers"):
        Avatar.load(path)


def test_newer_version_says_update(avatar: Avatar, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "a.likeness"
    monkeypatch.setattr(avatar_module, "FORMAT_VERSION", 99)
    avatar.save(path)
    monkeypatch.undo()
    with pytest.raises(AvatarFileError, match="newer Likeness"):
        Avatar.load(path)


def test_old_version_migrates(avatar: Avatar, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "a.likeness"
    avatar.save(path)
    old = avatar_module.FORMAT_VERSION

    def rename(metadata: dict, tensors: dict) -> None:
        metadata["guessed"] = [part.upper() for part in metadata["guessed"]]

    monkeypatch.setattr(avatar_module, "FORMAT_VERSION", old + 1)
    monkeypatch.setitem(avatar_module.MIGRATIONS, old, rename)
    assert Avatar.load(path).guessed == ("LEGS",)


def test_unwritable_place(avatar: Avatar):
    with pytest.raises(OutputError, match="choose another place"):
        avatar.save(Path("/proc/nowhere/a.likeness"))


def test_full_disk_keeps_the_old_file(avatar: Avatar, tmp_path: Path):
    path = tmp_path / "a.likeness"
    avatar.save(path)
    before = path.read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    import signal

    old_handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        with pytest.raises(OutputError):
            replace(avatar, guessed=("arms",)).save(path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, old_handler)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["a.likeness"]
