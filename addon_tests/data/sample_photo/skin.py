"""The visible skin and the eyes."""

import bpy
import numpy as np
import torch

from neural_core.body.skinning import rotation_matrices

from .hair import face_points, scalp_mask
from .materials import eye, material, skin
from .person import TEMPLATE, weight
from .surface import cut, mesh_object

LIPS = [61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291, 375, 321, 405, 314, 17, 84, 181, 91, 146]
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
