"""The extension zip: Blender's validator accepts it, Blender installs it, and it works there without this checkout."""

import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import numpy
import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def archive(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("dist")
    done = subprocess.run(
        [sys.executable, str(ROOT / "build_addon.py"), "--out", str(out)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (found,) = out.glob("*.zip")
    return found


def test_versions_agree():
    manifest = tomllib.loads((ROOT / "blender_addon/blender_manifest.toml").read_text())
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    from neural_core import __version__

    assert manifest["version"] == project["version"] == __version__
    assert len(manifest["tagline"]) <= 64 and manifest["license"] == ["SPDX:GPL-3.0-or-later"]


@pytest.mark.slow
def test_zip_holds_add_on_wheel_and_licence(archive):
    names = zipfile.ZipFile(archive).namelist()
    assert {"blender_manifest.toml", "__init__.py", "LICENSE", "rig/pose.py", "operators/job.py"} <= set(names)
    (wheel,) = (n for n in names if n.endswith(".whl"))
    assert not [n for n in names if "__pycache__" in n or n.endswith(".pyc")]
    with zipfile.ZipFile(archive).open(wheel) as stream:
        inside = zipfile.ZipFile(stream).namelist()
    assert {"neural_core/wire.py", "neural_core/motion.py", "neural_core/data/walk.npz"} <= set(inside)
    assert not [n for n in inside if n.startswith("blender_addon") or "prototype" in n]


_USE = """
import sys
import bpy
bpy.ops.wm.read_factory_settings(use_empty=True)
bpy.ops.extensions.package_install_files(filepath=sys.argv[1], repo="user_default", enable_on_install=True)
module = sys.modules["bl_ext.user_default.likeness"]
import neural_core
assert not any(name.startswith("torch") for name in sys.modules), "torch came in"
assert "extensions" in neural_core.__file__, neural_core.__file__
assert bpy.ops.likeness.create_avatar.get_rna_type().identifier == "LIKENESS_OT_create_avatar"
bpy.ops.preferences.addon_disable(module="bl_ext.user_default.likeness")
assert not hasattr(bpy.types.Object, "likeness")
print("USED")
"""


@pytest.mark.slow
def test_blender_installs_and_enables_it(archive, tmp_path):
    """In a Python that does not know this checkout: the add-on finds neural_core in its own wheel."""
    script = tmp_path / "use.py"
    # -S keeps the editable install's finder out; bpy itself is put on the path by hand.
    script.write_text(f"import sys; sys.path.append({str(Path(numpy.__file__).parents[1])!r})\n" + _USE)
    done = subprocess.run(
        [sys.executable, "-S", str(script), str(archive)],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env={"BLENDER_USER_RESOURCES": str(tmp_path / "blender"), "HOME": str(tmp_path), "PATH": "/usr/bin:/bin"},
    )
    assert "USED" in done.stdout, done.stdout + done.stderr
