"""The panels for a person that is there: pose, face, look."""

from itertools import groupby

import bpy

from ..operators.job import active_avatar
from ..pose.library import LIBRARY
from ..translations import OWN, marked

_COLUMNS = 2  # three cut the longer names off
# First letters of an expression's name -> title of its part of the panel, in the order shown.
_FACE = (
    ("brow", marked("Brows")),
    ("eye", marked("Eyes")),
    ("cheek", marked("Cheeks and Nose")),
    ("nose", marked("Cheeks and Nose")),
    ("jaw", marked("Jaw")),
    ("mouth", marked("Mouth")),
    ("tongue", marked("Mouth")),
    ("", marked("Components")),
)


class _AvatarPanel:
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "Likeness"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return active_avatar(context) is not None


class LIKENESS_PT_pose(_AvatarPanel, bpy.types.Panel):
    bl_label = "Pose"
    bl_order = 10

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        assert layout is not None
        grid = layout.grid_flow(columns=_COLUMNS, even_columns=True, align=True, row_major=True)
        for key, pose in LIBRARY.items():
            grid.operator("likeness.apply_pose", text=pose.label).pose = key
        row = layout.row(align=True)
        row.operator("likeness.mirror_pose", text="Mirror", icon="MOD_MIRROR")
        row.operator("likeness.reset_pose", text="Reset", icon="LOOP_BACK")
        row.operator("likeness.save_pose", text="Save", icon="FILE_TICK")
        layout.operator("likeness.import_motion", icon="ARMATURE_DATA")
        layout.operator("likeness.add_pose_assets", icon="ASSET_MANAGER")
        avatar = active_avatar(context)
        if avatar is not None:
            shown = layout.row(align=True)
            for collection in avatar.data.collections:
                shown.prop(collection, "is_visible", text=collection.name, text_ctxt=OWN, toggle=True)


class LIKENESS_PT_face(_AvatarPanel, bpy.types.Panel):
    bl_label = "Face"
    bl_translation_context = OWN
    bl_order = 11
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        from ..rig.pose import avatar_meshes, expression_names

        layout = self.layout
        assert layout is not None
        avatar = active_avatar(context)
        layout.operator("likeness.reset_pose", text="Reset Face", icon="LOOP_BACK").body = False
        for mesh in avatar_meshes(avatar)[:1] if avatar is not None else ():
            keys = mesh.data.shape_keys.key_blocks
            for title, names in grouped(expression_names(mesh)):
                header, body = layout.panel(f"likeness_face_{title}", default_closed=True)
                header.label(text=title)
                if body is not None:
                    column = body.column(align=True)
                    for name in names:
                        column.prop(keys[name], "value", text=name, slider=True)


def grouped(names: list[str]) -> list[tuple[str, list[str]]]:
    """Expressions by part of the face, in the order of the panel."""

    def part(name: str) -> int:
        place = next(i for i, (start, _) in enumerate(_FACE) if name.startswith(start))
        return next(i for i, (_, title) in enumerate(_FACE) if title == _FACE[place][1])

    return [(_FACE[place][1], list(group)) for place, group in groupby(sorted(names, key=part), key=part)]


class LIKENESS_PT_look(_AvatarPanel, bpy.types.Panel):
    bl_label = "Look"
    bl_order = 12

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        assert layout is not None
        layout.operator("likeness.show_rendered", icon="SHADING_RENDERED")
        row = layout.row(align=True)
        row.operator("likeness.paint_texture", icon="TPAINT_HLT")
        row.operator("likeness.save_texture", text="Save Paint", icon="FILE_TICK")
        layout.operator("likeness.set_up_compositing", icon="NODE_COMPOSITING")


classes = (LIKENESS_PT_pose, LIKENESS_PT_face, LIKENESS_PT_look)
