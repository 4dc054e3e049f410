"""Files through Blender's own exporters, with the options that keep an avatar whole."""

from pathlib import Path
from typing import Literal

import bpy

FbxScale = Literal["FBX_SCALE_NONE", "FBX_SCALE_UNITS", "FBX_SCALE_ALL"]
_OPERATORS = {".abc": "alembic_export", ".usdz": "usd_export"}


def missing(suffix: str) -> bool:
    """Whether this Blender was built without what writes such files."""
    return suffix in _OPERATORS and _OPERATORS[suffix] not in dir(bpy.ops.wm)


def write_glb(path: Path, title: str, *, animation: bool, influences: int, jpeg: bool) -> None:
    """The selected objects of the context's scene as one binary glTF file; `title` names the animation."""
    bpy.ops.export_scene.gltf(
        filepath=str(path),
        export_format="GLB",
        use_selection=True,
        use_active_scene=True,
        export_yup=True,
        export_apply=False,  # applying modifiers would drop the shape keys
        export_texcoords=True,
        export_normals=True,
        export_materials="EXPORT",
        export_image_format="JPEG" if jpeg else "AUTO",
        export_image_quality=90,
        export_skins=True,
        export_all_influences=influences > 4,
        export_influence_nb=influences,
        export_def_bones=False,
        export_rest_position_armature=False,  # nodes carry the pose of this frame
        export_morph=True,
        export_morph_normal=False,  # sixty targets' normals weigh more than everything else together
        export_try_sparse_sk=True,
        export_animations=animation,
        export_animation_mode="ACTIVE_ACTIONS",
        export_force_sampling=True,
        export_nla_strips_merged_animation_name=title,
        export_frame_range=True,
        export_morph_animation=True,
        export_optimize_animation_size=True,
        export_optimize_animation_keep_anim_armature=False,
        export_cameras=False,
        export_lights=False,
        export_extras=False,
    )


def write_fbx(path: Path, *, animation: bool, scale: FbxScale) -> None:
    """The selected objects of the context's scene as FBX with the texture inside."""
    bpy.ops.export_scene.fbx(
        filepath=str(path),
        use_selection=True,
        object_types={"ARMATURE", "MESH"},
        use_mesh_modifiers=False,
        mesh_smooth_type="OFF",
        apply_scale_options=scale,
        add_leaf_bones=False,
        primary_bone_axis="Y",
        secondary_bone_axis="X",
        use_armature_deform_only=False,
        path_mode="COPY",
        embed_textures=True,
        bake_anim=animation,
        bake_anim_use_all_actions=False,
        bake_anim_use_nla_strips=False,
        bake_anim_force_startend_keying=True,
        bake_anim_simplify_factor=0.0,
    )


def write_obj(path: Path) -> None:
    """The selected mesh as it is posed in the context's frame, with its material beside it; y up."""
    bpy.ops.wm.obj_export(
        filepath=str(path),
        export_selected_objects=True,
        export_animation=False,
        apply_modifiers=True,
        forward_axis="NEGATIVE_Z",
        up_axis="Y",
        path_mode="STRIP",
        export_pbr_extensions=False,
    )


def write_alembic(path: Path, first: int, last: int) -> None:
    """The selected mesh as it moves, vertex by vertex."""
    bpy.ops.wm.alembic_export(
        filepath=str(path), start=first, end=last, selected=True, uvs=True, normals=True, face_sets=True,
        evaluation_mode="VIEWPORT", as_background_job=False,
        export_custom_properties=False,  # bytes among them, as ours are, abort Blender
    )  # fmt: skip


def write_usdz(path: Path, *, animation: bool) -> None:
    """The selected mesh as it moves, vertex by vertex, with its texture inside; y up, in metres."""
    bpy.ops.wm.usd_export(
        filepath=str(path),
        selected_objects_only=True,
        export_animation=animation,
        export_armatures=False,
        export_shapekeys=False,
        export_materials=True,
        export_textures_mode="NEW",
        export_custom_properties=False,
        convert_world_material=False,
        convert_orientation=True,
        export_global_forward_selection="NEGATIVE_Z",
        export_global_up_selection="Y",
        evaluation_mode="VIEWPORT",
    )
