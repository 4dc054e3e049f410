"""Stage `denoiser`: noise out of latents of whole textures, given what one photo shows (DINAR 3.3, eq. 1)."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from neural_core.body.open_body import load_open_body
from neural_core.errors import WeightsError
from neural_core.inpainting.codec import TextureCodec, load_codec
from neural_core.inpainting.config import DENOISER_CONFIGS, DenoiserConfig
from neural_core.inpainting.denoiser import (
    TRAINING_STEPS,
    Denoiser,
    load_denoiser,
    noise_schedule,
    place_maps,
    save_denoiser,
)
from neural_core.inpainting.inpainter import known_latents
from neural_core.training.request import TrainingRequest
from neural_core.training.stage import Averages, LoopConfig, Loss, Stage, Turn, adam, place
from neural_core.training.textures import TexturePool, Textures

WEIGHTS = "denoiser.safetensors"


@dataclass(frozen=True)
class DenoiserTraining(LoopConfig):
    """How to train; `DenoiserConfig` says what."""

    learning_rate: float = 8e-4
    ema: float = 0.998
    seen: float = 0.1  # weight of what was seen, which sampling replaces anyway, against 1 of the rest
    outside: float = 0.02  # and of what lies between the charts, so that it stays quiet


CONFIGS: dict[str, LoopConfig] = {
    "tiny": DenoiserTraining(steps=40, batch=4, warmup=5, ema=0.9),
    "small": DenoiserTraining(steps=1000, batch=16, warmup=50, ema=0.995),
    "base": DenoiserTraining(steps=60000, batch=128, warmup=500, learning_rate=5e-4, ema=0.9995),
}


class DenoiserStage(Stage):
    """One network, in the latents of a codec that stays as it is."""

    name = "denoiser"
    pool: TexturePool
    averaged = ("denoiser",)

    def __init__(
        self,
        architecture: DenoiserConfig,
        codec: TextureCodec,
        pool: TexturePool,
        config: DenoiserTraining,
        device: torch.device,
        start_from: Denoiser | None = None,
    ):
        torch.manual_seed(config.seed)
        self.codec, self.config, self.pool = codec, config, pool
        if start_from is not None:
            denoiser = Denoiser(architecture)
            denoiser.load_state_dict(start_from.state_dict())
        else:
            spread = _spread(codec, pool)
            denoiser = Denoiser(architecture, place_maps(load_open_body(), architecture.latent_resolution), spread)
        self.denoiser = place(denoiser, device)
        self.denoiser.train()
        self.architecture = {"denoiser": architecture.to_json(), "codec": codec.config.to_json()}
        self.modules = {"denoiser": self.denoiser}
        self.optimisers = {"denoiser": adam(self.denoiser.parameters(), config)}
        self.noise = noise_schedule()
        self._forward = torch.compile(self.denoiser) if config.compile else self.denoiser

    def losses(self, turn: Turn) -> Iterator[Loss]:
        textures = self.pool.sample(turn.batch, turn.generator)
        time = torch.randint(TRAINING_STEPS, (turn.batch,), generator=turn.generator)
        size = self.codec.config.latent_resolution
        noise = torch.randn(turn.batch, self.codec.config.latent, size, size, generator=turn.generator)
        time, noise = time.to(turn.device), noise.to(turn.device)
        with torch.no_grad(), turn.autocast():
            condition, target = _encode(self.codec, textures)
        known, weight = self._maps(textures, size)
        clean = self.denoiser.difference(target, condition)
        noisy, velocity = self._noised(clean, noise, time)
        with turn.autocast():
            guess = self._forward(noisy, time, condition, known)
        error = (guess - velocity).square()
        total = (error * weight).sum() / (error.shape[1] * weight.sum())
        # For the log: the error of what was not seen, at high noise, where 1 is the classical completion's.
        unseen = (weight >= 0.5).float() * (time >= TRAINING_STEPS // 2).view(-1, 1, 1, 1)
        noisy = (error.detach() * unseen).sum() / (error.shape[1] * unseen.sum()).clamp(min=1)
        yield Loss("denoiser", total, {"noisy_half": noisy})

    def export(self, out: Path, averages: Averages, provenance: dict[str, Any]) -> Path:
        save_denoiser(out / WEIGHTS, self.denoiser.config, averages["denoiser"], provenance)
        return out / WEIGHTS

    def _maps(self, textures: Textures, size: int) -> tuple[Tensor, Tensor]:
        """What is known and what the loss weighs (B, 1, r, r)."""
        known = known_latents(textures.known, size)
        true = F.adaptive_avg_pool2d(textures.weight, size)
        weight = self.config.outside + true * (self.config.seen + (1 - self.config.seen) * (1 - known))
        return known, weight

    def _noised(self, clean: Tensor, noise: Tensor, time: Tensor) -> tuple[Tensor, Tensor]:
        """x_t and v_t of the schedule (Salimans & Ho 2022)."""
        cumulative = self.noise.alphas_cumprod.to(clean.device)[time][:, None, None, None]
        signal, sigma = cumulative.sqrt(), (1 - cumulative).sqrt()
        return signal * clean + sigma * noise, signal * noise - sigma * clean


def _encode(codec: TextureCodec, textures: Textures) -> tuple[Tensor, Tensor]:
    """Latents (B, 6, r, r) of the classical completion and of the truth, float32."""
    return codec.encode(textures.classical).float(), codec.encode(textures.target).float()


@torch.no_grad()
def _spread(codec: TextureCodec, pool: TexturePool, count: int = 64) -> Tensor:
    """(6,) deviation of truth from condition where nothing was seen, over the first textures."""
    textures = pool.batch(torch.arange(min(count, pool.textures)))
    condition, target = _encode(codec, textures)
    size = codec.config.latent_resolution
    weight = F.adaptive_avg_pool2d(textures.weight, size) * (1 - known_latents(textures.known, size))
    variance = ((target - condition).square() * weight).sum((0, 2, 3)) / weight.sum().clamp(min=1)
    return variance.sqrt().clamp(min=1e-2).cpu()


def build(request: TrainingRequest) -> DenoiserStage:
    """The stage of `likeness train denoiser --use codec=FILE`; fine-tuning keeps the given architecture."""
    config = request.settings(CONFIGS, DenoiserTraining)
    codec_file = request.weights("codec")
    codec = load_codec(codec_file, request.device)
    start_from = load_denoiser(request.fine_tune) if request.fine_tune else None
    architecture = start_from.config if start_from else DENOISER_CONFIGS[request.config]
    if (architecture.latent, architecture.latent_resolution) != (codec.config.latent, codec.config.latent_resolution):
        raise WeightsError(f"The codec '{codec_file}' is of another size than --config {request.config}: train it too.")
    pool = TexturePool(request.data, codec.config.resolution, request.device)
    return DenoiserStage(architecture, codec, pool, config, request.device, start_from)
