"""Differentiable coverage against a supersampled mask and its finite differences."""

import math
from dataclasses import replace

import pytest
import torch

from neural_core.body import load_open_body
from neural_core.camera import Camera, look_at
from neural_core.rasterizer import Topology, outline_points, rasterize, soft_mask

SIDE, SAMPLES = 96, 6
DIAMOND = torch.tensor([[0.9, 0, 0], [-0.9, 0, 0], [0, 1.1, 0], [0, -1.1, 0], [0, 0, 0.6], [0, 0, -0.6]])
DIAMOND_FACES = torch.tensor([[0, 2, 4], [2, 1, 4], [1, 3, 4], [3, 0, 4], [2, 0, 5], [1, 2, 5], [3, 1, 5], [0, 3, 5]])


def cameras() -> dict[str, Camera]:
    pinhole = look_at(torch.tensor([0.9, 0.4, 3.0]), torch.zeros(3), 1.3 * SIDE, SIDE, SIDE)
    K = torch.tensor([[38.0, 0, SIDE / 2], [0, 38, SIDE / 2], [0, 0, 1]])
    return {"pinhole": pinhole, "orthographic": replace(pinhole, K=K, orthographic=True)}


@pytest.fixture(params=["pinhole", "orthographic"])
def camera(request) -> Camera:
    return cameras()[request.param]


@pytest.fixture(scope="module", params=["diamond", "body"])
def mesh(request) -> tuple[torch.Tensor, torch.Tensor]:
    if request.param == "diamond":
        return DIAMOND, DIAMOND_FACES
    body = load_open_body()
    return 2.5 * (body.template - body.template.mean(0)), body.faces  # out of the picture; triangles below a pixel


def supersampled(vertices: torch.Tensor, faces: torch.Tensor, camera: Camera) -> torch.Tensor:
    fine = camera.resize(SIDE * SAMPLES, SIDE * SAMPLES)
    mask = rasterize(vertices, faces, fine).mask.double()
    return torch.nn.functional.avg_pool2d(mask[None, None], SAMPLES)[0, 0]


def test_topology_knows_every_edge_once():
    topology = Topology.of(DIAMOND_FACES)
    assert len(topology.edges) == 12
    assert not topology.open.any()
    assert len(topology.edges.unique(dim=0)) == 12
    for (a, b), opposite in zip(topology.edges.tolist(), topology.opposite.tolist()):
        beside = {v for face in DIAMOND_FACES.tolist() if a in face and b in face for v in face} - {a, b}
        assert set(opposite) == beside
    assert Topology.of(DIAMOND_FACES[:1]).open.all()


def test_coverage_is_that_of_a_supersampled_mask(mesh, camera):
    vertices, faces = mesh
    fragments = rasterize(vertices, faces, camera)
    soft = soft_mask(vertices, Topology.of(faces), camera, fragments).double()
    exact = supersampled(vertices, faces, camera)
    assert soft.min() >= 0
    assert soft.max() <= 1
    error, binary_error = (soft - exact).abs().mean(), (fragments.mask.double() - exact).abs().mean()
    assert error < 0.2 * binary_error


def test_gradient_is_that_of_a_supersampled_mask(mesh, camera):
    vertices, faces = mesh
    leaf = vertices.clone().requires_grad_()
    y, x = torch.meshgrid(torch.arange(SIDE) + 0.5, torch.arange(SIDE) + 0.5, indexing="ij")
    weight = 1.5 + torch.sin(x / 17) * torch.cos(y / 13) + x / 60
    soft = soft_mask(leaf, Topology.of(faces), camera, rasterize(vertices, faces, camera))
    (gradient,) = torch.autograd.grad((soft * weight).sum(), leaf)

    def turned(angle: float) -> torch.Tensor:
        c, s = math.cos(angle), math.sin(angle)
        return vertices @ torch.tensor([[c, -s, 0], [s, c, 0], [0, 0, 1.0]])

    motions = {
        "grow": lambda h: vertices * (1 + h),
        "right": lambda h: vertices + torch.tensor([h, 0, 0]),
        "up": lambda h: vertices + torch.tensor([0, h, 0]),
        "turn": turned,
    }
    scale = abs(float((gradient * vertices).sum()))  # of growing: the others partly cancel
    for name, move in motions.items():
        direction = (move(1e-3) - move(-1e-3)) / 2e-3
        step = 8e-3  # about half a pixel to each side
        ahead, behind = supersampled(move(step), faces, camera), supersampled(move(-step), faces, camera)
        expected = float(((ahead - behind) * weight).sum()) / (2 * step)
        assert float((gradient * direction).sum()) == pytest.approx(expected, abs=0.04 * scale), name


def test_gradient_is_that_of_the_function_itself(camera):
    """On ids held fixed, away from knife edges."""
    double = replace(camera, K=camera.K.double(), R=camera.R.double(), t=camera.t.double())
    topology = Topology.of(DIAMOND_FACES)
    fragments = rasterize(DIAMOND, DIAMOND_FACES, camera)
    weight = torch.rand(SIDE, SIDE, generator=torch.Generator().manual_seed(0)).double()

    def loss(vertices: torch.Tensor) -> torch.Tensor:
        return (soft_mask(vertices, topology, double, fragments) * weight).sum()

    assert torch.autograd.gradcheck(loss, (DIAMOND.double().requires_grad_(),), eps=1e-7, atol=1e-3)


def test_the_picture_border_is_no_outline():
    camera = Camera.pinhole(100.0, SIDE, SIDE)
    vertices = torch.tensor([[-9.0, -9, 2], [9, -9, 2], [0, 18, 2]]).requires_grad_()
    faces = torch.tensor([[0, 1, 2]])
    soft = soft_mask(vertices, Topology.of(faces), camera, rasterize(vertices.detach(), faces, camera))
    assert (soft == 1).all()
    assert not soft.requires_grad or torch.autograd.grad(soft.sum(), vertices)[0].abs().max() == 0


def test_outline_points_lie_on_the_outline(mesh, camera):
    vertices, faces = mesh
    points = outline_points(vertices, Topology.of(faces), camera, rasterize(vertices, faces, camera))
    pixels, _ = camera.project(vertices[points.edge])  # (m, 2, 2)
    on_edge = pixels[:, 0] + points.fraction[:, None] * (pixels[:, 1] - pixels[:, 0])
    torch.testing.assert_close(on_edge, points.pixel, rtol=0, atol=1e-2)
    coverage = supersampled(vertices, faces, camera)
    around = torch.nn.functional.unfold(coverage[None, None].float(), 3, padding=1)[0].view(9, SIDE, SIDE)
    column, row = points.pixel.long().clamp(0, SIDE - 1).unbind(1)
    assert (around.amax(0)[row, column] > around.amin(0)[row, column]).float().mean() > 0.99


def test_a_few_steps_pull_a_shape_onto_a_mask(camera):
    topology = Topology.of(DIAMOND_FACES)
    target = supersampled(DIAMOND * torch.tensor([1.15, 0.85, 1.0]) + 0.05, DIAMOND_FACES, camera).float()
    scale, shift = torch.ones(3, requires_grad=True), torch.zeros(3, requires_grad=True)
    optimizer = torch.optim.Adam([scale, shift], lr=0.01)
    losses = []
    for _ in range(50):
        vertices = DIAMOND * scale + shift
        fragments = rasterize(vertices.detach(), DIAMOND_FACES, camera)
        loss = (soft_mask(vertices, topology, camera, fragments) - target).abs().sum() / target.sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert min(losses) < 0.1 * losses[0]
