"""The export of one avatar, from the copy to the file."""

import os
from dataclasses import dataclass
from pathlib import Path

import bpy

from neural_core.errors import OutputError
from neural_core.output import check_writable

from . import shape
from .copy import avatar_copy
from .skin import LimitedSkin
from .writers import write_fbx, write_glb

SUFFIXES = (".glb", ".fbx")


@dataclass(frozen=True)
class ExportOptions:
    """What goes into the file.

    Attributes:
        animation: the active action over the scene's frame range; otherwise the pose of the current frame.
        correctives: pose correctives as morph targets (animated with the animation); otherwise plain skinning.
        expressions: expression morph targets; otherwise the present expression is baked in.
        texture_size: pixels, square. influences: joints per vertex; four is what every viewer and engine reads.
    """

    animation: bool = True
    correctives: bool = True
    expressions: bool = True
    texture_size: int = 1024
    influences: int = 4


def export_avatar(context: bpy.types.Context, armature: bpy.types.Object, path: Path, options: ExportOptions) -> None:
    """Write `path` (.glb or .fbx). The scene is as it was, also after errors.

    Raises:
        OutputError: the file cannot be written.
    """
    check_path(path)
    aside = path.with_name(f".{path.stem}.part{path.suffix}")
    try:
        with avatar_copy(context, armature, options.texture_size) as copy:
            animation = options.animation and _is_animated(copy.armature)
            if not animation:
                copy.armature.animation_data_clear()
                copy.mesh.data.shape_keys.animation_data_clear()
            shape.bake_clothes(copy.mesh)
            if not options.expressions:
                shape.bake_expressions(copy.mesh)
            skin = LimitedSkin.of(copy.mesh, copy.armature, options.influences)
            if not options.correctives:
                shape.drop_correctives(copy.mesh)
            elif animation:
                shape.animate_correctives(context, copy, skin)
            else:
                shape.pose_correctives(context, copy, skin)
            copy.scene.frame_set(context.scene.frame_current)
            title = copy.armature.animation_data.action.name if animation else copy.armature.name
            copy.scene.name = title  # FBX names its take after the scene
            with context.temp_override(**copy.override):
                if path.suffix.lower() == ".glb":
                    write_glb(aside, title, animation=animation, influences=options.influences)
                else:
                    write_fbx(aside, animation=animation)
        os.replace(aside, path)
    except (OSError, RuntimeError) as error:
        why = (str(error).strip().splitlines() or [type(error).__name__])[-1]  # operators report whole tracebacks
        raise OutputError(f"'{path}' could not be written ({why}): free some space or choose another place.") from error
    finally:
        aside.unlink(missing_ok=True)


def check_path(path: Path) -> None:
    """Raise OutputError now when the name or the folder cannot work."""
    if path.suffix.lower() not in SUFFIXES:
        raise OutputError(f"'{path.name}' is no name for an export: end it with .glb or .fbx.")
    check_writable(path)


def _is_animated(armature: bpy.types.Object) -> bool:
    return armature.animation_data is not None and armature.animation_data.action is not None
