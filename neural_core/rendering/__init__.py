"""Posed vertices, a camera and a neural texture become a picture."""

from neural_core.rendering.avatar_renderer import AvatarRenderer
from neural_core.rendering.compose import compose
from neural_core.rendering.frame import Frame
from neural_core.rendering.weights import load_renderer, renderer_provenance

__all__ = ["AvatarRenderer", "Frame", "compose", "load_renderer", "renderer_provenance"]
