"""What Likeness keeps on Blender's data: on objects, on the scene, and (never saved) on the window manager."""

import bpy
from bpy.props import (
    BoolProperty,
    EnumProperty,
    FloatProperty,
    FloatVectorProperty,
    IntProperty,
    PointerProperty,
    StringProperty,
)

from .typed import register_and_unregister

AVATAR_VERSION = 1  # of what this add-on stores in a .blend file
JOINT_ORDER_KEY = "likeness_joints"  # on an avatar's armature: names of its joints, one a line


class LIKENESS_PG_object(bpy.types.PropertyGroup):
    """On the armature and on the mesh of an avatar."""

    is_avatar: BoolProperty(name="Avatar", description="This armature moves a Likeness avatar")
    is_avatar_mesh: BoolProperty(name="Avatar Mesh", description="The Likeness engine draws this mesh as an avatar")
    avatar_path: StringProperty(
        name="Avatar File",
        description="The .likeness file that holds texture and person",
        subtype="FILE_PATH",
        options={"PATH_SUPPORTS_BLEND_RELATIVE"},
    )
    proposals: StringProperty(
        name="Proposals",
        description="JSON list of the files, beside the avatar's, that complete the unseen side in other ways",
    )
    version: IntProperty(name="Version", description="Of what the add-on stored here", default=0)


class LIKENESS_PG_scene(bpy.types.PropertyGroup):
    """Choices of the user, saved with the file."""

    quality: EnumProperty(
        name="Quality",
        description="How much work the Likeness engine puts into a frame",
        # The numbers are what a .blend file stores: never reuse one.
        items=(
            ("DRAFT", "Draft", "Fast, for a look while working", 1),
            ("FINAL", "Final", "The best this avatar can do", 2),
        ),
        default="FINAL",
    )
    background: EnumProperty(
        name="Background",
        description="What stands behind the avatars in a render",
        items=(
            ("TRANSPARENT", "Transparent", "Nothing: for compositing", 0),
            ("PLATE", "Plate", "A picture that fills the frame, for example the photo", 1),
            ("COLOR", "Color", "One color", 2),
        ),
        default="TRANSPARENT",
    )
    background_image: PointerProperty(name="Plate", description="The picture behind the avatars", type=bpy.types.Image)
    background_color: FloatVectorProperty(
        name="Color",
        description="Behind the avatars",
        subtype="COLOR",
        size=3,
        min=0.0,
        max=1.0,
        default=(0.5, 0.5, 0.5),
    )


def redraw_sidebars(context: bpy.types.Context) -> None:
    """Draw the panels again; not the 3D views beside them, which can take long."""
    for window in context.window_manager.windows:
        for area in window.screen.areas:
            if area.type == "VIEW_3D":
                for region in area.regions:
                    if region.type == "UI":
                        region.tag_redraw()


def _redraw(self, context: bpy.types.Context) -> None:
    redraw_sidebars(context)


class LIKENESS_PG_job(bpy.types.PropertyGroup):
    """The job that runs now; one at a time, never saved."""

    status: EnumProperty(
        name="Status",
        items=(
            ("IDLE", "Idle", "No job has run yet", 0),
            ("RUNNING", "Running", "A job is at work", 1),
            ("ABORTING", "Aborting", "The job was asked to stop", 2),
            ("DONE", "Done", "The last job finished", 3),
            ("ABORTED", "Aborted", "The last job was stopped; nothing was changed", 4),
            ("FAILED", "Failed", "The last job failed; nothing was changed", 5),
        ),
        default="IDLE",
        update=_redraw,
        options={"SKIP_SAVE"},
    )
    fraction: FloatProperty(name="Progress", subtype="FACTOR", min=0.0, max=1.0, options={"SKIP_SAVE"}, update=_redraw)
    stage: StringProperty(name="Stage", options={"SKIP_SAVE"}, update=_redraw)
    eta: IntProperty(name="Seconds Left", description="-1 until it can be told", default=-1, options={"SKIP_SAVE"})
    message: StringProperty(name="Message", options={"SKIP_SAVE"}, update=_redraw)


classes = (LIKENESS_PG_object, LIKENESS_PG_scene, LIKENESS_PG_job)
_pointers = (
    (bpy.types.Object, "likeness", LIKENESS_PG_object),
    (bpy.types.Scene, "likeness", LIKENESS_PG_scene),
    (bpy.types.WindowManager, "likeness_job", LIKENESS_PG_job),
)
_register_classes, _unregister_classes = register_and_unregister(classes)


def register() -> None:
    _register_classes()
    for owner, name, group in _pointers:
        setattr(owner, name, PointerProperty(type=group))


def unregister() -> None:
    for owner, name, _ in _pointers:
        delattr(owner, name)
    _unregister_classes()
