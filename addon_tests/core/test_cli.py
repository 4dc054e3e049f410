"""Bad input at the command line: one sentence, exit code 2, nothing changed."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from neural_core.cli import main


def run(capsys: pytest.CaptureFixture, *arguments: str | Path) -> tuple[int, str]:
    code = main([str(a) for a in arguments])
    return code, capsys.readouterr().err


def assert_one_sentence(code: int, err: str) -> None:
    last = err.strip().splitlines()[-1] if err.strip() else ""
    assert code == 2, err
    assert last.startswith("likeness: ") and "Traceback" not in err


@pytest.fixture
def empty_room(tmp_path: Path) -> Path:
    path = tmp_path / "room.png"
    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(90, 110, (400, 300, 3), dtype=np.uint8)).save(path)
    return path


def test_no_such_photo(capsys, tmp_path: Path):
    code, err = run(capsys, "create", tmp_path / "nobody.jpg", "-o", tmp_path / "a.likeness")
    assert_one_sentence(code, err)
    assert not list(tmp_path.iterdir())


def test_not_an_image(capsys, tmp_path: Path):
    (tmp_path / "notes.jpg").write_text("not a picture")
    code, err = run(capsys, "create", tmp_path / "notes.jpg", "-o", tmp_path / "a.likeness")
    assert_one_sentence(code, err)
    assert [p.name for p in tmp_path.iterdir()] == ["notes.jpg"]


def test_nobody_in_the_picture_keeps_the_old_avatar(capsys, tmp_path: Path, empty_room: Path):
    target = tmp_path / "a.likeness"
    target.write_bytes(b"an older avatar")
    code, err = run(capsys, "create", empty_room, "-o", target)
    assert_one_sentence(code, err)
    assert target.read_bytes() == b"an older avatar"


def test_unwritable_output_is_said_before_any_work(capsys, empty_room: Path):
    code, err = run(capsys, "create", empty_room, "-o", "/proc/nowhere/a.likeness")
    assert_one_sentence(code, err)
    assert "choose another place" in err


@pytest.mark.parametrize("command", ["inspect", "render"])
def test_foreign_avatar_file(capsys, tmp_path: Path, command: str):
    path = tmp_path / "x.likeness"
    path.write_bytes(b"\x80\x04\x95 pretend pickle")
    more = ["--out", tmp_path / "frames"] if command == "render" else []
    assert_one_sentence(*run(capsys, command, path, *more))


def test_motion_file_without_poses(capsys, tmp_path: Path, small_avatar: Path):
    np.savez(tmp_path / "m.npz", something=np.zeros(3))
    code, err = run(capsys, "render", small_avatar, "--motion", tmp_path / "m.npz", "--out", tmp_path / "frames")
    assert_one_sentence(code, err)


def test_frame_size_is_checked(capsys, tmp_path: Path, small_avatar: Path):
    assert_one_sentence(*run(capsys, "render", small_avatar, "--size", "3", "--out", tmp_path / "frames"))


def test_render_and_inspect_an_avatar(capsys, tmp_path: Path, small_avatar: Path):
    import json

    code = main(["render", str(small_avatar), "--frames", "2", "--size", "64", "--out", str(tmp_path / "frames")])
    assert code == 0
    assert sorted(p.name for p in (tmp_path / "frames").iterdir()) == ["0001.png", "0002.png"]
    picture = np.asarray(Image.open(tmp_path / "frames" / "0001.png"))
    assert picture.shape == (64, 64, 4)
    assert 0.02 < (picture[..., 3] > 128).mean() < 0.6
    capsys.readouterr()
    assert main(["inspect", str(small_avatar), "--json"]) == 0
    described = json.loads(capsys.readouterr().out)
    assert len(described["body_parameters"]["body_pose"]) == 21
    assert described["camera"]["width"] > 0
