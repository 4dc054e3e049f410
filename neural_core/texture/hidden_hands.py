"""Hands that the photo does not show: under a long sleeve, behind the back.

Where a sleeve hides a hand, the fit shows the hand and the photo the sleeve, and the avatar would wear a glove of it
for ever. What was seen of a hand, looks like no skin of this person and like the end of the sleeve, is forgotten
(`hidden_hands`, `without`); hands of which nothing was seen have the skin of the face (`paint_hands`). A hand in a
pocket stays as it is: before the body, skin would be seen where the photo shows none. Gloves of the very colour of the
sleeve cannot be told from a sleeve, nor skin from cloth in a photo without colours.
"""

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from neural_core.body.model import BodyModel
from neural_core.camera import Camera
from neural_core.rasterizer import rasterize
from neural_core.texture.agreement import agreed
from neural_core.texture.atlas import Atlas
from neural_core.texture.heads import SkinModel
from neural_core.texture.oklab import oklab
from neural_core.texture.regions import body_regions
from neural_core.texture.sampling import PartialTexture


@dataclass(frozen=True)
class HandConfig:
    seen: float = 0.3  # confidence from which a texel counts as seen
    face_on: float = 0.6  # facing of the face's texels that tell what skin is
    least: int = 10  # seen texels of a hand, or of a sleeve's end, below which nothing was seen of it
    chroma: float = 0.02  # Oklab, of the face: photos with less have no colours
    shade: tuple[float, float] = (0.45, 1.8)  # times which the face's skin may be darker or lighter on a hand
    unlike: float = 0.15  # distance (sRGB) beyond that at which a colour is no skin
    alike: float = 0.15  # distance of hand and sleeve within which the sleeve covers the hand
    cuff: float = 0.12  # metres of the arm above the wrist that tell what the sleeve is
    bare: float = 0.4  # share of skin in a hand from which it is seen
    behind: float = 0.5  # share of a hand that has the body behind it, from which it may be in a pocket
    size: int = 200  # pixels of the picture in which that is looked at
    edge: tuple[float, float] = (0.4, 0.6)  # weights of the hand between which painted skin begins


def hidden_hands(
    partial: PartialTexture,
    vertices: Tensor,
    camera: Camera,
    atlas: Atlas,
    body: BodyModel,
    config: HandConfig | None = None,
) -> Tensor:
    """(V,) bool, vertices of hands that a sleeve covers in the photo; none where no face tells what skin is.

    Args:
        partial: what was seen of the body with these vertices (V, 3) by this camera, at the atlas's resolution.
    """
    config = config or HandConfig()
    regions = body_regions(body)
    hidden = torch.zeros(body.num_vertices, dtype=torch.bool, device=body.device)
    rgb, confidence = (atlas.at_texels(x).double().cpu().numpy() for x in (partial.rgb, partial.confidence))
    skin = _skin(partial, atlas, body, config)
    if skin is None or np.linalg.norm(oklab(skin)[1:]) < config.chroma:
        return hidden
    seen = confidence > config.seen
    shade = np.clip(rgb @ skin / max(float(skin @ skin), 1e-6), *config.shade)
    bare = np.linalg.norm(rgb - shade[:, None] * skin, axis=1) < config.unlike
    for side in ("left", "right"):
        hand, arm = regions[f"{side}_hand"], regions[f"{side}_arm"]
        of_hand, of_arm, along = _at_texels(atlas, body, hand.weight, arm.weight, arm.along)
        mine = (of_hand > 0.5) & seen
        cuff = (of_arm > 0.5) & seen & (along > along[of_arm > 0.5].max() - config.cuff)
        if min(mine.sum(), cuff.sum()) < config.least or bare[mine].mean() > config.bare or bare[cuff].mean() > 0.5:
            continue
        cloth = [agreed(rgb[chosen], confidence[chosen]) for chosen in (mine & ~bare, cuff)]
        chosen = hand.weight > 0.5
        if np.linalg.norm(cloth[0] - cloth[1]) < config.alike and _beside(chosen, vertices, camera, body, config):
            hidden |= chosen
    return hidden


def without(partial: PartialTexture, hidden: Tensor, atlas: Atlas, body: BodyModel) -> PartialTexture:
    """A partial texture that shows nothing of the vertices `hidden` (V,)."""
    if not bool(hidden.any()):
        return partial
    kept = atlas.image(atlas.on_surface(hidden.float()[:, None], body.faces)[:, 0]) < 0.5
    return replace(
        partial,
        rgb=partial.rgb * kept,
        confidence=partial.confidence * kept,
        sampled=partial.sampled & kept,
        filled=partial.filled & kept,
    )


def paint_hands(
    imagined: Tensor, partial: PartialTexture, atlas: Atlas, body: BodyModel, config: HandConfig | None = None
) -> Tensor:
    """The imagined texture (3, R, R), dilated, with the face's skin on hands of which nothing was seen."""
    config = config or HandConfig()
    regions = body_regions(body)
    skin = _skin(partial, atlas, body, config)
    if skin is None:
        return imagined
    weights = _at_texels(atlas, body, *(regions[f"{side}_hand"].weight for side in ("left", "right")))
    seen = atlas.at_texels(partial.confidence).cpu().numpy() > config.seen
    share, (low, high) = np.zeros(len(seen)), config.edge
    for weight in weights:
        if (seen & (weight > 0.5)).sum() < config.least:
            share = np.maximum(share, np.clip((weight - low) / (high - low), 0, 1))
    colour = imagined.new_tensor(skin)[:, None, None]
    return imagined.lerp(
        colour.expand_as(imagined), atlas.dilate(atlas.image(torch.from_numpy(share).to(imagined))[None])
    )


def _beside(hand: Tensor, vertices: Tensor, camera: Camera, body: BodyModel, config: HandConfig) -> bool:
    """Whether a hand (V,) bool is seen beside the body, not before it."""
    small = camera.resize(max(2, round(camera.width * config.size / camera.height)), config.size)
    pixels = small.project(vertices[hand])[0].floor().long()
    inside = (pixels >= 0).all(1) & (pixels[:, 0] < small.width) & (pixels[:, 1] < small.height)
    rest = rasterize(vertices, body.faces[~hand[body.faces].any(1)], small).mask
    return float(rest[pixels[inside, 1], pixels[inside, 0]].float().sum()) < config.behind * len(pixels)


def _skin(partial: PartialTexture, atlas: Atlas, body: BodyModel, config: HandConfig) -> np.ndarray | None:
    """(3,) sRGB of the face's skin where it faces the camera; None where it was not seen."""
    model = SkinModel.of(partial, atlas, body)
    if model is None:
        return None
    rgb, confidence, facing = (
        atlas.at_texels(x).double().cpu().numpy() for x in (partial.rgb, partial.confidence, partial.facing)
    )
    chosen = model.at_texels(atlas)[0] & (confidence > config.seen) & (facing > config.face_on)
    return agreed(rgb[chosen], confidence[chosen]) if chosen.sum() > config.least else None


def _at_texels(atlas: Atlas, body: BodyModel, *values: Tensor) -> np.ndarray:
    """(k, n) values (V,) of the vertices at the texels."""
    return atlas.on_surface(torch.stack(values, 1), body.faces).double().cpu().numpy().T
