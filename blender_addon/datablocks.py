"""Blender data that must not outlive a failure or an export."""

from collections.abc import Iterator
from contextlib import contextmanager

import bpy


def all_datablocks() -> dict[int, bpy.types.ID]:
    """Every datablock of this file that can be removed, by session id."""
    found: dict[int, bpy.types.ID] = {}
    for name in dir(bpy.data):
        collection = getattr(bpy.data, name)
        if isinstance(collection, bpy.types.bpy_prop_collection) and hasattr(collection, "remove"):
            found.update({block.session_uid: block for block in collection})
    return found


def remove_created_since(before: set[int]) -> None:
    """Remove every datablock whose session id is not in `before`."""
    for scene in [s for s in bpy.data.scenes if s.session_uid not in before]:
        bpy.data.scenes.remove(scene)  # batch_remove leaves windows and caches with a dangling scene
    created = [block for uid, block in all_datablocks().items() if uid not in before]
    if created:
        bpy.data.batch_remove(created)


@contextmanager
def temporary_datablocks() -> Iterator[None]:
    """What is created inside is gone afterwards, come what may."""
    before = set(all_datablocks())
    try:
        yield
    finally:
        remove_created_since(before)


@contextmanager
def kept_on_success() -> Iterator[None]:
    """What is created inside is removed when an error ends it; the selection comes back."""
    before = set(all_datablocks())
    objects = bpy.context.view_layer.objects
    active, selected = objects.active, list(objects.selected)
    try:
        yield
    except BaseException:
        remove_created_since(before)
        objects.active = active
        for thing in selected:
            thing.select_set(True)
        raise
