"""Every string of the interface in other languages; Blender shows the one its preferences name.

Blender translates what it draws by itself: labels, names, tooltips, reports of fixed text. A sentence with values in it
is translated first and filled in afterwards, with `interface` (buttons, panels) or `message` (reports).
"""

from typing import Any

import bpy

_PACKAGE = __package__ or "likeness"


def interface(text: str) -> str:
    """A text of the interface in the user's language."""
    return bpy.app.translations.pgettext_iface(text) or text


def message(text: str) -> str:
    """A report in the user's language."""
    return bpy.app.translations.pgettext_rpt(text) or text


def marked(text: str) -> str:
    """The text as it is; it is translated where it is shown."""
    return text


def register() -> None:
    from . import german

    contexts = (bpy.app.translations.contexts.default, "Operator")  # an operator's label is looked up in the second
    table = {(context, text): there for text, there in german.TABLE.items() for context in contexts}
    languages: Any = {"de_DE": table, "de": table}  # Blender 4.5 and earlier, later
    bpy.app.translations.register(_PACKAGE, languages)


def unregister() -> None:
    bpy.app.translations.unregister(_PACKAGE)
