"""Every string of the interface in other languages; Blender shows the one its preferences name.

Blender translates what it draws by itself: labels, names, tooltips, reports of fixed text. A sentence with values in it
is translated first and filled in afterwards, with `interface` (buttons, panels) or `message` (reports).
"""

import re
from functools import lru_cache
from typing import Any

import bpy

_PACKAGE = __package__ or "likeness"
OWN = "Likeness"  # the context of words that Blender translates in another sense: its "Face" is one of a mesh


def interface(text: str) -> str:
    """A text of the interface in the user's language."""
    return bpy.app.translations.pgettext_iface(text) or text


def message(text: str) -> str:
    """A report in the user's language."""
    return bpy.app.translations.pgettext_rpt(text) or text


def sentence(text: str) -> str:
    """An error or a warning in the user's language; the names and numbers in it stay."""
    whole = message(text)
    if whole != text:
        return whole
    for pattern, template in _templates():
        found = pattern.fullmatch(text)
        if found is not None:
            return message(template).format(*found.groups())
    return text


@lru_cache(maxsize=1)
def _templates() -> list[tuple[re.Pattern[str], str]]:
    """Sentences with {} for what differs, those with most words of their own first."""
    from .german_sentences import SENTENCES

    templates = sorted((text for text in SENTENCES if "{" in text), key=len, reverse=True)
    return [(re.compile("(.+?)".join(map(re.escape, text.split("{}"))), re.DOTALL), text) for text in templates]


def marked(text: str) -> str:
    """The text as it is; it is translated where it is shown."""
    return text


def register() -> None:
    from . import german, german_sentences

    contexts = (
        bpy.app.translations.contexts.default,
        "Operator",
        OWN,
    )  # an operator's label is looked up in the second
    words = {**german.TABLE, **german_sentences.SENTENCES}
    table = {(context, text): there for text, there in words.items() for context in contexts}
    languages: Any = {"de_DE": table, "de": table}  # Blender 4.5 and earlier, later
    bpy.app.translations.register(_PACKAGE, languages)


def unregister() -> None:
    bpy.app.translations.unregister(_PACKAGE)
