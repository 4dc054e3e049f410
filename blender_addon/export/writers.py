"""GLB and FBX through Blender's own exporters, with the options that keep an avatar whole."""

from pathlib import Path

import bpy


def write_glb(path: Path, title: str, *, animation: bool, influences: int) -> None:
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
        export_image_format="AUTO",
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


def write_fbx(path: Path, *, animation: bool) -> None:
    """The selected objects of the context's scene as FBX with the texture inside."""
    bpy.ops.export_scene.fbx(
        filepath=str(path),
        use_selection=True,
        object_types={"ARMATURE", "MESH"},
        use_mesh_modifiers=False,
        mesh_smooth_type="OFF",
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
