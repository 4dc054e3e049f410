"""What the photo did not show, imagined: latent diffusion over textures (DINAR 3.3), composed with what was seen."""

from neural_core.inpainting.composition import CompositionConfig, compose_known
from neural_core.inpainting.detail import carry_detail
from neural_core.inpainting.inpainter import Inpainter, SamplerConfig

__all__ = ["CompositionConfig", "Inpainter", "SamplerConfig", "carry_detail", "compose_known"]
