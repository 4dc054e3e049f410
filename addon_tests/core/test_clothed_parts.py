"""Regions, surface operations and the basis of the clothed shape."""

from dataclasses import replace

import pytest
import torch

from neural_core.body import BodyModel, load_open_body
from neural_core.body.skeleton import JOINT_INDEX
from neural_core.fitting.clothing_basis import CHAINS, clothing_basis
from neural_core.fitting.clothing_config import ClothedConfig
from neural_core.fitting.clothing_regions import ClothingRegions, clothing_regions
from neural_core.fitting.clothing_shell import ClothingShell
from neural_core.fitting.surface import smoothed, stretched_over, vertex_normals


@pytest.fixture(scope="module")
def body() -> BodyModel:
    return load_open_body()


@pytest.fixture(scope="module")
def regions(body) -> ClothingRegions:
    return clothing_regions(body)


def test_regions_lie_where_their_names_say(body, regions):
    rest, joints = body.template, body.joint_template
    head, neck = joints[JOINT_INDEX["head"]], joints[JOINT_INDEX["neck"]]
    assert (rest[regions.face, 2] > head[2] - 0.02).all()  # none at the nape
    assert (rest[regions.scalp, 1] > neck[1]).all()
    assert rest[regions.scalp, 2].min() < head[2] - 0.06  # the back of the head grows hair
    assert (rest[regions.ears, 0].abs() > 0.04).all()
    assert (rest[regions.feet, 1] < joints[JOINT_INDEX["left_knee"], 1]).all()
    landmarks = body.landmarks
    known = landmarks.face_triangle >= 0
    on_face = body.faces[landmarks.face_triangle[known]].unique()
    assert (regions.frozen[on_face]).float().mean() > 0.97


def test_worn_regions_do_not_overlap_and_frozen_ones_have_no_freedom(regions):
    worn = torch.stack([regions.torso, regions.arms, regions.legs, regions.feet, regions.scalp, regions.hands]).sum(0)
    assert worn.max() == 1
    assert regions.freedom[regions.frozen].max() == 0
    for name in ("torso", "legs", "arms", "feet"):
        assert regions.freedom[getattr(regions, name)].mean() > 0.8, name
    assert regions.freedom.min() >= 0
    assert regions.freedom.max() <= 1


def test_regions_are_as_symmetric_as_the_body(body, regions):
    if body.mirror is None:
        pytest.skip("this body is not symmetric")
    for name in ("face", "ears", "hands", "scalp", "legs"):
        region = getattr(regions, name)
        assert (region == region[body.mirror]).float().mean() > 0.995, name


def test_regions_need_no_vertex_order(body, regions):
    """The same body with its vertices shuffled has the same regions, shuffled."""
    order = torch.randperm(body.num_vertices, generator=torch.Generator().manual_seed(0))
    place = torch.argsort(order)
    shuffled = replace(body, template=body.template[order], weights=body.weights[order], faces=place[body.faces])
    again = clothing_regions(shuffled)
    for name in ("face", "ears", "eyes", "hands", "scalp", "torso"):
        assert torch.equal(getattr(again, name), getattr(regions, name)[order]), name


def test_the_basis_is_a_smooth_function_of_the_section(body, regions):
    basis = clothing_basis(body)
    assert basis.values.shape == (body.num_vertices, sum(3 * chain.knots for chain in CHAINS))
    assert basis.values.shape[1] < 400
    assert torch.linalg.eigvalsh(basis.precision.double()).min() > 0
    even = torch.zeros(len(basis.precision))
    start = 0
    for chain in CHAINS:
        even[start : start + chain.knots] = 1.0
        start += 3 * chain.knots
    thickness = basis.values @ even
    shins = regions.legs & (body.template[:, 1] < body.joint_template[JOINT_INDEX["left_knee"], 1])
    assert thickness[shins].min() > 0.4  # depth of a leg is 0.6 of its sides; ankles give way to feet
    edges = torch.cat([body.faces[:, [0, 1]], body.faces[:, [1, 2]]])
    assert (thickness[edges[:, 0]] - thickness[edges[:, 1]]).abs().quantile(0.99) < 0.2


def test_thickness_has_the_slope_it_claims(body):
    shell = ClothingShell.of(body, ClothedConfig())
    generator = torch.Generator().manual_seed(0)
    here = 0.03 * torch.randn(len(shell.basis.start), generator=generator)
    direction = torch.randn(len(here), generator=generator)
    step = 1e-4
    ahead, behind = (shell.thickness(here + s * direction)[0].double() for s in (step, -step))
    expected = (ahead - behind) / (2 * step)
    slope = shell.thickness(here)[1] * (shell.basis.values @ direction)
    torch.testing.assert_close(slope.double(), expected, rtol=0.02, atol=0.01)
    assert (shell.thickness(here)[0] >= -shell.inset - 1e-6).all()


def test_the_centre_gives_the_clothes_that_are_expected(body):
    shell = ClothingShell.of(body, ClothedConfig())
    thickness = 0.6 * shell.room * torch.rand(body.num_vertices, generator=torch.Generator().manual_seed(0))
    nothing = torch.zeros_like(shell.basis.start)
    given = shell.offsets(nothing, shell.centre_of(thickness[:, None] * shell.direction)).norm(dim=1)
    free = shell.freedom > 0.999
    torch.testing.assert_close(given[free], thickness[free], rtol=0.01, atol=1e-4)
    assert given[shell.regions.frozen].max() == 0
    too_thick = shell.offsets(nothing, shell.centre_of(9 * shell.direction)).norm(dim=1)
    assert (too_thick <= shell.room + shell.hollows + 1e-6).all()
    assert (
        shell.thickness(nothing, shell.centre_of(9 * shell.direction))[1][free].min() > 0.02
    )  # the outline can move it


def test_a_membrane_spans_a_pit_and_lies_on_a_bump():
    n = 21
    x, y = torch.meshgrid(torch.linspace(-1, 1, n), torch.linspace(-1, 1, n), indexing="ij")
    pit = -0.3 * torch.exp(-20 * (x**2 + y**2))
    q = torch.arange(n * n).view(n, n)
    a, b, c, d = (s.reshape(-1) for s in (q[:-1, :-1], q[1:, :-1], q[1:, 1:], q[:-1, 1:]))
    faces = torch.cat([torch.stack([a, b, c], 1), torch.stack([a, c, d], 1)])
    up = torch.tensor([0.0, 0, 1]).expand(n * n, 3)
    centre = int(q[n // 2, n // 2])
    for sign in (1.0, -1.0):
        points = torch.stack([x, y, sign * pit], -1).view(-1, 3)
        height = stretched_over(points, up, faces, 500)
        assert (height >= 0).all()
        assert (height[centre] > 0.2) == (sign > 0)
    assert torch.allclose(vertex_normals(torch.stack([x, y, 0 * x], -1).view(-1, 3), faces), up)
    even = torch.full((n * n, 1), 2.0)
    assert torch.allclose(smoothed(even, faces, 5), even)
