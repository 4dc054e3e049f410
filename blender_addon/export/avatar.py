"""The export of one avatar, from the copy to the file."""

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

import bpy

from neural_core.errors import OutputError
from neural_core.output import check_writable

from . import shape
from .copy import AvatarCopy, avatar_copy, leave_surface_alone, write_texture_beside
from .skin import LimitedSkin
from .writers import FbxScale, missing, write_alembic, write_fbx, write_glb, write_obj, write_usdz

SUFFIXES = (".glb", ".fbx", ".obj", ".usdz", ".abc")
_SURFACE_ONLY = (".obj", ".usdz", ".abc")  # these hold the posed surface, no bones


@dataclass(frozen=True)
class ExportOptions:
    """What goes into the file.

    Attributes:
        animation: the active action over the scene's frame range; otherwise the pose of the current frame.
        correctives: pose correctives as morph targets (animated with the animation); otherwise plain skinning.
        expressions: expression morph targets; otherwise the present expression is baked in.
        texture_size: pixels, square. influences: joints per vertex; four is what every viewer and engine reads.
        jpeg: the texture of a GLB as JPEG. fbx_scale: where FBX keeps Blender's metres, as its exporter calls it.
    """

    animation: bool = True
    correctives: bool = True
    expressions: bool = True
    texture_size: int = 1024
    influences: int = 4
    jpeg: bool = False
    fbx_scale: FbxScale = "FBX_SCALE_NONE"


def export_avatar(context: bpy.types.Context, armature: bpy.types.Object, path: Path, options: ExportOptions) -> None:
    """Write `path` (.glb, .fbx, .obj, .usdz or .abc). The scene is as it was, also after errors.

    Raises:
        OutputError: the file cannot be written.
    """
    check_path(path)
    suffix = path.suffix.lower()
    try:
        # Written aside under its own name, which some formats repeat inside; OBJ has its material and texture beside.
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=".likeness-") as aside:
            with avatar_copy(context, armature, options.texture_size) as copy:
                animation = options.animation and _is_animated(copy.armature) and suffix != ".obj"
                if not animation:
                    copy.armature.animation_data_clear()
                    copy.mesh.data.shape_keys.animation_data_clear()
                _shape(context, copy, options, animation, surface_only=suffix in _SURFACE_ONLY)
                copy.scene.frame_set(context.scene.frame_current)
                title = copy.armature.animation_data.action.name if animation else copy.armature.name
                copy.scene.name = title  # FBX names its take after the scene
                _write(context, copy, Path(aside) / path.name, title, options, animation)
            for written in sorted(Path(aside).iterdir(), key=lambda file: file.name == path.name):  # itself last
                os.replace(written, path.with_name(written.name))
    except (OSError, RuntimeError) as error:
        why = (str(error).strip().splitlines() or [type(error).__name__])[-1]  # operators report whole tracebacks
        raise OutputError(f"'{path}' could not be written ({why}): free some space or choose another place.") from error


def _shape(
    context: bpy.types.Context, copy: AvatarCopy, options: ExportOptions, animation: bool, surface_only: bool
) -> None:
    """Bring the copy into the form that goes into the file."""
    shape.bake_clothes(copy.mesh)
    if not options.expressions:
        shape.bake_expressions(copy.mesh)
    # A file without bones needs no weights that game engines read.
    skin = LimitedSkin.of(
        copy.mesh, copy.armature, len(copy.mesh.vertex_groups) if surface_only else options.influences
    )
    if not options.correctives:
        shape.drop_correctives(copy.mesh)
    elif animation:
        shape.animate_correctives(context, copy, skin)
    else:
        shape.pose_correctives(context, copy, skin)


def _write(
    context: bpy.types.Context, copy: AvatarCopy, path: Path, title: str, options: ExportOptions, animation: bool
) -> None:
    suffix = path.suffix.lower()
    if suffix in _SURFACE_ONLY:
        leave_surface_alone(copy)
        with context.temp_override(**copy.surface_override):
            if suffix == ".obj":
                write_texture_beside(copy.mesh, path)
                write_obj(path)
            elif suffix == ".usdz":
                write_usdz(path, animation=animation)
            else:
                frames = (
                    (copy.scene.frame_start, copy.scene.frame_end) if animation else (copy.scene.frame_current,) * 2
                )
                write_alembic(path, *frames)
        return
    with context.temp_override(**copy.override):
        if suffix == ".glb":
            write_glb(path, title, animation=animation, influences=options.influences, jpeg=options.jpeg)
        else:
            write_fbx(path, animation=animation, scale=options.fbx_scale)


def check_path(path: Path) -> None:
    """Raise OutputError now when the name or the folder cannot work."""
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise OutputError(f"'{path.name}' is no name for an export: end it with {', '.join(SUFFIXES)}.")
    if missing(suffix):
        raise OutputError(f"This Blender was built without {suffix[1:].upper()}: end the name with .glb or .fbx.")
    check_writable(path)


def _is_animated(armature: bpy.types.Object) -> bool:
    return armature.animation_data is not None and armature.animation_data.action is not None
