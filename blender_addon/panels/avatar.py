"""The one panel that leads from photo to export."""

import bpy


class LIKENESS_PT_avatar(bpy.types.Panel):
    bl_label = "Likeness"
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "Likeness"

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        job = context.window_manager.likeness_job
        if job.status in {"RUNNING", "ABORTING"}:
            layout.progress(factor=job.fraction, text=job.stage)
            layout.operator("likeness.stop_job", icon="X")
            return
        create = layout.row()
        create.scale_y = 2.0
        create.operator("likeness.create_avatar", text="Avatar from Photo", icon="IMAGE_DATA")
        layout.operator("likeness.import_avatar", icon="IMPORT")
        layout.operator("likeness.import_motion", icon="ARMATURE_DATA")
        layout.operator("likeness.export_avatar", icon="EXPORT")
        if job.message:
            box = layout.box()
            box.alert = job.status == "FAILED"
            box.label(text=job.message, icon="ERROR" if box.alert else "INFO")


classes = (LIKENESS_PT_avatar,)
