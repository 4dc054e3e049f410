"""Bones an animator can grab: rings around the body instead of sticks inside it, coloured by side."""

import bpy
import numpy as np

from .armature import bone_tails, is_hand
from .axes import to_blender
from .description import AvatarDescription

_SEGMENTS = 32
_COLORS = {"left": (0.2, 0.55, 1.0), "right": (1.0, 0.25, 0.2), "middle": (1.0, 0.8, 0.15)}
_STANDS_OFF = 1.12  # radius of a ring against that of the body within it
_FACE_RINGS = {"jaw": 0.03, "left_eye_smplhf": 0.018, "right_eye_smplhf": 0.018}  # metres, in front of the face
_SMALLEST, _LARGEST = 0.008, 0.3  # metres


def add_controls(armature: bpy.types.Object, description: AvatarDescription, radii: np.ndarray) -> None:
    """A custom shape and a colour for every bone of `armature`; radii: `ring_radii` of the body."""
    ring, box = _shape("Likeness Ring", _ring()), _shape("Likeness Box", _box())
    for joint, name in enumerate(description.joint_names):
        bone = armature.pose.bones[name]
        root = description.parents[joint] < 0
        bone.custom_shape = box if root else ring
        bone.use_custom_shape_bone_size = False
        bone.custom_shape_scale_xyz = (radii[joint],) * 3
        # Around the middle of the part; what belongs to the face is where one sees it, at the bone's end.
        bone.custom_shape_translation = (0.0, bone.length * (1.0 if name in _FACE_RINGS else 0.5), 0.0)
        bone.custom_shape_wire_width = 1.5 if is_hand(name) or name in _FACE_RINGS else 2.0
        bone.color.palette = "CUSTOM"
        bone.color.custom.normal = _COLORS[side(name)]
        bone.color.custom.select = bone.color.custom.active = (1.0, 1.0, 1.0)


def side(joint_name: str) -> str:
    """ "left", "right" or "middle"."""
    start = joint_name.split("_")[0]
    return start if start in ("left", "right") else "middle"


def ring_radii(description: AvatarDescription) -> np.ndarray:
    """(55,) metres: how far a ring around each bone stands off its axis, to surround what the bone moves most."""
    points = to_blender(description.rest_vertices + description.clothed_offsets)
    heads = to_blender(description.joints.astype(np.float64))
    tails = bone_tails(description)
    strongest = description.weight_value.argmax(axis=1)
    owner = description.weight_joint[np.arange(len(points)), strongest]
    radii = np.full(len(heads), _SMALLEST)
    for joint, name in enumerate(description.joint_names):
        own = points[owner == joint]
        if name in _FACE_RINGS:
            radii[joint] = _FACE_RINGS[name]
        elif len(own):
            axis = (tails[joint] - heads[joint]) / np.linalg.norm(tails[joint] - heads[joint])
            away = own - heads[joint]
            away -= (away @ axis)[:, None] * axis
            radii[joint] = np.percentile(np.linalg.norm(away, axis=1), 80) * _STANDS_OFF
    return np.clip(radii, _SMALLEST, _LARGEST)


def _shape(name: str, wire: tuple[list, list]) -> bpy.types.Object:
    """The object that draws such bones, in no collection; made once per file."""
    found = bpy.data.objects.get(name)
    if found is not None and found.type == "MESH":
        return found
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata(*wire, [])
    return bpy.data.objects.new(name, mesh)


def _ring() -> tuple[list, list]:
    """A circle of radius 1 about the bone's own axis, y."""
    angles = np.arange(_SEGMENTS) * (2 * np.pi / _SEGMENTS)
    points = np.stack([np.cos(angles), np.zeros(_SEGMENTS), np.sin(angles)], axis=1)
    return points.tolist(), [(i, (i + 1) % _SEGMENTS) for i in range(_SEGMENTS)]


def _box() -> tuple[list, list]:
    """The edges of a flat box about the hips."""
    corners = [(x, y, z) for x in (-1, 1) for y in (-0.45, 0.45) for z in (-0.8, 0.8)]
    edges = [
        (i, j) for i in range(8) for j in range(i + 1, 8) if sum(a != b for a, b in zip(corners[i], corners[j])) == 1
    ]
    return corners, edges
