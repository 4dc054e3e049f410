"""The render engine LIKENESS: reads the scene, lets the backend draw, hands the picture to Blender."""

import bpy

from . import compositing, panels
from .render_engine import LIKENESS_RenderEngine
from .viewport import stop_watching


def register() -> None:
    bpy.utils.register_class(LIKENESS_RenderEngine)
    panels.register()
    compositing.register()


def unregister() -> None:
    stop_watching()
    compositing.unregister()
    panels.unregister()
    bpy.utils.unregister_class(LIKENESS_RenderEngine)
