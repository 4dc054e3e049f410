"""likeness.create_avatar: photos in; .likeness file, armature, mesh, material and camera out."""

from pathlib import Path
from typing import Any

import bpy
from bpy.props import BoolProperty, FloatProperty, IntProperty, StringProperty

from neural_core.errors import PhotoError

from ..photo.properties import corrections, photos_of
from .import_avatar import describe_and_build
from .job import JobOperator, Steps
from .proposals import pictures_of, remember
from .request import request

_CREATION = 0.9  # share of the whole job; the rest is building the rig


class LIKENESS_OT_create_avatar(JobOperator, bpy.types.Operator):
    """Make a rigged, textured avatar of the person in the photo"""

    bl_idname = "likeness.create_avatar"
    bl_label = "Create Avatar"
    bl_options = {"REGISTER"}

    filepath: StringProperty(
        name="Photo",
        description="Photo of the whole person; empty: the photos that are open, as they were corrected",
        subtype="FILE_PATH",
        options={"SKIP_SAVE"},
    )
    filter_image: BoolProperty(default=True, options={"HIDDEN"})
    filter_folder: BoolProperty(default=True, options={"HIDDEN"})
    output: StringProperty(
        name="Avatar File",
        description="Where to save the avatar; by default beside the .blend file, or beside the photo",
        subtype="FILE_PATH",
        options={"SKIP_SAVE"},
    )
    seed: IntProperty(name="Seed", description="Of everything random; the same seed gives the same avatar", default=0)
    focal: FloatProperty(
        name="Focal Length",
        description="Of the photo, in pixels; 0 takes what the photo's file says, or a guess",
        default=0.0,
        min=0.0,
    )
    person: IntProperty(
        name="Person", description="Which one, when several are in the picture: 0 is the largest", default=0, min=0
    )
    photo_pose: BoolProperty(
        name="Pose of the Photo", description="Stand as in the photo; otherwise in the rest pose", default=True
    )
    photo_camera: BoolProperty(
        name="Camera of the Photo",
        description="Add the camera that took the photo, look through it and use the photo's resolution",
        default=True,
    )

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        if not self.filepath and photos_of(context).photos:
            return self._start(context)
        return super().invoke(context, event)

    def job(self, context: bpy.types.Context) -> Steps:
        wanted = self._file() if self.filepath else self._open_photos(context)
        creation = request("create_avatar", wanted)
        result, _ = yield from scaled(creation, 0.0, _CREATION)
        for warning in result.get("warnings", ()):
            self.report({"WARNING"}, str(warning))
        pictures = scaled(pictures_of(result.get("proposals", [])), _CREATION, _CREATION)
        yield from pictures
        if not self.filepath:
            from ..photo import view

            view.close_soon()  # before the viewport turns to the avatar: it is as wide as it will be
        avatar = yield from scaled(describe_and_build(self, context, Path(result["path"])), _CREATION, 1.0)
        remember(avatar, result.get("proposals", []))
        self.report({"INFO"}, f"Avatar '{avatar.armature.name}' created in '{result['path']}'")

    def _file(self) -> dict[str, Any]:
        """The request for one file, as it is."""
        photo = Path(bpy.path.abspath(self.filepath))
        if not photo.is_file():
            raise PhotoError(f"There is no photo '{photo}': choose a JPEG, PNG or WebP file.")
        wanted = {"photo": str(photo), "output": str(self._output(photo)), "seed": self.seed}
        if self.focal > 0:
            wanted["focal"] = self.focal
        if self.person > 0:
            wanted["person"] = self.person
        return wanted

    def _open_photos(self, context: bpy.types.Context) -> dict[str, Any]:
        """The request for the scene's photos, as they were corrected."""
        from ..photo.live import live_of

        entries = []
        for photo in photos_of(context).photos:
            path = Path(bpy.path.abspath(photo.filepath))
            if not path.is_file():
                raise PhotoError(f"There is no photo '{path}': open it again from where it is now.")
            session = live_of(str(path), photo.person).session
            entry = {"photo": str(path), "person": photo.person, **corrections(photo)}
            entries.append({**entry, "session": session} if session else entry)
        if not entries:
            raise PhotoError("No photo is open: open one, or name a file.")
        output = str(self._output(Path(entries[0]["photo"])))
        wanted = {"photos": entries, "output": output, "seed": self.seed}
        proposals = photos_of(context).proposals
        return {**wanted, "proposals": proposals} if proposals > 1 else wanted

    def _output(self, photo: Path) -> Path:
        if self.output:
            return Path(bpy.path.abspath(self.output)).with_suffix(".likeness")
        folder = Path(bpy.data.filepath).parent if bpy.data.filepath else photo.parent
        return folder / f"{photo.stem}.likeness"


def scaled(steps: Steps, start: float, end: float) -> Steps:
    """The steps of a part of a job, its [0, 1] being the whole's [start, end]; returns what the part returns."""
    while True:
        try:
            fraction, stage = next(steps)
        except StopIteration as stop:
            return stop.value
        yield start + (end - start) * fraction, stage


classes = (LIKENESS_OT_create_avatar,)
