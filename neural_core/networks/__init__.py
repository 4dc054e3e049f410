"""Networks, apart from their losses, their training and their weights."""

from neural_core.networks.config import RENDERER_CONFIGS, RendererConfig
from neural_core.networks.renderer import RendererNetwork, RendererOutput

__all__ = ["RENDERER_CONFIGS", "RendererConfig", "RendererNetwork", "RendererOutput"]
