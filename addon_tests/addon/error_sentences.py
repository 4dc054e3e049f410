"""Every sentence with which a user can be told of an error or warned, collected from the source as templates."""

import ast
from collections.abc import Iterator
from pathlib import Path

from neural_core.errors import LikenessError

ROOT = Path(__file__).parents[2]
_ROOMS = ("neural_core/photo", "neural_core/avatar.py", "neural_core/motion.py", "neural_core/bvh.py",
          "neural_core/output.py", "blender_addon")  # fmt: skip


def templates() -> dict[str, str]:
    """ "There is no photo '{}': ..." to the place where it stands first."""
    kinds = {kind.__name__ for kind in _below(LikenessError)} | {"SceneError", "InstallError", "StepFailed"}
    found: dict[str, str] = {}
    for room in _ROOMS:
        path = ROOT / room
        for file in [path] if path.is_file() else sorted(path.rglob("*.py")):
            for text, line in _sentences(ast.parse(file.read_text(encoding="utf-8")), kinds):
                found.setdefault(text, f"{file.relative_to(ROOT)}:{line}")
    return found


def _sentences(tree: ast.AST, kinds: set[str]) -> Iterator[tuple[str, int]]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not node.args:
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        warning = name == "append" and "warnings" in ast.unparse(node.func)
        argument = node.args[-1] if name == "StepFailed" else node.args[0]
        text = template(argument) if warning or name in kinds else None
        if text and text.endswith("."):
            yield text, node.lineno


def template(node: ast.expr) -> str | None:
    """A constant or f-string with "{}" for its values; None for anything else."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(str(v.value) if isinstance(v, ast.Constant) else "{}" for v in node.values)
    return None


def _below(kind: type) -> set[type]:
    return {kind}.union(*(_below(child) for child in kind.__subclasses__()))
