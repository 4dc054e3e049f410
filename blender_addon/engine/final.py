"""One frame of a final render: snapshot, request, wait, passes."""

import bpy

from neural_core.errors import BackendError

from ..backend import client
from .background import background
from .errors import SceneError
from .passes import Pictures, empty_pictures, pictures_wanted, write_passes
from .snapshot import Snapshot, take_snapshot
from .view import camera_view, render_window


def render_final(engine: bpy.types.RenderEngine, depsgraph: bpy.types.Depsgraph) -> None:
    """Draw the frame and view layer that `depsgraph` holds.

    Raises:
        LikenessError: one sentence. Cancelled: the user stopped the render.
    """
    scene, layer = depsgraph.scene, depsgraph.view_layer
    assert scene is not None and layer is not None  # of a depsgraph that is rendered
    camera = engine.camera_override or scene.camera
    if camera is None:
        raise SceneError("The scene has no camera: add one and make it the scene's active camera.")
    if scene.render.use_multiview:
        raise SceneError("The Likeness engine draws one view: turn off Stereoscopy in the output properties.")
    if scene.render.use_motion_blur:
        engine.report({"WARNING"}, "The Likeness engine draws no motion blur: blur in the compositor")
    width, height = engine.resolution_x, engine.resolution_y
    window = render_window(scene.render, width, height)
    view = camera_view(camera.evaluated_get(depsgraph), depsgraph, width, height, window)

    engine.update_stats("Likeness", "Reading the scene")
    snapshot = take_snapshot(depsgraph, view, scene.likeness.quality.lower())
    wanted = pictures_wanted(layer)
    nothing = empty_pictures(view.width, view.height, wanted)
    behind = background(scene, width, height, window)
    pictures = draw(engine, snapshot, nothing) if snapshot.avatars else nothing
    write_passes(engine, layer.name, pictures, behind)


def draw(engine: bpy.types.RenderEngine, snapshot: Snapshot, wanted: Pictures) -> Pictures:
    """The backend's pictures of a snapshot, row 0 on top; those that `wanted` has, in the same shapes."""

    def show(fraction: float, stage: str) -> None:
        engine.update_progress(fraction)
        engine.update_stats("Likeness", stage)

    body, arrays = snapshot.request()
    body["passes"] = list(wanted)
    _, pictures = client.run("render_frame", body, arrays, on_progress=show, should_stop=engine.test_break)
    if {name: picture.shape for name, picture in pictures.items()} != {n: p.shape for n, p in wanted.items()}:
        raise BackendError("The Likeness backend drew another picture than was asked for: restart it.")
    return pictures
