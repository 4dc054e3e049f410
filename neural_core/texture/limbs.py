"""Which pixels show bare forearms and hands, and which what lies behind them.

A fit puts hands beside hips a few pixels wrong, and clothes that were fitted too wide cover arms that the photo shows:
skin is printed on hips, trousers on fingers. Within a doubtful band round arms and hands colour decides: a pixel is
skin if it is clearly liker the middle of this person's forearms and hands (and the face) than the clothes around, or
the other way round. Where the two look alike within a hand's breadth nothing is decided, and nothing lost.
"""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import torch
from scipy import ndimage
from scipy.spatial import KDTree
from torch import Tensor

from neural_core.body.model import BodyModel
from neural_core.camera import Camera
from neural_core.texture.limb_pixels import LimbPixels
from neural_core.texture.limb_scene import Scene, SeenArms, SeenLimb

_RING = 0.01  # metres along a hand
_LEAST = 20  # pixels by which a kind is known


@dataclass(frozen=True)
class LimbConfig:
    """Lengths are metres at the person's distance, colours sRGB."""

    tall: int = 900  # pixels of the person that is looked at
    core: float = 0.012  # from the middle of a forearm, or of a guessed hand, within which a pixel is its own
    finger: float = 0.005  # the same of the bones of a hand that was found
    arm: float = 0.06  # from a forearm's middle, within which skin may be the arm's
    hand: float = 0.025  # the same of the bones of a hand that was found
    guessed_hand: float = 0.05  # and of one that was not
    band: float = 0.025  # from the fitted limb's outline
    around: float = 0.25  # from arm and hand, within which clothes are compared
    alike: float = 0.12  # distance within which a colour is like others
    clearly: float = 0.6  # of the other's distance
    same: float = 0.06  # within which a colour in the middle of an arm is its sleeve's, or the clothes' behind
    told: float = 0.25  # share of such middles that must be left
    place: float = 2.0  # metres that weigh as much as the whole range of a colour: what is near counts more
    neighbours: int = 4  # the distance to so many is asked for, not to one stray pixel
    samples: int = 1500  # of each kind
    hue: float = 0.12  # sine of the angle between colours, seen from black, of one skin
    shade: tuple[float, float] = (0.4, 1.5)  # how much darker or lighter skin on an arm is than on the face
    cuff: float = 0.5  # share of skin beyond a sleeve's end; with less there is none
    grown: float = 0.004  # round pixels that are taken away: colours mix there


@torch.no_grad()
def find_limbs(
    image: Tensor,
    mask: Tensor,
    vertices: Tensor,
    body: BodyModel,
    camera: Camera,
    arms: SeenArms,
    config: LimbConfig | None = None,
) -> LimbPixels:
    """What the pixels of a photo show round arms and hands; nothing where colours do not tell.

    Args:
        image: (3, H, W) sRGB. mask: (H, W) person. vertices: (V, 3) posed and clothed. camera: of the photo.
    """
    config = config or LimbConfig()
    scene = Scene.of(image, mask, vertices, body, camera, arms, config.tall)
    limb, behind = (np.logical_or(*both) for both in zip(*(_one_side(scene, side, config) for side in (0, 1))))
    size = mask.shape[1], mask.shape[0]
    limb, behind = (cv2.resize(x.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST) for x in (limb, behind))
    return LimbPixels(*(torch.from_numpy(x > 0).to(mask.device) for x in (limb, behind)))


def _one_side(scene: Scene, side: int, config: LimbConfig) -> tuple[np.ndarray, np.ndarray]:
    """(h, w) bool twice: shows the bare limb of this side; shows what it is not, where the fit has it bare."""
    nothing = np.zeros_like(scene.inside)
    seen = SeenLimb.of(scene, side)
    if seen is None:
        return nothing, nothing
    near = (seen.arm < config.arm) | (seen.hand < (config.hand if seen.found else config.guessed_hand))
    band = scene.inside & ~scene.on_head & (near | (scene.distance(scene.on_limb[side]) < config.band))
    clothes = scene.inside & ~scene.on_arm & ~scene.on_head & ~band
    clothes &= np.minimum(seen.arm, seen.hand) < config.around
    core = _not_cloth(scene, _core(scene, seen, config), clothes, config)
    if core is None:
        return nothing, nothing
    asked = np.nonzero(band)
    to_skin, to_cloth = (_unlikeness(scene, asked, kind, config) for kind in (core, clothes))
    skin, cloth = nothing.copy(), nothing.copy()
    skin[asked] = (to_skin < config.alike) & (to_skin < config.clearly * to_cloth)
    cloth[asked] = (to_cloth < config.alike) & (to_cloth < config.clearly * to_skin)
    known = np.minimum(to_skin, to_cloth) < config.alike
    limb, along = scene.on_limb[side][asked] & known, scene.along[side]
    cuff = _cuff(along[asked][limb], (to_skin < to_cloth)[limb], config)
    width = 2 * max(1, round(0.5 * config.grown / scene.pixel)) + 1
    skin, cloth = (cv2.blur(x.astype(np.float32), (width, width)) > 0.5 for x in (skin, cloth))
    skin = _touching(skin, core | scene.on_limb[side])  # what is like skin elsewhere is not the arm's
    cloth &= scene.on_limb[side] & (along > cuff)
    reach = max(1, round(config.grown / scene.pixel))
    wide_skin, wide_cloth = (ndimage.binary_dilation(x, iterations=reach) for x in (skin, cloth))
    return wide_skin & ~cloth, wide_cloth & ~skin


def _core(scene: Scene, seen: SeenLimb, config: LimbConfig) -> np.ndarray:
    """(h, w) bool, the middle of forearm and hand where it may be skin.

    A hand that was found may look like anything, gloves too; what else lies on the lines must be the face's skin in
    another light. Where no face is seen, that may be anything.
    """
    lines = np.minimum(seen.arm, np.inf if seen.found else seen.middle) < config.core
    if scene.face is not None:
        shade = scene.rgb @ scene.face / (scene.face @ scene.face)
        off = np.linalg.norm(scene.rgb - shade[..., None] * scene.face, axis=2)
        lines &= off < config.hue * np.maximum(np.linalg.norm(scene.rgb, axis=2), 0.1)
        lines &= (shade > config.shade[0]) & (shade < config.shade[1])
    found = (seen.hand < config.finger) if seen.found else np.zeros_like(lines)
    return scene.inside & (lines | found)


def _not_cloth(scene: Scene, core: np.ndarray, clothes: np.ndarray, config: LimbConfig) -> np.ndarray | None:
    """`core` (h, w) without what looks just like the clothes (h, w): sleeves, and what a line misses the hand by.

    None where too few are left, or few of many: skin and clothes cannot be told apart.
    """
    if min(core.sum(), clothes.sum()) < _LEAST:
        return None
    asked, kept = np.nonzero(core), core.copy()
    kept[asked] = _unlikeness(scene, asked, clothes, config) > config.same
    return kept if kept.sum() >= max(_LEAST, config.told * core.sum()) else None


def _unlikeness(scene: Scene, asked: tuple[np.ndarray, ...], kind: np.ndarray, config: LimbConfig) -> np.ndarray:
    """(n,) distance of the pixels asked for to those of a kind (h, w), in colour and a little in place."""
    known = np.nonzero(kind)
    step = max(1, len(known[0]) // config.samples)
    known = tuple(x[::step] for x in known)
    weight = scene.pixel / config.place
    tree, wanted = (np.concatenate([scene.rgb[at], np.stack(at, 1) * weight], 1) for at in (known, asked))
    return np.asarray(KDTree(tree).query(wanted, k=config.neighbours)[0])[:, -1]


def _touching(chosen: np.ndarray, others: np.ndarray) -> np.ndarray:
    """The connected pieces of `chosen` (h, w) that share a pixel with `others`."""
    labelled: Any = ndimage.label(chosen)
    pieces = np.zeros(labelled[1] + 1, bool)
    pieces[labelled[0][chosen & others]] = True
    return pieces[labelled[0]]


def _cuff(along: np.ndarray, skin: np.ndarray, config: LimbConfig) -> float:
    """Metres beyond the wrist at which a sleeve ends: before it, cloth on a fitted limb is its own.

    Where the fewest pixels are skin before, or cloth after it. Never, where there is little skin anywhere: in a pocket,
    in a sleeve.

    Args:
        along: (n,) metres. skin: (n,) bool, cloth otherwise.
    """
    ring = np.floor(along / _RING).astype(np.int64)
    low = int(ring.min(initial=0))
    rings = int(ring.max(initial=0)) - low + 1
    of_skin, of_cloth = (np.bincount(ring[kind] - low, minlength=rings) for kind in (skin, ~skin))
    wrong = np.concatenate([[0], np.cumsum(of_skin)]) + np.concatenate([np.cumsum(of_cloth[::-1])[::-1], [0]])
    first = int(wrong.argmin())
    bare, covered = of_skin[first:].sum(), of_cloth[first:].sum()
    return _RING * (low + first) if bare > 0 and bare >= config.cuff * (bare + covered) else np.inf
