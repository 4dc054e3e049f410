"""Clothes cut from the body's surface and draped by Blender's cloth simulation."""

import bpy
import numpy as np

from neural_core.body import BodyParameters

from .materials import denim, leather, material, rubber, striped_cotton
from .person import FACES, TEMPLATE, WEIGHTS, posed, weight
from .surface import cut, mesh_object, smooth, to_blender, vertex_normals

POSE_FRAMES, SETTLE_FRAMES = 16, 26


def garment(
    name: str, keep: np.ndarray, body: np.ndarray, offset: float, smoothing: int, loose: np.ndarray | None = None
) -> tuple[bpy.types.Object, np.ndarray]:
    """A shell over part of the body; remembers its T-pose coordinates as the attribute `rest`."""
    vertices, faces, ids = cut(keep, body)
    normals = vertex_normals(body, FACES)[ids]
    shell = smooth(vertices, faces, smoothing)
    inside = ((vertices - shell) * normals).sum(1, keepdims=True)
    shell = shell + normals * (np.maximum(inside, 0) + offset)
    if loose is not None:
        shell = shell + normals * loose[ids][:, None]
    shell = smooth(shell, faces, 3)
    thing = mesh_object(name, shell, faces)
    rest = thing.data.attributes.new("rest", "FLOAT_VECTOR", "POINT")
    rest.data.foreach_set("vector", TEMPLATE[ids].astype(np.float32).ravel())
    return thing, ids


def pin_bands(thing: bpy.types.Object, bands: list[tuple[float, float]]) -> None:
    """The vertex group `pin` of everything within (rest height, width) of the bands."""
    rest = np.empty(len(thing.data.vertices) * 3, np.float32)
    thing.data.attributes["rest"].data.foreach_get("vector", rest)
    y = rest.reshape(-1, 3)[:, 1]
    near = np.any([np.abs(y - at) < width for at, width in bands], axis=0)
    thing.vertex_groups.new(name="pin").add(np.nonzero(near)[0].tolist(), 1.0, "REPLACE")


def animate_body(thing: bpy.types.Object, parameters: BodyParameters) -> None:
    """Shape keys from the T pose to the final pose, played once, so that cloth is carried along."""
    thing.shape_key_add(name="Basis")
    steps = 8
    for step in range(1, steps + 1):
        key = thing.shape_key_add(name=f"pose{step}")
        key.data.foreach_set("co", to_blender(posed(parameters, step / steps)).astype(np.float32).ravel())
        for offset, value in ((-1, 0.0), (0, 1.0), (1, 0.0)):
            if step == steps and offset == 1:
                continue
            key.value = value
            key.keyframe_insert("value", frame=1 + (step + offset) * POSE_FRAMES / steps)
    for curve in thing.data.shape_keys.animation_data.action.layers[0].strips[0].channelbags[0].fcurves:
        for point in curve.keyframe_points:
            point.interpolation = "LINEAR"


def cloth(thing: bpy.types.Object, pin: str | None, stiffness: float) -> None:
    modifier = thing.modifiers.new("Cloth", "CLOTH")
    settings = modifier.settings
    settings.quality = 7
    settings.mass = 0.25
    settings.tension_stiffness = settings.compression_stiffness = stiffness
    settings.shear_stiffness = stiffness * 0.4
    settings.bending_stiffness = 0.35
    settings.air_damping = 2.0
    if pin:
        settings.vertex_group_mass = pin
    modifier.collision_settings.distance_min = 0.004
    modifier.collision_settings.collision_quality = 3
    modifier.point_cache.frame_end = POSE_FRAMES + SETTLE_FRAMES


def freeze(thing: bpy.types.Object, thickness: float) -> None:
    """Keep the draped shape, drop the simulation; add thickness and smoothness."""
    evaluated = thing.evaluated_get(bpy.context.evaluated_depsgraph_get())
    mesh = bpy.data.meshes.new_from_object(evaluated)
    thing.modifiers.clear()
    thing.data = mesh
    positions = np.empty(len(mesh.vertices) * 3, np.float32)
    mesh.vertices.foreach_get("co", positions)
    mesh.attributes.new("draped", "FLOAT_VECTOR", "POINT").data.foreach_set("vector", positions)
    solid = thing.modifiers.new("Solidify", "SOLIDIFY")
    solid.thickness, solid.offset = thickness, 1.0
    sub = thing.modifiers.new("Subdivision", "SUBSURF")
    sub.levels = sub.render_levels = 2
    mesh.shade_smooth()


def dress(body_thing: bpy.types.Object, rest_body: np.ndarray) -> dict[str, np.ndarray]:
    """Trousers and shirt, draped; returns which body vertices each covers."""
    x, y = TEMPLATE[:, 0], TEMPLATE[:, 1]
    arm = weight(*(f"{s}_{j}" for s in ("left", "right") for j in ("shoulder", "elbow", "wrist"))) > 0.5
    fingers = WEIGHTS[:, 25:].sum(1) > 0.02
    legs = (y < -0.275) & (y > -1.262) & ~arm & ~fingers & (np.abs(x) < 0.33)
    neck = np.hypot(x, TEMPLATE[:, 2] - 0.03) < 0.078 + np.clip((TEMPLATE[:, 2] - 0.03) * 0.25, 0, 0.03)
    torso = (y > -0.44) & (np.abs(x) < 0.37) & ~((y > 0.085) & neck) & (y < 0.17) & (weight("head", "jaw") < 0.2)
    torso &= ~(weight("left_hip", "right_hip") > 0.9)

    trousers, _ = garment("Trousers", legs, rest_body, 0.006, 12, loose=np.clip((-0.55 - y) * 0.02, 0, 0.014))
    shirt, _ = garment("Shirt", torso, rest_body, 0.014, 70)
    for thing in (trousers, shirt):
        sub = thing.modifiers.new("Density", "SUBSURF")
        sub.levels = 1
        bpy.context.view_layer.objects.active = thing
        with bpy.context.temp_override(object=thing):
            bpy.ops.object.modifier_apply(modifier="Density")
    pin_bands(trousers, [(-0.30, 0.035), (-1.26, 0.02)])
    pin_bands(shirt, [(0.11, 0.035)])
    collision = body_thing.modifiers.new("Collision", "COLLISION")
    collision.settings.thickness_outer = 0.004
    for thing in (trousers, shirt):
        # The pins must follow the body: bind loosely to it by a surface deform of the T pose.
        bind = thing.modifiers.new("Follow", "SURFACE_DEFORM")
        bind.target = body_thing
        bpy.context.view_layer.objects.active = thing
        with bpy.context.temp_override(object=thing):
            bpy.ops.object.surfacedeform_bind(modifier="Follow")
    cloth(trousers, "pin", 25)
    trousers.modifiers.new("Collision", "COLLISION").settings.thickness_outer = 0.004
    cloth(shirt, "pin", 12)
    for frame in range(1, POSE_FRAMES + SETTLE_FRAMES + 1):
        bpy.context.scene.frame_set(frame)
        print("drape", frame, flush=True)
    freeze(trousers, 0.0015)
    freeze(shirt, 0.0012)
    trousers.data.materials.append(material("Denim", denim))
    shirt.data.materials.append(material("Cotton", striped_cotton))
    covered_by_trousers = legs & (y < -0.33) & (y > -1.22)
    covered_by_shirt = torso & (y < -0.02) & (y > -0.40) & (np.abs(x) < 0.27)
    return {"trousers": covered_by_trousers, "shirt": covered_by_shirt}


def shoes(body: np.ndarray) -> np.ndarray:
    """Sneakers: a smoothed, flat-soled shell round each foot."""
    keep = TEMPLATE[:, 1] < -1.235
    made = material("Leather", leather)
    sole = material("Rubber", rubber)
    for side in (1, -1):
        vertices, faces, _ = cut(keep & (TEMPLATE[:, 0] * side > 0), body)
        shell = vertices + vertex_normals(vertices, faces) * 0.009
        thing = mesh_object("Shoe", shell, faces)
        # Remeshing the inflated foot grows the toes together; smoothing then makes a sneaker of it.
        solid = thing.modifiers.new("Solid", "SOLIDIFY")
        solid.thickness, solid.offset = 0.012, -1.0
        remesh = thing.modifiers.new("Remesh", "REMESH")
        remesh.mode, remesh.voxel_size = "VOXEL", 0.0065
        smoothing = thing.modifiers.new("Smooth", "SMOOTH")
        smoothing.factor, smoothing.iterations = 0.6, 22
        mesh = bpy.data.meshes.new_from_object(thing.evaluated_get(bpy.context.evaluated_depsgraph_get()))
        thing.modifiers.clear()
        thing.data = mesh
        points = np.empty(len(mesh.vertices) * 3, np.float32)
        mesh.vertices.foreach_get("co", points)
        points = points.reshape(-1, 3)
        ground = -0.010
        low = points[:, 2] < 0.012
        points[:, 2] = np.where(low, np.maximum(ground, np.minimum(points[:, 2], ground)), points[:, 2])
        mesh.vertices.foreach_set("co", points.ravel())
        mesh.shade_smooth()
        mesh.materials.append(made)
        mesh.materials.append(sole)
        centres = np.empty(len(mesh.polygons) * 3, np.float32)
        mesh.polygons.foreach_get("center", centres)
        mesh.polygons.foreach_set("material_index", (centres.reshape(-1, 3)[:, 2] < -0.002).astype(np.int32))
        sub = thing.modifiers.new("Subdivision", "SUBSURF")
        sub.levels = sub.render_levels = 1
    return keep
