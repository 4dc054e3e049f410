"""The operators with the real backend process: from an avatar file to a rig that stands as the core says."""

import bpy
import numpy as np
import pytest
import torch
from avatars import blender_vertices, clothed_offsets, core_vertices, parameters

from blender_addon.rig.axes import to_core
from neural_core.avatar import Avatar
from neural_core.body import load_open_body
from neural_core.camera import look_at
from neural_core.texture import NeuralTexture


@pytest.fixture
def avatar_file(tmp_path):
    body, person = load_open_body(), parameters(seed=2)
    path = tmp_path / "someone.likeness"
    Avatar(
        parameters=person,
        rest_offsets=clothed_offsets(body),
        camera=look_at(torch.tensor([0.0, 1.0, 3.5]), torch.tensor([0.0, 0.9, 0.0]), 900.0, 480, 640),
        texture=NeuralTexture(data=torch.rand(5, 256, 256), detail=torch.rand(3, 1024, 1024)),
        body_name=body.name,
    ).save(path)
    return path


@pytest.mark.slow
def test_import_avatar_through_the_backend(blender, avatar_file):
    assert bpy.ops.likeness.import_avatar(filepath=str(avatar_file)) == {"FINISHED"}
    mesh = next(o for o in bpy.context.scene.objects if o.likeness.is_avatar_mesh)
    vertices = to_core(blender_vertices(mesh))
    assert np.linalg.norm(vertices - core_vertices(parameters(seed=2)), axis=1).max() < 1e-4
    assert bpy.context.scene.camera is not None and bpy.context.scene.render.resolution_y == 640
    assert mesh.likeness.avatar_path == str(avatar_file)

    foreign = avatar_file.with_name("foreign.likeness")
    foreign.write_bytes(b"not an avatar at all")
    before = len(bpy.data.objects)
    with pytest.raises(RuntimeError, match=r"foreign\.likeness"):
        bpy.ops.likeness.import_avatar(filepath=str(foreign))
    assert len(bpy.data.objects) == before
