"""The photo's camera in Blender sees every point in the photo's own pixel."""

import bpy
import numpy as np
import pytest
import torch
from bpy_extras.object_utils import world_to_camera_view
from mathutils import Vector

from blender_addon.rig.axes import to_blender
from blender_addon.rig.camera import build_camera, look_through
from neural_core.body.skinning import rotation_matrices
from neural_core.camera import Camera


def camera(width: int, height: int, orthographic: bool = False, aspect: float = 1.0) -> Camera:
    focal = 400.0 if orthographic else 1.3 * max(width, height)
    K = torch.tensor([[focal, 0, 0.47 * width], [0, focal / aspect, 0.56 * height], [0, 0, 1]])
    R = rotation_matrices(torch.tensor([0.2, -0.3, 0.1])) @ torch.diag(torch.tensor([1.0, -1, -1]))
    return Camera(K, R, torch.tensor([0.3, 0.9, 3.5]), width, height, orthographic)


@pytest.mark.parametrize("size", [(640, 480), (3024, 4032), (4000, 1000)])
@pytest.mark.parametrize("orthographic", [False, True])
@pytest.mark.parametrize("aspect", [1.0, 1.25, 0.8])
def test_every_point_falls_on_its_pixel(blender, size, orthographic, aspect):
    photo = camera(*size, orthographic, aspect)
    scene = blender.context.scene
    thing = build_camera("Photo Camera", photo.to_json(), scene.collection)
    look_through(scene, thing, photo.to_json())
    bpy.context.view_layer.update()
    points = torch.randn(50, 3, generator=torch.Generator().manual_seed(0)) * 0.5
    pixels, depth = photo.project(points)
    for point, pixel, z in zip(to_blender(points.numpy()), pixels.tolist(), depth.tolist()):
        u, v, d = world_to_camera_view(scene, thing, Vector(point))
        assert np.allclose((u * size[0], (1 - v) * size[1]), pixel, atol=0.01)
        assert d == pytest.approx(z, abs=1e-4)
    assert scene.camera == thing and scene.render.resolution_percentage <= 100
