"""Where Blender itself offers what Likeness can do: File > Import and File > Export."""

import bpy


def draw_import(self: bpy.types.Menu, context: bpy.types.Context) -> None:
    layout = self.layout
    assert layout is not None  # Blender sets it before it draws
    layout.operator_context = "INVOKE_DEFAULT"
    layout.operator("likeness.open_photo", text="Likeness avatar from photo (.jpg, .png, .webp, .heic)")
    layout.operator("likeness.import_avatar", text="Likeness avatar (.likeness)")


def draw_export(self: bpy.types.Menu, context: bpy.types.Context) -> None:
    layout = self.layout
    assert layout is not None  # Blender sets it before it draws
    layout.operator_context = "INVOKE_DEFAULT"
    layout.operator("likeness.export_avatar", text="Likeness avatar (.glb, .fbx)")


def register() -> None:
    bpy.types.TOPBAR_MT_file_import.append(draw_import)
    bpy.types.TOPBAR_MT_file_export.append(draw_export)


def unregister() -> None:
    bpy.types.TOPBAR_MT_file_import.remove(draw_import)
    bpy.types.TOPBAR_MT_file_export.remove(draw_export)
