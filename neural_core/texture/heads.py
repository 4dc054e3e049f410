"""What skin looks like on one head, and which of its texels show skin.

The face's own texels, seen face on, say what skin is, in the light that falls on each side. What goes on from the face
is skin, too; the scalp's others are hair (or a hat). `head_paint` fills what was not seen with the one or the other.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from scipy import ndimage
from torch import Tensor

from neural_core.body.model import BodyModel
from neural_core.body.skeleton import JOINT_INDEX
from neural_core.texture.agreement import agreed
from neural_core.texture.atlas import Atlas
from neural_core.texture.regions import body_regions
from neural_core.texture.sampling import PartialTexture

_EAR_AT = (0.075, 0.045, 0.017)  # metres from the head joint on the mean body, left one
_EAR_REACH = 0.037
_BROWS = 0.012  # metres above the eyes' centres where brows end
_LEAST_SKIN = 4e-4  # square metres seen face on below which nothing is known of a face
_SMOOTH_TEXEL = 0.004  # metres: skin is compared this coarsely


@dataclass(frozen=True)
class HeadConfig:
    lit: tuple[float, float] = (0.8, 1.2)  # how much darker or lighter than nearby skin: much hair is a darker brown
    unlike: float = 0.1  # distance (sRGB) beyond that at which a colour is not skin
    windows: tuple[float, ...] = (0.04, 0.015)  # metres, neighbourhoods whose skin is compared, wide to narrow
    agree: tuple[float, ...] = (0.6, 0.3)  # colour distances within which their skin agrees


@dataclass(frozen=True)
class Head:
    """The head's part of an atlas, as pictures (h, w) cut out of it.

    Attributes:
        cut: where it lies in the atlas. texel: metres. face: weight of the region. ear, below_brows: bool.
            inside: bool, covered by a chart and head or neck.
    """

    cut: tuple[slice, slice]
    texel: float
    face: np.ndarray
    ear: np.ndarray
    below_brows: np.ndarray
    inside: np.ndarray

    @staticmethod
    def of(body: BodyModel, atlas: Atlas) -> "Head":
        regions = body_regions(body)
        eye_height = body.joint_template[JOINT_INDEX["left_eye_smplhf"], 1]
        from_head = body.template - body.joint_template[JOINT_INDEX["head"]]
        from_head = torch.cat([from_head[:, :1].abs(), from_head[:, 1:]], 1)
        ear = (from_head - from_head.new_tensor(_EAR_AT)).norm(dim=1) < _EAR_REACH
        columns = [regions[name].weight for name in ("face", "scalp", "neck")]
        above_eyes = body.template[:, 1] - eye_height
        columns += [ear.float(), (above_eyes < _BROWS).float()]
        at_texels = atlas.on_surface(torch.cat([torch.stack(columns, 1), body.template], 1), body.faces)
        maps = atlas.image(at_texels).cpu().numpy()
        inside = (maps[:3].sum(0) > 0.5) & atlas.covered.cpu().numpy()
        rows, cols = np.nonzero(inside.any(1))[0], np.nonzero(inside.any(0))[0]
        cut = np.s_[rows[0] : rows[-1] + 1, cols[0] : cols[-1] + 1]
        face, _, _, ear, below_brows, *position = (one[cut] for one in maps)
        inside = inside[cut]
        step = np.linalg.norm(np.diff(np.stack(position), axis=2), axis=0)[inside[:, 1:] & inside[:, :-1]]
        texel = float(np.median(step))
        return Head(cut, texel, face, ear > 0.5, below_brows > 0.5, inside)

    def part(self, picture: Tensor) -> np.ndarray:
        """The head's part of a picture (..., R, R) of the atlas."""
        return picture[(..., *self.cut)].cpu().numpy()


class SkinModel:
    """What skin looks like everywhere on a head, in the light of each side.

    Attributes:
        head: its part of the atlas. colour: (3, h, w) of nearby skin that was seen face on.
        on_face: (h, w) bool, skin that goes on from the face.
    """

    def __init__(self, head: Head, rgb: np.ndarray, confidence: np.ndarray, weight: np.ndarray, config: HeadConfig):
        self.head = head
        step = max(1, round(_SMOOTH_TEXEL / head.texel))
        small, mass = _reduced(rgb * weight, step), _reduced(weight, step)
        small = small / np.maximum(mass, 1e-6)
        first = agreed(small.reshape(3, -1).T, mass.ravel(), 3 * config.agree[:1])
        value = np.broadcast_to(first[:, None, None], small.shape)
        for window, distance in zip(config.windows, config.agree):
            votes = mass / (1 + np.square(small - value).sum(0) / distance**2) ** 2
            near, sigma = _gaussian(votes, window / _SMOOTH_TEXEL), window / _SMOOTH_TEXEL
            mean = np.stack([_gaussian(x * votes, sigma) for x in small])
            value = (mean + 0.02 * value) / (near + 0.02)  # where there is little skin, the wider neighbourhood speaks
        self.colour = value.repeat(step, 1).repeat(step, 2)[:, : rgb.shape[1], : rgb.shape[2]]
        shade = (rgb * self.colour).sum(0) / np.maximum(np.square(self.colour).sum(0), 1e-6)
        lit = np.clip(shade, *config.lit) * self.colour
        unlike = np.sqrt(np.square(rgb - lit).sum(0))
        # Skin goes on from the face to a bald forehead; what is like skin beyond a fringe is a hat.
        labelled: Any = ndimage.label((confidence > 0) & head.inside & (unlike < config.unlike))
        label, count = labelled
        share = np.asarray(ndimage.sum(weight, label, np.arange(1, count + 1))) / weight.sum()
        self.on_face = np.concatenate([[False], share > 0.02])[label]

    @staticmethod
    def of(
        partial: PartialTexture, atlas: Atlas, body: BodyModel, config: HeadConfig | None = None
    ) -> "SkinModel | None":
        """The skin that a partial texture shows; None where no face is seen."""
        config, head = config or HeadConfig(), Head.of(body, atlas)
        rgb, confidence, facing = (head.part(x) for x in (partial.rgb, partial.confidence, partial.facing))
        weight = confidence * head.face * (head.below_brows & head.inside & ~head.ear) * np.clip(4 * facing - 2, 0, 1)
        if weight.sum() * head.texel**2 < _LEAST_SKIN:
            return None
        return SkinModel(head, rgb, confidence, weight, config)

    def at_texels(self, atlas: Atlas) -> tuple[np.ndarray, np.ndarray]:
        """`on_face` (n,) and `colour` (n, 3) of the atlas's texels, 0 elsewhere than on the head."""
        whole = np.zeros((4, atlas.resolution, atlas.resolution))
        whole[(slice(None), *self.head.cut)] = np.concatenate([self.on_face[None], self.colour])
        rows = whole.reshape(4, -1)[:, atlas.texels.cpu().numpy()]
        return rows[0] > 0, rows[1:].T


def _gaussian(picture: np.ndarray, sigma: float) -> np.ndarray:
    return np.asarray(ndimage.gaussian_filter(picture, sigma, mode="constant", truncate=2.5))


def _reduced(picture: np.ndarray, step: int) -> np.ndarray:
    """(..., h, w) to the means of step x step blocks, padded with zeros."""
    h, w = picture.shape[-2:]
    pad = [(0, 0)] * (picture.ndim - 2) + [(0, -h % step), (0, -w % step)]
    whole = np.pad(picture, pad)
    return whole.reshape(*whole.shape[:-2], whole.shape[-2] // step, step, -1, step).mean((-3, -1))
