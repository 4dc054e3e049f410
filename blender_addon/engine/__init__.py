"""The render engine LIKENESS: reads the scene, lets the backend draw, hands the picture to Blender."""

import bpy

from ..lazily import loaded
from . import compositing, panels
from .render_engine import LIKENESS_RenderEngine


def register() -> None:
    bpy.utils.register_class(LIKENESS_RenderEngine)
    panels.register()
    compositing.register()


def unregister() -> None:
    if viewport := loaded("engine.viewport"):
        viewport.stop_watching()
    compositing.unregister()
    panels.unregister()
    bpy.utils.unregister_class(LIKENESS_RenderEngine)
