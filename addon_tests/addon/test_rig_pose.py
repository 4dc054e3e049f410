"""Poses go through the armature without loss: the promise is 0.1 mm, correctives included."""

import bpy
import numpy as np
import pytest
import torch
from avatars import blender_vertices, core_vertices, describe, in_skirt, parameters

from blender_addon.rig.axes import to_core
from blender_addon.rig.build import build_avatar
from blender_addon.rig.pose import apply_expression, apply_pose, read_pose
from neural_core import quaternions

TOLERANCE = 1e-4  # metres


@pytest.mark.parametrize("strength", [0.0, 0.3, 1.0])
def test_posed_mesh_is_the_core_s(blender, strength):
    person = parameters(seed=3, strength=strength)
    built = build_avatar(describe(person), blender.context)
    vertices = to_core(blender_vertices(built.mesh))
    assert np.linalg.norm(vertices - core_vertices(person), axis=1).max() < TOLERANCE


def test_pose_round_trip(avatar):
    person = parameters(seed=5, strength=0.8)
    apply_pose(avatar.armature, person.full_pose()[0].numpy(), person.transl[0].numpy())
    pose, transl = read_pose(avatar.armature)
    given = person.full_pose()[0].double().numpy()
    there, back = (quaternions.to_matrices(quaternions.from_axis_angle(p)) for p in (given, pose))
    assert np.abs(there - back).max() < 1e-4  # Blender's bones are float32
    assert np.abs(transl - person.transl[0].numpy()).max() < 1e-5


def test_another_pose_and_expression_on_the_same_rig(avatar):
    """Joints that the expression moves (jaw, eyes) still turn about the right points."""
    shape = parameters()  # what `avatar` was built from
    other = parameters(seed=9, strength=0.5)
    person = type(shape)(**{**vars(other), "betas": shape.betas})
    apply_expression(avatar.mesh, torch.cat([person.expression, person.actions], 1)[0].numpy())
    apply_pose(avatar.armature, person.full_pose()[0].numpy(), person.transl[0].numpy())
    bpy.context.view_layer.update()
    vertices = to_core(blender_vertices(avatar.mesh))
    assert np.linalg.norm(vertices - core_vertices(person), axis=1).max() < TOLERANCE


def test_a_skirt_moves_as_the_core_moves_it(blender):
    """Skin weights and correctives of clothes reach the rig, not only the body's."""
    person, body = parameters(seed=4), in_skirt()
    avatar = build_avatar(describe(person, body), blender.context)
    vertices = to_core(blender_vertices(avatar.mesh))
    assert np.linalg.norm(vertices - core_vertices(person, body), axis=1).max() < TOLERANCE
    assert np.linalg.norm(vertices - core_vertices(person), axis=1).max() > 100 * TOLERANCE


def test_moving_the_armature_moves_the_person(avatar):
    before = blender_vertices(avatar.mesh)
    avatar.armature.location.x += 2.0
    assert np.allclose(blender_vertices(avatar.mesh), before + np.array([2, 0, 0]), atol=1e-5)
