"""The reference rasterizer: no cracks, nothing from broken triangles, exact depth, the same answer every time."""

from dataclasses import replace

import pytest
import torch

from neural_core.body import BodyModel, load_open_body
from neural_core.camera import Camera, look_at
from neural_core.rasterizer import interpolate, rasterize, surface_points

SIDE = 128
CENTRED = Camera.pinhole(150.0, SIDE, SIDE)


@pytest.fixture(scope="module")
def body() -> BodyModel:
    return load_open_body()


def orthographic(camera: Camera, pixels_per_metre: float) -> Camera:
    K = torch.tensor([[pixels_per_metre, 0, SIDE / 2], [0, pixels_per_metre, SIDE / 2], [0, 0, 1.0]])
    return replace(camera, K=K, orthographic=True)


def wall(pixels: torch.Tensor, depth: torch.Tensor, camera: Camera) -> tuple[torch.Tensor, torch.Tensor]:
    """A grid of triangles through pixel positions (n, n, 2) at depth (n, n)."""
    n = len(pixels)
    xy = (pixels - camera.K[:2, 2]) / camera.K[0, 0]
    if not camera.orthographic:
        xy = xy * depth[..., None]
    vertices = torch.cat([xy, depth[..., None]], -1).reshape(-1, 3)
    q = torch.arange(n * n).view(n, n)
    a, b, c, d = q[:-1, :-1], q[:-1, 1:], q[1:, 1:], q[1:, :-1]
    return vertices, torch.cat([torch.stack([a, b, c], -1).view(-1, 3), torch.stack([a, c, d], -1).view(-1, 3)])


@pytest.mark.parametrize("camera", [CENTRED, orthographic(CENTRED, 60.0)], ids=["pinhole", "orthographic"])
@pytest.mark.parametrize("jitter", [0.0, 2.0])
def test_a_wall_has_no_holes(camera, jitter):
    steps = torch.arange(-7.5, SIDE + 12, 8.0)  # edges run exactly through pixel centres
    pixels = torch.stack(torch.meshgrid(steps, steps, indexing="xy"), -1)
    generator = torch.Generator().manual_seed(0)
    pixels = pixels + jitter * (2 * torch.rand(pixels.shape, generator=generator) - 1)
    depth = 2 + (jitter > 0) * 0.3 * torch.sin(pixels[..., 0] / 50) * torch.cos(pixels[..., 1] / 37)
    fragments = rasterize(*wall(pixels, depth, camera), camera)
    assert fragments.mask.all()


def test_broken_triangles_cover_nothing_and_the_good_one_is_seen():
    nan = float("nan")
    good = [[-0.5, -0.5, 2], [0.5, -0.5, 2], [0, 0.5, 2]]
    small = [[0, 0, 1.5], [0, 0, 1.5], [0.1, 0.1, 1.5]]
    behind = [[0, 0, -1.0], [0.3, 0, -1], [0, 0.3, -2]]
    vertices = torch.tensor([*good, *small, [nan, 0, 1], [0.2, 0.2, 1.5], *behind, [float("inf"), 0, 1]])
    faces = torch.tensor([[0, 1, 2], [3, 4, 5], [3, 5, 7], [6, 0, 1], [8, 9, 10], [3, 3, 3], [11, 0, 1]])
    seen = rasterize(vertices, faces, CENTRED).triangle.unique().tolist()
    assert seen == [-1, 0]


def test_everything_off_screen_or_nothing_at_all():
    vertices = torch.tensor([[50.0, 0, 2], [51, 0, 2], [50, 1, 2]])
    for faces in (torch.tensor([[0, 1, 2]]), torch.zeros(0, 3, dtype=torch.long)):
        fragments = rasterize(vertices, faces, CENTRED)
        assert not fragments.mask.any()
        assert torch.isinf(fragments.depth).all()
        assert (fragments.barycentric == 0).all()


def test_a_huge_triangle_fills_the_screen():
    vertices = torch.tensor([[-1e4, -1e4, 5], [1e4, -1e4, 5], [0, 2e4, 5.0]])
    fragments = rasterize(vertices, torch.tensor([[0, 1, 2]]), CENTRED)
    assert fragments.mask.all()
    torch.testing.assert_close(fragments.depth, torch.full((SIDE, SIDE), 5.0))


def test_a_floor_through_the_near_plane_is_cut_where_it_gets_too_close():
    # A floor half a metre under the eye, from far behind it to far in front.
    vertices = torch.tensor([[-50.0, 0.5, -40], [50, 0.5, -40], [0, 0.5, 40.0]])
    fragments = rasterize(vertices, torch.tensor([[0, 1, 2]]), CENTRED, near=1.0)
    rows = (torch.arange(SIDE) + 0.5 - SIDE / 2) / 150.0
    depth = (0.5 / rows)[:, None].expand(SIDE, SIDE)
    expected = (depth >= 1.0) & (depth < 10)
    assert fragments.mask[expected].all()
    assert not fragments.mask[(depth < 1.0)].any()  # above the horizon, or nearer than a metre
    torch.testing.assert_close(fragments.depth[expected], depth[expected], rtol=1e-5, atol=1e-5)


def test_a_camera_inside_the_body_sees_its_inner_side_everywhere(body):
    inside = look_at(torch.tensor([0.0, -0.2, 0.05]), torch.tensor([0.3, -0.3, 1.0]), 60.0, SIDE, SIDE)
    fragments = rasterize(body.template, body.faces, inside, near=0.005)
    assert fragments.mask.float().mean() > 0.999  # but for the tiny openings of the mesh


def test_ties_go_to_the_lower_id_and_depth_decides_otherwise():
    square = torch.tensor([[-1.0, -1, 2], [1, -1, 2], [0, 1, 2]])
    vertices = torch.cat([square, square, square - torch.tensor([0, 0, 0.5])])
    faces = torch.tensor([[3, 4, 5], [0, 1, 2], [6, 7, 8]])
    nearer = rasterize(vertices, faces, CENTRED)
    assert (nearer.triangle[nearer.mask] == 2).float().mean() > 0.5
    tied = rasterize(vertices, faces[:2], CENTRED)
    assert tied.triangle.unique().tolist() == [-1, 0]
    again = rasterize(vertices, faces[:2], CENTRED)
    assert torch.equal(tied.barycentric, again.barycentric)


def test_depth_and_barycentrics_reproduce_the_pixel(body):
    camera = look_at(torch.tensor([1.0, 0.3, 2.2]), torch.tensor([0.0, -0.4, 0.0]), 160.0, SIDE, SIDE)
    fragments = rasterize(body.template, body.faces, camera)
    points = interpolate(fragments, body.faces, body.template)[fragments.mask]
    pixels, depth = camera.project(points)
    rows, columns = torch.nonzero(fragments.mask, as_tuple=True)
    expected = torch.stack([columns, rows], 1) + 0.5
    torch.testing.assert_close(pixels, expected, rtol=0, atol=2e-3)
    torch.testing.assert_close(depth, fragments.depth[fragments.mask], rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(fragments.barycentric.sum(2)[fragments.mask], torch.ones(len(depth)))


def test_culling_backfaces_changes_nothing_on_a_closed_surface_and_halves_an_open_one(body):
    camera = look_at(torch.tensor([0.0, 0.0, 3.0]), torch.tensor([0.0, -0.5, 0.0]), 100.0, SIDE, SIDE)
    whole, culled = (rasterize(body.template, body.faces, camera, cull_backfaces=c) for c in (False, True))
    assert (whole.triangle != culled.triangle).float().mean() < 1e-3  # the lips' opening shows inner sides
    turned = rasterize(body.template, body.faces.flip(1), camera, cull_backfaces=True)
    assert (turned.depth[whole.mask] > whole.depth[whole.mask]).float().mean() > 0.99


def test_chunks_do_not_show(monkeypatch, body):
    camera = look_at(torch.tensor([0.5, 0.0, 2.0]), torch.tensor([0.0, -0.3, 0.0]), 150.0, SIDE, SIDE)
    whole = rasterize(body.template, body.faces, camera)
    monkeypatch.setattr("neural_core.rasterizer.torch_backend._CANDIDATES_PER_CHUNK", 1000)
    pieces = rasterize(body.template, body.faces, camera)
    assert torch.equal(whole.triangle, pieces.triangle)
    assert torch.equal(whole.barycentric, pieces.barycentric)


@pytest.mark.parametrize("parallel", [False, True], ids=["pinhole", "orthographic"])
def test_gradients_of_surface_points(parallel):
    camera = Camera.pinhole(6.0, 8, 8)
    if parallel:
        camera = replace(camera, K=torch.tensor([[3.0, 0, 4], [0, 3, 4], [0, 0, 1]]), orthographic=True)
    faces = torch.tensor([[0, 1, 2], [1, 3, 2]])
    vertices = torch.tensor([[-1.0, -1, 2], [1, -1, 3], [0, 1, 2.5], [1.2, 1.1, 2.2]])
    fragments = rasterize(vertices, faces, camera)
    assert fragments.mask.sum() > 10
    torch.testing.assert_close(
        surface_points(fragments, vertices, faces, camera), fragments.barycentric[fragments.mask], rtol=0, atol=1e-5
    )
    double = replace(camera, K=camera.K.double(), R=camera.R.double(), t=camera.t.double())
    leaf = vertices.double().requires_grad_()
    assert torch.autograd.gradcheck(lambda v: surface_points(fragments, v, faces, double), (leaf,))
