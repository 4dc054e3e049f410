"""Stage `renderer`: the renderer on completed textures (DINAR 4.1, first stage, without the generated texture)."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from neural_core.networks import RENDERER_CONFIGS, RendererConfig, RendererNetwork
from neural_core.rendering.weights import load_renderer, renderer_history, save_renderer
from neural_core.training.data import Batch, PairConfig, Pairs, PeoplePool, rasterise, source_texture, texel_maps
from neural_core.training.losses import LossWeights, RendererLoss
from neural_core.training.request import TrainingRequest
from neural_core.training.stage import Averages, LoopConfig, Loss, Stage, Turn, adam, place

WEIGHTS = "renderer.safetensors"


@dataclass(frozen=True)
class TrainingConfig(LoopConfig):
    """How to train; `RendererConfig` says what. 8000 steps are about an hour on one core for the small network.

    Batches of four 256 x 160 pictures suit two cores; 3e-3 made the masks jump; rare people in skirts give ten times
    the usual gradient, hence the clipping.
    """

    pairs: PairConfig = field(default_factory=PairConfig)
    weights: LossWeights = field(default_factory=LossWeights)


CONFIGS: dict[str, LoopConfig] = {"tiny": TrainingConfig(), "small": TrainingConfig(), "base": TrainingConfig(batch=32)}


class RendererStage(Stage):
    """One network, one optimiser."""

    name = "renderer"
    averaged = ("network",)

    def __init__(
        self,
        architecture: RendererConfig,
        pool: PeoplePool,
        config: TrainingConfig,
        device: torch.device,
        start_from: RendererNetwork | None = None,
    ):
        torch.manual_seed(config.seed)
        network = RendererNetwork(architecture)
        if start_from is not None:
            network.load_state_dict(start_from.state_dict())
        self.config, self.pool, self.maps = config, pool, texel_maps(pool, device)
        self.network = place(network, device)
        self.architecture = architecture.to_json()
        self.modules = {"network": self.network}
        self.optimisers = {"network": adam(self.network.parameters(), config)}
        self.loss_of = RendererLoss(config.weights, device)
        self._forward = torch.compile(self.network) if config.compile else self.network

    def _batch(self, turn: Turn) -> Batch:
        pairs = self.pool.sample(turn.batch, self.config.pairs, turn.generator)
        stored, pairs = pairs, pairs.to(turn.device)
        texture, partial = source_texture(pairs, self.maps)
        return rasterise(pairs, torch.cat([self._texture(texture, stored, turn), partial], 1))

    def _texture(self, texture: Tensor, pairs: Pairs, turn: Turn) -> Tensor:
        """What the renderer reads of the pairs' completed textures (B, 6, R, R)."""
        return texture

    def losses(self, turn: Turn) -> Iterator[Loss]:
        batch = self._batch(turn)
        ground = torch.rand(turn.batch, 3, 1, 1, generator=turn.generator).to(turn.device)
        with turn.autocast():
            inputs = (x.contiguous(memory_format=torch.channels_last) for x in batch[:3])
            rgb, logits = self._forward(*inputs)
        total, parts = self.loss_of(rgb.float(), logits.float(), batch.rgb, batch.mask, ground)
        yield Loss("network", total, parts)

    def export(self, out: Path, averages: Averages, provenance: dict[str, Any]) -> Path:
        save_renderer(out / WEIGHTS, self.network.config, averages["network"], provenance)
        return out / WEIGHTS


def build(request: TrainingRequest) -> RendererStage:
    """The stage of `likeness train renderer`; fine-tuning keeps the architecture of the given weights."""
    config = request.settings(CONFIGS, TrainingConfig)
    start_from = load_renderer(request.fine_tune) if request.fine_tune else None
    architecture = start_from.config if start_from else RENDERER_CONFIGS[request.config]
    stage = RendererStage(architecture, PeoplePool(request.data), config, request.device, start_from)
    stage.trained_before = renderer_history(request.fine_tune) if request.fine_tune else []
    return stage
