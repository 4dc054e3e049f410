"""The engine's own settings, and the stock panels that go with it."""

from collections.abc import Iterator

import bpy

from ..panels.message import show_message
from ..translations import marked
from ..typed import register_and_unregister
from .render_engine import ENGINE_ID

# Panels of Blender's old engine that set what this one does not have.
_WITHOUT = {"VIEWLAYER_PT_filter", "VIEWLAYER_PT_layer_passes", "RENDER_PT_stereoscopy", "RENDER_PT_gpencil"}
_WITHOUT_WORDS = ("freestyle", "grease")


class LIKENESS_PT_render(bpy.types.Panel):
    bl_label = "Likeness"
    bl_space_type = "PROPERTIES"
    bl_region_type = "WINDOW"
    bl_context = "render"
    COMPAT_ENGINES = {ENGINE_ID}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return context.engine in cls.COMPAT_ENGINES

    def draw(self, context: bpy.types.Context) -> None:
        choices, layout = context.scene.likeness, self.layout
        assert layout is not None  # Blender sets it before it draws
        layout.use_property_split = True
        layout.prop(choices, "quality")
        layout.prop(choices, "background")
        if choices.background == "PLATE":
            layout.template_ID(choices, "background_image", open="image.open", text="Picture")
        elif choices.background == "COLOR":
            layout.prop(choices, "background_color")
        if context.scene.view_settings.view_transform not in {"Standard", "Raw"}:
            text = marked("View Transform 'Standard' shows the photo's colors")
            show_message(layout, context, text)


class LIKENESS_PT_passes(bpy.types.Panel):
    bl_label = "Passes"
    bl_space_type = "PROPERTIES"
    bl_region_type = "WINDOW"
    bl_context = "view_layer"
    COMPAT_ENGINES = {ENGINE_ID}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return context.engine in cls.COMPAT_ENGINES

    def draw(self, context: bpy.types.Context) -> None:
        self.layout.use_property_split = True
        column = self.layout.column(heading="Include")
        for name, label in (("use_pass_z", "Depth"), ("use_pass_normal", "Normal"), ("use_pass_uv", "UV")):
            column.prop(context.view_layer, name, text=label)


def stock_panels() -> Iterator[type]:
    """Panels of Blender that any engine can share: output, camera, color management, ..."""
    for panel in bpy.types.Panel.__subclasses__():
        name = panel.__name__
        unfit = name in _WITHOUT or any(word in name.lower() for word in _WITHOUT_WORDS)
        if "BLENDER_RENDER" in getattr(panel, "COMPAT_ENGINES", ()) and not unfit:
            yield panel


classes = (LIKENESS_PT_render, LIKENESS_PT_passes)
_register_classes, _unregister_classes = register_and_unregister(classes)


def register() -> None:
    _register_classes()
    for panel in stock_panels():
        panel.COMPAT_ENGINES.add(ENGINE_ID)


def unregister() -> None:
    for panel in stock_panels():
        panel.COMPAT_ENGINES.discard(ENGINE_ID)
    _unregister_classes()
