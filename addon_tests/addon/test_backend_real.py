"""The real backend process: `python -m neural_core.backend`, from file to rig to picture."""

import bpy
import numpy as np
import pytest
import torch

from addon_tests.addon.avatars import parameters
from addon_tests.addon.engine_scene import render, set_up
from blender_addon.backend import client
from blender_addon.rig.axes import to_core
from blender_addon.rig.build import build_avatar
from blender_addon.rig.description import AvatarDescription
from neural_core.avatar import Avatar
from neural_core.body import load_open_body
from neural_core.camera import look_at
from neural_core.rendering.weights import DEFAULT_RENDERER
from neural_core.texture import NeuralTexture

pytestmark = pytest.mark.slow


@pytest.fixture
def file(tmp_path):
    """An avatar that waves a little, in stripes."""
    body = load_open_body()
    stripes = (torch.arange(1024) // 64 % 2).float().expand(3, 1024, 1024)
    data = torch.cat([stripes[:, ::4, ::4], torch.ones(2, 256, 256)])
    path = tmp_path / "stripes.likeness"
    Avatar(
        parameters=parameters(strength=0.1),
        rest_offsets=torch.zeros(body.num_vertices, 3),
        camera=look_at(torch.tensor([0.0, 0.0, 4.0]), torch.zeros(3), 900.0, 480, 640),
        texture=NeuralTexture(data=data, detail=stripes.contiguous()),
        body_name=body.name,
    ).save(path)
    return path


def test_from_file_to_rig_to_picture(blender, file, tmp_path):
    seen = []
    body, arrays = client.run("describe_avatar", {"path": str(file)}, on_progress=lambda *step: seen.append(step))
    hello = client.shared().hello
    assert hello["device"] in {"cpu", "cuda:0", "cuda"} and hello["version"]
    assert (body["name"], body["path"]) == ("stripes", str(file))

    objects = build_avatar(AvatarDescription.from_wire(body, arrays), bpy.context)
    mesh = objects.mesh.evaluated_get(bpy.context.evaluated_depsgraph_get()).to_mesh()
    vertices = np.empty(len(mesh.vertices) * 3)
    mesh.vertices.foreach_get("co", vertices)
    avatar = Avatar.load(file)
    expected = load_open_body()(avatar.parameters, avatar.rest_offsets).vertices[0].numpy()
    world = np.array(objects.mesh.matrix_world)
    posed = to_core(vertices.reshape(-1, 3) @ world[:3, :3].T + world[:3, 3])
    assert np.abs(posed - expected).max() < 1e-4  # 0.1 mm: file, wire, armature and modifiers

    if not DEFAULT_RENDERER.exists():
        pytest.skip("no trained renderer in this checkout")
    camera = set_up()
    centre = expected.mean(0)
    camera.location = (centre[0], -centre[2] - 4.0, centre[1])
    passes = render(tmp_path)
    assert 0.03 < (passes["mask"] > 0.5).mean() < 0.6
    assert passes["combined"][passes["mask"] > 0.9][:, :3].std() > 0.05
