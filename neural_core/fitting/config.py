"""Every weight of the fit, with the reason beside it.

Residuals are in percent of the person's height, so the same weights hold at any resolution. Unless another reason is
given, a number is the one that worked on ten photos and 140 renders in the prototype (shared/facts/fitting.md).
"""

from dataclasses import dataclass
from typing import Literal

Gender = Literal["neutral", "male", "female"]


@dataclass(frozen=True)
class Stage:
    """One call of the minimiser: which variables move, and how the terms weigh.

    Attributes:
        variables: names of blocks in `Variables`, or of body joints. iterations: of L-BFGS.
        landmarks: weight of the 2-D body landmarks; robust: their Geman-McClure scale, percent of the height.
        directions: weight of the 3-D bone directions. prior: of pose and hands; shape: of betas and expression.
        face, hands: switch on their landmarks. silhouette: weight of the mask term.
    """

    variables: tuple[str, ...]
    iterations: int
    landmarks: float
    robust: float
    directions: float
    prior: float
    shape: float
    face: float = 0.0
    hands: float = 0.0
    silhouette: float = 0.0


_CAMERA = ("root", "place", "tilt")
_BODY = (*_CAMERA, "pose", "betas", "face_shape")
_ALL = (*_BODY, "expression", "jaw", "hands")


@dataclass(frozen=True)
class FitConfig:
    """Settings of `fit_body`."""

    gender: Gender = "neutral"  # centre of the shape prior; fitting both and comparing tells them apart by chance only
    seed: int = 0  # nothing in the fit is random today; kept with the result so that it stays reproducible

    # Stages: pose from 3-D directions first, because 2-D alone finds mirrored depths; then let the picture take over.
    lift: Stage = Stage(("root", "tilt", "pose"), 30, landmarks=0, robust=8, directions=60, prior=0.3, shape=1)
    place: Stage = Stage(_CAMERA, 12, landmarks=2, robust=8, directions=60, prior=0.3, shape=1)
    body: Stage = Stage(_BODY, 35, landmarks=2, robust=6, directions=30, prior=0.3, shape=1)
    everything: Stage = Stage(_ALL, 45, landmarks=2, robust=4, directions=15, prior=0.3, shape=0.6, face=1, hands=1)
    outline: Stage = Stage(
        _ALL, 35, landmarks=2, robust=4, directions=15, prior=0.2, shape=0.3, face=1, hands=1, silhouette=60
    )  # fmt: skip
    # The face last: its small residuals need large weights, and large weights hold up the search for everything else.
    portrait: Stage = Stage(
        ("neck", "head", "face_shape", "expression", "jaw"), 30,
        landmarks=2, robust=4, directions=15, prior=0.2, shape=0.6, face=5,
    )  # fmt: skip

    # Landmarks.
    face_weight: float = 100.0  # shared by all face points, whose noise is a fifth of the body's
    face_robust: float = 3.0  # percent; a wrong mesh is wrong everywhere
    hand_weight: float = 0.5  # per point; 21 points a hand
    hand_robust: float = 3.0

    # Depth. The picture cannot tell a lean from a tilted camera: people stand upright, cameras are held by hand.
    pitch_sigma: float = 0.17  # rad, 10 degrees
    roll_sigma: float = 0.035  # rad, 2 degrees: photographers level the horizon, and pitch as they please
    tilt_weight: float = 1.0  # the directions already tell most of it; more pulls true pitch out of the result
    lean_sigma: float = 0.05  # sine of 3 degrees, ankles to shoulders, forwards: the weight is over the feet
    sway_sigma: float = 0.06  # sine of 3.5 degrees, the same sideways
    posture_sigma: float = (
        0.12  # sine of 7 degrees, of legs and torso each: hips bend, and the one makes up for the other
    )
    lean_robust: float = 6.0  # sigmas; beyond 17 degrees somebody is not standing upright, and the term lets go
    lean_weight: float = 4.0
    sole_sigma: float = 0.03  # metres, heel against toe and foot against foot, on flat ground
    sole_robust: float = 3.0  # sigmas; a lifted foot lets go
    sole_weight: float = 3.0

    # Shape and face.
    expression_weight: float = 0.5
    action_weight: float = 0.5  # .3, .5 and 1 fit fourteen frames alike
    jaw_sigma_closed: float = 0.02  # rad; between closed lips the jaw stays shut whatever the other points pull
    jaw_sigma_per_gap: float = 0.5  # rad per lip gap in mouth widths: a gap of 0.6 is a jaw of about 0.3 rad
    closed_gap: float = 0.2  # mouth widths; teeth in a smile and moustaches make as much without any jaw

    hand_sigma: float = 0.35  # rad, about relaxed hands
    hand_prior_weight: float = 0.5

    limit_weight: float = 200.0  # per rad² beyond a hinge's range: in effect a wall
    penetration_weight: float = 4000.0  # per m² of overlap of two capsules: 3 cm cost as much as 1.4 % of 2-D error

    # Silhouette.
    silhouette_side: int = 256  # pixels of the longer side of the cropped picture: edges to 0.2 % of the height
    outside_weight: float = 2.0  # a body outside the clothes is wrong, clothes outside the body are clothes
    missed_weight: float = 1.0
