"""The Blender half of `likeness demo`: avatar file in; scene, rendered frames, GLB and FBX out.

Run as `python -m blender_addon.demo_scene AVATAR OUT SIZE`; a plain example of driving the add-on from a script.
"""

import math
import sys
from pathlib import Path

import bpy

import blender_addon

_WALK = Path(__file__).parents[1] / "neural_core" / "data" / "walk.npz"
_FRAMES = 24
_PORTRAIT_LENS = 60.0  # mm on Blender's 36 mm sensor: little perspective on the limbs
_DISTANCE = 3.9  # metres; holds a tall person with that lens
_YAW = math.radians(30)  # from the side enough to see the stride


def main(avatar: Path, out: Path, size: int) -> None:
    """Build the scene, save it, render its frames through the Likeness engine and export the avatar."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    blender_addon.register()
    bpy.ops.likeness.import_avatar(filepath=str(avatar))
    armature = next(o for o in bpy.context.scene.objects if o.type == "ARMATURE")
    bpy.context.view_layer.objects.active = armature
    bpy.ops.likeness.import_motion(filepath=str(_WALK))

    scene = bpy.context.scene
    scene.render.engine = "LIKENESS"
    scene.frame_start, scene.frame_end = 1, _FRAMES
    scene.render.fps = 24
    scene.render.resolution_x = scene.render.resolution_y = size
    scene.render.resolution_percentage = 100
    scene.render.film_transparent = True
    scene.render.image_settings.file_format = "PNG"
    scene.render.image_settings.color_mode = "RGBA"
    scene.view_settings.view_transform = "Standard"  # the photo's colours, not a film look
    for stamp in ("date", "render_time", "filename"):
        setattr(scene.render, f"use_stamp_{stamp}", False)  # the same frames are then the same files
    scene.camera = _camera_on_walk(armature)
    scene.render.filepath = str(out / "frames" / "####")
    bpy.ops.wm.save_as_mainfile(filepath=str(out / "scene.blend"))
    bpy.ops.render.render(animation=True)

    scene.frame_set(1)
    for file in ("avatar.glb", "avatar.fbx"):
        bpy.ops.likeness.export_avatar(filepath=str(out / file))


def _camera_on_walk(armature: bpy.types.Object) -> bpy.types.Object:
    """A camera in front of the middle of the walk, at hip height."""
    scene = bpy.context.scene
    centre = [0.0, 0.0, 0.0]
    for frame in (scene.frame_start, scene.frame_end):
        scene.frame_set(frame)
        pelvis = armature.matrix_world @ armature.pose.bones["pelvis"].head
        centre = [c + p / 2 for c, p in zip(centre, pelvis[:])]
    scene.frame_set(scene.frame_start)
    data = bpy.data.cameras.new("Likeness Camera")
    data.lens = _PORTRAIT_LENS
    camera = bpy.data.objects.new("Likeness Camera", data)
    away = (_DISTANCE * math.sin(_YAW), -_DISTANCE * math.cos(_YAW))
    camera.location = (centre[0] + away[0], centre[1] + away[1], centre[2])
    camera.rotation_euler = (math.pi / 2, 0.0, _YAW)
    scene.collection.objects.link(camera)
    return camera


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
