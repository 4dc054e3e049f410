"""Stage `codec`: textures through a codebook and back (DINAR 3.3: L2 of the texture, and eq. 5 of what is drawn)."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from neural_core.inpainting.codec import TextureCodec, load_codec, save_codec
from neural_core.inpainting.config import CODEC_CONFIGS, CodecConfig
from neural_core.networks import RendererNetwork
from neural_core.rendering.weights import load_renderer
from neural_core.training.data import lookup_batch
from neural_core.training.losses import gradient_difference, masked_l1, masked_l2
from neural_core.training.request import TrainingRequest
from neural_core.training.stage import Averages, LoopConfig, Loss, Stage, Turn, adam, place
from neural_core.training.textures import TexturePool

WEIGHTS = "codec.safetensors"


@dataclass(frozen=True)
class CodecTraining(LoopConfig):
    """How to train; `CodecConfig` says what."""

    learning_rate: float = 1e-3
    l1: float = 4.0
    l2: float = 4.0
    gradient: float = 1.0
    picture: float = 2.0  # L1 of what the frozen renderer draws with the decoded texture, and with the true one
    picture_every: int = 10  # steps between those: a picture costs as much as four textures
    pictures: int = 2  # at such a step
    freedom: int = 20  # steps without a codebook; then it is filled with latents, so that no code begins dead
    revive_every: int = 40  # steps after which codes that nobody used are moved to where latents are
    revive_until: float = 0.6  # of the schedule: the averaged codebook must come to rest


CONFIGS: dict[str, LoopConfig] = {
    "tiny": CodecTraining(steps=40, batch=4, freedom=5, warmup=5, picture_every=20),
    "small": CodecTraining(steps=500, batch=8, warmup=30, ema=0.98),
    "base": CodecTraining(steps=20000, batch=32, learning_rate=6e-4, pictures=8, revive_every=100),
}


class CodeUsage(nn.Module):
    """How often each code was used since the last look; a module, so that it is part of the checkpoint."""

    count: Tensor

    def __init__(self, codes: int):
        super().__init__()
        self.register_buffer("count", torch.zeros(codes))


class CodecStage(Stage):
    """The codec, drawn now and then by a renderer that stays as it is."""

    name = "codec"
    pool: TexturePool
    averaged = ("codec",)

    def __init__(
        self,
        architecture: CodecConfig,
        pool: TexturePool,
        config: CodecTraining,
        device: torch.device,
        renderer: RendererNetwork | None,
        start_from: TextureCodec | None = None,
    ):
        torch.manual_seed(config.seed)
        codec = TextureCodec(architecture)
        if start_from is not None:
            codec.load_state_dict(start_from.state_dict())
        else:
            codec.begin(pool.batch(torch.arange(min(256, pool.textures))).target.cpu())
        self.config, self.pool, self.renderer = config, pool, renderer
        self.codec = place(codec, device)
        self.usage = CodeUsage(architecture.codes).to(device)
        self.architecture = architecture.to_json()
        self.modules = {"codec": self.codec, "usage": self.usage}
        self.optimisers = {"codec": adam(self.codec.parameters(), config)}
        self.freedom = 0 if start_from is not None else config.freedom
        self._forward = torch.compile(self.codec) if config.compile else self.codec

    def losses(self, turn: Turn) -> Iterator[Loss]:
        config, covered = self.config, self.pool.covered
        textures = self.pool.sample(turn.batch, turn.generator)
        # Both kinds are encoded later: what is to be, and what the classical completion made.
        classical = torch.rand(turn.batch, 1, 1, 1, generator=turn.generator).to(turn.device) < 0.5
        texture = torch.where(classical, textures.classical, textures.target)
        quantise = turn.step >= self.freedom
        if quantise and turn.step == self.freedom and self.freedom:
            self._fill_codebook(texture, turn)
        with turn.autocast():
            coded = self._forward(texture, quantise)
        self._keep_statistics(coded.latent.detach().float())
        parts = {
            "l1": masked_l1(coded.texture, texture, covered.expand(turn.batch, -1, -1, -1)),
            "l2": masked_l2(coded.texture, texture, covered.expand(turn.batch, -1, -1, -1)),
            "gradient": gradient_difference(coded.texture, texture, covered.expand(turn.batch, -1, -1, -1)),
        }
        total = config.l1 * parts["l1"] + config.l2 * parts["l2"] + config.gradient * parts["gradient"]
        total = total + coded.commitment
        if quantise:
            parts["commitment"] = coded.commitment
            self.usage.count.index_add_(0, coded.codes, torch.ones_like(coded.codes, dtype=torch.float32))
            parts["used"] = (self.usage.count > 0).float().mean()
        if self.renderer is not None and turn.step % config.picture_every == 0:
            parts["picture"] = self._picture_loss(coded.texture, texture, turn)
            total = total + config.picture * parts["picture"]
        yield Loss("codec", total, parts)
        if quantise and turn.step % config.revive_every == 0 and turn.step < config.revive_until * config.steps:
            self._revive(coded.latent.detach().float(), turn)

    def export(self, out: Path, averages: Averages, provenance: dict[str, Any]) -> Path:
        save_codec(out / WEIGHTS, self.codec.config, averages["codec"], provenance)
        return out / WEIGHTS

    def _picture_loss(self, decoded: Tensor, texture: Tensor, turn: Turn) -> Tensor:
        """What the decoding costs where it is looked at: in a random person's view, drawn with both textures."""
        assert self.renderer is not None
        count = min(self.config.pictures, len(decoded))
        uvs, bodies = [], []
        for _ in range(count):  # any body will do: the textures need not be its own
            person, view = (
                int(torch.randint(n, (), generator=turn.generator)) for n in (len(self.pool), self.pool.views)
            )
            uvs.append(self.pool.read(person, "uv", view).float())
            bodies.append(self.pool.read(person, "body_mask", view).float())
        uv, body = torch.stack(uvs).to(turn.device), torch.stack(bodies)[:, None].to(turn.device)

        def draw(rgb: Tensor) -> Tensor:
            seen, hint = torch.ones_like(rgb[:, :2]), torch.zeros_like(rgb[:, :1])
            raster = lookup_batch(torch.cat([rgb, seen, hint], 1), uv) * body
            with turn.autocast():
                return self.renderer(raster, uv.permute(0, 3, 1, 2), body)[0].float()  # type: ignore[misc]

        with torch.no_grad():
            wanted = draw(texture[:count])
        return masked_l1(draw(decoded[:count]), wanted, body)

    @torch.no_grad()
    def _keep_statistics(self, latent: Tensor) -> None:
        """Mean and deviation of the latents, over about the last hundred steps."""
        deviation, mean = torch.std_mean(latent, (0, 2, 3))
        self.codec.mean.lerp_(mean, 0.02)
        self.codec.deviation.lerp_(deviation.clamp(min=1e-3), 0.02)

    @torch.no_grad()
    def _fill_codebook(self, texture: Tensor, turn: Turn) -> None:
        with turn.autocast():
            latent = self.codec.encode_raw(texture).float()
        self.codec.codebook.copy_(self._random_latents(latent, len(self.codec.codebook), turn))

    @torch.no_grad()
    def _revive(self, latent: Tensor, turn: Turn) -> None:
        """Move codes that nobody used since the last time to where latents are."""
        dead = torch.nonzero(self.usage.count == 0).squeeze(1)
        if len(dead):
            self.codec.codebook[dead] = self._random_latents(latent, len(dead), turn)
        self.usage.count.zero_()

    def _random_latents(self, latent: Tensor, count: int, turn: Turn) -> Tensor:
        """(count, 6) vectors of latents (B, 6, r, r), a little apart from one another."""
        vectors = latent.permute(0, 2, 3, 1).reshape(-1, latent.shape[1])
        chosen = vectors[torch.randint(len(vectors), (count,), generator=turn.generator).to(latent.device)]
        noise = torch.randn(chosen.shape, generator=turn.generator).to(latent.device)
        return chosen + 0.02 * vectors.std(0) * noise


def build(request: TrainingRequest) -> CodecStage:
    """The stage of `likeness train codec`; fine-tuning keeps the architecture of the given weights."""
    config = request.settings(CONFIGS, CodecTraining)
    start_from = load_codec(request.fine_tune) if request.fine_tune else None
    architecture = start_from.config if start_from else CODEC_CONFIGS[request.config]
    renderer = load_renderer(request.weights("renderer"), request.device) if config.picture else None
    pool = TexturePool(request.data, architecture.resolution, request.device)
    return CodecStage(architecture, pool, config, request.device, renderer, start_from)
