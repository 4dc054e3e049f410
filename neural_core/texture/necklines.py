"""Where the garment ends at the neck, all round.

From the sides of the neck to the back it lies about in a plane that rises a little, to the neck's last vertebra; in
front a V or an open collar falls much lower. A photo from the front shows the middle and both sides of the neck: behind
it goes on at the height of the sides. Below it are cloth and shoulders, above it skin, or hair.
"""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from neural_core.body.model import BodyModel
from neural_core.body.skeleton import JOINT_INDEX
from neural_core.texture.agreement import agreed

HAIR = 0.2  # colour distance from the scalp's hair within which what hangs beside the neck is hair


@dataclass(frozen=True)
class NecklineConfig:
    tilt: float = 10.0  # degrees by which the plane rises to the back
    reach: float = 0.25  # metres from the neck's axis within which colours are told apart,
    depth: float = 0.25  # and below the neck joint
    low: float = -0.10  # metres along the plane's normal from the neck joint: below, an opening is no neckline
    high: float = 0.07  # above it the head begins
    top: float = 0.12  # above it there is no neck (eyeballs are of no region)
    near: float = 0.16  # metres from the neck's axis within which a neckline lies,
    base: float = 0.06  # and within which it is the neck, no shoulder
    shade: tuple[float, float] = (0.45, 1.15)  # how much darker or lighter than the face skin of the neck may be
    unlike: float = 0.1  # distance (sRGB) beyond that at which a colour is not skin
    bare: float = 0.05  # the same for all that the shoulders show: nearer, they are bare
    like_cloth: float = (
        0.07  # by how much nearer (sRGB) than to cloth a colour must be to hair's: black on black is cloth
    )
    beside: float = 0.03  # metres from the middle from which a texel is at the side
    covered: float = 0.7  # share of cloth on the shoulders from which they are dressed
    doubt: float = 0.25  # share of texels on the wrong side of a neckline up to which it is believed
    least: float = 20.0  # texels of evidence below which nothing is known


@dataclass(frozen=True)
class Neckline:
    """What the texels (n,) around a neck show, and where its garment ends.

    Attributes:
        above: metres above the neckline's plane. near: bool, close enough to the neck for `cloth` to be told.
        cloth, hair: bool, what was seen there; the rest is skin. tone, skin: (3,) sRGB of the cloth on the shoulders
            and of the neck. bare: whether skin shows between hair and garment.
    """

    above: np.ndarray
    near: np.ndarray
    cloth: np.ndarray
    hair: np.ndarray
    tone: np.ndarray
    skin: np.ndarray
    bare: bool

    @staticmethod
    def of(
        position: np.ndarray,
        colour: np.ndarray,
        weight: np.ndarray,
        skin: np.ndarray,
        skin_colour: np.ndarray,
        hair_colour: np.ndarray,
        head: np.ndarray,
        pairs: np.ndarray,
        body: BodyModel,
        config: NecklineConfig | None = None,
    ) -> "Neckline | None":
        """The neckline of seen colours; None where shoulders are bare, or like skin, or not seen.

        Args:
            position: (n, 3) at rest. colour: (n, 3) sRGB. weight: (n,) how well it was seen. skin: (n,) bool, that goes
                on from the face. skin_colour: (n, 3), 0 where none is known. hair_colour: (3,). head: (n,) bool, face
                and scalp, where nobody wears a neckline. pairs: (e, 2) neighbours.
        """
        config = config or NecklineConfig()
        joint = body.joint_template[JOINT_INDEX["neck"]].cpu().numpy()
        x, y, z = (position - joint).T
        tilt = np.radians(config.tilt)
        height, distance = y * np.cos(tilt) + z * np.sin(tilt), np.hypot(x, z)
        near = ~head & (distance < config.reach) & (height > -config.depth) & (height < config.top)
        seen = weight > 0
        shoulder = seen & near & (np.abs(x) > config.base) & (distance < config.near)
        shoulder &= (height > config.low) & (height < 0)
        if weight[shoulder].sum() < config.least or (weight * skin).sum() < config.least:
            return None
        cloth_colour = agreed(colour, weight * shoulder)
        face_colour = agreed(colour, weight * skin)
        known = skin_colour.sum(1, keepdims=True) > 0
        from_skin = _unlike(colour, np.where(known, skin_colour, face_colour), config)
        from_cloth = _unlike(colour, cloth_colour[None], config)
        if _unlike(cloth_colour[None], face_colour[None], config)[0] < config.bare:
            return None
        bare = seen & near & (from_skin < np.minimum(config.unlike, from_cloth))
        bare = _together(skin & seen, bare | (skin & seen), pairs)
        from_hair, from_plain = (np.sqrt(np.square(colour - one).sum(1)) for one in (hair_colour, cloth_colour))
        hair = seen & near & ~bare & (from_hair < np.minimum(HAIR, from_plain - config.like_cloth))
        cloth = seen & near & ~bare & ~hair & (height < config.high)
        clear = cloth & (from_cloth < from_skin)
        dressed = shoulder & ~hair
        if (weight * clear)[dressed].sum() < config.covered * weight[dressed].sum():
            return None
        beside = seen & near & (np.abs(x) > np.maximum(config.beside, z)) & (distance < config.near)
        beside &= (height > config.low) & (height < config.high) & (clear | ~cloth)
        ends = [_end(height[one], (weight * clear)[one], (weight * ~clear)[one], config)
                for one in (beside & (x < 0), beside & (x > 0))]  # fmt: skip
        sure = sum(each for _, each in ends)
        if not sure:
            return None
        above = height - sum(end * each for end, each in ends) / sure
        cloth = clear | (cloth & (above < 0))
        between = weight * (beside & (above > 0))
        neck = weight * (bare & (above > 0))
        skin_there = agreed(colour, neck) if neck.sum() > config.least else face_colour
        return Neckline(above, near, cloth, hair, cloth_colour, skin_there, between[bare].sum() > between[hair].sum())


def _unlike(colour: np.ndarray, stuff: np.ndarray, config: NecklineConfig) -> np.ndarray:
    """(n,) distances of colours (n, 3) from stuff (n or 1, 3) in the shade that suits them best."""
    shade = (colour * stuff).sum(1) / np.maximum(np.square(stuff).sum(1), 1e-6)
    return np.sqrt(np.square(colour - np.clip(shade, *config.shade)[:, None] * stuff).sum(1))


def _together(start: np.ndarray, inside: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    """(n,) bool, the texels inside (n,) that hang together with the start (n,) along the pairs (e, 2)."""
    a, b = pairs[inside[pairs].all(1)].T
    n = len(inside)
    label = connected_components(coo_matrix((np.ones(len(a)), (a, b)), shape=(n, n)), directed=False)[1]
    return inside & np.isin(label, label[start & inside])


def _end(height: np.ndarray, cloth: np.ndarray, rest: np.ndarray, config: NecklineConfig) -> tuple[float, float]:
    """Height with the least cloth (n,) above and the least of the rest (n,) below, and the evidence for it, or 0."""
    total = float(cloth.sum() + rest.sum())
    edges = np.arange(config.low, config.high + 1e-6, 0.004)
    wrong = np.array([cloth[height > edge].sum() + rest[height <= edge].sum() for edge in edges])
    best = np.nonzero(wrong <= wrong.min() + 1e-9)[0]
    sure = total if total > config.least and cloth.sum() > 0 and wrong.min() < config.doubt * total else 0.0
    return float(edges[best].mean()), sure
