"""Stage `generator`, (a) of DINAR 4.1: encoder, texture generator and renderer together, on pairs of one person.

The loss is eq. 5: colours, perceptual, Dice, adversarial with lazy R1, and the first two again on the face. The
renderer begins as the one that ships (or --use renderer=FILE), widened by the latent channels with weights of zero: its
first pictures are the shipped ones.
"""

from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from neural_core.body.open_body import load_open_body
from neural_core.errors import WeightsError
from neural_core.networks import RENDERER_CONFIGS, RendererNetwork
from neural_core.networks.renderer import widened
from neural_core.networks.stylegan import (
    STYLE_CONFIGS,
    Discriminator,
    StyleConfig,
    TextureEncoder,
    TextureGenerator,
    gradient_penalty,
    save_generator,
)
from neural_core.rendering.weights import load_renderer, renderer_history, save_renderer
from neural_core.training.data import (
    Batch,
    PairConfig,
    Pairs,
    PeoplePool,
    lookup_batch,
    texel_maps,
)
from neural_core.training.latent import batch_with_latent, source_photos
from neural_core.training.losses import LossWeights, RendererLoss, masked_l1
from neural_core.training.perceptual import PARTS, part_texture, perceptual_distance
from neural_core.training.request import TrainingRequest
from neural_core.training.stage import Averages, LoopConfig, Loss, Stage, Turn, adam, place

WEIGHTS = "generator.safetensors"
RENDERER_WEIGHTS = "renderer.safetensors"


@dataclass(frozen=True)
class GeneratorTraining(LoopConfig):
    """How to train stage (a).

    Attributes:
        perceptual, adversarial, face: weights of eq. 5, beside those of `weights`. r1: of the gradient penalty, every
            `r1_every` steps. adversarial_from: step at which the discriminator joins, once pictures look like people.
        judge_rate: the discriminator's share of the learning rate. renderer_rate: the renderer's.
        without_latent: share of pictures drawn without the learned channels: avatars of older files have none.
    """

    batch: int = 4
    steps: int = 8000
    learning_rate: float = 1e-3
    weight_decay: float = 0.0
    beta1: float = 0.0  # Karras et al.: no momentum where two networks compete
    beta2: float = 0.99
    perceptual: float = 1.0
    adversarial: float = 0.01
    face: float = 0.1
    r1: float = 0.1
    r1_every: int = 16
    adversarial_from: int = 500
    judge_rate: float = 1.0
    renderer_rate: float = 0.3
    without_latent: float = 0.1
    pairs: PairConfig = field(default_factory=PairConfig)
    weights: LossWeights = field(default_factory=LossWeights)


CONFIGS: dict[str, LoopConfig] = {
    "tiny": GeneratorTraining(batch=2),
    "small": GeneratorTraining(),
    "base": GeneratorTraining(batch=32, steps=30000, adversarial_from=3000),
}


class GeneratorStage(Stage):
    """Four networks, two optimisers."""

    name = "generator"
    averaged = ("encoder", "generator", "renderer")

    def __init__(
        self,
        style: StyleConfig,
        renderer: RendererNetwork,
        distance: nn.Module | Any,
        pool: PeoplePool,
        config: GeneratorTraining,
        device: torch.device,
    ):
        torch.manual_seed(config.seed)
        self.config, self.pool, self.maps = config, pool, texel_maps(pool, device)
        self.style, self.distance = style, distance
        self.encoder = place(TextureEncoder(style), device)
        self.generator = place(TextureGenerator(style), device)
        self.discriminator = place(Discriminator(style), device)
        self.renderer = place(widened(renderer, style.latent).train().requires_grad_(True), device)
        self.architecture = {"style": style.to_json(), "renderer": self.renderer.config.to_json()}
        self.modules = {
            "encoder": self.encoder,
            "generator": self.generator,
            "renderer": self.renderer,
            "discriminator": self.discriminator,
        }
        drawing = adam([*self.encoder.parameters(), *self.generator.parameters()], config)
        drawing.add_param_group({"params": list(self.renderer.parameters()), "rate": config.renderer_rate})
        judging = adam(self.discriminator.parameters(), config, config.judge_rate)
        self.optimisers = {"drawing": drawing, "judging": judging}
        self.loss_of = RendererLoss(config.weights, device)
        head = list(PARTS).index("head")
        self.head = (part_texture(load_open_body(), 256) == head).float()[None, None].to(device)
        self._draw = torch.compile(self._draw_pairs) if config.compile else self._draw_pairs

    def losses(self, turn: Turn) -> Iterator[Loss]:
        config = self.config
        pairs = self.pool.sample(turn.batch, config.pairs, turn.generator)
        rgb, mask = source_photos(self.pool, pairs, turn.device)
        pairs = pairs.to(turn.device)
        ground = torch.rand(turn.batch, 3, 1, 1, generator=turn.generator).to(turn.device)
        kept = torch.rand(turn.batch, 1, 1, 1, generator=turn.generator).to(turn.device) >= config.without_latent
        with turn.autocast():
            batch, drawn, logits = self._draw(pairs, rgb, mask, kept)
        drawn, logits = drawn.float(), logits.float()
        total, parts = self.loss_of(drawn, logits, batch.rgb, batch.mask, ground)
        alpha = torch.sigmoid(logits)
        composed = drawn * alpha + ground * (1 - alpha)
        truth = batch.rgb * batch.mask + ground * (1 - batch.mask)
        with turn.autocast():
            parts["perceptual"] = self.distance(composed, truth)
            face = self._face(batch)
            inside = torch.where(face > 0, drawn, truth.detach())
            parts["face"] = masked_l1(drawn, batch.rgb, face) + self.distance(inside, truth)
        parts["adversarial"] = total.new_zeros(())
        judging = turn.step >= config.adversarial_from
        if judging:
            self.discriminator.requires_grad_(False)
            with turn.autocast():
                parts["adversarial"] = F.softplus(-self.discriminator(drawn, alpha).float()).mean()
            self.discriminator.requires_grad_(True)
        for name in ("perceptual", "face", "adversarial"):
            total = total + getattr(config, name) * parts[name]
        yield Loss("drawing", total, parts)
        if judging:
            yield self._judgement(turn, drawn.detach(), alpha.detach(), batch)

    def export(self, out: Path, averages: Averages, provenance: dict[str, Any]) -> Path:
        save_renderer(out / RENDERER_WEIGHTS, self.renderer.config, averages["renderer"], provenance)
        tensors = {f"{name}.{key}": x for name in ("encoder", "generator") for key, x in averages[name].items()}
        save_generator(out / WEIGHTS, self.style, tensors, provenance)
        return out / WEIGHTS

    def _draw_pairs(self, pairs: Pairs, rgb: Tensor, mask: Tensor, kept: Tensor) -> tuple[Batch, Tensor, Tensor]:
        batch = batch_with_latent(pairs, rgb, mask, self.encoder, self.generator, self.maps, kept)
        return batch, *self.renderer(batch.texture_raster, batch.uv, batch.uv_mask)

    def _face(self, batch: Batch) -> Tensor:
        """(B, 1, H, W), 1 on the head."""
        heads = lookup_batch(self.head.expand(len(batch.uv), -1, -1, -1), batch.uv.permute(0, 2, 3, 1))
        return (heads > 0.5).float() * batch.uv_mask * (batch.mask > 0.5)

    def _judgement(self, turn: Turn, drawn: Tensor, alpha: Tensor, batch: Batch) -> Loss:
        """The discriminator's own loss: non-saturating, R1 now and then and then counted for all steps between."""
        penalised = turn.step % self.config.r1_every == 0
        rgb, mask = (x.detach().requires_grad_(penalised) for x in (batch.rgb, batch.mask))
        with nullcontext() if penalised else turn.autocast():  # second derivatives in full precision
            fake, real = self.discriminator(drawn, alpha).float(), self.discriminator(rgb, mask).float()
        total = F.softplus(fake).mean() + F.softplus(-real).mean()
        parts = {"judged_real": torch.sigmoid(real).mean(), "judged_drawn": torch.sigmoid(fake).mean()}
        if penalised:
            parts["r1"] = gradient_penalty(real, rgb, mask)
            total = total + 0.5 * self.config.r1 * self.config.r1_every * parts["r1"]
        return Loss("judging", total, parts)


def build(request: TrainingRequest) -> GeneratorStage:
    """The stage of `likeness train generator`."""
    if request.fine_tune:
        raise WeightsError("Stage generator starts from a renderer: give it with --use renderer=FILE.")
    config = request.settings(CONFIGS, GeneratorTraining)
    start = request.weights("renderer") if request.config == "small" or "renderer" in request.uses else None
    renderer = load_renderer(start) if start else RendererNetwork(RENDERER_CONFIGS[request.config])
    distance = perceptual_distance(request.uses.get("perceptual"), request.device)
    stage = GeneratorStage(
        STYLE_CONFIGS[request.config], renderer, distance, PeoplePool(request.data), config, request.device
    )
    stage.trained_before = renderer_history(start) if start else []
    return stage
