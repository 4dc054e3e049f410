"""Make the bundled sample photo: a path-traced synthetic person, so that the demo needs nobody's picture.

    python addon_tests/data/make_sample_photo.py neural_core/data/sample_person.jpg

Everything is ours or CC0: the open body, garments cut from its surface and draped by Blender's cloth simulation, hair
grown strand by strand, Cycles. Takes about three minutes on two cores with the bpy module.
"""

import math
import sys
from pathlib import Path

import bpy
import numpy as np
import torch
from mathutils import Vector
from PIL import Image
from scipy.spatial import cKDTree

from neural_core.body import BodyParameters, load_open_body
from neural_core.body.skeleton import JOINT_INDEX
from neural_core.body.skinning import rotation_matrices

SEED = 11
WIDTH, HEIGHT = 896, 1344
SAMPLES = 160
POSE_FRAMES, SETTLE_FRAMES = 16, 26
BODY = load_open_body()
TEMPLATE = BODY.template.numpy()
FACES = BODY.faces.numpy()
WEIGHTS = BODY.weights.numpy()


def weight(*joints: str) -> np.ndarray:
    """(V,) summed skinning weight of the joints."""
    return WEIGHTS[:, [JOINT_INDEX[j] for j in joints]].sum(1)


# ------------------------------------------------------------------------------------------------ the person


def person() -> BodyParameters:
    """A young man, relaxed, weight on one leg, arms a little away from the body."""
    betas = torch.zeros(1, 20)
    betas[0, :10] = torch.tensor([0.35, 0.9, -0.6, 0.2, 0.3, -0.2, 0.1, 0.0, 0.2, 0.0])
    betas[0, 10:] = torch.randn(10, generator=torch.Generator().manual_seed(SEED)) * 0.6
    pose = torch.zeros(1, 55, 3)

    def turn(joint: str, x: float = 0.0, y: float = 0.0, z: float = 0.0) -> None:
        pose[0, JOINT_INDEX[joint]] = torch.tensor([x, y, z])

    turn("left_shoulder", 0.05, -0.10, -1.24)
    turn("right_shoulder", 0.08, 0.08, 1.20)
    turn("left_elbow", 0.0, -0.32, 0.0)
    turn("right_elbow", 0.0, 0.38, 0.0)
    turn("left_collar", 0.0, 0.0, -0.06)
    turn("right_collar", 0.0, 0.0, 0.06)
    turn("left_hip", -0.06, 0.10, 0.03)
    turn("right_hip", -0.02, -0.06, -0.05)
    turn("left_knee", 0.14)
    turn("right_knee", 0.05)
    turn("spine2", 0.03, 0.0, 0.02)
    turn("neck", 0.02, 0.06, 0.0)
    turn("head", -0.02, 0.06, -0.02)
    turn("jaw", -0.06)
    pose[0, 25:55] = BODY.hands_mean * 1.15
    return BodyParameters.zeros(1, betas=betas).with_full_pose(pose)


def posed(parameters: BodyParameters, fraction: float) -> np.ndarray:
    """(V, 3) y-up vertices a fraction of the way from the T pose, soles near y = 0."""
    part = parameters.with_full_pose(parameters.full_pose() * fraction)
    vertices = BODY(part).vertices[0].numpy()
    end = BODY(parameters).vertices[0].numpy()
    vertices[:, 1] -= end[:, 1].min()
    return vertices


def to_blender(points: np.ndarray) -> np.ndarray:
    return np.stack([points[:, 0], -points[:, 2], points[:, 1]], 1)


# ------------------------------------------------------------------------------------------------ meshes


def mesh_object(name: str, vertices: np.ndarray, faces: np.ndarray) -> bpy.types.Object:
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata(to_blender(vertices).tolist(), [], faces.tolist())
    mesh.shade_smooth()
    thing = bpy.data.objects.new(name, mesh)
    bpy.context.scene.collection.objects.link(thing)
    return thing


def cut(keep: np.ndarray, vertices: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Vertices, faces and original ids of the part of the body surface where all corners are kept."""
    faces = FACES[keep[FACES].all(1)]
    used = np.unique(faces)
    index = np.full(len(vertices), -1)
    index[used] = np.arange(len(used))
    return vertices[used], index[faces], used


def vertex_normals(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    n = np.cross(vertices[faces[:, 1]] - vertices[faces[:, 0]], vertices[faces[:, 2]] - vertices[faces[:, 0]])
    out = np.zeros_like(vertices)
    for k in range(3):
        np.add.at(out, faces[:, k], n)
    return out / np.maximum(np.linalg.norm(out, axis=1, keepdims=True), 1e-12)


def smooth(vertices: np.ndarray, faces: np.ndarray, times: int, pin_border: bool = True) -> np.ndarray:
    """Laplacian smoothing with the border held."""
    edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    unique, count = np.unique(np.sort(edges, 1), axis=0, return_counts=True)
    pinned = np.zeros(len(vertices), bool)
    if pin_border:
        pinned[unique[count == 1].ravel()] = True
    degree = np.bincount(unique.ravel(), minlength=len(vertices))[:, None]
    out = vertices.copy()
    for _ in range(times):
        total = np.zeros_like(out)
        np.add.at(total, unique[:, 0], out[unique[:, 1]])
        np.add.at(total, unique[:, 1], out[unique[:, 0]])
        out = np.where(pinned[:, None], out, total / np.maximum(degree, 1))
    return out


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


# ------------------------------------------------------------------------------------------------ materials


def material(name: str, build) -> bpy.types.Material:
    made = bpy.data.materials.new(name)
    made.use_nodes = True
    nodes, links = made.node_tree.nodes, made.node_tree.links
    principled = nodes["Principled BSDF"]
    build(nodes, links, principled)
    return made


def weave(nodes, links, principled, scale: float, strength: float) -> None:
    """Fine bump of woven cloth."""
    coordinates = nodes.new("ShaderNodeAttribute")
    coordinates.attribute_name = "rest"
    noise = nodes.new("ShaderNodeTexNoise")
    noise.inputs["Scale"].default_value = scale
    noise.inputs["Detail"].default_value = 6
    bump = nodes.new("ShaderNodeBump")
    bump.inputs["Strength"].default_value = strength
    bump.inputs["Distance"].default_value = 0.002
    links.new(coordinates.outputs["Vector"], noise.inputs["Vector"])
    links.new(noise.outputs["Fac"], bump.inputs["Height"])
    links.new(bump.outputs["Normal"], principled.inputs["Normal"])


def ramp(nodes, stops: list[tuple[float, tuple[float, float, float]]], constant: bool = False):
    node = nodes.new("ShaderNodeValToRGB")
    if constant:
        node.color_ramp.interpolation = "CONSTANT"
    elements = node.color_ramp.elements
    while len(elements) < len(stops):
        elements.new(0.5)
    for element, (at, colour) in zip(elements, stops):
        element.position, element.color = at, (*colour, 1)
    return node


def striped_cotton(nodes, links, principled) -> None:
    """A sailor's shirt: navy stripes on off-white, plain shoulders."""
    coordinates = nodes.new("ShaderNodeAttribute")
    coordinates.attribute_name = "draped"
    split = nodes.new("ShaderNodeSeparateXYZ")
    links.new(coordinates.outputs["Vector"], split.inputs[0])
    period = nodes.new("ShaderNodeMath")
    period.operation = "MULTIPLY"
    period.inputs[1].default_value = 1 / 0.052
    links.new(split.outputs["Z"], period.inputs[0])
    fraction = nodes.new("ShaderNodeMath")
    fraction.operation = "FRACT"
    links.new(period.outputs[0], fraction.inputs[0])
    stripes = ramp(nodes, [(0.0, (0.018, 0.03, 0.085)), (0.40, (0.78, 0.76, 0.70))], constant=True)
    links.new(fraction.outputs[0], stripes.inputs[0])
    yoke = nodes.new("ShaderNodeMath")
    yoke.operation = "GREATER_THAN"
    yoke.inputs[1].default_value = 1.345
    links.new(split.outputs["Z"], yoke.inputs[0])
    mix = nodes.new("ShaderNodeMix")
    mix.data_type = "RGBA"
    for socket in mix.inputs:
        if socket.name == "B" and socket.type == "RGBA":
            socket.default_value = (0.78, 0.76, 0.70, 1)
    colour_inputs = [s for s in mix.inputs if s.type == "RGBA"]
    links.new(yoke.outputs[0], mix.inputs["Factor"])
    links.new(stripes.outputs["Color"], colour_inputs[0])
    links.new(next(s for s in mix.outputs if s.type == "RGBA"), principled.inputs["Base Color"])
    principled.inputs["Roughness"].default_value = 0.85
    weave(nodes, links, principled, 900, 0.25)


def denim(nodes, links, principled) -> None:
    coordinates = nodes.new("ShaderNodeAttribute")
    coordinates.attribute_name = "rest"
    noise = nodes.new("ShaderNodeTexNoise")
    noise.inputs["Scale"].default_value = 9
    noise.inputs["Detail"].default_value = 8
    colours = ramp(nodes, [(0.3, (0.022, 0.045, 0.11)), (0.75, (0.075, 0.13, 0.25))])
    links.new(coordinates.outputs["Vector"], noise.inputs["Vector"])
    links.new(noise.outputs["Fac"], colours.inputs[0])
    links.new(colours.outputs["Color"], principled.inputs["Base Color"])
    principled.inputs["Roughness"].default_value = 0.8
    weave(nodes, links, principled, 1300, 0.35)


def leather(nodes, links, principled) -> None:
    principled.inputs["Base Color"].default_value = (0.70, 0.69, 0.66, 1)
    principled.inputs["Roughness"].default_value = 0.45
    weave(nodes, links, principled, 250, 0.15)


def rubber(nodes, links, principled) -> None:
    principled.inputs["Base Color"].default_value = (0.10, 0.10, 0.11, 1)
    principled.inputs["Roughness"].default_value = 0.6


def skin(nodes, links, principled) -> None:
    """Colour painted per vertex (lips, cheeks, lids), pores as bump, light below the surface."""
    painted = nodes.new("ShaderNodeVertexColor")
    painted.layer_name = "skin"
    links.new(painted.outputs["Color"], principled.inputs["Base Color"])
    principled.inputs["Subsurface Weight"].default_value = 0.18
    principled.inputs["Subsurface Radius"].default_value = (1.0, 0.25, 0.12)
    principled.inputs["Subsurface Scale"].default_value = 0.006
    principled.inputs["Roughness"].default_value = 0.52
    noise = nodes.new("ShaderNodeTexNoise")
    noise.inputs["Scale"].default_value = 700
    bump = nodes.new("ShaderNodeBump")
    bump.inputs["Strength"].default_value = 0.06
    bump.inputs["Distance"].default_value = 0.001
    links.new(noise.outputs["Fac"], bump.inputs["Height"])
    links.new(bump.outputs["Normal"], principled.inputs["Normal"])


def eye(nodes, links, principled) -> None:
    painted = nodes.new("ShaderNodeAttribute")
    painted.attribute_name = "gaze"
    length = nodes.new("ShaderNodeVectorMath")
    length.operation = "LENGTH"
    links.new(painted.outputs["Vector"], length.inputs[0])
    white, iris, rim, pupil = (0.72, 0.69, 0.66), (0.11, 0.055, 0.025), (0.03, 0.016, 0.01), (0.003, 0.003, 0.003)
    colours = ramp(nodes, [(0.0, pupil), (0.15, pupil), (0.18, iris), (0.38, rim), (0.45, white)])
    links.new(length.outputs["Value"], colours.inputs[0])
    links.new(colours.outputs["Color"], principled.inputs["Base Color"])
    principled.inputs["Roughness"].default_value = 0.06


def hair_strands(melanin: float):
    def build(nodes, links, principled) -> None:
        hair = nodes.new("ShaderNodeBsdfHairPrincipled")
        hair.parametrization = "MELANIN"
        hair.inputs["Melanin"].default_value = melanin
        hair.inputs["Roughness"].default_value = 0.38
        links.new(hair.outputs[0], nodes["Material Output"].inputs["Surface"])

    return build


# ------------------------------------------------------------------------------------------------ skin and hair


def face_points(body: np.ndarray, ids: list[int]) -> np.ndarray:
    """(n, 3) positions of MediaPipe face points on the body."""
    triangles = FACES[BODY.landmarks.face_triangle.numpy()[ids]]
    return (body[triangles] * BODY.landmarks.face_barycentric.numpy()[ids][..., None]).sum(1)


LIPS = [61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291, 375, 321, 405, 314, 17, 84, 181, 91, 146]
BROWS = ([70, 63, 105, 66, 107], [300, 293, 334, 296, 336])
LIDS = ([33, 246, 161, 160, 159, 158, 157, 173], [263, 466, 388, 387, 386, 385, 384, 398])
CHEEKS = [50, 280]


def inside_polygon(points: np.ndarray, polygon: np.ndarray) -> np.ndarray:
    x, y = points[:, 0, None], points[:, 1, None]
    a, b = polygon, np.roll(polygon, -1, 0)
    crosses = ((a[:, 1] > y) != (b[:, 1] > y)) & (
        x < (b[:, 0] - a[:, 0]) * (y - a[:, 1]) / (b[:, 1] - a[:, 1] + 1e-12) + a[:, 0]
    )
    return crosses.sum(1) % 2 == 1


def paint_skin(thing: bpy.types.Object, neutral: np.ndarray) -> None:
    """Per-vertex colours of the (subdivided) head and hands from where the points lie on the rest body."""
    base, lip, warm = np.array([0.47, 0.26, 0.17]), np.array([0.32, 0.11, 0.09]), np.array([0.50, 0.20, 0.14])
    colour = np.tile(base, (len(neutral), 1))
    front = neutral[:, 2] > 0.09
    lips = inside_polygon(neutral, face_points(TEMPLATE, LIPS)) & front
    for at in face_points(TEMPLATE, CHEEKS):
        blush = np.exp(-(((neutral - at) ** 2).sum(1)) / 2 / 0.018**2)[:, None] * 0.5
        colour = colour * (1 - blush) + warm * blush
    nose = np.exp(-(((neutral - face_points(TEMPLATE, [4])[0]) ** 2).sum(1)) / 2 / 0.014**2)[:, None] * 0.35
    colour = colour * (1 - nose) + warm * nose
    colour[lips] = lip
    scalp = scalp_mask(neutral)
    colour[scalp] = np.array([0.10, 0.07, 0.055])
    beard = neutral[:, 1] < face_points(TEMPLATE, [2])[0, 1]
    stubble = beard & (neutral[:, 1] > 0.16) & (neutral[:, 2] > 0.02) & ~lips
    colour[stubble] = colour[stubble] * 0.82 + 0.02
    layer = thing.data.color_attributes.new("skin", "FLOAT_COLOR", "POINT")
    rgba = np.concatenate([colour, np.ones((len(colour), 1))], 1).astype(np.float32)
    layer.data.foreach_set("color", rgba.ravel())


def scalp_mask(points: np.ndarray) -> np.ndarray:
    """Where hair grows, on rest coordinates: above a hairline that falls from the forehead behind the ears."""
    z = points[:, 2]
    line = np.interp(z, [-0.08, 0.0, 0.045, 0.075, 0.10, 0.13, 0.16], [0.200, 0.218, 0.255, 0.285, 0.308, 0.324, 0.331])
    head = points[:, 1] > 0.18
    ear = (np.abs(points[:, 0]) > 0.074) & (z < 0.075) & (z > 0.0) & (points[:, 1] < 0.30)
    return head & (points[:, 1] > line) & ~ear


def grow(roots, normals, rng, length, comb, lift, segments=8, jitter=0.25):
    """(n, segments + 1, 3) strands that leave along the normal and bend into the comb direction and gravity."""
    n = len(roots)
    points = np.zeros((n, segments + 1, 3))
    points[:, 0] = roots - normals * 0.001
    direction = normals * lift + comb + rng.normal(0, jitter, (n, 3)) * 0.5
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    step = (length / segments)[:, None]
    for k in range(segments):
        points[:, k + 1] = points[:, k] + direction * step
        direction = direction + comb * 0.22 + np.array([0, -0.16, 0]) + rng.normal(0, jitter * 0.25, (n, 3))
        into = np.minimum((direction * normals).sum(1, keepdims=True), 0)
        direction = direction - normals * into * 0.85
        direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    return points


def scatter(vertices, faces, rng, count):
    """Random surface points: positions, normals and the barycentric mixture of any per-vertex array."""
    t = vertices[faces]
    area = np.linalg.norm(np.cross(t[:, 1] - t[:, 0], t[:, 2] - t[:, 0]), axis=1)
    pick = rng.choice(len(faces), count, p=area / area.sum())
    r = rng.random((count, 2))
    flip = r.sum(1) > 1
    r[flip] = 1 - r[flip]
    b = np.stack([1 - r.sum(1), r[:, 0], r[:, 1]], 1)
    return pick, b


def hair_object(name: str, strands: np.ndarray, radius: float, made: bpy.types.Material) -> None:
    n, k = strands.shape[:2]
    curves = bpy.data.hair_curves.new(name)
    curves.add_curves([k] * n)
    curves.attributes["position"].data.foreach_set(
        "vector", to_blender(strands.reshape(-1, 3)).astype(np.float32).ravel()
    )
    taper = np.tile(np.linspace(radius, radius * 0.35, k), n).astype(np.float32)
    thickness = curves.attributes.get("radius") or curves.attributes.new("radius", "FLOAT", "POINT")
    thickness.data.foreach_set("value", taper)
    curves.materials.append(made)
    thing = bpy.data.objects.new(name, curves)
    bpy.context.scene.collection.objects.link(thing)


def grow_hair(body: np.ndarray) -> None:
    rng = np.random.default_rng(SEED)
    normals = vertex_normals(body, FACES)
    head = weight("head", "jaw") > 0.5
    eyes = weight("left_eye_smplhf", "right_eye_smplhf") > 0.5
    faces = FACES[(head & ~eyes)[FACES].all(1)]
    pick, b = scatter(body, faces, rng, 150_000)
    rest = (TEMPLATE[faces[pick]] * b[..., None]).sum(1)
    keep = scalp_mask(rest + rng.normal(0, 0.003, rest.shape))
    rest, roots = rest[keep], (body[faces[pick]] * b[..., None]).sum(1)[keep]
    n = (normals[faces[pick]] * b[..., None]).sum(1)[keep]
    n /= np.linalg.norm(n, axis=1, keepdims=True)
    top = np.clip((rest[:, 1] - 0.29) / 0.07, 0, 1)
    length = (0.018 + 0.034 * top) * rng.uniform(0.75, 1.15, len(rest))
    part = np.tanh((rest[:, 0] + 0.03) / 0.03)
    comb = np.stack([0.55 * part * top, 0.10 - 0.75 * (1 - top), -0.35 - 0.15 * top + 0.7 * (rest[:, 2] > 0.10)], 1)
    clump = np.random.default_rng(3).normal(0, 0.20, (400, 3))
    nearest = cKDTree(rest[:: max(1, len(rest) // 400)][:400]).query(rest)[1]
    brown = material("Hair", hair_strands(0.95))
    hair_object("Hair", grow(roots, n, rng, length, comb * 1.1 + clump[nearest], 0.22), 0.00013, brown)

    for ids, outward in zip(BROWS, (-1.0, 1.0)):
        line = face_points(body, ids)
        t = rng.random(700)
        at = np.stack([np.interp(t * (len(ids) - 1), np.arange(len(ids)), line[:, c]) for c in range(3)], 1)
        at += rng.normal(0, [0.0008, 0.0022, 0.0008], at.shape)
        _, vertex = cKDTree(body[head]).query(at)
        surface, n = body[head][vertex], normals[head][vertex]
        at = at - ((at - surface) * n).sum(1, keepdims=True) * n
        comb = np.tile([outward * 0.9, 0.15, -0.1], (len(at), 1)) + np.array([0, 0.6, 0]) * (t[:, None] > 0.75)
        hair_object("Brow", grow(at, n, rng, rng.uniform(0.005, 0.009, len(at)), comb, 0.25, 4, 0.15), 0.00011, brown)
    for ids in LIDS:
        line = face_points(body, ids)
        t = rng.random(110)
        at = np.stack([np.interp(t * (len(ids) - 1), np.arange(len(ids)), line[:, c]) for c in range(3)], 1)
        n = np.tile([0.0, 0.1, 1.0], (len(at), 1))
        comb = np.tile([0.0, 0.5, 0.3], (len(at), 1))
        hair_object("Lash", grow(at, n, rng, np.full(len(at), 0.006), comb, 0.8, 4, 0.2), 0.00006, brown)


# ------------------------------------------------------------------------------------------------ clothes


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


# ------------------------------------------------------------------------------------------------ the picture


def eyes(body: np.ndarray) -> np.ndarray:
    made = material("Eye", eye)
    covered = np.zeros(len(body), bool)
    look = rotation_matrices(torch.tensor([0.0, 0.12, 0.0])).numpy() @ np.array([0.0, 0.0, 1.0])
    for joint in ("left_eye_smplhf", "right_eye_smplhf"):
        mine = weight(joint) > 0.5
        covered |= mine
        vertices, faces, _ = cut(mine, body)
        thing = mesh_object("Eye", vertices, faces)
        centre = (vertices.max(0) + vertices.min(0)) / 2
        radial = vertices - centre
        radius = np.linalg.norm(radial, axis=1).mean()
        across = radial - (radial @ look)[:, None] * look
        behind = (radial @ look) < 0
        gaze = across / radius + behind[:, None] * 2.0
        layer = thing.data.attributes.new("gaze", "FLOAT_VECTOR", "POINT")
        layer.data.foreach_set("vector", gaze.astype(np.float32).ravel())
        sub = thing.modifiers.new("Subdivision", "SUBSURF")
        sub.levels = sub.render_levels = 3
        thing.data.materials.append(made)
    return covered


def visible_skin(body: np.ndarray, hidden: np.ndarray) -> None:
    vertices, faces, ids = cut(~hidden, body)
    thing = mesh_object("Skin", vertices, faces)
    rest_positions = TEMPLATE[ids]
    sub = thing.modifiers.new("Subdivision", "SUBSURF")
    sub.levels = sub.render_levels = 2
    rest = thing.data.attributes.new("rest", "FLOAT_VECTOR", "POINT")
    rest.data.foreach_set("vector", rest_positions.astype(np.float32).ravel())
    bpy.context.view_layer.objects.active = thing
    with bpy.context.temp_override(object=thing):
        bpy.ops.object.modifier_apply(modifier="Subdivision")
    values = np.empty(len(thing.data.vertices) * 3, np.float32)
    thing.data.attributes["rest"].data.foreach_get("vector", values)
    paint_skin(thing, values.reshape(-1, 3).astype(np.float64))
    thing.data.materials.append(material("Skin", skin))


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


def main(output: Path) -> None:
    bpy.ops.wm.read_factory_settings(use_empty=True)
    parameters = person()
    rest_body, body = posed(parameters, 0.0), posed(parameters, 1.0)
    carrier = mesh_object("Body", rest_body, FACES)
    animate_body(carrier, parameters)
    covered = dress(carrier, rest_body)
    carrier.hide_render = True
    hidden = covered["trousers"] | covered["shirt"] | shoes(body) | eyes(body)
    visible_skin(body, hidden)
    grow_hair(body)
    studio(float(body[:, 1].max()))
    photograph(output, float(body[:, 1].max()))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
