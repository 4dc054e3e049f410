"""likeness.paint_texture and save_texture: the avatar's picture under the brush, and into the avatar's file."""

import bpy

from neural_core.errors import AvatarFileError

from ..avatar_files import avatar_file
from .job import JobOperator, Steps, active_avatar
from .polling import avatar_is_active
from .request import request


def _has_picture(cls, context: bpy.types.Context) -> bool:
    """Poll of both operators."""
    from ..rig.painting import avatar_image
    from ..rig.pose import avatar_meshes

    avatar = active_avatar(context)
    if avatar is None:
        return avatar_is_active(cls, context)
    meshes = avatar_meshes(avatar)
    if not meshes or avatar_image(meshes[0]) is None:
        cls.poll_message_set("The avatar's material has lost its picture: import the avatar again")
        return False
    return True


def _painted_mesh(context: bpy.types.Context) -> bpy.types.Object:
    """The mesh of the active avatar; poll has seen it."""
    from ..rig.pose import avatar_meshes

    armature = active_avatar(context)
    assert armature is not None
    return avatar_meshes(armature)[0]


class LIKENESS_OT_paint_texture(bpy.types.Operator):
    """Paint on the avatar; the Likeness engine shows every stroke"""

    bl_idname = "likeness.paint_texture"
    bl_label = "Paint Texture"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return _has_picture(cls, context)

    def execute(self, context: bpy.types.Context) -> set[str]:
        mesh = _painted_mesh(context)
        objects = context.view_layer.objects
        if objects.active is not None and objects.active.mode != "OBJECT":
            bpy.ops.object.mode_set(mode="OBJECT")
        for other in list(objects.selected):
            other.select_set(False)
        objects.active = mesh
        mesh.select_set(True)
        bpy.ops.object.mode_set(mode="TEXTURE_PAINT")
        return {"FINISHED"}


class LIKENESS_OT_save_texture(JobOperator, bpy.types.Operator):
    """Write what was painted into the avatar's file, for other scenes and for everybody who uses it"""

    bl_idname = "likeness.save_texture"
    bl_label = "Save Paint into Avatar"
    bl_options = {"REGISTER"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return super().poll(context) and _has_picture(cls, context)

    def job(self, context: bpy.types.Context) -> Steps:
        from ..rig.painting import avatar_image, forget_paint, image_bytes

        mesh = _painted_mesh(context)
        image, name = avatar_image(mesh), mesh.name
        assert image is not None  # poll
        path = avatar_file(mesh)
        yield from request("save_texture", {"path": path}, {"texture": image_bytes(image)})
        # Looked up again: the user went on working meanwhile.
        mesh = bpy.data.objects.get(name)
        image = avatar_image(mesh) if mesh is not None else None
        if image is None:
            raise AvatarFileError("The avatar was removed while its texture was saved; its file holds the paint.")
        if image.is_dirty:
            image.pack()
        forget_paint(image)
        self.report({"INFO"}, f"What was painted is in '{path}'")


classes = (LIKENESS_OT_paint_texture, LIKENESS_OT_save_texture)
