"""likeness.export_avatar: the active avatar as a file for other programs."""

from pathlib import Path

import bpy
from bpy.props import BoolProperty, EnumProperty, StringProperty

from neural_core.errors import OutputError

from .job import JobOperator, Steps, active_avatar
from .polling import avatar_is_active

_GAME = {"correctives": True, "expressions": True, "influences": "FOUR", "jpeg": False}
_OPTIONS = ("animation", "correctives", "expressions", "texture_size", "influences", "jpeg", "fbx_scale")
# Preset -> the file's kind and the options it sets.
_PRESETS = {
    "UNITY": (".fbx", {**_GAME, "texture_size": "2K", "fbx_scale": "FBX_SCALE_ALL"}),
    "UNREAL": (".fbx", {**_GAME, "texture_size": "4K", "fbx_scale": "FBX_SCALE_NONE"}),
    "GODOT": (".glb", {**_GAME, "texture_size": "2K"}),
    "WEB": (".glb", {**_GAME, "texture_size": "1K", "expressions": False, "jpeg": True}),
}


class LIKENESS_OT_export_avatar(JobOperator, bpy.types.Operator):
    """Write the active avatar for another program, rigged and textured; the scene stays as it is"""

    bl_idname = "likeness.export_avatar"
    bl_label = "Export Avatar"
    bl_options = {"REGISTER"}

    filepath: StringProperty(
        name="File",
        description="Name that ends with .glb, .fbx, .obj, .usdz or .abc",
        subtype="FILE_PATH",
        options={"SKIP_SAVE"},
    )
    filter_glob: StringProperty(default="*.glb;*.fbx;*.obj;*.usdz;*.abc", options={"HIDDEN"})
    check_existing: BoolProperty(default=True, options={"HIDDEN"})
    preset: EnumProperty(
        name="For",
        description="Options and kind of file as a program wants them",
        items=(
            ("CUSTOM", "Custom", "The options as they are", 0),
            ("UNITY", "Unity", "FBX in metres, no leaf bones, 2K texture", 1),
            ("UNREAL", "Unreal Engine", "FBX in centimeters, no leaf bones, 4K texture", 2),
            ("GODOT", "Godot", "GLB with morph targets, 2K texture", 3),
            ("WEB", "Web", "Small GLB: 1K texture as JPEG, no expressions", 4),
        ),
        default="CUSTOM",
    )
    animation: BoolProperty(
        name="Animation", description="The scene's frame range; otherwise the pose of this frame", default=True
    )
    correctives: BoolProperty(
        name="Pose Correctives",
        description="Keep the surface's bulges and folds as morph targets, animated where there is an animation",
        default=True,
    )
    expressions: BoolProperty(
        name="Expressions", description="Keep the facial expressions as morph targets", default=True
    )
    texture_size: EnumProperty(
        name="Texture",
        description="Size of the texture in the file",
        items=(("1K", "1K", "1024 x 1024", 1024), ("2K", "2K", "2048 x 2048", 2048), ("4K", "4K", "4096 x 4096", 4096)),
        default="1K",
    )
    jpeg: BoolProperty(name="JPEG Texture", description="Smaller GLB, no longer exact colors", default=False)
    fbx_scale: EnumProperty(
        name="FBX Units",
        description="Where FBX keeps Blender's meters",
        items=(
            ("FBX_SCALE_NONE", "Objects", "Each object is scaled; as Blender does by default", 0),
            ("FBX_SCALE_UNITS", "Units", "The file's unit is the meter", 1),
            ("FBX_SCALE_ALL", "All", "The vertices are in meters", 2),
        ),
        default="FBX_SCALE_NONE",
    )
    influences: EnumProperty(
        name="Joints per Vertex",
        description="How many joints may move a vertex in the file",
        items=(
            ("FOUR", "4", "What every viewer and game engine reads", 4),
            ("EIGHT", "8", "Every weight as it is; viewers that read only four show errors", 8),
        ),
        default="FOUR",
    )

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        layout.use_property_split = True
        layout.prop(self, "preset")
        for name in _OPTIONS if self.preset == "CUSTOM" else ("animation",):
            layout.prop(self, name)

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return super().poll(context) and avatar_is_active(cls, context)

    def suggest_filepath(self, context: bpy.types.Context) -> None:
        folder = Path(bpy.data.filepath).parent if bpy.data.filepath else Path.home()
        avatar = active_avatar(context)
        self.filepath = str(folder / f"{avatar.name if avatar else 'avatar'}.glb")

    def job(self, context: bpy.types.Context) -> Steps:
        from ..export.avatar import ExportOptions, export_avatar
        from ..rig.pose import Joints, avatar_meshes

        # One piece: while the copy exists, nobody may undo or save.
        yield 0.1, "Writing the avatar"
        armature = active_avatar(context)
        if armature is None or not Joints.complete(armature) or not avatar_meshes(armature):
            raise OutputError("This avatar has lost its mesh or a bone: import the avatar again.")
        path = Path(bpy.path.abspath(self.filepath))
        chosen = {name: getattr(self, name) for name in _OPTIONS}
        if self.preset != "CUSTOM":
            suffix, wanted = _PRESETS[self.preset]
            chosen, path = {**chosen, **wanted}, path.with_suffix(suffix)
        options = ExportOptions(
            animation=chosen["animation"],
            correctives=chosen["correctives"],
            expressions=chosen["expressions"],
            texture_size=int(chosen["texture_size"][0]) * 1024,
            influences=8 if chosen["influences"] == "EIGHT" else 4,
            jpeg=chosen["jpeg"],
            fbx_scale=chosen["fbx_scale"],
        )
        export_avatar(context, armature, path, options)
        self.report({"INFO"}, f"'{path}' written, {path.stat().st_size / 1e6:.1f} MB")


classes = (LIKENESS_OT_export_avatar,)
