"""The 55 SMPL-X joints as bones; any rest orientation is fine because poses are converted exactly (see pose.py)."""

import bpy
import numpy as np
from mathutils import Vector

from ..properties import JOINT_ORDER_KEY
from .axes import to_blender
from .description import AvatarDescription

# Joint -> the joint its bone points to; the others continue the direction of their parent's bone.
_POINTS_TO = {
    "pelvis": "spine1", "spine1": "spine2", "spine2": "spine3", "spine3": "neck", "neck": "head",
    "left_wrist": "left_middle1", "right_wrist": "right_middle1",
}  # fmt: skip
# Joint -> direction in core axes and length in metres, where no joint lies further out.
_POINTS_ALONG = {
    "head": ((0, 1, 0), 0.16), "jaw": ((0, -0.5, 1), 0.08),
    "left_foot": ((0, 0, 1), 0.06), "right_foot": ((0, 0, 1), 0.06),
    "left_eye_smplhf": ((0, 0, 1), 0.03), "right_eye_smplhf": ((0, 0, 1), 0.03),
}  # fmt: skip
_FINGERS = ("index", "middle", "pinky", "ring", "thumb")
_FACE = ("jaw", "left_eye_smplhf", "right_eye_smplhf")
_FINGERTIP = 0.8  # length of a last finger bone against the one before it
_SHORTEST = 0.005  # metres; Blender deletes bones without length


def build_armature(description: AvatarDescription, collection: bpy.types.Collection) -> bpy.types.Object:
    """An armature object at the origin with a bone per joint, in rest pose, linked into `collection`.

    Leaves Blender in object mode with the armature selected and active.
    """
    data = bpy.data.armatures.new(description.name)
    armature = bpy.data.objects.new(description.name, data)
    collection.objects.link(armature)
    view_layer = bpy.context.view_layer
    if view_layer.objects.active is not None and view_layer.objects.active.mode != "OBJECT":
        bpy.ops.object.mode_set(mode="OBJECT")
    for other in view_layer.objects.selected:
        other.select_set(False)
    view_layer.objects.active = armature
    armature.select_set(True)
    heads = to_blender(description.joints.astype(np.float64))
    tails = bone_tails(description)
    bpy.ops.object.mode_set(mode="EDIT")
    for joint, name in enumerate(description.joint_names):
        bone = data.edit_bones.new(name)
        bone.head, bone.tail = heads[joint], tails[joint]
        horizontal = abs((bone.tail - bone.head).normalized().z) < 0.7
        # The bone's local z looks up on horizontal bones and forward on upright ones: mirrored limbs roll alike.
        bone.align_roll(Vector((0, 0, 1)) if horizontal else Vector((0, -1, 0)))
        if description.parents[joint] >= 0:
            bone.parent = data.edit_bones[description.joint_names[description.parents[joint]]]
    bpy.ops.object.mode_set(mode="OBJECT")
    data[JOINT_ORDER_KEY] = "\n".join(description.joint_names)
    data["likeness_hands_mean"] = description.hands_mean.astype(np.float64).ravel().tolist()
    data.display_type = "STICK"
    armature.show_in_front = True
    for bone in armature.pose.bones:
        bone.rotation_mode = "QUATERNION"
        bone.lock_location = (bone.parent is not None,) * 3
    _sort_into_collections(data, description.joint_names)
    return armature


def bone_tails(description: AvatarDescription) -> np.ndarray:
    """(55, 3) where each bone ends, Blender axes, metres."""
    heads = to_blender(description.joints.astype(np.float64))
    index = {name: joint for joint, name in enumerate(description.joint_names)}
    children: dict[int, list[int]] = {}
    for joint, parent in enumerate(description.parents):
        children.setdefault(parent, []).append(joint)
    tails = np.empty_like(heads)
    for joint, name in enumerate(description.joint_names):
        target = index.get(_POINTS_TO.get(name, ""))
        if target is None and len(children.get(joint, ())) == 1:
            target = children[joint][0]
        if target is not None:
            span = heads[target] - heads[joint]
        elif name in _POINTS_ALONG:
            direction, length = _POINTS_ALONG[name]
            span = to_blender(np.array(direction) / np.linalg.norm(direction)) * length
        else:
            parent = description.parents[joint]
            span = (tails[parent] - heads[parent]) * _FINGERTIP if parent >= 0 else np.array([0.0, 0.0, 0.1])
        if np.linalg.norm(span) < _SHORTEST:
            span = np.array([0.0, 0.0, _SHORTEST])
        tails[joint] = heads[joint] + span
    return tails


def is_hand(joint_name: str) -> bool:
    """True for the thirty finger joints."""
    return any(finger in joint_name for finger in _FINGERS)


def _sort_into_collections(data: bpy.types.Armature, joint_names: tuple[str, ...]) -> None:
    groups = {name: data.collections.new(name) for name in ("Body", "Hands", "Face")}
    for name in joint_names:
        group = "Hands" if is_hand(name) else "Face" if name in _FACE else "Body"
        groups[group].assign(data.bones[name])
