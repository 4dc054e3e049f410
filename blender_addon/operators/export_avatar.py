"""likeness.export_avatar: the active avatar as GLB or FBX for other programs."""

from pathlib import Path

import bpy
from bpy.props import BoolProperty, EnumProperty, IntProperty, StringProperty

from neural_core.errors import OutputError

from ..export.avatar import ExportOptions, export_avatar
from ..rig.pose import Joints, avatar_meshes
from .job import JobOperator, Steps, active_avatar


class LIKENESS_OT_export_avatar(JobOperator, bpy.types.Operator):
    """Write the active avatar as GLB or FBX, rigged and textured; the scene stays as it is"""

    bl_idname = "likeness.export_avatar"
    bl_label = "Export Avatar"
    bl_options = {"REGISTER"}

    filepath: StringProperty(
        name="File", description="Name that ends with .glb or .fbx", subtype="FILE_PATH", options={"SKIP_SAVE"}
    )
    filter_glob: StringProperty(default="*.glb;*.fbx", options={"HIDDEN"})
    check_existing: BoolProperty(default=True, options={"HIDDEN"})
    animation: BoolProperty(
        name="Animation", description="The scene's frame range; otherwise the pose of this frame", default=True
    )
    correctives: BoolProperty(
        name="Pose Correctives",
        description="Keep the surface's bulges and folds as morph targets, animated where there is an animation",
        default=True,
    )
    expressions: BoolProperty(
        name="Expressions", description="Keep the facial expressions as morph targets", default=True
    )
    texture_size: IntProperty(name="Texture Size", description="Pixels, square", default=1024, min=64, max=8192)
    influences: EnumProperty(
        name="Joints per Vertex",
        description="How many joints may move a vertex in the file",
        items=(
            ("FOUR", "4", "What every viewer and game engine reads", 4),
            ("EIGHT", "8", "Every weight as it is; viewers that read only four show errors", 8),
        ),
        default="FOUR",
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if not super().poll(context):
            return False
        if active_avatar(context) is None:
            cls.poll_message_set("Select an avatar first")
            return False
        return True

    def suggest_filepath(self, context: bpy.types.Context) -> None:
        folder = Path(bpy.data.filepath).parent if bpy.data.filepath else Path.home()
        avatar = active_avatar(context)
        self.filepath = str(folder / f"{avatar.name if avatar else 'avatar'}.glb")

    def job(self, context: bpy.types.Context) -> Steps:
        # One piece: while the copy exists, nobody may undo or save.
        yield 0.1, "Writing the avatar"
        armature = active_avatar(context)
        if armature is None or not Joints.complete(armature) or not avatar_meshes(armature):
            raise OutputError("This avatar has lost its mesh or a bone: import the avatar again.")
        path = Path(bpy.path.abspath(self.filepath))
        options = ExportOptions(
            animation=self.animation,
            correctives=self.correctives,
            expressions=self.expressions,
            texture_size=self.texture_size,
            influences=8 if self.influences == "EIGHT" else 4,
        )
        export_avatar(context, armature, path, options)
        self.report({"INFO"}, f"'{path}' written, {path.stat().st_size / 1e6:.1f} MB")


classes = (LIKENESS_OT_export_avatar,)
