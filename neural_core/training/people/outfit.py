"""What a synthetic person wears, drawn from a seed: shares chosen for silhouettes beyond the body, not for fashion."""

from dataclasses import dataclass

import numpy as np

HATS = ("beanie", "brim", "visor", "visor", "bucket", "sun")


@dataclass(frozen=True)
class Outfit:
    """One set of clothes. Heights and offsets in metres on the mean body, relative to the joint named in the comment.

    Attributes (None: not worn):
        trousers: "long" | "shorts" | "leggings" | None; looseness: 0 tight .. 1 wide; flare: extra width at the hem.
        sleeves: "short" | "long" | "none"; neck: "crew" | "v" | "turtle" | "scoop".
        fit: 0 tight .. 1 loose top; hang: 0 follows the body .. 1 falls straight from the chest.
        tucked: the top ends inside the trousers. top_hem: above the pelvis (negative: below). cropped: it ends above
        the waist, over bare skin.
        skirt: "skirt" | "dress" | None, with length below the pelvis, slope of its sides and folds.
        jacket: "jacket" | "coat" | None; opening: half width of the gap in front, <= 0 closed.
        collar: "shirt" | "hood" | "scarf" | None; hood_up. hat: one of HATS | None.
        shoes: "low" | "boots" | None.
    """

    trousers: str | None
    looseness: float
    flare: float
    waist: float  # above the pelvis
    trouser_hem: float  # above the ankle (long) or the knee (shorts)
    sleeves: str
    sleeve_end: float  # along the arm, 0 shoulder .. 1 wrist
    neck: str
    fit: float
    hang: float
    tucked: bool
    cropped: bool
    top_hem: float
    skirt: str | None
    skirt_length: float
    slope: float
    folds: int
    fold_depth: float
    jacket: str | None
    jacket_hem: float
    coat_length: float
    padding: float
    opening: float
    collar: str | None
    hood_up: bool
    hat: str | None
    shoes: str | None
    shoe_height: float  # above the ankle


def draw_outfit(rng: np.random.Generator) -> Outfit:
    """A random outfit. Every number is drawn for every person, so that one choice does not shift the others."""
    style = rng.choice(
        ["casual", "dress", "skirt", "jacket", "coat", "hoodie", "sport", "leggings"],
        p=[0.26, 0.10, 0.10, 0.14, 0.12, 0.12, 0.08, 0.08],
    )
    u = rng.uniform(size=32)

    def between(index: int, low: float, high: float) -> float:
        return float(low + (high - low) * u[index])

    skirt = str(style) if style in ("dress", "skirt") else None
    if style in ("coat", "jacket") and u[0] < 0.15:
        skirt = "skirt"
    trousers = None if skirt else "leggings" if style == "leggings" else "long"
    if trousers == "long" and u[1] < (0.6 if style == "sport" else 0.10):
        trousers = "shorts"
    sleeves = str(rng.choice(["short", "long", "none"], p=[0.42, 0.46, 0.12]))
    if style == "hoodie":
        sleeves = "long"
    ends = {"short": between(2, 0.20, 0.50), "long": between(2, 0.86, 0.99), "none": between(2, -0.02, 0.03)}
    hems = {"long": between(3, -0.01, 0.09), "leggings": between(3, 0.0, 0.2), "shorts": between(3, -0.05, 0.18)}
    jacket = str(style) if style in ("jacket", "coat") else "jacket" if u[4] < 0.08 and skirt is None else None
    loose = 0.0 if trousers == "leggings" else between(5, 0, 1) ** 1.9
    collar = "hood" if style == "hoodie" else None
    if jacket and u[6] < 0.45:
        collar = "hood" if u[7] < 0.4 else "shirt"
    elif collar is None and u[6] < 0.22:
        collar = "shirt" if u[7] < 0.6 else "scarf"
    hood_up = collar == "hood" and u[8] < 0.25
    hat = None if hood_up or u[9] > 0.16 else str(rng.choice(HATS))
    cropped = bool(u[26] < 0.10 and style not in ("dress", "coat", "hoodie"))
    tucked = skirt is not None or (style == "sport" and u[10] < 0.2) or u[10] < 0.25
    neck = str(rng.choice(["crew", "v", "turtle", "scoop"], p=[0.55, 0.2, 0.12, 0.13]))
    return Outfit(
        trousers=trousers,
        looseness=loose,
        flare=max(0.0, between(11, -0.14, 0.09)) if loose > 0.2 else 0.0,
        waist=between(12, 0.04, 0.11),
        trouser_hem=hems[trousers] if trousers else 0.0,
        sleeves=sleeves,
        sleeve_end=ends[sleeves],
        neck="crew" if collar in ("shirt", "hood") and not jacket else neck,
        fit=between(13, 0.45, 1.0) if style == "hoodie" else between(13, 0, 1),
        hang=between(14, 0.0, 1.0) if style != "sport" else between(14, 0, 0.5),
        tucked=bool(tucked) and style != "hoodie" and not cropped,
        cropped=cropped,
        top_hem=between(15, 0.12, 0.22) if cropped else between(15, -0.12, 0.03),
        skirt=skirt,
        skirt_length=between(16, 0.16, 0.84),
        slope=-0.15 + between(17, 0.0, 1.0) ** 1.6 * 0.65,
        folds=int(rng.integers(5, 15)) if u[27] < 0.75 else int(rng.integers(18, 30)),
        fold_depth=between(18, 0.0, 0.12),
        jacket=jacket,
        jacket_hem=between(19, -0.15, 0.02),
        coat_length=between(20, 0.30, 0.80),
        padding=between(21, 0.0, 1.0) ** 1.5,
        opening=between(22, -0.03, 0.07),
        collar=collar,
        hood_up=bool(hood_up),
        hat=hat,
        shoes=None if u[23] > 0.94 else "boots" if u[24] < 0.25 else "low",
        shoe_height=between(25, 0.06, 0.22) if u[24] < 0.25 else between(25, -0.02, 0.04),
    )
