"""Stage `clothed`: how far clothes stand off the body, learned from the true garments of synthetic people."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from neural_core.body.model import BodyModel
from neural_core.body.open_body import load_open_body
from neural_core.networks.clothed import CLOTHED_CONFIGS, ClothedConfig, ClothedNetwork, body_maps, save_clothed
from neural_core.texture.atlas import Atlas
from neural_core.training.data import PairConfig, Pairs, PeoplePool, source_texture, texel_maps
from neural_core.training.request import TrainingRequest
from neural_core.training.stage import Averages, LoopConfig, Loss, Stage, Turn, adam, place
from neural_core.training.texels import TexelMaps

WEIGHTS = "clothed.safetensors"


@dataclass(frozen=True)
class ClothedTraining(LoopConfig):
    """How to train the clothed head.

    Attributes:
        knee: metres; below it errors count by their square: cloth rubs on skin by a few millimetres anyhow.
        smoothness: weight of the differences between neighbouring texels.
    """

    batch: int = 8
    learning_rate: float = 2e-3
    steps: int = 3000
    knee: float = 0.005
    smoothness: float = 1.0
    pairs: PairConfig = field(
        default_factory=lambda: PairConfig(same_view=1.0, frontal_source=0.6, from_other_views=0.1, from_mirror=0.6)
    )


CONFIGS: dict[str, LoopConfig] = {
    "tiny": ClothedTraining(batch=2),
    "small": ClothedTraining(),
    "base": ClothedTraining(batch=64, steps=20000),
}


class ClothedStage(Stage):
    """One network; the loss is robust L1 on thickness and on its differences, over the texels of the charts."""

    name = "clothed"
    averaged = ("network",)

    def __init__(
        self,
        architecture: ClothedConfig,
        pool: PeoplePool,
        config: ClothedTraining,
        device: torch.device,
        start_from: ClothedNetwork | None = None,
    ):
        torch.manual_seed(config.seed)
        network = ClothedNetwork(architecture)
        if start_from is not None:
            network.load_state_dict(start_from.state_dict())
        self.config, self.pool, self.architecture = config, pool, architecture.to_json()
        self.maps = texel_maps(pool, device)
        self.network = place(network, device)
        body = load_open_body()
        self.body_maps = body_maps(body, architecture.resolution).to(device)
        self.covered = _covered(body, pool.read(0, "sampled", 0).shape[-1]).to(device)
        self.modules = {"network": self.network}
        self.optimisers = {"network": adam(self.network.parameters(), config)}
        self._forward = torch.compile(self.network) if config.compile else self.network

    def losses(self, turn: Turn) -> Iterator[Loss]:
        pairs = self.pool.sample(turn.batch, self.config.pairs, turn.generator)
        flip = torch.rand(turn.batch, generator=turn.generator) < 0.5
        truth = self.pool.truth(pairs.person, "truth_offset").to(turn.device)
        inputs, thickness, weight = clothed_batch(pairs.to(turn.device), truth, self.covered, self.maps, self.network)
        # The atlas is symmetric: flipped left to right it is the atlas of the mirrored person.
        inputs, thickness, weight = (
            torch.where(flip.to(turn.device)[:, None, None, None], x.flip(-1), x) for x in (inputs, thickness, weight)
        )
        with turn.autocast():
            predicted = self._forward(inputs, self.body_maps)
        total, parts = clothed_loss(predicted.float(), thickness, weight, self.config)
        yield Loss("network", total, parts)

    def export(self, out: Path, averages: Averages, provenance: dict[str, Any]) -> Path:
        save_clothed(out / WEIGHTS, self.network.config, averages["network"], provenance)
        return out / WEIGHTS


def clothed_batch(
    pairs: Pairs, truth: Tensor, covered: Tensor, maps: TexelMaps | None, network: ClothedNetwork
) -> tuple[Tensor, Tensor, Tensor]:
    """At the network's resolution: inputs (B, 6, r, r), true thickness (B, 1, r, r), share of the chart (B, 1, r, r).

    Args:
        truth: (B, R, R) metres. covered: (1, 1, R, R) 1 in the charts.
    """
    size = network.config.resolution
    texture, _ = source_texture(pairs, maps)
    weight = F.adaptive_avg_pool2d(covered, size)
    thickness = F.adaptive_avg_pool2d(truth.float()[:, None] * covered, size) / weight.clamp(min=1e-3)
    return F.adaptive_avg_pool2d(texture, size), thickness, weight.expand_as(thickness)


def clothed_loss(
    predicted: Tensor, thickness: Tensor, weight: Tensor, config: ClothedTraining
) -> tuple[Tensor, dict[str, Tensor]]:
    """Robust L1 of thickness (B, 1, r, r) and of its differences, in centimetres, over weight (B, 1, r, r)."""
    error = predicted - thickness
    across = (error[..., 1:] - error[..., :-1], weight[..., 1:] * weight[..., :-1])
    down = (error[..., 1:, :] - error[..., :-1, :], weight[..., 1:, :] * weight[..., :-1, :])
    parts = {
        "thickness": _robust(error, weight, config.knee),
        "slope": _robust(*across, config.knee) + _robust(*down, config.knee),
        "millimetres": 10 * 100 * (error.detach().abs() * weight).sum() / weight.sum(),
    }
    return parts["thickness"] + config.smoothness * parts["slope"], parts


def _robust(error: Tensor, weight: Tensor, knee: float) -> Tensor:
    """Mean of a Huber loss in centimetres."""
    return 100 * (F.huber_loss(error, torch.zeros_like(error), "none", knee) / knee * weight).sum() / weight.sum()


def _covered(body: BodyModel, resolution: int) -> Tensor:
    return Atlas.of(body, resolution).covered.float()[None, None]


def build(request: TrainingRequest) -> ClothedStage:
    """The stage of `likeness train clothed`."""
    from neural_core.networks.clothed import load_clothed

    config = request.settings(CONFIGS, ClothedTraining)
    start_from = load_clothed(request.fine_tune).train().requires_grad_(True) if request.fine_tune else None
    architecture = start_from.config if start_from else CLOTHED_CONFIGS[request.config]
    return ClothedStage(architecture, PeoplePool(request.data), config, request.device, start_from)
