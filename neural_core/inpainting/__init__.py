"""What the photo did not show, imagined: latent diffusion over textures (DINAR 3.3), composed with what was seen.

`completing` is the stage of the walk. Nothing here imports diffusers before it is needed: that takes seconds.
"""

from neural_core.inpainting.composition import CompositionConfig, compose_known
from neural_core.inpainting.detail import carry_detail

__all__ = ["CompositionConfig", "carry_detail", "compose_known"]
