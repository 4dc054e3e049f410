"""Every string that the add-on shows is in the German table."""

import string

import bpy
import pytest

from addon_tests.addon.interface_strings import collect
from blender_addon.translations.german import TABLE


def test_german_is_complete():
    missing = {text: place for text, place in collect().items() if text not in TABLE}
    assert not missing


def fields(text: str) -> list[str]:
    return sorted(f"{name}:{form}" for _, name, form, _ in string.Formatter().parse(text) if name is not None)


@pytest.mark.parametrize("text", [text for text in TABLE if "{" in text])
def test_values_come_in_the_same_places(text):
    assert fields(text) == fields(TABLE[text])


def test_tooltips_and_labels_do_not_end_with_a_full_stop():
    """Blender adds it to tooltips."""
    sentences = {"This avatar was stored by a newer Likeness: update the add-on."}
    assert not [text for text in collect() if text.endswith(".") and text not in sentences]


def test_the_collector_finds_what_blender_registered(blender):
    """Names and tooltips of every operator and of its properties, as Blender itself holds them."""
    strings = collect()
    for name in dir(bpy.ops.likeness):
        rna = getattr(bpy.ops.likeness, name).get_rna_type()
        shown = [rna.name, rna.description]
        for p in rna.properties:
            if p.identifier != "rna_type" and not p.is_hidden:
                shown += [p.description, *([p.name] if p.name != p.identifier else [])]
        assert not [text for text in shown if any(c.isalpha() for c in text) and text not in strings], name
