"""The cloth and hair of what was not seen, from what was: folds, weave, strands.

Completions are smooth: nothing tells them where behind a person a fold lies. But the stuff is known. The seen texture
is taken apart into low frequencies, folds and weave. Folds and weave of the body's other side, turned by half about the
vertical axis (texture.half_turn), are laid over the unseen: they hang there as whole as they were seen. Where the other
side cannot give them (it was not seen either, or shows a print, a strap, a hem, another garment) folds fade, and the
weave is quilted of patches of the same garment (inpainting.quilting). Low frequencies are never touched, so colours do
not change.
"""

from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
import torch
from scipy import ndimage
from torch import Tensor
from torch.nn import functional as F

from neural_core.body.model import BodyModel
from neural_core.inpainting.quilting import LUMA, QuiltConfig, Sheet, Stuff, quilt, unlike
from neural_core.texture import Atlas, PartialTexture, lookup, mirror_texels
from neural_core.texture.atlas import texels_per_metre
from neural_core.texture.half_turn import half_turn
from neural_core.texture.regions import body_regions

_BARE = ("face", "left_hand", "right_hand", "left_foot", "right_foot")  # neither give nor take: features, not stuff
_NEVER = 1e3  # cost of bringing cloth to where hair grows, or hair elsewhere


@dataclass(frozen=True)
class FabricConfig:
    folds: tuple[float, float] = (0.0035, 0.02)  # metres, standard deviations of the blurs between which folds lie:
    #                                             waves of 2 to 11 cm; what is finer is weave or strands
    fold_strength: float = 0.9  # folds are in nobody's right place: at full strength they cost more than they give
    weave_strength: float = 1.0
    well: tuple[float, float] = (0.9, 0.45)  # least confidence and facing of what may be taken
    local: float = 0.05  # metres, standard deviation of the neighbourhood whose contrast is usual
    outlier: float = 1.6  # times the usual contrast, beyond which something is a button, a print, a strap
    around: float = 0.006  # metres over which contrast is measured
    margin: float = 0.005  # metres around outliers and along charts' borders that are not taken either
    fade: float = 0.015  # metres over which folds end at an outlier or at the end of what was seen: an edge would show
    garment: tuple[float, float] = (1.5, 3.0)  # colour distances, in QuiltConfig.colour, over which stuff fades out
    patches: tuple[float, ...] = (0.045, 0.025)  # metres: the smaller where too little was seen for larger ones
    quilt: QuiltConfig = field(default_factory=QuiltConfig)


@torch.no_grad()
def weave(
    partial: PartialTexture,
    whole: Tensor,
    atlas: Atlas,
    body: BodyModel,
    seed: int = 0,
    config: FabricConfig | None = None,
) -> Tensor:
    """The completed texture `whole` (3, R, R) with fabric where nothing was seen; dilated, seen texels unchanged.

    Args:
        partial: what was seen, at the resolution R of `whole` and `atlas`. seed: of the choice among good patches.
    """
    config = config or FabricConfig()
    cloth = _Cloth.of(partial, whole, atlas, body, config)
    uv, found = half_turn(atlas, body)

    def turned(*pictures: np.ndarray) -> np.ndarray:
        """Pictures (R, R, c) of the other side, joined."""
        packed = torch.from_numpy(np.concatenate(pictures, 2).transpose(2, 0, 1).copy()).to(uv)
        values = lookup(packed, uv[None])[:, 0].T * found[:, None]
        return atlas.image(values).permute(1, 2, 0).cpu().numpy()

    stuff = cloth.stuff
    soft = _blurred(stuff.usable[..., None], cloth.covered, config.fade / stuff.texel) ** 1.5
    other = turned(cloth.folds * soft, stuff.detail, stuff.low, stuff.usable[..., None].astype(np.float32))
    folds, detail, low, usable = np.split(other, (3, 6, 9), 2)
    folds *= _same(low, stuff.low, config)[..., None]
    written = (usable[..., 0] > 0.99) & (unlike(low - stuff.low, config.quilt) < 1)
    seen = cloth.seen >= 1
    take = (written & ~seen)[..., None]
    sheet = Sheet(np.where(take, detail, stuff.detail), np.where(take, low, stuff.low), written | seen)
    for patch in config.patches:
        quilt(sheet, cloth.wanted, stuff, cloth.apart, seed, replace(config.quilt, patch=patch))
    fine = sheet.detail * (sheet.written * _same(sheet.low, stuff.low, config))[..., None]
    fine -= _blurred(fine, cloth.covered, config.folds[0] / stuff.texel)
    fabric = (config.fold_strength * folds + config.weave_strength * fine) * (cloth.wanted * (1 - cloth.seen))[
        ..., None
    ]
    return atlas.dilate((whole + torch.from_numpy(fabric.transpose(2, 0, 1).copy()).to(whole)).clamp(0, 1))


class _Cloth(NamedTuple):
    """A texture taken apart; pictures (R, R) or (R, R, 3), float32.

    Attributes:
        stuff: its weave and low frequencies, and where they may be taken. folds: what lies between, outliers cut.
        seen: share of a texel that the photo, or the mirrored side, gives. wanted: bool, takes fabric. covered: bool.
        apart: (parts, parts) cost of bringing stuff from one part of the body to another.
    """

    stuff: Stuff
    folds: np.ndarray
    seen: np.ndarray
    wanted: np.ndarray
    covered: np.ndarray
    apart: np.ndarray

    @staticmethod
    def of(partial: PartialTexture, whole: Tensor, atlas: Atlas, body: BodyModel, config: FabricConfig) -> "_Cloth":
        covered = atlas.covered.cpu().numpy()
        texel = 1 / texels_per_metre(body, body.template, atlas.resolution)
        picture = whole.permute(1, 2, 0).cpu().numpy()
        smooth, low = (_blurred(picture, covered, sigma / texel) for sigma in config.folds)
        folds, detail = (smooth - low) * covered[..., None], (picture - smooth) * covered[..., None]

        confidence = atlas.at_texels(partial.confidence)
        mirror = mirror_texels(atlas, body)
        other = torch.where(mirror >= 0, confidence[mirror.clamp(min=0)], torch.zeros_like(confidence))
        seen = atlas.image(torch.maximum(confidence, other)).cpu().numpy()
        names, part = _parts(atlas, body)
        bare = np.isin(part, [names.index(name) for name in _BARE])
        least, facing = config.well
        usable = (partial.confidence.cpu().numpy() > least) & (partial.facing.cpu().numpy() > facing) & ~bare & covered
        around = config.around / texel
        for band in (folds, detail):
            usable &= _ordinary(np.square(band @ LUMA), usable, around, config.local / texel, config.outlier)
        # The blurs reach into what is no cloth, and at a chart's border they are one-sided.
        usable = np.asarray(ndimage.distance_transform_edt(usable)) > config.margin / texel
        kind = [name.removeprefix("left_").removeprefix("right_") for name in names]
        apart = np.array([[(a != b) * (_NEVER if "scalp" in (a, b) else 1.0) for b in kind] for a in kind])
        stuff = Stuff(detail, low, usable, part, texel)
        return _Cloth(stuff, folds, seen, covered & ~bare & (seen < 1), covered, apart)


def _same(a: np.ndarray, b: np.ndarray, config: FabricConfig) -> np.ndarray:
    """(R, R) in [0, 1], how far colours a and b (R, R, 3) are of one garment."""
    near, far = config.garment
    return np.clip((far - np.sqrt(unlike(a - b, config.quilt))) / (far - near), 0, 1)


def _parts(atlas: Atlas, body: BodyModel) -> tuple[list[str], np.ndarray]:
    """Names of the body's parts, and the part (R, R) of every texel; 0 between the charts."""
    regions = body_regions(body)
    weights = torch.stack([region.weight for region in regions.values()], 1)
    of_face = weights[body.faces].sum(1).argmax(1)
    part = torch.where(atlas.covered, of_face[atlas.triangle.clamp(min=0)], 0)
    return list(regions), part.cpu().numpy()


def _ordinary(energy: np.ndarray, inside: np.ndarray, around: float, local: float, outlier: float) -> np.ndarray:
    """Where the energy (R, R) right around a texel is not far above what is usual in its neighbourhood."""
    near = _blurred(energy[..., None], inside, around)[..., 0]
    limit = np.full_like(near, np.inf)
    for _ in range(6):  # outliers count less and less in what is usual
        limit = outlier**2 * _blurred(np.minimum(near, limit)[..., None], inside, local)[..., 0]
    return near <= limit + 1e-5


def _blurred(picture: np.ndarray, inside: np.ndarray, sigma: float) -> np.ndarray:
    """Gaussian mean of a picture (R, R, c) over the texels inside (R, R); large blurs at a lower resolution."""
    packed = np.concatenate([picture * inside[..., None], inside[..., None]], 2).astype(np.float32)
    R, factor = len(inside), 1
    while sigma / factor >= 4 and R % (2 * factor) == 0:
        factor *= 2
    small = packed.reshape(R // factor, factor, R // factor, factor, -1).mean((1, 3))
    small = ndimage.gaussian_filter(small, (sigma / factor, sigma / factor, 0), truncate=3, mode="constant")
    large = torch.from_numpy(small).permute(2, 0, 1)[None]
    if factor > 1:
        large = F.interpolate(large, scale_factor=factor, mode="bilinear")
    mean = large[0].permute(1, 2, 0).numpy()
    return mean[..., :-1] / np.maximum(mean[..., -1:], 1e-4)
