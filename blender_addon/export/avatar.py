"""The export of one avatar, from the copy to the file."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import bpy
from neural_core.errors import OutputError

from . import shape
from .copy import avatar_copy
from .writers import write_fbx, write_glb

SUFFIXES = (".glb", ".fbx")


@dataclass(frozen=True)
class ExportOptions:
    """What goes into the file.

    Attributes:
        animation: the active action over the scene's frame range; otherwise the pose of the current frame.
        correctives: pose correctives as morph targets (animated with the animation); otherwise plain skinning.
        expressions: expression morph targets; otherwise the present expression is baked in.
        texture_size: pixels, square. influences: joints per vertex in GLB; four is what every viewer reads.
    """

    animation: bool = True
    correctives: bool = True
    expressions: bool = True
    texture_size: int = 1024
    influences: int = 4


def export_avatar(
    context: bpy.types.Context, armature: bpy.types.Object, path: Path, options: ExportOptions
) -> Iterator[tuple[float, str]]:
    """Write `path` (.glb or .fbx); yields progress. The scene is as it was, also after errors.

    Raises:
        OutputError: the file cannot be written.
    """
    check_path(path)
    yield 0.0, "Copying the avatar"
    aside = path.with_name(f".{path.stem}.part{path.suffix}")
    try:
        with avatar_copy(context, armature, options.texture_size) as copy:
            animation = options.animation and _is_animated(copy.armature)
            if not animation:
                copy.armature.animation_data_clear()
                copy.mesh.data.shape_keys.animation_data_clear()
            shape.bake_clothes(copy.mesh)
            if not options.expressions:
                shape.drop_expressions(copy.mesh)
            if not options.correctives:
                shape.drop_correctives(copy.mesh)
            elif animation:
                shape.animate_correctives(context, copy)
            copy.scene.frame_set(context.scene.frame_current)
            with context.temp_override(**copy.override):
                if path.suffix.lower() == ".glb":
                    write_glb(aside, animation=animation, influences=options.influences)
                else:
                    write_fbx(aside, animation=animation)
        os.replace(aside, path)
    except (OSError, RuntimeError) as error:
        raise OutputError(f"'{path}' could not be written ({error}): free some space or choose another place.") from error
    finally:
        aside.unlink(missing_ok=True)
    yield 1.0, "Written"


def check_path(path: Path) -> None:
    """Raise OutputError now when the name or the folder cannot work."""
    if path.suffix.lower() not in SUFFIXES:
        raise OutputError(f"'{path.name}' is no name for an export: end it with .glb or .fbx.")
    if path.is_dir() or not path.parent.is_dir() or not os.access(path.parent, os.W_OK):
        raise OutputError(f"Cannot write '{path}': choose a file in a folder that exists and can be written.")


def _is_animated(armature: bpy.types.Object) -> bool:
    return armature.animation_data is not None and armature.animation_data.action is not None
