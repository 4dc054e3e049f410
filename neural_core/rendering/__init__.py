"""Posed vertices, a camera and a neural texture become a picture."""

from neural_core.rendering.frame import Frame
from neural_core.rendering.weights import load_renderer

__all__ = ["Frame", "load_renderer"]
