"""A gallery of the proposals for the side that no photo shows."""

import bpy

from ..avatar_files import avatar_file
from ..operators.job import active_avatar
from ..operators.proposals import is_drawn, picture, proposals_of


class LIKENESS_PT_proposals(bpy.types.Panel):
    bl_label = "Unseen Side"
    bl_parent_id = "LIKENESS_PT_avatar"
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "Likeness"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        armature = active_avatar(context)
        return armature is not None and bool(armature.likeness.proposals)

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        armature = active_avatar(context)
        assert layout is not None and armature is not None  # poll
        paths, now = proposals_of(armature), avatar_file(armature)
        if not all(is_drawn(path) for path in paths):
            layout.operator("likeness.show_proposals", icon="IMAGE_DATA")
        grid = layout.grid_flow(row_major=True, columns=2, even_columns=True)
        for index, path in enumerate(paths):
            cell = grid.column(align=True)
            if is_drawn(path):
                cell.template_icon(picture(path), scale=6.0)
            cell.operator("likeness.choose_proposal", text=str(index + 1), depress=path == now).index = index


classes = (LIKENESS_PT_proposals,)
