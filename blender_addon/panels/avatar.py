"""The one panel that leads from photo to export."""

import textwrap

import bpy

from ..properties import LIKENESS_PG_job

_LETTER = 8.0  # pixels, mean width of Blender's interface font with room for the box's margins


class LIKENESS_PT_avatar(bpy.types.Panel):
    bl_label = "Likeness"
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "Likeness"

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        assert layout is not None  # Blender sets it before it draws
        job = context.window_manager.likeness_job
        if job.status in {"RUNNING", "ABORTING"}:
            layout.progress(factor=job.fraction, text=job.stage or "Working")
            layout.operator("likeness.stop_job", icon="X")
            return
        create = layout.row()
        create.scale_y = 2.0
        create.operator("likeness.create_avatar", text="Avatar from Photo", icon="IMAGE_DATA")
        layout.operator("likeness.import_avatar", icon="IMPORT")
        layout.operator("likeness.import_motion", icon="ARMATURE_DATA")
        layout.operator("likeness.export_avatar", icon="EXPORT")
        if job.message:
            _show_message(layout, context, job)


def _show_message(layout: bpy.types.UILayout, context: bpy.types.Context, job: LIKENESS_PG_job) -> None:
    """The sentence of the last job, broken into lines: Blender's labels do not wrap."""
    box = layout.box().column(align=True)
    box.alert = job.status == "FAILED"
    scale = context.preferences.system.ui_scale
    letters = max(20, int(context.region.width / (_LETTER * scale)))
    for number, line in enumerate(textwrap.wrap(job.message, letters)):
        box.label(text=line, icon="NONE" if number else "ERROR" if box.alert else "INFO")


classes = (LIKENESS_PT_avatar,)
