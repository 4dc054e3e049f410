"""Hands fitted beside their place: no skin on the hip, no trousers on the fingers. Arms that clothes had covered."""

from functools import cache

import numpy as np
import pytest
import torch
from texture_scene import SHIRT, SKIN, TROUSERS, clothes, joint_y, open_body, photo, view

from neural_core.body import BodyParameters
from neural_core.body.skeleton import JOINT_INDEX
from neural_core.fitting import BodyFit
from neural_core.fitting.uncover import uncover_arms
from neural_core.rasterizer import interpolate, rasterize
from neural_core.texture import Atlas, sample_texture
from neural_core.texture.limb_pixels import FOREARMS, HANDS
from neural_core.texture.limb_scene import SeenArms
from neural_core.texture.limbs import find_limbs

R = 256


def standing(bend: float = 0.35) -> BodyParameters:
    """Hands before the thighs."""
    pose = torch.zeros(1, 21, 3)
    for side, sign in (("left", -1.0), ("right", 1.0)):
        pose[0, JOINT_INDEX[f"{side}_shoulder"] - 1] = torch.tensor([-0.2, sign * 0.1, sign * 1.3])
        pose[0, JOINT_INDEX[f"{side}_elbow"] - 1] = torch.tensor([0.0, sign * bend, sign * bend])
    return BodyParameters.zeros(body_pose=pose)


def arms_of(parameters: BodyParameters, camera) -> SeenArms:
    """What a detector without errors sees, of hands as little as BlazePose."""
    joints = camera.project(open_body()(parameters).joints[0])[0].numpy()
    pose = np.zeros((33, 3))
    names = {"elbow": 13, "wrist": 15, "pinky1": 17, "index1": 19, "thumb2": 21}
    for name, index in names.items():
        for side, shift in (("left", 0), ("right", 1)):
            pose[index + shift] = (*joints[JOINT_INDEX[f"{side}_{name}"]], 1)
    return SeenArms.of(pose, (None, None))


@cache
def limb_texels() -> torch.Tensor:
    """(n,) bool, forearms and hands."""
    return (
        Atlas.of(open_body(), R).on_surface(open_body().weights[:, [*FOREARMS, *HANDS]], open_body().faces).sum(1) > 0.5
    )


@cache
def bare_armed() -> torch.Tensor:
    """(3, R, R) clothes with short sleeves."""
    atlas = Atlas.of(open_body(), R)
    colour = atlas.at_texels(clothes(R))
    colour[limb_texels()] = SKIN
    return atlas.image(colour)


@cache
def taken(texture: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The photo of hands before the thighs, and its mask; kept for the next fit of it."""
    vertices = open_body()(standing()).vertices[0]
    return photo(vertices, view(vertices, 640), texture)


def sampled(texture: torch.Tensor, use_limbs: bool, wrong: float = 0.1):
    """A photo of hands before the thighs, sampled with a fit whose elbows are `wrong` by so many radians."""
    truth, fit = standing(), standing(0.35 + wrong)
    body, atlas = open_body(), Atlas.of(open_body(), R)
    camera = view(body(truth).vertices[0], 640)
    image, mask = taken(texture)
    vertices = body(fit).vertices[0]
    limbs = find_limbs(image, mask, vertices, body, camera, arms_of(truth, camera)) if use_limbs else None
    partial = sample_texture(image, mask, vertices, body, camera, atlas, limbs=limbs)
    return atlas.at_texels(partial.rgb), atlas.at_texels(partial.confidence), limbs


def liker(colour: torch.Tensor, one: torch.Tensor, others: list[torch.Tensor]) -> torch.Tensor:
    """(n,) bool, nearer to one colour than to the others."""
    nearest = torch.stack([(colour - other).norm(dim=1) for other in others]).amin(0)
    return (colour - one).norm(dim=1) < nearest


@pytest.mark.parametrize("wrong", [-0.1, 0.1])
def test_no_skin_on_the_hips_and_no_trousers_on_the_fingers(wrong):
    atlas, body = Atlas.of(open_body(), R), open_body()
    height = atlas.on_surface(body.template, body.faces)[:, 1]
    hips = ~limb_texels() & (height < joint_y("spine1")) & (height > joint_y("left_knee"))
    amounts = []
    for use_limbs in (False, True):
        colour, confidence, _ = sampled(bare_armed(), use_limbs, wrong)
        skin = liker(colour, SKIN, [SHIRT, TROUSERS])
        amounts.append([float((confidence * w)[part].sum()) for w, part in ((skin, hips), (~skin, limb_texels()))])
        seen = confidence[limb_texels() & skin].sum(), confidence[hips & ~skin].sum()
        assert min(seen) > 500  # what is right stays
    before, after = amounts
    assert max(before) > 40
    assert sum(after) < 0.1 * sum(before)


def test_hidden_hands_and_hands_nobody_saw_are_left_alone():
    """Everything in one cloth, the face in another colour: arms have no skin. Unseen arms tell nothing either."""
    texels = SHIRT.expand(len(limb_texels()), 3).clone()
    body, atlas = open_body(), Atlas.of(open_body(), R)
    head = atlas.on_surface(body.weights[:, [JOINT_INDEX["head"], JOINT_INDEX["jaw"]]], body.faces).sum(1) > 0.5
    texels[head] = SKIN * torch.tensor([0.9, 0.6, 0.5])
    texture = atlas.image(texels)
    (colour, confidence, limbs), (same, trust, _) = (sampled(texture, use) for use in (True, False))
    assert limbs is not None and not bool(limbs.limb.any() | limbs.behind.any())
    assert torch.equal(confidence, trust) and torch.equal(colour, same)

    vertices = body(standing()).vertices[0]
    camera = view(vertices, 320)
    arms = arms_of(standing(), camera)
    arms.wrists[:, 2] = 0
    found = find_limbs(*photo(vertices, camera, bare_armed()), vertices, body, camera, arms)
    assert not bool(found.limb.any() | found.behind.any())


def test_long_sleeves_stay_on_their_arms():
    """Sleeves to the wrist in the shirt's colour over trousers: the cuff is kept, and none is called trousers."""
    atlas = Atlas.of(open_body(), R)
    forearms = atlas.on_surface(open_body().weights[:, FOREARMS], open_body().faces).sum(1) > 0.5
    texels = atlas.at_texels(bare_armed())
    texels[forearms] = SHIRT
    texture = atlas.image(texels)
    (colour, confidence, _), (_, trust, _) = (sampled(texture, use) for use in (True, False))
    sleeve = forearms & liker(colour, SHIRT, [SKIN, TROUSERS])
    assert float(confidence[sleeve].sum()) > 0.9 * float(trust[sleeve].sum()) > 100


def test_clothes_shrink_until_the_arm_is_seen_again():
    """Hips 10 cm too wide swallow the hanging arms; what the photo shows of them is uncovered, and the rest stays."""
    body, parameters = open_body(), standing()
    bare = body(parameters).vertices[0]
    camera = view(bare, 320)
    limb = on_limb(bare, camera)
    trunk = body.weights[:, [JOINT_INDEX[j] for j in ("pelvis", "spine1", "left_hip", "right_hip")]].sum(1)
    outwards = torch.nn.functional.normalize(body.template * torch.tensor([1.0, 0.0, 1.0]), dim=1)
    wide = 0.1 * trunk[:, None] * outwards
    fit = BodyFit(parameters, camera)
    shape = uncover_arms(limb, body, fit, wide)

    def seen(offsets: torch.Tensor) -> float:
        return float((on_limb(body(parameters, offsets).vertices[0], camera) & limb).sum() / limb.sum())

    assert seen(wide) < 0.8 and seen(shape) > 0.95
    assert float((shape.norm(dim=1) <= wide.norm(dim=1) + 1e-6).float().mean()) == 1
    front = (body.template[:, 2] > 0.05) & (body.template[:, 0].abs() < 0.05) & (trunk > 0.5)
    assert torch.allclose(shape[front], wide[front])
    assert uncover_arms(torch.zeros_like(limb), body, fit, wide) is wide
    assert uncover_arms(limb, body, fit, torch.zeros_like(wide)).abs().max() == 0


def on_limb(vertices: torch.Tensor, camera) -> torch.Tensor:
    body = open_body()
    fragments = rasterize(vertices, body.faces, camera)
    weight = body.weights[:, [*FOREARMS, *HANDS]].sum(1, keepdim=True)
    return fragments.mask & (interpolate(fragments, body.faces, weight)[..., 0] > 0.5)
