"""The backend's installation: every state, killed at every step, from a folder of (tiny) wheels, without a network."""

import os
import signal
import sys
import time
from pathlib import Path

import pytest

from addon_tests.addon import tiny_wheels
from blender_addon.install import control
from blender_addon.install.state import Condition, State, examine
from blender_addon.install.worker.layout import Layout, folder_bytes, read_json, site_packages, write_json
from blender_addon.install.worker.lock import held, hold


@pytest.fixture(autouse=True, scope="module")
def uv_on_the_path():
    """The one in the `dev` extra."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
        yield patch


@pytest.fixture(autouse=True, scope="module")
def room_on_the_disk():
    """A real backend needs gigabytes, the tiny wheels of these tests nothing: they also run where the disk is full."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(control, "free_bytes", lambda root: 10**12)
        yield patch


@pytest.fixture(scope="module")
def wheels(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("index") / "wheels"


@pytest.fixture(scope="module")
def wheel(wheels) -> Path:
    return tiny_wheels.make(wheels)


def finish(root: Path, seconds: float = 60.0) -> None:
    """Wait until nobody works in a folder."""
    deadline = time.monotonic() + seconds
    while held(Layout(root).lock) or control.started():
        assert time.monotonic() < deadline, Layout(root).log.read_text()
        time.sleep(0.02)


def install(root: Path, wheels: Path, wheel: Path) -> Condition:
    control.begin(root, "install", "cpu", str(wheels), wheel)
    finish(root)
    return examine(root, wheel)


@pytest.fixture(scope="module")
def installed(tmp_path_factory, wheels, wheel) -> Path:
    """An installation that the tests of this module damage and mend in turn."""
    root = control.root_in(tmp_path_factory.mktemp("user"))
    assert examine(root, wheel).state == State.ABSENT
    found = install(root, wheels, wheel)
    assert found.state == State.READY, Layout(root).log.read_text()
    return root


def test_a_finished_installation_says_what_it_is(installed, wheel):
    found = examine(installed, wheel)
    assert found.installed is not None and found.installed["torch"] == "2.13.0+cpu"
    assert set(found.installed["packages"]) >= {"likeness", "torch", "mediapipe"}
    assert found.bytes == pytest.approx(folder_bytes(installed), rel=0.05)
    assert not Layout(installed).cache.exists() and not Layout(installed).temporary.exists()
    assert examine(installed, None).state == State.READY  # a checkout brings no wheel to compare with


def test_verify_finds_a_changed_file_and_repair_mends_it(installed, wheels, wheel):
    site = site_packages(Layout(installed).venv)
    assert site is not None
    target = site / "mediapipe" / "__init__.py"
    target.write_text("!" * 2000)  # as long as before
    assert examine(installed, wheel).state == State.READY  # one look does not read every file
    control.begin(installed, "verify")
    finish(installed)
    found = examine(installed, wheel)
    assert found.state == State.DAMAGED and not found.half and "mediapipe" in found.sentence
    assert install(installed, wheels, wheel).state == State.READY
    assert target.read_text() == "#" * 2000
    control.begin(installed, "verify")
    finish(installed)
    assert examine(installed, wheel).state == State.READY


def test_a_missing_package_is_seen_at_once_and_put_back(installed, wheels, wheel):
    site = site_packages(Layout(installed).venv)
    assert site is not None
    for file in (site / "torch-2.13.0+cpu.dist-info").iterdir():
        file.unlink()
    (site / "torch-2.13.0+cpu.dist-info").rmdir()
    assert "torch" in examine(installed, wheel).sentence
    assert install(installed, wheels, wheel).state == State.READY


def test_a_python_that_is_gone_is_made_anew(installed, wheels, wheel):
    Layout(installed).python.unlink()
    assert examine(installed, wheel).state == State.DAMAGED
    assert install(installed, wheels, wheel).state == State.READY


def test_another_build_of_the_same_version_is_outdated(installed, wheels, wheel, tmp_path):
    other = tiny_wheels.make(tmp_path / "wheels", remark="newer")
    assert examine(installed, other).state == State.OUTDATED
    assert install(installed, tmp_path / "wheels", other).state == State.READY
    site = site_packages(Layout(installed).venv)
    assert site is not None and (site / "neural_core" / "remark.txt").read_text() == "newer"
    assert install(installed, wheels, wheel).state == State.READY


@pytest.mark.parametrize("stage", ["Looking for uv", "Preparing a Python", "Downloading and installing", "Starting"])
def test_killed_at_any_step_it_is_half_and_can_be_resumed(stage, wheels, wheel, tmp_path):
    root = tmp_path / "likeness-backend"
    control.begin(root, "install", "cpu", str(wheels), wheel)
    while not (read_json(Layout(root).status) or {}).get("stage", "").startswith(stage):
        assert control.started(), Layout(root).log.read_text()
        time.sleep(0.002)
    worker = (read_json(Layout(root).status) or {})["pid"]
    os.kill(worker, signal.SIGKILL)
    finish(root)  # programs it had started end by themselves, and hold the lock until then
    found = examine(root, wheel)
    assert found.state == State.DAMAGED and found.half and "resume" in found.sentence
    if stage == "Preparing a Python":  # one is enough: the others are resumed in the same way
        assert install(root, wheels, wheel).state == State.READY


@pytest.mark.slow
def test_without_uv_venv_and_pip_do_the_same(wheels, wheel, tmp_path, monkeypatch):
    nothing = tmp_path / "nothing"
    nothing.mkdir()
    monkeypatch.setenv("PATH", str(nothing))
    monkeypatch.setenv("HOME", str(nothing))
    root = tmp_path / "likeness-backend"
    found = install(root, wheels, wheel)
    assert found.state == State.READY, Layout(root).log.read_text()
    assert found.installed is not None and found.installed["installer"] == "pip"
    site = site_packages(Layout(root).venv)
    assert site is not None
    (site / "mediapipe" / "__init__.py").unlink()
    assert install(root, wheels, wheel).state == State.READY
    assert (site / "mediapipe" / "__init__.py").is_file()


def test_cancel_ends_everything_that_was_started(wheels, wheel, tmp_path):
    root = tmp_path / "likeness-backend"
    control.begin(root, "install", "cpu", str(wheels), wheel)
    while (read_json(Layout(root).status) or {}).get("stage") != "Preparing a Python":
        time.sleep(0.002)
    assert examine(root, wheel).state == State.INSTALLING
    control.cancel(root)
    assert not held(Layout(root).lock)
    assert examine(root, wheel).half


def test_remove_takes_what_was_installed_and_nothing_else(installed, wheel):
    (installed / "my_photo.jpg").write_bytes(b"mine")
    control.begin(installed, "remove")
    finish(installed)
    assert examine(installed, wheel).state == State.ABSENT
    assert [path.name for path in installed.iterdir()] == ["my_photo.jpg"]


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b'{"op": "install"}', b'{"op": "rm -rf", "build": "cpu", "wheels": "", "wheel": ""}']
)
def test_a_plan_that_is_none_is_refused(content, tmp_path):
    layout = Layout(tmp_path)
    layout.plan.write_bytes(content)
    layout.lock.touch()
    control._launch(layout)
    finish(tmp_path)
    assert "start again" in examine(tmp_path, None).sentence


def test_what_cannot_be_begun_is_a_sentence(wheels, wheel, tmp_path, monkeypatch):
    with pytest.raises(control.InstallError, match="checkout"):
        control.begin(tmp_path, "install", wheel=None)
    with pytest.raises(control.InstallError, match="no folder of wheels"):
        control.begin(tmp_path, "install", wheels=str(tmp_path / "none"), wheel=wheel)
    with pytest.raises(control.InstallError, match="cannot be written"):
        control.begin(wheel / "inside a file", "install", wheels=str(wheels), wheel=wheel)
    monkeypatch.setattr(control, "free_bytes", lambda root: 10**9)
    with pytest.raises(control.InstallError, match=r"1\.0 GB free"):
        control.begin(tmp_path, "install", wheels=str(wheels), wheel=wheel)


def test_one_worker_at_a_time(wheels, wheel, tmp_path):
    lock = hold(Layout(tmp_path).lock)
    assert lock is not None
    with pytest.raises(control.InstallError, match="already"):
        control.begin(tmp_path, "install", "cpu", str(wheels), wheel)
    os.close(lock)
    assert not held(Layout(tmp_path).lock)


def test_cancel_kills_nobody_when_no_worker_is_there(tmp_path):
    write_json(Layout(tmp_path).status, {"pid": os.getpid()})  # a number that belongs to somebody else by now
    control.cancel(tmp_path)


def test_the_worker_needs_nothing_but_the_standard_library():
    """It must run in any Python, Blender's included."""
    import subprocess

    code = "import sys; sys.path.insert(0, sys.argv[1]); import worker.main; print(sorted(sys.modules))"
    folder = str(Path(control.__file__).parent)
    done = subprocess.run([sys.executable, "-I", "-S", "-c", code, folder], capture_output=True, text=True, check=True)
    assert "numpy" not in done.stdout and "bpy" not in done.stdout
