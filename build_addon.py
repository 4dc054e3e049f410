"""Build the Blender extension: dist/likeness-VERSION.zip, with neural_core's wheel inside, checked by Blender itself.

    python build_addon.py [--out DIR]

Needs the `build` package and bpy (both in the `dev` extra). Nothing is downloaded.
"""

import argparse
import importlib.util
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent
# What a checkout holds beside the code: caches, and files that only this tree uses.
_NOT_SHIPPED = ("__pycache__", "*.pyc", "demo_scene.py")
# How pyproject.toml reads for the wheel that holds neural_core alone.
_CORE_ALONE = {
    'include = ["neural_core*", "blender_addon*"]': 'include = ["neural_core*"]',
    'license = { text = "Apache-2.0 AND GPL-3.0-or-later" }': 'license = { text = "Apache-2.0" }',
}


class BuildError(Exception):
    """What stands in the way, in one sentence."""


def build_wheel(out: Path) -> Path:
    """The wheel of neural_core alone, with weights and body data: the backend is installed from it."""
    with tempfile.TemporaryDirectory() as folder:
        stage = Path(folder)
        project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
        for line, instead in _CORE_ALONE.items():
            if line not in project:
                raise BuildError(f"pyproject.toml no longer holds the line '{line}': bring build_addon.py up to date.")
            project = project.replace(line, instead)
        (stage / "pyproject.toml").write_text(project, encoding="utf-8")
        for name in ("README.md", "NOTICE", "neural_core/LICENSE"):
            if (ROOT / name).exists():
                shutil.copy(ROOT / name, stage)
        _copy(ROOT / "neural_core", stage / "neural_core")
        _run("-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(stage))
    wheels = list(out.glob("likeness-*-py3-none-any.whl"))
    if len(wheels) != 1:
        raise BuildError(f"Expected one pure wheel in '{out}', found {[w.name for w in out.iterdir()]}.")
    return wheels[0]


def build_extension(out: Path) -> Path:
    """Assemble, validate and zip the extension; returns the zip."""
    manifest = tomllib.loads((ROOT / "blender_addon" / "blender_manifest.toml").read_text(encoding="utf-8"))
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    if manifest["version"] != version:
        raise BuildError(f"Make the versions equal: pyproject.toml {version}, blender_manifest {manifest['version']}.")
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        stage = Path(folder) / "likeness"
        _copy(ROOT / "blender_addon", stage)
        (stage / "wheels").mkdir()
        wheel = build_wheel(stage / "wheels")
        if manifest["wheels"] != [f"./wheels/{wheel.name}"]:
            raise BuildError(f"blender_manifest.toml must name './wheels/{wheel.name}' under wheels.")
        validator = str(blender_validator())
        _run(validator, "validate", str(stage))
        _run(validator, "build", "--source-dir", str(stage), "--output-dir", str(out))
        archive = out / f"{manifest['id']}-{version}.zip"
        _run(validator, "validate", str(archive))
    return archive


def blender_validator() -> Path:
    """Blender's own extension tool, which also runs without Blender."""
    bpy = importlib.util.find_spec("bpy")
    if bpy is None or bpy.origin is None:
        raise BuildError("Blender's validator comes with the bpy module: pip install -e '.[dev]'.")
    found = sorted(Path(bpy.origin).parent.glob("*/scripts/addons_core/bl_pkg/cli/blender_ext.py"))
    if not found:
        raise BuildError(f"There is no extension tool beside '{bpy.origin}': install bpy 5.0.1.")
    return found[-1]


def _copy(source: Path, target: Path) -> None:
    shutil.copytree(source, target, ignore=shutil.ignore_patterns(*_NOT_SHIPPED))


def _run(*arguments: str) -> None:
    done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise BuildError(f"'{' '.join(arguments[:2])}' failed:\n{done.stdout}{done.stderr}")


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--out", type=Path, default=ROOT / "dist", help="folder of the zip (default: dist)")
    try:
        archive = build_extension(parser.parse_args().out.resolve())
    except BuildError as error:
        print(f"build_addon: {error}", file=sys.stderr)
        return 2
    print(f"{archive} ({archive.stat().st_size / 1e6:.1f} MB)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
