"""Every string that the add-on shows is in the German table."""

import string

import bpy
import pytest

from addon_tests.addon.error_sentences import templates
from addon_tests.addon.interface_strings import collect
from blender_addon import translations
from blender_addon.translations.german import TABLE
from blender_addon.translations.german_sentences import SENTENCES


def test_german_is_complete():
    missing = {text: place for text, place in collect().items() if text not in TABLE}
    assert not missing


def test_every_error_and_warning_is_in_german():
    assert not {text: place for text, place in templates().items() if text not in SENTENCES}


def test_a_sentence_keeps_its_names_and_numbers(monkeypatch):
    monkeypatch.setattr(translations, "message", lambda text: SENTENCES.get(text, text))  # Blender in German
    text = "The Likeness backend died 2 times while doing 'create_avatar' (killed): see its log '/it's a (log)'."
    there = "Das Likeness-Backend ist 2-mal bei „create_avatar“ gestorben (killed): siehe Protokoll „/it's a (log)“."
    assert translations.sentence(text) == there
    assert translations.sentence("Nobody foresaw this: {}.") == "Nobody foresaw this: {}."


def fields(text: str) -> list[str]:
    return sorted(f"{name}:{form}" for _, name, form, _ in string.Formatter().parse(text) if name is not None)


@pytest.mark.parametrize("text", [text for text in (*TABLE, *SENTENCES) if "{" in text])
def test_values_come_in_the_same_places(text):
    there = {**TABLE, **SENTENCES}[text]
    if "{0}" not in there and "{1}" not in there:  # numbered where the order is another
        assert fields(text) == fields(there)
    given = [f"value {i}" for i in range(text.count("{}"))]
    assert not given or "{:" in text or all(value in there.format(*given) for value in given)


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
