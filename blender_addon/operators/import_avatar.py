"""likeness.import_avatar: a .likeness file as armature, mesh, material and photo camera."""

from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING

import bpy
from bpy.props import BoolProperty, StringProperty

from neural_core.errors import AvatarFileError, AvatarMissing

from ..datablocks import kept_on_success
from ..lazily import BACKEND, import_next
from .job import JobOperator, Steps
from .request import request

if TYPE_CHECKING:
    from ..rig.build import AvatarObjects

_RIG = __name__.replace("operators.import_avatar", "rig.")
_BUILDING = tuple(_RIG + name for name in ("description", "mesh", "build", "first_look"))


class LIKENESS_OT_import_avatar(JobOperator, bpy.types.Operator):
    """Add an avatar from its file: armature, mesh, material and the camera of its photo"""

    bl_idname = "likeness.import_avatar"
    bl_label = "Import Avatar"
    bl_options = {"REGISTER"}

    filepath: StringProperty(name="File", description="Avatar file", subtype="FILE_PATH", options={"SKIP_SAVE"})
    filter_glob: StringProperty(default="*.likeness", options={"HIDDEN"})
    photo_pose: BoolProperty(
        name="Pose of the Photo", description="Stand as in the photo; otherwise in the rest pose", default=True
    )
    photo_camera: BoolProperty(
        name="Camera of the Photo",
        description="Add the camera that took the photo, look through it and use the photo's resolution",
        default=True,
    )

    def job(self, context: bpy.types.Context) -> Steps:
        path = Path(bpy.path.abspath(self.filepath))
        if not path.is_file():
            raise AvatarMissing(f"There is no avatar file '{path}': choose a .likeness file.")
        avatar = yield from describe_and_build(self, context, path)
        self.report({"INFO"}, f"Avatar '{avatar.armature.name}' imported")


def describe_and_build(operator, context: bpy.types.Context, path: Path) -> Steps:
    """Ask the backend what is in the file, then build it; nothing is left when that fails."""
    while import_next(*BACKEND, *_BUILDING):
        yield 0.0, "Starting"
    from ..rig.build import build_steps
    from ..rig.description import AvatarDescription
    from ..rig.first_look import show_avatar

    body, arrays = yield from request("describe_avatar", {"path": str(path)})
    description = AvatarDescription.from_wire({"path": str(path), **body}, arrays)
    steps = build_steps(description, context, photo_pose=operator.photo_pose, photo_camera=operator.photo_camera)
    with kept_on_success():
        avatar = yield from _building(steps)
        show_avatar(context, avatar)
        return avatar


def _building(steps: "Generator[None, None, AvatarObjects]") -> Steps:
    """The pieces of the building as steps of the job; what happens between them must leave its parts alone."""
    try:
        while True:
            yield 0.9, "Building the avatar"
            next(steps)
    except StopIteration as stop:
        return stop.value
    except ReferenceError as error:
        raise AvatarFileError("The scene was changed while the avatar was built: import the avatar again.") from error


class LIKENESS_FH_avatar(bpy.types.FileHandler):
    """An avatar file dropped into the viewport"""

    bl_idname = "LIKENESS_FH_avatar"
    bl_label = "Likeness Avatar"
    bl_import_operator = LIKENESS_OT_import_avatar.bl_idname
    bl_file_extensions = ".likeness"

    @classmethod
    def poll_drop(cls, context: bpy.types.Context) -> bool:
        return context.area is not None and context.area.type == "VIEW_3D"


classes = (LIKENESS_OT_import_avatar, LIKENESS_FH_avatar)
