"""The render engine LIKENESS as Blender sees it; thin, because Blender makes a new instance for every frame."""

from typing import TYPE_CHECKING

import bpy

from neural_core.errors import Cancelled, LikenessError

from ..trouble import record

if TYPE_CHECKING:
    from .viewport import Viewport

ENGINE_ID = "LIKENESS"


class LIKENESS_RenderEngine(bpy.types.RenderEngine):
    """Draws Likeness avatars with a learned renderer; other meshes hold out by depth"""

    bl_idname = ENGINE_ID
    bl_label = "Likeness"
    bl_use_preview = False
    bl_use_postprocess = True
    bl_use_gpu_context = False  # the backend draws; a farm node may have no graphics driver
    bl_use_eevee_viewport = True  # Material Preview shows the baked texture
    bl_use_shading_nodes_custom = False

    _viewport = None  # a Viewport; Blender evaluates annotations of registered classes, and this one is not imported

    def update_render_passes(self, scene: bpy.types.Scene, renderlayer: bpy.types.ViewLayer) -> None:
        from .passes import register_passes

        register_passes(self, scene, renderlayer)

    def render(self, depsgraph: bpy.types.Depsgraph) -> None:
        # Blender writes a blank frame after an exception or error_set; only an ERROR report stops a farm.
        try:
            from .final import render_final

            render_final(self, depsgraph)
        except Cancelled:
            return
        except LikenessError as error:
            record.note(error, "Render Animation" if self.is_animation else "Render")
            self._fail(str(error))
        except Exception as error:
            import traceback

            traceback.print_exc()
            self._fail(f"The Likeness engine failed ({type(error).__name__}: {error}): please report this.")

    def view_update(self, context: bpy.types.Context, depsgraph: bpy.types.Depsgraph) -> None:
        self._view().update(context, depsgraph)

    def view_draw(self, context: bpy.types.Context, depsgraph: bpy.types.Depsgraph) -> None:
        self._view().draw(self, context, depsgraph)

    def _view(self) -> "Viewport":
        if self._viewport is None:
            from .viewport import Viewport

            self._viewport = Viewport()
        return self._viewport

    def _fail(self, sentence: str) -> None:
        self.error_set(sentence)
        self.report({"ERROR"}, sentence)
