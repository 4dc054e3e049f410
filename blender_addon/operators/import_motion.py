"""likeness.import_motion: a SMPL-X or AMASS motion, or a BVH of another skeleton, onto the active avatar."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import bpy
from bpy.props import BoolProperty, EnumProperty, FloatProperty, IntProperty, StringProperty

from neural_core.errors import MotionError

from ..datablocks import kept_on_success
from .job import JobOperator, Steps, active_avatar
from .polling import avatar_is_active

if TYPE_CHECKING:
    from neural_core.motion import Motion

_HANDS = slice(25, 55)


class LIKENESS_OT_import_motion(JobOperator, bpy.types.Operator):
    """Animate the active avatar with a SMPL-X or AMASS motion (.npz), or with motion capture (.bvh)"""

    bl_idname = "likeness.import_motion"
    bl_label = "Import Motion"
    bl_options = {"REGISTER"}

    filepath: StringProperty(
        name="File", description="SMPL-X or AMASS motion, or BVH", subtype="FILE_PATH", options={"SKIP_SAVE"}
    )
    filter_glob: StringProperty(default="*.npz;*.bvh", options={"HIDDEN"})
    up: EnumProperty(
        name="Up",
        description="Which axis of the motion's world is up",
        items=(
            ("AUTO", "Automatic", "As the file says, or else where the body's own up points", 0),
            ("Y", "Y", "As in SMPL-X results", 1),
            ("Z", "Z", "As in AMASS", 2),
        ),
        default="AUTO",
    )
    place: EnumProperty(
        name="Place",
        description="Where the motion happens",
        items=(
            ("GROUND", "On the Ground", "It starts where the avatar stands, its lowest point on the ground", 0),
            ("ON_THE_SPOT", "On the Spot", "On the ground, without travelling", 1),
            ("FILE", "As in the File", "Exactly the translation that the file holds", 2),
        ),
        default="GROUND",
    )
    fps: FloatProperty(
        name="Frame Rate",
        description="Of the motion; 0 takes what its file says",
        default=0.0,
        min=0.0,
        max=1000.0,
    )
    start_frame: IntProperty(name="Start Frame", description="Frame of the motion's first pose", default=1)
    resample: BoolProperty(
        name="Keep Speed", description="Resample to the scene's frame rate; otherwise one pose per frame", default=True
    )
    set_range: BoolProperty(
        name="Set Frame Range", description="Fit the scene's frame range to the motion", default=True
    )
    expression: BoolProperty(
        name="Expression",
        description="Take over the motion's expression; sensible only when it was made for this avatar's body model",
        default=False,
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return super().poll(context) and avatar_is_active(cls, context)

    def job(self, context: bpy.types.Context) -> Steps:
        from neural_core.bvh import Bvh, read_bvh
        from neural_core.motion import read_motion

        yield 0.1, "Reading the motion"
        path = Path(bpy.path.abspath(self.filepath))
        read = read_bvh(path) if path.suffix.lower() == ".bvh" else read_motion(path, up=self.up.lower())
        from ..pose.retarget import retarget
        from ..rig.animation import write_motion_action
        from ..rig.pose import Joints, avatar_meshes

        yield 0.5, "Writing the animation"
        # Resolved here: between two steps the user may have undone or deleted anything.
        scene, armature = context.scene, active_avatar(context)
        if armature is None or not Joints.complete(armature):
            raise MotionError("This avatar has lost a bone: select another one, or import it again.")
        motion = retarget(read, Joints.of(armature)) if isinstance(read, Bvh) else read
        if self.fps > 0:
            motion = replace(motion, fps=self.fps)
        if self.resample:
            motion = motion.resampled(scene.render.fps / scene.render.fps_base)
        motion = with_relaxed_hands(armature, motion)
        mesh = next(iter(avatar_meshes(armature)), None)
        if self.place != "FILE" and mesh is not None:
            motion = placed(armature, mesh, motion, on_the_spot=self.place == "ON_THE_SPOT")
        with kept_on_success():
            write_motion_action(armature, mesh, motion, path.stem, self.start_frame, self.expression)
        if self.set_range:
            scene.frame_start, scene.frame_end = self.start_frame, self.start_frame + len(motion) - 1
        scene.frame_set(self.start_frame)
        for warning in motion.warnings:
            self.report({"WARNING"}, warning)
        self.report({"INFO"}, f"{len(motion)} frames of '{path.stem}' on '{armature.name}'")


def with_relaxed_hands(armature: bpy.types.Object, motion: "Motion") -> "Motion":
    """A motion that knows no fingers gets the body's relaxed hands instead of flat ones."""
    import numpy as np

    if motion.has_hands:
        return motion
    poses = motion.poses.copy()
    poses[:, _HANDS] = np.array(armature.data["likeness_hands_mean"]).reshape(30, 3)
    return replace(motion, poses=poses)


def placed(armature: bpy.types.Object, mesh: bpy.types.Object, motion: "Motion", on_the_spot: bool) -> "Motion":
    """The motion with its lowest point on the ground, beginning where the avatar stands now."""
    from ..rig.ground import lowest_points
    from ..rig.pose import read_pose

    _, stands = read_pose(armature)
    trans = motion.trans - motion.trans[0] * [1, 0, 1] + stands * [1, 0, 1]
    if on_the_spot:
        trans[:, [0, 2]] = stands[[0, 2]]
    trans[:, 1] -= lowest_points(armature, mesh, motion.poses, trans).min()
    return replace(motion, trans=trans)


class LIKENESS_FH_motion(bpy.types.FileHandler):
    """A motion dropped into the viewport while an avatar is active"""

    bl_idname = "LIKENESS_FH_motion"
    bl_label = "Likeness Motion"
    bl_import_operator = LIKENESS_OT_import_motion.bl_idname
    bl_file_extensions = ".npz;.bvh"

    @classmethod
    def poll_drop(cls, context: bpy.types.Context) -> bool:
        return context.area is not None and context.area.type == "VIEW_3D" and active_avatar(context) is not None


classes = (LIKENESS_OT_import_motion, LIKENESS_FH_motion)
