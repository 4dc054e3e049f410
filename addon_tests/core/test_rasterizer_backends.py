"""Choosing a rasterizer, and nvdiffrast's conventions against a stand-in of its documented interface."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

from neural_core.camera import Camera, look_at
from neural_core.errors import BackendError
from neural_core.rasterizer import nvdiffrast_backend, rasterize, select

VERTICES = torch.tensor([[-0.5, -0.4, 0], [0.6, -0.5, 0.3], [0.1, 0.7, -0.2], [0.9, 0.6, 0.5]])
FACES = torch.tensor([[0, 1, 2], [1, 3, 2]])
PINHOLE = look_at(torch.tensor([0.4, 0.3, 2.0]), torch.zeros(3), 60.0, 50, 37)
PARALLEL = replace(PINHOLE, K=torch.tensor([[25.0, 0, 25], [0, 25.0, 18], [0, 0, 1]]), orthographic=True)


def documented_rasterize(context, clip, triangles, resolution, grad_db):
    """What nvdiffrast documents: clip space in; u, v, z/w, id + 1 out; row 0 at y = -1; sizes of whole tiles."""
    height, width = resolution
    assert height % 8 == 0
    assert width % 8 == 0
    assert triangles.dtype == torch.int32
    x, y, z, w = clip[0].unbind(1)
    depth = z / w
    assert (depth.abs() <= 1).all()
    screen = torch.stack([(x / w + 1) / 2 * width, (y / w + 1) / 2 * height, depth + 3], 1)
    # An orthographic camera of one pixel per unit rasterizes what is already on the screen.
    unit = Camera(torch.eye(3), torch.eye(3), torch.zeros(3), width, height, orthographic=True)
    seen = rasterize(screen, triangles.long(), unit)
    out = torch.zeros(1, height, width, 4)
    out[0, ..., :2] = seen.barycentric[..., :2]
    out[0, ..., 3] = (seen.triangle + 1).float()
    return out, None


@pytest.mark.parametrize("camera", [PINHOLE, PARALLEL], ids=["pinhole", "orthographic"])
def test_nvdiffrast_speaks_the_same_protocol(monkeypatch, camera):
    stand_in = SimpleNamespace(rasterize=documented_rasterize, RasterizeCudaContext=lambda device: device)
    monkeypatch.setattr(nvdiffrast_backend, "load", lambda: stand_in)
    monkeypatch.setattr(nvdiffrast_backend, "_context", lambda module, device: None)
    ours, theirs = rasterize(VERTICES, FACES, camera), select("nvdiffrast")(VERTICES, FACES, camera)
    assert ours.mask.sum() > 100
    assert torch.equal(ours.triangle, theirs.triangle)
    torch.testing.assert_close(theirs.depth, ours.depth, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(theirs.barycentric, ours.barycentric, rtol=0, atol=1e-4)


def test_the_default_needs_nothing():
    assert select() is select("torch")
    assert select()(VERTICES, FACES, PINHOLE).mask.any()


def test_what_cannot_be_had_is_said_in_a_sentence(monkeypatch):
    def missing(name):
        raise ImportError(name)

    monkeypatch.setattr("importlib.import_module", missing)
    with pytest.raises(BackendError, match="install it on a CUDA machine, or use the rasterizer 'torch'"):
        select("nvdiffrast")
    with pytest.raises(BackendError, match="choose one of torch, nvdiffrast"):
        select("opengl")
