"""Proposals for the side no photo shows: small pictures of them, and the avatar takes the one that is chosen."""

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import bpy
from bpy.props import IntProperty

from neural_core.errors import AvatarMissing

from ..avatar_files import avatar_file, stored_path
from .job import JobOperator, Steps, active_avatar
from .request import request

if TYPE_CHECKING:
    import numpy as np
    from bpy.utils.previews import ImagePreviewCollection

    from ..rig.build import AvatarObjects

_pictures: "ImagePreviewCollection | None" = None  # by `_key`; opened with the first picture


def remember(avatar: "AvatarObjects", paths: list[str]) -> None:
    """Keep the names of an avatar's proposals on it; one alone is no choice."""
    names = [Path(path).name for path in paths]
    for thing in (avatar.armature, avatar.mesh):
        thing.likeness.proposals = json.dumps(names) if len(names) > 1 else ""


def proposals_of(armature: bpy.types.Object) -> list[str]:
    """The files to choose from, beside the avatar's own; none for an avatar without a choice."""
    stored, file = armature.likeness.proposals, avatar_file(armature)
    if not stored or not file:
        return []
    try:
        names = json.loads(stored)
    except ValueError:  # edited by hand
        return []
    folder = Path(file).parent
    return [str(folder / Path(name).name) for name in names if isinstance(name, str)]


def is_drawn(path: str) -> bool:
    """Whether there is a picture of a proposal, of the file as it is now."""
    return _pictures is not None and _key(path) in _pictures


def picture(path: str) -> int:
    """The icon of a proposal that is drawn."""
    assert _pictures is not None
    return _pictures[_key(path)].icon_id


def _key(path: str) -> str:
    """Another one when the file is written again: the next avatar of a photo has the same names."""
    try:
        return f"{os.stat(path).st_mtime_ns} {path}"
    except OSError:
        return path


def pictures_of(paths: list[str]) -> Steps:
    """Have the backend draw what is not drawn yet."""
    missing = [path for path in paths if not is_drawn(path)] if len(paths) > 1 else []
    if missing:
        _, drawn = yield from request("draw_proposals", {"paths": missing})
        for index, path in enumerate(missing):
            _keep(path, drawn[f"picture_{index}"])
            yield 1.0, "Drawing the proposals"


def _keep(path: str, pixels: "np.ndarray") -> None:
    """pixels: (H, W, 4) uint8 sRGB, straight alpha, row 0 on top."""
    import numpy as np
    from bpy.utils import previews

    global _pictures
    if _pictures is None:
        _pictures = previews.new()
    key = _key(path)
    preview = _pictures[key] if key in _pictures else _pictures.new(key)
    side = max(pixels.shape[:2])  # icons are square
    square = np.zeros((side, side, 4), np.uint8)
    top, left = (side - pixels.shape[0]) // 2, (side - pixels.shape[1]) // 2
    square[top : top + pixels.shape[0], left : left + pixels.shape[1]] = pixels
    preview.image_size = preview.icon_size = (side, side)
    flat = (square[::-1].astype(np.float32) / 255).ravel()
    preview.image_pixels_float.foreach_set(flat)
    preview.icon_pixels_float.foreach_set(flat)


class LIKENESS_OT_show_proposals(JobOperator, bpy.types.Operator):
    """Draw the proposals for the side that no photo shows"""

    bl_idname = "likeness.show_proposals"
    bl_label = "Show Proposals"
    bl_options = {"REGISTER"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return _has_proposals(cls, context) and super().poll(context)

    def job(self, context: bpy.types.Context) -> Steps:
        armature = active_avatar(context)
        assert armature is not None  # poll
        yield from pictures_of(proposals_of(armature))


class LIKENESS_OT_choose_proposal(JobOperator, bpy.types.Operator):
    """Complete the avatar as in this picture"""

    bl_idname = "likeness.choose_proposal"
    bl_label = "Choose Proposal"
    bl_options = {"REGISTER"}

    index: IntProperty(name="Proposal", description="The first is 0", min=0, options={"SKIP_SAVE"})

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return _has_proposals(cls, context) and super().poll(context)

    def job(self, context: bpy.types.Context) -> Steps:
        from ..rig.description import AvatarDescription

        armature = active_avatar(context)
        assert armature is not None  # poll
        paths, name = proposals_of(armature), armature.name
        path = paths[min(self.index, len(paths) - 1)]
        if not Path(path).is_file():
            raise AvatarMissing(f"There is no avatar file '{path}': put it back beside the avatar's own file.")
        body, arrays = yield from request("describe_avatar", {"path": path})
        texture = AvatarDescription.from_wire({"path": path, **body}, arrays).texture
        armature = bpy.data.objects.get(name)  # an undo may have happened meanwhile
        if armature is None:
            raise AvatarMissing(f"The avatar '{name}' is gone: nothing was changed.")
        meshes = [o for o in bpy.data.objects if o.parent == armature and o.likeness.is_avatar_mesh]
        for mesh in meshes:
            yield from _exchange_picture(mesh, texture)
        for thing in (armature, *meshes):
            thing.likeness.avatar_path = stored_path(path)
        self.report({"INFO"}, f"'{name}' is completed as in '{Path(path).name}'")


def _exchange_picture(mesh: bpy.types.Object, texture: "np.ndarray") -> Steps:
    """A new picture in place of the old one: Blender keeps a picture's pixels in memory when a step is undone."""
    from ..rig.material import packed_image
    from ..rig.painting import avatar_image

    old = avatar_image(mesh)
    if old is None:
        return
    pieces, name = packed_image(old.name, texture), old.name
    while True:
        yield 0.95, "Taking the texture"
        try:
            next(pieces)
        except StopIteration as stop:
            new = stop.value
            break
    old.user_remap(new)
    bpy.data.images.remove(old)
    new.name = name


def _has_proposals(operator: type, context: bpy.types.Context) -> bool:
    armature = active_avatar(context)
    if armature is not None and armature.likeness.proposals:
        return True
    operator.poll_message_set("Select an avatar that was made with several proposals")  # type: ignore[attr-defined]
    return False


def unregister() -> None:
    """Free the pictures."""
    global _pictures
    if _pictures is not None:
        from bpy.utils import previews

        previews.remove(_pictures)
        _pictures = None


classes = (LIKENESS_OT_show_proposals, LIKENESS_OT_choose_proposal)
