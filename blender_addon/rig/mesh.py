"""The avatar's surface: mesh, UV map, weights and shape keys."""

from collections.abc import Generator

import bpy
import numpy as np

from .axes import coordinate_rows_to_blender, to_blender
from .correctives import CORRECTIVES_KEY, Correctives
from .description import AvatarDescription

CLOTHED_KEY = "Clothed"
_WEIGHTS_PER_STEP = 16384  # some 5 ms
_KEYS_PER_STEP = 16
_COMPONENT_RANGE = 4.0  # standard deviations: further out faces fall apart


def build_mesh(description: AvatarDescription, material: bpy.types.Material) -> Generator[None, None, bpy.types.Object]:
    """The mesh object, in no scene yet; shape keys Basis, Clothed, expressions, Correctives.

    Yields between pieces of work that take a hundredth of a second each.
    """
    mesh = yield from _surface(description)
    mesh.materials.append(material)
    body = bpy.data.objects.new(f"{description.name} Body", mesh)
    yield
    yield from _weights(body, description)
    yield from _shape_keys(body, description)
    _store_correctives(mesh, description)
    yield
    return body


def hang_on(body: bpy.types.Object, armature: bpy.types.Object, collection: bpy.types.Collection) -> None:
    """Let `armature` carry and move the mesh, and put it into the armature's collection."""
    collection.objects.link(body)
    body.parent = armature
    modifier = body.modifiers.new("Armature", "ARMATURE")
    modifier.object = armature


def _surface(description: AvatarDescription) -> Generator[None, None, bpy.types.Mesh]:
    mesh = bpy.data.meshes.new(f"{description.name} Body")
    V, F = len(description.rest_vertices), len(description.faces)
    mesh.vertices.add(V)
    mesh.vertices.foreach_set("co", to_blender(description.rest_vertices).astype(np.float32).ravel())
    mesh.loops.add(3 * F)
    mesh.loops.foreach_set("vertex_index", description.faces.astype(np.int32).ravel())
    mesh.polygons.add(F)
    mesh.polygons.foreach_set("loop_start", np.arange(0, 3 * F, 3, dtype=np.int32))
    yield
    uv = mesh.uv_layers.new(name="UVMap")
    uv.uv.foreach_set("vector", description.loop_uv.astype(np.float32).ravel())
    mesh.validate()  # makes the edges, too
    mesh.shade_smooth()
    mesh.update()
    return mesh


def _weights(body: bpy.types.Object, description: AvatarDescription) -> Generator[None, None, None]:
    """One vertex group per joint that moves something; the empty ones too, so that indices are joint indices."""
    groups = [body.vertex_groups.new(name=name) for name in description.joint_names]
    vertex, slot = np.nonzero(description.weight_value > 0)
    joints = description.weight_joint[vertex, slot]
    values = description.weight_value[vertex, slot]
    for start in range(0, len(vertex), _WEIGHTS_PER_STEP):
        part = slice(start, start + _WEIGHTS_PER_STEP)
        for v, joint, value in zip(vertex[part].tolist(), joints[part].tolist(), values[part].tolist()):
            groups[joint].add((v,), value, "ADD")
        yield


def _shape_keys(body: bpy.types.Object, description: AvatarDescription) -> Generator[None, None, None]:
    rest = to_blender(description.rest_vertices).astype(np.float32)

    def add(name: str, offsets: np.ndarray, value: float, low: float, high: float) -> bpy.types.ShapeKey:
        key = body.shape_key_add(name=name, from_mix=False)
        key.points.foreach_set("co", (rest + to_blender(offsets)).astype(np.float32).ravel())
        key.slider_min, key.slider_max, key.value = low, high, value
        return key

    body.shape_key_add(name="Basis", from_mix=False)
    add(CLOTHED_KEY, description.clothed_offsets, 1.0, 0.0, 1.0)
    made = []
    for name, offsets, value in zip(
        description.expression_names, description.expression_offsets, description.expression
    ):
        # Numbered components are in standard deviations; named (ARKit) actions go from nothing to all.
        component = name.lower().startswith("expr")
        low, high = (-_COMPONENT_RANGE, _COMPONENT_RANGE) if component else (0.0, 1.0)
        value = float(value)
        made.append(add(name, offsets, value, min(low, value), max(high, value)).name)
        if len(made) % _KEYS_PER_STEP == 0:
            yield
    add(CORRECTIVES_KEY, np.zeros_like(rest), 1.0, 0.0, 1.0)
    body.data["likeness_expressions"] = "\n".join(made)
    body.use_shape_key_edit_mode = True


def _store_correctives(mesh: bpy.types.Mesh, description: AvatarDescription) -> None:
    rows, signs = coordinate_rows_to_blender(description.corrective_index)
    Correctives(
        index=rows.astype(np.int32),
        feature=description.corrective_feature.astype(np.int16),
        value=(description.corrective_value * signs).astype(np.float32),
    ).store(mesh)
