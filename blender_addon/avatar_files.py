"""Where the file of an avatar is: stored beside the scene where that is possible, found again when both were moved."""

import os
from pathlib import Path

import bpy


def stored_path(path: Path | str) -> str:
    """How a scene keeps the path of an avatar: relative to a scene that is saved, so that both can be moved."""
    if not bpy.data.filepath:
        return str(path)
    try:
        return bpy.path.relpath(str(path))
    except ValueError:  # another drive of Windows
        return str(path)


def avatar_file(obj: bpy.types.Object) -> str:
    """The absolute path of the avatar that an armature or mesh belongs to; empty when it names none.

    A file that is not where it was is looked for beside the scene (of a linked object: beside its library). When it is
    there neither, the path says where it should be.
    """
    stored = obj.likeness.avatar_path
    if not stored:
        return ""
    path = os.path.normpath(bpy.path.abspath(stored, library=obj.library))
    scene = bpy.path.abspath(obj.library.filepath) if obj.library is not None else bpy.data.filepath
    beside = os.path.join(os.path.dirname(scene), bpy.path.basename(path.replace("\\", "/"))) if scene else ""
    return beside if beside and not os.path.isfile(path) and os.path.isfile(beside) else path
