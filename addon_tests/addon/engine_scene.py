"""Scenes for the tests of the engine: avatars in one colour, drawn by flat_backend.py."""

import sys
from pathlib import Path

import bpy
import numpy as np

from addon_tests.addon import flat_backend
from addon_tests.addon.exr import read_exr
from blender_addon.rig.axes import to_blender
from neural_core.body import load_open_body

COMMAND = [sys.executable, flat_backend.__file__]


def add_avatar(folder: Path, color: str, location=(0.0, 0.0, 0.0)) -> bpy.types.Object:
    """The open body at rest, unrigged, as the mesh of an avatar whose file is `color`.likeness."""
    body = load_open_body()
    mesh = bpy.data.meshes.new(color)
    mesh.from_pydata(to_blender(body.template.numpy()).tolist(), [], body.faces.tolist())
    obj = bpy.data.objects.new(color, mesh)
    obj.location = location
    obj.likeness.is_avatar_mesh = True
    path = folder / f"{color}.likeness"
    path.touch()
    obj.likeness.avatar_path = str(path)
    bpy.context.collection.objects.link(obj)
    return obj


def add_plane(y: float, size: float = 10.0, x: float = 0.0) -> bpy.types.Object:
    """A vertical square that faces a camera on the -y axis; its left edge at `x` - `size` / 2."""
    h = size / 2
    mesh = bpy.data.meshes.new("plane")
    mesh.from_pydata([(x - h, y, -h), (x + h, y, -h), (x + h, y, h), (x - h, y, h)], [], [(0, 1, 2, 3)])
    obj = bpy.data.objects.new("plane", mesh)
    bpy.context.collection.objects.link(obj)
    return obj


def still_picture(settings: bpy.types.ImageFormatSettings) -> None:
    """One picture per file, not a film and not many layers; Blender 4.5 has the file format alone."""
    if hasattr(settings, "media_type"):
        settings.media_type = "IMAGE"


def set_up(width: int = 96, height: int = 128) -> bpy.types.Object:
    """Engine, small resolution, multilayer output and a camera 5 m in front of the origin; returns the camera."""
    scene = bpy.context.scene
    camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    camera.location, camera.rotation_euler = (0.0, -5.0, -0.2), (np.pi / 2, 0.0, 0.0)
    scene.collection.objects.link(camera)
    scene.camera = camera
    render = scene.render
    render.engine = "LIKENESS"
    render.resolution_x, render.resolution_y, render.resolution_percentage = width, height, 100
    if hasattr(render.image_settings, "media_type"):  # from Blender 5.0 on
        render.image_settings.media_type = "MULTI_LAYER_IMAGE"
    render.image_settings.file_format = "OPEN_EXR_MULTILAYER"
    render.image_settings.color_depth = "32"
    render.image_settings.exr_codec = "NONE"
    if hasattr(render.image_settings, "use_exr_interleave"):
        render.image_settings.use_exr_interleave = True  # one part, which exr.py reads
    bpy.context.view_layer.use_pass_z = True
    return camera


def render(folder: Path, name: str = "frame") -> dict[str, np.ndarray]:
    """Render the scene through Blender: combined (H, W, 4), depth (H, W), mask (H, W), row 0 on top, as written."""
    path = folder / f"{name}.exr"
    bpy.context.scene.render.filepath = str(path)
    bpy.ops.render.render(write_still=True)
    return passes_of(path)


def passes_of(path: Path, layer: str = "ViewLayer") -> dict[str, np.ndarray]:
    """The passes of one view layer in a file."""
    channels = read_exr(path)
    combined = np.stack([channels[f"{layer}.Combined.{c}"] for c in "RGBA"], axis=-1)
    return {"combined": combined, "depth": channels[f"{layer}.Depth.Z"], "mask": channels[f"{layer}.Mask.X"]}
