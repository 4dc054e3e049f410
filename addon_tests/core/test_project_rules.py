"""Rules of the house that no type checker sees."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def sources(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


@pytest.mark.parametrize(
    "package, pattern",
    [
        ("neural_core", r"^\s*(import|from)\s+(bpy|bmesh|mathutils|gpu)\b"),
        ("blender_addon", r"^\s*(import|from)\s+torch\b"),
        ("neural_core", r"\b(pickle\.loads?|eval|exec)\("),
        ("blender_addon", r"\b(pickle\.loads?|eval|exec)\("),
    ],
)
def test_forbidden_text(package: str, pattern: str):
    found = []
    for path in sources(package):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
            if re.search(pattern, line) and ".eval(" not in line:
                found.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()}")
    assert not found


@pytest.mark.parametrize("module", ["neural_core", "neural_core.wire", "neural_core.motion", "neural_core.errors"])
def test_what_blender_imports_stays_light(module: str):
    """Blender's own Python has numpy, never torch."""
    code = f"import {module}, sys; print(sorted(set(sys.modules) & {{'torch', 'scipy', 'mediapipe', 'PIL', 'bpy'}}))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert out.stdout.strip() == "[]"


def test_rendering_and_training_run_on_a_bare_machine():
    """They import neither mediapipe, bpy nor warp (docs/architecture.md)."""
    modules = "neural_core.rendering, neural_core.training.renderer"
    code = f"import {modules}, sys; print(sorted(set(sys.modules) & {{'mediapipe', 'bpy', 'warp'}}))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert out.stdout.strip() == "[]"
