"""Parts of the synthetic-people generator: rasterizer with level sets, hulls, poses, fabrics, fit noise."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from neural_core.body.open_body import load_open_body
from neural_core.body.skinning import joint_transforms, rotation_matrices
from neural_core.camera import Camera, look_at
from neural_core.rasterizer import rasterize
from neural_core.training.people import estimate, zbuffer
from neural_core.training.people.accessories import draw_accessories, draw_on_cloth
from neural_core.training.people.cameras import random_camera
from neural_core.training.people.fabrics import PATTERNS, random_fabric
from neural_core.training.people.garments import hull_radius
from neural_core.training.people.glasses import Glasses, put_on_glasses
from neural_core.training.people.lights import visibility
from neural_core.training.people.noise import noise, noise_with_gradient
from neural_core.training.people.outfit import draw_outfit
from neural_core.training.people.person import make_person, pose_person
from neural_core.training.people.poses import KINDS, random_pose
from neural_core.training.people.sensor import take_picture
from neural_core.training.people.wardrobe import load_wardrobe


@pytest.fixture(scope="module")
def wardrobe():
    return load_wardrobe(load_open_body())


@pytest.fixture(scope="module")
def people(wardrobe):
    return [make_person(wardrobe, np.random.default_rng(seed)) for seed in range(12)]


def test_rasterizer_sees_the_same_triangles_as_the_product():
    body = load_open_body()
    camera = look_at(torch.tensor([1.0, 0.2, 3.0]), torch.tensor([0.0, -0.4, 0.0]), 160.0, 96, 128)
    expected = rasterize(body.template, body.faces, camera)
    hits = zbuffer.draw(body.template[None], body.faces, torch.ones(body.num_vertices), [camera])
    seen = torch.full((128, 96), -1)
    seen[hits.row, hits.column] = hits.triangle
    assert (seen != expected.triangle).float().mean() < 1e-3
    assert torch.allclose(hits.barycentric.sum(1), torch.ones(len(hits.row)), atol=1e-5)


def test_rasterizer_cuts_a_surface_where_the_level_is_zero():
    quad = torch.tensor([[[-1.0, -1, 2], [1, -1, 2], [1, 1, 2], [-1, 1, 2]]])
    faces = torch.tensor([[0, 1, 2], [0, 2, 3]])
    camera = Camera.pinhole(32.0, 64, 64)
    level = quad[0, :, 0] + 0.25  # exists right of x = -0.25, which is column 28
    hits = zbuffer.draw(quad, faces, level, [camera])
    assert int(hits.column.min()) == 28
    assert len(hits.row) == 32 * (48 - 28)


def test_hull_radius_of_a_square_and_of_nothing():
    corners = torch.tensor([[-1.0, -1], [1, -1], [1, 1], [-1, 1], [0.2, 0.1]])
    angles = torch.arange(48) / 48 * 2 * torch.pi
    radius = hull_radius(corners, torch.zeros(5, dtype=torch.long), 3, angles)
    expected = 1 / torch.maximum(angles.sin().abs(), angles.cos().abs())
    assert torch.allclose(radius[0], expected, atol=0.01)
    assert torch.allclose(radius[1], radius[0])  # a row sees its neighbours
    assert not radius[2].any()


def test_noise_is_smooth_periodic_and_has_its_own_gradient():
    points = torch.rand(200, 3, generator=torch.Generator().manual_seed(0)) * 16
    value, gradient = noise_with_gradient(points)
    assert torch.allclose(noise(points + 16), value, atol=1e-3)
    step = 0.25
    for axis in range(3):
        move = torch.zeros(3)
        move[axis] = step
        slope = (noise(points + move) - noise(points - move)) / (2 * step)
        assert float(torch.corrcoef(torch.stack([slope, gradient[:, axis]]))[0, 1]) > 0.95
        assert abs(float((slope * gradient[:, axis]).sum() / (gradient[:, axis] ** 2).sum()) - 1) < 0.15


def test_a_plate_shadows_what_is_below_it():
    grid = torch.stack(torch.meshgrid(torch.arange(-0.3, 0.3, 0.02), torch.arange(-0.3, 0.3, 0.02), indexing="ij"), -1)
    plate = torch.cat([grid.reshape(-1, 2)[:, :1], torch.ones(grid.numel() // 2, 1), grid.reshape(-1, 2)[:, 1:]], 1)
    below = torch.tensor([[0.0, 0.0, 0.0], [0.9, 0.0, 0.0]])
    points = torch.cat([plate, below])[None]
    up = torch.tensor([[0.0, 1.0, 0.0]])
    seen = visibility(points, torch.ones(points.shape[1], dtype=torch.bool), up, cell=0.026, bias=0.04)[0, :, 0]
    assert seen[-2] == 0 and seen[-1] == 1 and seen[:-2].min() == 1


@pytest.mark.parametrize("kind", KINDS)
def test_poses_are_finite_and_humanly_possible(kind):
    for seed in range(20):
        pose = random_pose(np.random.default_rng(seed), kind)
        assert pose.shape == (55, 3) and bool(torch.isfinite(pose).all())
        assert float(pose[[4, 5], 0].min()) > -0.05  # knees bend one way only
        assert float(pose.norm(dim=1).max()) < 2.6


@pytest.mark.parametrize("kind", PATTERNS)
def test_fabrics_are_colours_and_tile(kind):
    fabric = random_fabric(np.random.default_rng(5), kind)
    assert float(fabric.tile.min()) >= 0 and float(fabric.tile.max()) <= 1
    assert fabric.tile.isfinite().all()
    if kind in ("heather", "camo", "denim"):  # smooth ones: across the seam it is as smooth as inside
        seam = (fabric.tile[:, :, 0] - fabric.tile[:, :, -1]).abs().mean()
        inside = (fabric.tile[:, :, 1:] - fabric.tile[:, :, :-1]).abs().mean()
        assert seam < 2.5 * inside


def test_camera_sees_the_whole_person():
    body = load_open_body()
    for seed in range(20):
        camera = random_camera(np.random.default_rng(seed), body.template, 256, 160, frontal=seed % 2 == 0)
        pixels, depth = camera.project(body.template)
        assert (depth > 0.2).all()
        assert pixels.min() > -4 and pixels[:, 0].max() < 164 and pixels[:, 1].max() < 260
        size = (pixels.amax(0) - pixels.amin(0)) / torch.tensor([160.0, 256.0])
        assert size.max() > 0.75


def test_everyone_is_dressed_outside_the_skin(people):
    """Where a top is worn, cloth lies outside the skin, and no visible vertex flies off."""
    for person in people:
        wardrobe = person.wardrobe
        top = torch.nonzero(person.face_layer == wardrobe.layers.index("top")).squeeze(1)
        assert len(top) > 200  # a coat hides most of it
        used = person.faces[top].unique()
        move = (person.rest[used] - person.body_rest[person.source[used]]).norm(dim=1)
        assert move.max() < 0.35
        worn = person.rest[person.level > 0]
        low, high = person.body_rest.amin(0) - 0.45, person.body_rest.amax(0) + 0.25
        assert ((worn > low) & (worn < high)).all()
        assert person.garment_offsets.norm(dim=1).max() < 0.5
        assert person.garment_offsets.abs().max() > 0.004


def test_face_and_hands_have_no_garment_offset(people):
    for person in people:
        body = person.wardrobe.body
        hands = body.weights[:, 25:].sum(1) > 0.5
        assert not person.garment_offsets[hands].any()
        triangle = body.landmarks.face_triangle
        nose = body.faces[triangle[[1, 4, 5, 195]]].unique()
        assert not person.garment_offsets[nose].any()


def test_people_wear_many_things(wardrobe):
    outfits = [draw_outfit(np.random.default_rng(seed)) for seed in range(400)]
    assert 0.1 < sum(o.skirt is not None for o in outfits) / 400 < 0.35
    assert 0.15 < sum(o.jacket is not None for o in outfits) / 400 < 0.45
    assert sum(o.hood_up for o in outfits) > 5
    assert {o.trousers for o in outfits} == {None, "long", "shorts", "leggings"}
    assert all((o.trousers is None) == (o.skirt is not None) for o in outfits)


def test_a_skirt_encloses_striding_legs(people):
    person = next(p for p in people if p.outfit.skirt and not p.outfit.jacket)
    poses = torch.stack([random_pose(np.random.default_rng(s), "walk", 0.6) for s in range(3)])
    posed = pose_person(person, poses)
    drape, where = person.drapes[0]
    # In the pelvis' frame every enclosed vertex lies within the ring at its height and angle.
    rotation = posed.rotations[0, where[0]]
    pelvis = posed.vertices[0, where].view(40, 72, 3)[0].mean(0)
    local = (posed.vertices[0] - pelvis) @ rotation
    ring = local[where].view(40, 72, 3)
    inside = local[drape.inside]
    row = ((ring[0, 0, 1] - inside[:, 1]) / (ring[0, 0, 1] - ring[1, 0, 1])).round().long()
    ok = (row > 4) & (row < 38)
    box_low, box_high = ring.amin(1)[row[ok]], ring.amax(1)[row[ok]]
    flat = inside[ok]
    out = torch.maximum(box_low - flat, flat - box_high)[:, [0, 2]].amax(1)
    assert (out > 0.03).float().mean() < 0.01


def test_posed_person_is_rigid_at_rest(people):
    person = people[0]
    posed = pose_person(person, torch.zeros(1, 55, 3))
    on_body = person.source >= 0
    assert torch.allclose(posed.vertices[0, on_body], person.rest[on_body], atol=1e-4)
    assert torch.allclose(posed.normals.norm(dim=-1)[0, on_body], torch.ones(int(on_body.sum())), atol=1e-3)


def test_depth_errors_keep_what_the_picture_shows():
    generator = torch.Generator().manual_seed(1)
    lines, rays = (torch.nn.functional.normalize(torch.randn(500, 1, 3, generator=generator), dim=-1) for _ in "ab")
    unsure = torch.rand(500, 1, generator=generator)
    tilt = torch.asin((lines * rays).sum(-1))
    turn = estimate.depth_errors(lines, rays, torch.zeros(500, 1), unsure, torch.tensor([0.3]))
    # Without an error of the length a line either stays or is mirrored through the picture's plane.
    small = turn.abs() < 0.69
    assert torch.allclose((tilt + turn)[small].cos(), tilt[small].cos(), atol=1e-3)
    assert 0 < (turn.abs() > 0.05).float().mean() < 0.3
    turn = estimate.depth_errors(lines, rays, torch.full((500, 1), -0.02), torch.ones(500, 1), torch.tensor([0.3]))
    flat, steep = tilt.abs() < 0.1, tilt.abs() > 0.8
    assert turn[flat].abs().mean() > 5 * turn[steep].abs().mean()  # 2 % of the length is much where a limb looks long


def test_a_fit_errs_in_depth_and_most_with_arms(wardrobe):
    joints = wardrobe.body.joint_template
    rng = np.random.default_rng(0)
    local = rotation_matrices(torch.stack([random_pose(rng, "stand") for _ in range(200)]))
    _, truth = joint_transforms(local, joints.expand(200, -1, -1))
    cameras = [random_camera(rng, points, 256, 160, False) for points in truth]
    axes, eyes = torch.stack([c.R for c in cameras]), torch.stack([c.position for c in cameras])
    wrong = estimate.wrong_rotations(joints, local, axes, eyes, rng, estimate.FitNoise())
    _, found = joint_transforms(wrong, joints.expand(200, -1, -1))
    error = ((found - truth) @ axes.transpose(1, 2))[:, :22]
    error = error - error[:, :1]
    assert 0.03 < error.norm(dim=-1).mean() < 0.06  # metres; the fit itself was measured at 0.057 on harder poses
    assert error[..., 2].abs().mean() > 1.8 * error[..., :2].abs().mean()
    arms, knees = [18, 19, 20, 21], [4, 5]
    assert error[:, arms].norm(dim=-1).mean() > 1.5 * error[:, knees].norm(dim=-1).mean()
    nothing = estimate.FitNoise(
        in_picture=0, lengths=(0, 0, 0, 0), flips=(1e-6, 1e-6, 1e-6, 1e-6), head=0, hands=0, joints=0
    )
    assert torch.allclose(estimate.wrong_rotations(joints, local, axes, eyes, rng, nothing), local, atol=2e-3)


def test_estimated_bodies_are_near_the_truth_in_the_picture(people):
    person = people[1]
    poses = torch.stack([random_pose(np.random.default_rng(s), "stand") for s in range(4)])
    posed = pose_person(person, poses)
    cameras = [random_camera(np.random.default_rng(s), posed.vertices[s], 256, 160, False) for s in range(4)]
    rng = np.random.default_rng(0)
    shape = estimate.estimate_shape(person, rng)
    bodies = estimate.estimated_bodies(person, shape, estimate.estimate_poses(person, shape, poses, cameras, rng))
    skin = torch.nonzero((person.source >= 0) & (torch.arange(len(person.source)) < 3000)).squeeze(1)
    for k, camera in enumerate(cameras):
        truth, _ = camera.project(posed.vertices[k, skin])
        fitted, _ = camera.project(bodies[k, person.source[skin]])
        error = (truth - fitted).norm(dim=1).mean() / 256
        assert 0.001 < error < 0.035


def test_sensor_keeps_the_person_and_errs_at_the_rim():
    rgba = torch.zeros(4, 128, 80)
    rgba[:, 20:110, 20:60] = torch.tensor([0.8, 0.3, 0.2, 1.0])[:, None, None]
    image, mask = take_picture(rgba, np.random.default_rng(0))
    again, _ = take_picture(rgba, np.random.default_rng(0))
    assert torch.equal(image, again)
    assert (image[:, 30:100, 30:50] - rgba[:3, 30:100, 30:50]).abs().mean() < 0.05
    assert mask[30:100, 30:50].min() > 0.95 and mask[:10].max() < 0.05
    assert 0 < (mask - rgba[3]).abs().mean() < 0.05


def test_a_backpack_hangs_on_the_back_and_counts_as_standing_off(wardrobe):
    person = next(
        p for p in (make_person(wardrobe, np.random.default_rng(s)) for s in range(60)) if p.wears("backpack")
    )
    bag = person.faces[person.face_layer == wardrobe.layers.index("bag")].unique()
    back = person.body_rest[:, 2].min()
    assert person.rest[bag, 2].median() < back + 0.05
    assert (person.weights[bag].sum(1) - 1).abs().max() < 1e-5
    reach = person.garment_offsets[:, 2].min()
    assert -0.35 < reach < -0.08  # metres to the back


def test_glasses_are_drawn_around_the_eyes_only(wardrobe):
    body = wardrobe.body
    points, eyes = body.template, body.joint_template[23:25]
    plain = torch.full_like(points, 0.5)
    for kind in ("thin", "thick", "sun"):
        drawn = put_on_glasses(Glasses(kind, torch.zeros(3)), eyes, points, plain)
        changed = (drawn - plain).abs().amax(1) > 0.05
        assert changed.any()
        away = (points[changed] - eyes.mean(0)).abs()
        assert away[:, 0].max() < 0.10 and away[:, 1].max() < 0.03 and away[:, 2].max() < 0.12


def test_belt_and_tie_lie_where_they_are_worn(wardrobe):
    outfit = next(
        o for o in map(draw_outfit, map(np.random.default_rng, range(99))) if o.tucked and o.trousers == "long"
    )
    worn = replace(draw_accessories(np.random.default_rng(0), outfit), bag=None, braces=None)
    worn = replace(worn, belt=torch.tensor([1.0, 0, 0]), tie=torch.tensor([0, 1.0, 0]), pockets=False, lapels=0.0)
    points = wardrobe.body.template
    grey, no = torch.full_like(points, 0.5), torch.zeros(len(points), dtype=torch.bool)
    pelvis, neck = wardrobe.height("pelvis"), wardrobe.height("neck")
    trousers = draw_on_cloth(wardrobe, outfit, worn, "pants", points, no, grey)
    red = trousers[:, 0] > 0.9
    assert red.any() and ((points[red, 1] - pelvis - outfit.waist).abs() < 0.05).all()
    top = draw_on_cloth(wardrobe, outfit, worn, "top", points, no, grey)
    green = top[:, 1] > 0.9
    assert green.any() and (points[green, 0].abs() < 0.05).all() and (points[green, 2] > 0).all()
    assert ((points[green, 1] < neck) & (points[green, 1] > pelvis)).all()


def test_a_fringe_frays_an_edge_and_keeps_the_area():
    quad = torch.tensor([[[-1.0, -1, 2], [1, -1, 2], [1, 1, 2], [-1, 1, 2]]])
    faces = torch.tensor([[0, 1, 2], [0, 2, 3]])
    camera = Camera.pinhole(64.0, 128, 128)
    level = quad[0, :, 0]
    frayed = zbuffer.draw(quad, faces, level, [camera], fringe=(torch.full((2,), 0.1), quad[0] * 20))
    start = torch.full((128,), 128).scatter_reduce(0, frayed.row, frayed.column, "amin")[40:90]
    assert start.min() < 62 and start.max() > 66
    straight = zbuffer.draw(quad, faces, level, [camera])
    assert abs(len(frayed.row) / len(straight.row) - 1) < 0.08
