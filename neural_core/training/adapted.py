"""Stage `adapted`: the renderer learns to live with what the codec leaves of a texture (DINAR 3.3, end-to-end stage).

Half of the pairs have their unseen texels from the codec, as an imagined texture has; what was seen stays as it is,
for the product composes it so. The codec itself is not changed: a denoiser may have been trained on its latents. Nor
are the learned channels of stage (a). People who wear the product's clothes (`python -m neural_core.training.people
--product-clothes`) show the renderer the outlines that it will meet.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from neural_core.inpainting.codec import TextureCodec, load_codec
from neural_core.rendering.weights import load_renderer, renderer_history
from neural_core.training.data import PairConfig, Pairs, PeoplePool
from neural_core.training.latent import Latents, source_photos
from neural_core.training.renderer import RendererStage, TrainingConfig
from neural_core.training.request import TrainingRequest
from neural_core.training.stage import LoopConfig, Turn

# Clothes are fitted to view 0: a texture from another view would not agree with them.
_PAIRS = PairConfig(same_view=0.25, frontal_source=0.9)
CONFIGS: dict[str, LoopConfig] = {
    "tiny": TrainingConfig(steps=40),
    "small": TrainingConfig(steps=1600, learning_rate=4e-4, pairs=_PAIRS),
    "base": TrainingConfig(steps=20000, batch=32, learning_rate=3e-4, pairs=_PAIRS),  # DINAR 4.1: 20,000 steps
}
SHARE = 0.5  # of the pairs; the classical completion goes through no codec


class AdaptedStage(RendererStage):
    """The renderer's stage, its textures through a codec and with the learned channels of stage (a)."""

    name = "adapted"
    codec: TextureCodec
    latents: Latents | None

    def _texture(self, texture: Tensor, pairs: Pairs, turn: Turn) -> Tensor:
        chosen = (torch.rand(turn.batch, 1, 1, 1, generator=turn.generator) < SHARE).to(turn.device)
        with torch.no_grad(), turn.autocast():
            coded = torch.where(chosen, through_codec(self.codec, texture), texture)
            if self.latents is None:
                return coded
            photos = source_photos(self.pool, pairs, turn.device)
            return torch.cat([coded, self.latents.channels(*photos, self.maps, texture.shape[-1])], 1)


def through_codec(codec: TextureCodec, texture: Tensor) -> Tensor:
    """Textures (B, C, R, R) as the renderer reads them, with the unseen of their rgb encoded and decoded."""
    rgb, filled = texture[:, :3], texture[:, 4:5]
    small = F.adaptive_avg_pool2d(rgb, codec.config.resolution)
    decoded = codec.decode(codec.encode(small)).float().clamp(0, 1)
    decoded = F.interpolate(decoded, rgb.shape[-2:], mode="bilinear", align_corners=False)
    return torch.cat([rgb * filled + decoded * (1 - filled), texture[:, 3:]], 1)


def build(request: TrainingRequest) -> AdaptedStage:
    """The stage of `likeness train adapted --use codec=FILE`; it begins with the given renderer, or the shipped one."""
    config = request.settings(CONFIGS, TrainingConfig)
    start = request.fine_tune or request.weights("renderer")
    renderer = load_renderer(start)
    stage = AdaptedStage(renderer.config, PeoplePool(request.data), config, request.device, renderer)
    stage.trained_before = renderer_history(start)
    stage.codec = load_codec(request.weights("codec"), request.device)
    stage.latents = Latents.of(request)
    return stage
