"""The side light of a photo, taken out before the unseen is imagined.

People are alike left and right. Where a seen texel and its mirror image differ in brightness as their directions do,
that is light: harmonics of the normal that change sign from left to right, up to the second order, of the logarithm (as
in rendering.light). The head has its own: half a face lies in the shade while the shirt below is lit. What the photo
did not show should look like skin or garment, not like their dark or their bright side: completion sees evened
colours, and the light comes back on the imagined right beside what was seen only.
"""

from dataclasses import dataclass, replace

import numpy as np
import torch
from scipy.spatial import KDTree
from torch import Tensor
from torch.nn.functional import normalize

from neural_core.body.model import BodyModel
from neural_core.texture.atlas import Atlas
from neural_core.texture.regions import body_regions
from neural_core.texture.sampling import PartialTexture, vertex_normals
from neural_core.texture.surface_graph import mirror_texels

_LUMA = np.array([0.299, 0.587, 0.114])
_HEAD = ("face", "scalp", "neck")


@dataclass(frozen=True)
class SideLightConfig:
    seen: float = 0.5  # confidence from which a texel counts as seen
    dark: float = 0.03  # brightness (sRGB) below which nothing is told
    robust: float = 0.5  # logarithm: buttons, folds, a pocket on one side are outliers
    calm: float = 0.02  # pull towards no light, per pair
    pairs: int = 60  # texels with a seen mirror image below which nothing is known
    rounds: int = 8
    most: float = 0.9  # logarithm: no side is brighter or darker by more
    near: float = 0.04  # metres from what was seen over which the light fades to none


def side_light(
    partial: PartialTexture,
    atlas: Atlas,
    body: BodyModel,
    normals: Tensor | None = None,
    config: SideLightConfig | None = None,
) -> Tensor:
    """(R, R) logarithm of the brightness that the light gives each texel beyond its mirror image's mean, dilated.

    Args:
        partial: what was seen, at the atlas's resolution R. normals: (V, 3) of the body as it was photographed, by
            default of the body at rest.
    """
    config = config or SideLightConfig()
    normals = vertex_normals(body.template, body.faces) if normals is None else normals
    regions = body_regions(body)
    head = torch.stack([regions[name].weight for name in _HEAD]).sum(0)
    at = atlas.on_surface(torch.cat([normals, head[:, None]], 1), body.faces).double()
    basis, head = _odd_harmonics(normalize(at[:, :3], dim=1).cpu().numpy()), at[:, 3].cpu().numpy()
    rgb, confidence = (atlas.at_texels(x).double().cpu().numpy() for x in (partial.rgb, partial.confidence))
    mirror = mirror_texels(atlas, body).cpu().numpy()
    bright = rgb @ _LUMA
    told = (confidence > config.seen) & (bright > config.dark) & (mirror >= 0)
    one = np.nonzero(told & told[mirror] & (np.arange(len(mirror)) < mirror))[0]
    other = mirror[one]
    difference, ratio = basis[one] - basis[other], np.log(bright[one] / bright[other])
    fields = [
        basis @ _fitted(difference[chosen], ratio[chosen], config) for chosen in (head[one] > 0.5, head[one] <= 0.5)
    ]
    field = np.clip(head * fields[0] + (1 - head) * fields[1], -config.most, config.most)
    return atlas.dilate(atlas.image(torch.from_numpy(field).float().to(partial.rgb.device))[None])[0]


def evened(partial: PartialTexture, light: Tensor) -> PartialTexture:
    """What was seen, as if both sides were lit alike. light: (R, R) from `side_light`."""
    return replace(partial, rgb=(partial.rgb * (-light).exp()).clamp(0, 1))


def relit(
    imagined: Tensor,
    light: Tensor,
    partial: PartialTexture,
    atlas: Atlas,
    body: BodyModel,
    config: SideLightConfig | None = None,
) -> Tensor:
    """An evened texture (3, R, R), dilated, with its light (R, R) where something was seen and a little beyond."""
    config = config or SideLightConfig()
    position = atlas.on_surface(body.template, body.faces).cpu().numpy()
    seen = atlas.at_texels(partial.confidence).cpu().numpy() > config.seen
    if not seen.any():
        return imagined
    distance = np.asarray(KDTree(position[seen]).query(position)[0], np.float32)
    share = atlas.dilate(atlas.image(torch.from_numpy(np.exp(-distance / config.near)).to(light))[None])[0]
    return (imagined * (light * share).exp()).clamp(0, 1)


def _fitted(difference: np.ndarray, ratio: np.ndarray, config: SideLightConfig) -> np.ndarray:
    """(3,) harmonics that explain ratios (m,) by differences (m, 3) of the basis, by iterated reweighting."""
    solution = np.zeros(difference.shape[1])
    if len(ratio) < config.pairs:
        return solution
    weight = np.ones(len(ratio))
    for _ in range(config.rounds):
        weighted = weight[:, None] * difference
        matrix = weighted.T @ difference + config.calm * len(ratio) * np.eye(len(solution))
        solution = np.linalg.solve(matrix, weighted.T @ ratio)
        weight = 1 / (1 + np.square(ratio - difference @ solution) / config.robust**2) ** 2
    return solution


def _odd_harmonics(normals: np.ndarray) -> np.ndarray:
    """(n, 3) of unit normals (n, 3), those that change sign with x; the back is lit as the front, which was seen."""
    x, y, z = normals.T
    return np.stack([x, x * y, x * np.abs(z)], 1)
