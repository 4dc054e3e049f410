"""The second panel: from the photo to the avatar, and what else the file can be filled with."""

import bpy

from ..photo.properties import photos_of
from ..translations import interface
from .message import show_message


class LIKENESS_PT_avatar(bpy.types.Panel):
    bl_label = "Avatar"
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "Likeness"
    bl_order = 1

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        assert layout is not None  # Blender sets it before it draws
        job = context.window_manager.likeness_job
        if job.status in {"RUNNING", "ABORTING"}:
            stage = interface(job.stage or "Working")
            left = interface("{stage}, {seconds} s left").format(stage=stage, seconds=job.eta)
            layout.progress(factor=job.fraction, text=left if job.eta >= 0 else stage)
            layout.operator("likeness.stop_job", icon="X")
            return
        create = layout.row()
        create.scale_y = 2.0
        group = photos_of(context)
        text = "Create Avatar" if group.photos else "Avatar from Photo"
        create.operator("likeness.create_avatar", text=text, icon="OUTLINER_OB_ARMATURE")
        if group.photos:
            layout.prop(group, "proposals")
        layout.operator("likeness.import_avatar", icon="IMPORT")
        layout.operator("likeness.export_avatar", icon="EXPORT")
        if job.message and job.status != "FAILED":  # a failure has the Trouble panel, with its remedies
            show_message(layout, context, job.message)


classes = (LIKENESS_PT_avatar,)
