"""likeness.apply_pose, reset_pose, mirror_pose, save_pose, add_pose_assets: what one does with a pose."""

from pathlib import Path

import bpy
from bpy.props import BoolProperty, EnumProperty, StringProperty

from neural_core.errors import LikenessError, OutputError

from ..pose.library import LIBRARY
from ..typed import scene_of
from .job import active_avatar
from .polling import avatar_is_active

_POSES = tuple((key, pose.label, pose.label, number) for number, (key, pose) in enumerate(LIBRARY.items()))


class AvatarOperator:
    """Base of the operators that change the active avatar at once; `change` raises LikenessError when it cannot."""

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if not avatar_is_active(cls, context):
            return False
        from ..rig.pose import Joints

        if not Joints.complete(active_avatar(context)):
            cls.poll_message_set("This avatar has lost a bone: import it again")  # type: ignore[attr-defined]
            return False
        return True

    def execute(self, context: bpy.types.Context) -> set[str]:
        armature = active_avatar(context)
        assert armature is not None  # poll
        try:
            self.change(context, armature)
        except LikenessError as error:
            self.report({"ERROR"}, str(error))  # type: ignore[attr-defined]
            return {"CANCELLED"}
        return {"FINISHED"}

    def change(self, context: bpy.types.Context, armature: bpy.types.Object) -> None:
        raise NotImplementedError


def _posed(context: bpy.types.Context, armature: bpy.types.Object) -> None:
    """Keys where the user has Blender record them, or where an animation would take the pose back."""
    animated = armature.animation_data is not None and armature.animation_data.action is not None
    if animated or scene_of(context).tool_settings.use_keyframe_insert_auto:
        from ..pose.apply import key_pose

        key_pose(armature, scene_of(context).frame_current)


class LIKENESS_OT_apply_pose(AvatarOperator, bpy.types.Operator):
    """Take a pose of the library, standing on the ground where the avatar stands"""

    bl_idname = "likeness.apply_pose"
    bl_label = "Apply Pose"
    bl_options = {"REGISTER", "UNDO"}

    pose: EnumProperty(name="Pose", items=_POSES, default="STAND")

    def change(self, context: bpy.types.Context, armature: bpy.types.Object) -> None:
        from ..pose.apply import library_pose, stand

        stand(armature, library_pose(armature, self.pose))
        _posed(context, armature)


class LIKENESS_OT_reset_pose(AvatarOperator, bpy.types.Operator):
    """Back to the rest pose, on the ground, and to a face at rest"""

    bl_idname = "likeness.reset_pose"
    bl_label = "Reset Pose"
    bl_options = {"REGISTER", "UNDO"}

    body: BoolProperty(name="Body", description="Joints in the rest pose", default=True)
    face: BoolProperty(name="Face", description="No expression", default=True)

    def change(self, context: bpy.types.Context, armature: bpy.types.Object) -> None:
        import numpy as np

        from ..pose.apply import stand
        from ..rig.pose import apply_expression, avatar_meshes, current_expression

        if self.face:
            for mesh in avatar_meshes(armature):
                apply_expression(mesh, np.zeros_like(current_expression(armature)))
        if self.body:
            stand(armature, np.zeros((55, 3)))
            _posed(context, armature)


class LIKENESS_OT_mirror_pose(AvatarOperator, bpy.types.Operator):
    """Exchange left and right of the pose and of the expression"""

    bl_idname = "likeness.mirror_pose"
    bl_label = "Mirror Pose"
    bl_options = {"REGISTER", "UNDO"}

    def change(self, context: bpy.types.Context, armature: bpy.types.Object) -> None:
        from ..pose.apply import mirror_pose

        mirror_pose(armature)
        _posed(context, armature)


class LIKENESS_OT_add_pose_assets(AvatarOperator, bpy.types.Operator):
    """Add the pose library to this file as pose assets, for the asset browser and Blender's own pose tools"""

    bl_idname = "likeness.add_pose_assets"
    bl_label = "Poses as Assets"
    bl_options = {"REGISTER", "UNDO"}

    def change(self, context: bpy.types.Context, armature: bpy.types.Object) -> None:
        from ..pose.assets import add_pose_assets

        made = add_pose_assets(armature)
        self.report({"INFO"}, f"{len(made)} pose assets added to this file")


class LIKENESS_OT_save_pose(AvatarOperator, bpy.types.Operator):
    """Write the pose, or the animation of the scene's frame range, as a SMPL-X motion (.npz)"""

    bl_idname = "likeness.save_pose"
    bl_label = "Save Pose"
    bl_options = {"REGISTER"}

    filepath: StringProperty(
        name="File", description="Name that ends with .npz", subtype="FILE_PATH", options={"SKIP_SAVE"}
    )
    filter_glob: StringProperty(default="*.npz", options={"HIDDEN"})
    check_existing: BoolProperty(default=True, options={"HIDDEN"})
    animation: BoolProperty(
        name="Animation", description="All frames of the scene's range instead of this one", default=False
    )

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        if not self.filepath:
            avatar = active_avatar(context)
            folder = Path(bpy.data.filepath).parent if bpy.data.filepath else Path.home()
            self.filepath = str(folder / f"{avatar.name if avatar else 'pose'}.npz")
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def change(self, context: bpy.types.Context, armature: bpy.types.Object) -> None:
        import numpy as np

        from neural_core.motion import Motion, write_motion
        from neural_core.output import check_writable

        from ..rig.pose import current_expression, read_pose

        path = Path(bpy.path.abspath(self.filepath))
        if path.suffix.lower() != ".npz":
            raise OutputError(f"'{path.name}' is no name for a pose: end it with .npz.")
        check_writable(path)
        scene = scene_of(context)
        here = scene.frame_current
        frames = range(scene.frame_start, scene.frame_end + 1) if self.animation else (here,)
        poses, trans, expressions = [], [], []
        for frame in frames:
            if frame != scene.frame_current:
                scene.frame_set(frame)
            pose, transl = read_pose(armature)
            poses.append(pose)
            trans.append(transl)
            expressions.append(current_expression(armature)[:10])
        if scene.frame_current != here:
            scene.frame_set(here)
        expression = np.array(expressions) if len(expressions[0]) else None
        fps = scene.render.fps / scene.render.fps_base
        try:
            write_motion(path, Motion(np.array(poses), np.array(trans), fps, expression=expression))
        except OSError as error:
            raise OutputError(f"'{path}' could not be written ({error.strerror or error}).") from error
        self.report({"INFO"}, f"'{path}' written: {len(poses)} frames" if self.animation else f"'{path}' written")


classes = (
    LIKENESS_OT_apply_pose,
    LIKENESS_OT_reset_pose,
    LIKENESS_OT_mirror_pose,
    LIKENESS_OT_add_pose_assets,
    LIKENESS_OT_save_pose,
)
