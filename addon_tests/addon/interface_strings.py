"""Every string that the add-on shows, collected from its source."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2] / "blender_addon"
_CORE = ROOT.parent / "neural_core"
# Where the backend's stages come from: the second argument of Progress.update.
_ROOMS_WITH_STAGES = ("pipeline.py", "sight.py", "photo", "fitting", "texture", "inpainting", "rendering", "backend")
_PROPERTIES = {"name", "description"}  # of bpy.props.*
_DRAWN = {
    "text",
    "text_ctxt",
    "title",
    "confirm_text",
    "heading",
}  # of layout.*, invoke_confirm and invoke_props_dialog
_TRANSLATORS = {
    "marked",
    "interface",
    "message",
    "translated",
    "pgettext_iface",
    "pgettext_rpt",
    "pgettext_tip",
    "pgettext",
}
_SPOKEN = {"poll_message_set": 0, "report": 1, "stage": 1}  # the argument that is shown
_VARIABLES = {"text", "label", "title"}  # that such a string is put into first
_CLASS_TEXTS = {"bl_label", "bl_description", "bl_category"}
_BASES = ("Operator", "Panel", "Menu", "UIList", "FileHandler", "AddonPreferences", "PropertyGroup", "JobOperator")


def collect() -> dict[str, str]:
    """String to the place where it stands first."""
    found: dict[str, str] = {}
    for path in sorted(ROOT.rglob("*.py")):
        if path.is_relative_to(ROOT / "translations"):
            continue
        for text, line in _strings(ast.parse(path.read_text(encoding="utf-8"))):
            if any(character.isalpha() for character in text):
                found.setdefault(text, f"{path.relative_to(ROOT)}:{line}")
    for text, place in _stages_of_the_core():
        found.setdefault(text, place)
    return found


def _stages_of_the_core() -> Iterator[tuple[str, str]]:
    for room in (_CORE / name for name in _ROOMS_WITH_STAGES):
        for path in [room] if room.is_file() else sorted(room.rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "update":
                    for text, line in _literals(node.args[1]) if len(node.args) == 2 else ():
                        if text:
                            yield text, f"{path.relative_to(_CORE)}:{line}"


def _strings(tree: ast.AST) -> Iterator[tuple[str, int]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            yield from _of_class(node)
        elif isinstance(node, ast.Call):
            yield from _of_call(node)
        elif isinstance(node, ast.Yield) and isinstance(node.value, ast.Tuple) and len(node.value.elts) == 2:
            yield from _literals(node.value.elts[1])  # a step of a job
        elif isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") in _VARIABLES:
            yield from _literals(node.value)


def _of_class(node: ast.ClassDef) -> Iterator[tuple[str, int]]:
    bases = {base.attr if isinstance(base, ast.Attribute) else getattr(base, "id", "") for base in node.bases}
    documentation = ast.get_docstring(node)
    if node.name.startswith("LIKENESS_OT") and documentation:  # the tooltip
        yield documentation, node.lineno
    if not bases & set(_BASES):
        return
    for statement in node.body:
        if isinstance(statement, ast.Assign) and getattr(statement.targets[0], "id", "") in _CLASS_TEXTS:
            yield from _literals(statement.value)


def _of_call(node: ast.Call) -> Iterator[tuple[str, int]]:
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    keywords = {keyword.arg: keyword.value for keyword in node.keywords}
    if name.endswith("Property"):
        for key in _PROPERTIES & set(keywords):
            yield from _literals(keywords[key])
        items = keywords.get("items")
        if isinstance(items, ast.Tuple | ast.List):
            for item in items.elts:
                if isinstance(item, ast.Tuple):
                    for part in item.elts[1:3]:
                        yield from _literals(part)
    elif name in _TRANSLATORS and node.args:
        yield from _literals(node.args[0])
    elif name in _SPOKEN and len(node.args) > _SPOKEN[name]:
        yield from _literals(node.args[_SPOKEN[name]])
    elif name == "Pose" and node.args:
        yield from _literals(node.args[0])
    elif name == "Remedy":
        yield from _literals(node.args[1])
    elif name != "anonymous":
        untranslated = keywords.get("translate")
        if isinstance(untranslated, ast.Constant) and untranslated.value is False:
            return
        for key in _DRAWN & set(keywords):
            yield from _literals(keywords[key])


def _literals(node: ast.expr) -> Iterator[tuple[str, int]]:
    """The strings a value may be: a constant, or either side of a choice; what is put together has none."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value, node.lineno
    elif isinstance(node, ast.IfExp):
        yield from _literals(node.body)
        yield from _literals(node.orelse)
    elif isinstance(node, ast.BoolOp):
        for value in node.values:
            yield from _literals(value)
