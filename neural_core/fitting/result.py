"""The result of a fit."""

from dataclasses import dataclass, field

from neural_core.body.parameters import BodyParameters
from neural_core.camera import Camera
from neural_core.fitting.config import Gender


@dataclass(frozen=True)
class BodyFit:
    """A body in the upright world, and the camera that took the photo.

    Attributes:
        parameters: batch of one; gravity is -y, the soles stand on y = 0 below the pelvis at x = z = 0.
        camera: of the photo at its full resolution, in that world.
        errors: measures of `fit_errors`.
        guessed: parts the photo does not show: "legs", "feet", "left hand", "right hand", "face".
        gender: the centre of the shape prior: "neutral", "male" or "female".
    """

    parameters: BodyParameters
    camera: Camera
    errors: dict[str, float] = field(default_factory=dict)
    guessed: tuple[str, ...] = ()
    gender: Gender = "neutral"
