"""What a body is: its parameters, skeleton, surface, UV atlas and landmarks."""

from neural_core.body.choice import body_named, load_licensed_body
from neural_core.body.model import BodyModel, BodyOutput
from neural_core.body.open_body import load_open_body
from neural_core.body.parameters import BodyParameters

__all__ = ["BodyModel", "BodyOutput", "BodyParameters", "body_named", "load_licensed_body", "load_open_body"]
