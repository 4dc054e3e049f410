"""Every bone can be seen and grabbed."""

import bpy
import numpy as np
from avatars import describe

from blender_addon.rig.axes import to_blender
from blender_addon.rig.controls import ring_radii, side


def test_every_bone_has_a_shape_and_the_colour_of_its_side(avatar):
    bones = avatar.armature.pose.bones
    assert all(bone.custom_shape is not None for bone in bones)
    colors = {side(bone.name): tuple(bone.color.custom.normal) for bone in bones}
    assert len(set(colors.values())) == 3
    assert all(tuple(bone.color.custom.normal) == colors[side(bone.name)] for bone in bones)
    assert [bone.name for bone in bones if bone.custom_shape.name == "Likeness Box"] == ["pelvis"]


def test_rings_surround_the_body_where_they_stand():
    description = describe()
    radii = dict(zip(description.joint_names, ring_radii(description)))
    points = to_blender(description.rest_vertices)
    waist = points[np.abs(points[:, 2] - points[:, 2].mean()) < 0.02]  # a slice of the trunk
    assert radii["spine2"] > np.linalg.norm(waist - waist.mean(0), axis=1).min()
    assert radii["spine3"] > radii["left_hip"] > radii["left_knee"] > radii["left_wrist"] > radii["left_index1"]
    assert np.allclose(radii["left_elbow"], radii["right_elbow"], rtol=0.15)


def test_shapes_are_shared_and_do_not_show_in_the_scene(avatar):
    from blender_addon.rig.build import build_avatar

    build_avatar(describe(), bpy.context)
    assert [o.name for o in bpy.data.objects if o.name.startswith("Likeness ")] == ["Likeness Box", "Likeness Ring"]
    assert not [o for o in bpy.context.scene.objects if o.name.startswith("Likeness ")]
