"""The classical completion: keeps what was seen, and invents what a person would expect."""

import pytest
import torch
from texture_scene import HAIR, SHIRT, SKIN, TROUSERS, arm_before_torso, clothes, open_body, photo, posed, view

from neural_core.body.skeleton import JOINT_INDEX
from neural_core.texture import (
    Atlas,
    PartialTexture,
    complete,
    mirror_texels,
    sample_texture,
    seam_neighbours,
    vertex_normals,
)

R = 256


@pytest.fixture(scope="module")
def atlas() -> Atlas:
    return Atlas.of(open_body(), R)


@pytest.fixture(scope="module")
def front(atlas) -> PartialTexture:
    return seen_from_the_front(posed(), atlas)


@pytest.fixture(scope="module")
def completed(front, atlas) -> torch.Tensor:
    return complete(front, atlas, open_body())


def seen_from_the_front(vertices: torch.Tensor, atlas: Atlas) -> PartialTexture:
    camera = view(vertices, 480)
    image, mask = photo(vertices, camera, clothes(R))
    return sample_texture(image, mask, vertices, open_body(), camera, atlas)


def colours_of(texture: torch.Tensor, atlas: Atlas, joints: list[str], where) -> torch.Tensor:
    """(n, 3) texels of the joints for which where(rest positions (n, 3), normals' z (n,)) holds."""
    body = open_body()
    weight = atlas.on_surface(body.weights[:, [JOINT_INDEX[j] for j in joints]], body.faces).sum(1)
    position = atlas.on_surface(body.template, body.faces)
    chosen = (weight > 0.8) & where(position)
    assert int(chosen.sum()) > 30
    return atlas.at_texels(texture)[chosen]


def distance(colours: torch.Tensor, colour: torch.Tensor) -> float:
    return float((colours - colour).norm(dim=1).median())


def test_seen_texels_are_kept_exactly(front, completed):
    sure = front.confidence >= 0.999
    assert int(sure.sum()) > 5_000
    assert torch.equal(completed[:, sure], front.rgb[:, sure])


def test_everything_is_filled(completed):
    assert bool(torch.isfinite(completed).all())
    assert float(completed.min()) >= 0 and float(completed.max()) <= 1
    assert float(completed.sum(0).min()) > 0.1  # no hole: nobody here wears black


def test_clothes_continue_round_to_the_back(completed, atlas):
    back = joint_behind("spine2")
    shirt = colours_of(completed, atlas, ["spine1", "spine2", "spine3"], lambda p: p[:, 2] < back)
    assert distance(shirt, SHIRT) < 0.05
    calves = colours_of(completed, atlas, ["left_knee"], lambda p: p[:, 2] < joint_behind("left_knee"))
    assert distance(calves, TROUSERS) < 0.05


def test_the_back_of_the_head_has_hair_and_no_face(completed, atlas):
    eye = open_body().joint_template[JOINT_INDEX["left_eye_smplhf"]]
    back = colours_of(completed, atlas, ["head"], lambda p: (p[:, 2] < eye[2] - 0.14) & (p[:, 1] > eye[1]))
    assert distance(back, HAIR) < distance(back, SKIN) / 3


def joint_behind(name: str) -> float:
    """A depth well behind the joint, still on the body."""
    return float(open_body().joint_template[JOINT_INDEX[name], 2]) - 0.03


def test_an_unseen_arm_is_dressed_like_the_other(atlas):
    """The right upper arm is cut from the evidence: it gets the left one's sleeve and not a mix of strange charts."""
    body, partial = open_body(), seen_from_the_front(posed(), atlas)
    arm = atlas.on_surface(body.weights[:, [JOINT_INDEX["right_shoulder"], JOINT_INDEX["right_elbow"]]], body.faces)
    keep = atlas.image((arm.sum(1) < 0.05).float())
    partial = PartialTexture(
        partial.rgb * keep,
        partial.confidence * keep,
        partial.sampled & (keep > 0),
        partial.filled & (keep > 0),
        partial.facing,
    )
    whole = complete(partial, atlas, body)
    sleeve = colours_of(whole, atlas, ["right_shoulder"], lambda p: p[:, 0] > -0.45)
    assert distance(sleeve, SHIRT) < 0.05
    forearm = colours_of(whole, atlas, ["right_elbow"], lambda p: p[:, 0] < -0.55)
    assert distance(forearm, SKIN) < 0.08


def test_mirrored_detail_is_copied(atlas):
    """A pattern seen on the left half only appears on the right half, in its place."""
    body = open_body()
    n, generator = len(atlas.texels), torch.Generator().manual_seed(0)
    left = atlas.on_surface(body.template, body.faces)[:, 0] > 0.005
    pattern = 0.3 + 0.4 * torch.rand(n, 3, generator=generator)
    confidence = atlas.image(left.float())
    rgb = atlas.image(pattern * left[:, None])
    partial = PartialTexture(
        rgb, confidence, confidence > 0, torch.zeros_like(confidence) > 0, torch.ones_like(confidence)
    )
    whole = atlas.at_texels(complete(partial, atlas, body))
    mirror = mirror_texels(atlas, body)
    deep = ~left & (mirror >= 0) & left[mirror.clamp(min=0)]
    deep &= atlas.on_surface(body.template, body.faces)[:, 0] < -0.05
    a, b = whole[deep], pattern[mirror[deep]]
    correlation = torch.corrcoef(torch.stack([a.flatten(), b.flatten()]))[0, 1]
    assert float(correlation) > 0.9


def test_one_colour_stays_one_colour(atlas, front):
    partial = PartialTexture(
        torch.full_like(front.rgb, 0.3) * front.known, front.confidence, front.sampled, front.filled, front.facing
    )
    whole = complete(partial, atlas, open_body())
    assert float((whole - 0.3).abs().max()) < 1e-3


def test_no_step_across_seams(completed, atlas):
    """Neighbours across chart borders differ no more than neighbours inside charts do, where nothing was seen."""
    body = open_body()
    values = atlas.at_texels(completed)
    pairs = seam_neighbours(atlas, body)
    position = atlas.on_surface(body.template, body.faces)
    back = (position[pairs[:, 0], 2] < joint_behind("spine2")) & (position[pairs[:, 0], 0].abs() < 0.6)
    step = (values[pairs[:, 0]] - values[pairs[:, 1]]).norm(dim=1)[back]
    assert int(back.sum()) > 50
    assert float(step.quantile(0.9)) < 0.1


def test_same_input_same_bytes(front, completed, atlas):
    assert torch.equal(complete(front, atlas, open_body()), completed)


def test_nothing_seen_is_grey(atlas, front):
    nothing = torch.zeros_like(front.sampled)
    empty = PartialTexture(torch.zeros_like(front.rgb), torch.zeros(R, R), nothing, nothing, front.facing)
    assert torch.equal(complete(empty, atlas, open_body()), torch.full((3, R, R), 0.5))


def test_detail_resolution_agrees_with_the_neural_one(completed):
    """512 texels are completed by the same equations, with the detail of what was seen kept exactly."""
    body, fine = open_body(), Atlas.of(open_body(), 512)
    vertices = posed()
    camera = view(vertices, 640)
    image, mask = photo(vertices, camera, clothes(512))
    partial = sample_texture(image, mask, vertices, body, camera, fine)
    detail = complete(partial, fine, body)
    sure = partial.confidence >= 0.999
    assert torch.equal(detail[:, sure], partial.rgb[:, sure])
    small = torch.nn.functional.avg_pool2d(detail, 2)
    assert float((small - completed).abs().mean()) < 0.02


def test_a_crossing_arm_leaves_no_mark(atlas):
    """What the arm hides of the shirt is shirt, though skin lies beside it in the photo."""
    partial = seen_from_the_front(arm_before_torso(), atlas)
    chest = colours_of(complete(partial, atlas, open_body()), atlas, ["spine2", "spine3"], lambda p: p[:, 2] > 0.02)
    assert float(((chest - SHIRT).norm(dim=1) < 0.1).float().mean()) > 0.97


def test_the_backdrop_does_not_reach_the_back(atlas):
    """A lens that mixes the green backdrop into the rim tints neither back nor sides: nobody here wears that green."""
    body, vertices = open_body(), posed()
    camera, truth = view(vertices, 480), clothes(R)
    image, mask = photo(vertices, camera, truth)
    box = torch.ones(3, 1, 5, 5) / 25
    padded = torch.nn.functional.pad(image[None], (2, 2, 2, 2), mode="replicate")
    image = torch.nn.functional.conv2d(padded, box, groups=3)[0]
    whole = complete(sample_texture(image, mask, vertices, body, camera, atlas), atlas, body)
    behind = atlas.on_surface(vertex_normals(body.template, body.faces), body.faces)[:, 2] < 0
    excess = atlas.at_texels(_greenness(whole) - _greenness(truth))[behind]
    assert float(excess.abs().median()) < 0.05  # .156 with the colours as the lens mixed them
    assert float((excess > 0.1).float().mean()) < 0.1  # .71


def _greenness(texture: torch.Tensor) -> torch.Tensor:
    return texture[1] - (texture[0] + texture[2]) / 2
