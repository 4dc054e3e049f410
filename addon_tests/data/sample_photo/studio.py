"""The studio, the camera and the finished file."""

import math
from pathlib import Path

import bpy
import numpy as np
from mathutils import Vector
from PIL import Image

from .materials import material
from .person import SEED

WIDTH, HEIGHT = 896, 1344
SAMPLES = 160


def studio(height: float) -> None:
    """A curved paper backdrop, a big soft key light, a fill and a rim."""
    ys = [-6.0, 1.6] + [1.6 + 0.9 * math.sin(a) for a in np.linspace(0.1, math.pi / 2, 12)] + [2.5]
    zs = [0.0, 0.0] + [0.9 - 0.9 * math.cos(a) for a in np.linspace(0.1, math.pi / 2, 12)] + [6.0]
    vertices = [(x, y, z - 0.012) for y, z in zip(ys, zs) for x in (-8, 8)]
    faces = [(2 * i, 2 * i + 1, 2 * i + 3, 2 * i + 2) for i in range(len(ys) - 1)]
    mesh = bpy.data.meshes.new("Backdrop")
    mesh.from_pydata(vertices, [], faces)
    mesh.shade_smooth()

    def paper(nodes, links, principled) -> None:
        principled.inputs["Base Color"].default_value = (0.36, 0.38, 0.40, 1)
        principled.inputs["Roughness"].default_value = 0.95

    mesh.materials.append(material("Paper", paper))
    bpy.context.scene.collection.objects.link(bpy.data.objects.new("Backdrop", mesh))

    def light(name: str, at: tuple[float, float, float], size: float, power: float) -> None:
        data = bpy.data.lights.new(name, "AREA")
        data.size, data.energy = size, power
        thing = bpy.data.objects.new(name, data)
        thing.location = at
        thing.rotation_euler = (Vector((0, 0, height * 0.55)) - Vector(at)).to_track_quat("-Z", "Y").to_euler()
        bpy.context.scene.collection.objects.link(thing)

    light("Key", (2.3, -3.6, 3.0), 2.0, 120)
    light("Fill", (-3.2, -3.0, 1.8), 3.0, 34)
    light("Rim", (-1.6, 1.9, 3.0), 1.2, 25)
    world = bpy.data.worlds.new("Studio")
    world.use_nodes = True
    world.node_tree.nodes["Background"].inputs[0].default_value = (0.8, 0.86, 0.95, 1)
    world.node_tree.nodes["Background"].inputs[1].default_value = 0.16
    bpy.context.scene.world = world


def photograph(output: Path, height: float) -> None:
    scene = bpy.context.scene
    data = bpy.data.cameras.new("Camera")
    data.sensor_fit, data.sensor_height, data.lens = "VERTICAL", 36.0, 50.0
    data.dof.use_dof, data.dof.focus_distance, data.dof.aperture_fstop = True, 3.35, 5.6
    camera = bpy.data.objects.new("Camera", data)
    distance = height * 1.13 * 50 / 36
    camera.location = (0.12, -distance, 1.25)
    camera.rotation_euler = (Vector((0.0, 0.0, height * 0.497)) - camera.location).to_track_quat("-Z", "Y").to_euler()
    data.dof.focus_distance = distance
    scene.collection.objects.link(camera)
    scene.camera = camera
    scene.render.engine = "CYCLES"
    scene.cycles.samples, scene.cycles.use_denoising, scene.cycles.seed = SAMPLES, True, SEED
    scene.render.resolution_x, scene.render.resolution_y = WIDTH, HEIGHT
    scene.view_settings.view_transform = "AgX"
    scene.view_settings.look = "AgX - Medium High Contrast"
    scene.view_settings.exposure = 0.5
    scene.render.image_settings.file_format = "PNG"
    picture = output.with_suffix(".render.png")
    scene.render.filepath = str(picture)
    bpy.ops.render.render(write_still=True)
    rng = np.random.default_rng(SEED)
    pixels = np.asarray(Image.open(picture).convert("RGB")).astype(np.float32)
    pixels += rng.normal(0, 1.6, pixels.shape)  # sensor noise: path tracing and denoising leave none
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0xA405] = 50  # the lens again, in 35 mm terms: it fills a sensor 36 mm high
    exif[0x010E] = "Synthetic person made by Likeness (CC0)"
    Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(output, quality=90, subsampling=0, exif=exif)
    picture.unlink()
