"""Proposals for what a photo did not show: latent diffusion with the known region replaced (DINAR 3.3)."""

from dataclasses import dataclass
from typing import cast

import torch
from torch import IntTensor, Tensor
from torch.nn import functional as F

from neural_core.inpainting.chroma import within_chroma
from neural_core.inpainting.codec import TextureCodec
from neural_core.inpainting.denoiser import TRAINING_STEPS, Denoiser, noise_schedule
from neural_core.progress import Progress


@dataclass(frozen=True)
class SamplerConfig:
    """How proposals are drawn.

    Attributes:
        steps: of the solver. first, temperature: standard deviation of the noise that the first proposal and the others
            begin with; at 1 they differ as people do, at 0 it is what is expected, whatever the seed.
        start: share of the noise schedule at which sampling begins, from the condition with that much noise (SDEdit,
            Meng et al. 2022); 1 begins with noise alone.
        strong_change: colour difference from the classical completion beyond which its fine detail is not believed.
        belief: share of the change in what is expected (no noise): the mean of two guesses errs less than either.
    """

    steps: int = 20
    first: float = 0.0
    temperature: float = 0.5
    start: float = 1.0
    strong_change: float = 0.4
    belief: float = 0.5


class Inpainter:
    """A codec and a denoiser that belong together."""

    def __init__(self, codec: TextureCodec, denoiser: Denoiser, config: SamplerConfig | None = None):
        self.codec, self.denoiser, self.config = codec.eval(), denoiser.eval(), config or SamplerConfig()
        self.device = codec.mean.device

    @torch.no_grad()
    def propose(
        self, completed: Tensor, known: Tensor, seed: int = 0, count: int = 1, progress: Progress | None = None
    ) -> Tensor:
        """Textures (count, 3, R, R) in [0, 1], where `completed` is; proposal k is the same whatever `count` is.

        What is known comes back as the codec draws it: `compose_known` puts the photo's own texels back.

        Args:
            completed: (3, R, R) the classical completion, dilated. known: (R, R) confidence of what was seen, [0, 1].
            seed: of the first proposal; the others have the seeds after it.
        """
        progress = progress or Progress()
        origin = completed.device
        completed, known = completed[None].to(self.device), known[None, None].to(self.device, torch.float32)
        size = self.codec.config.resolution
        small = F.adaptive_avg_pool2d(completed, size)
        condition = self.codec.encode(small)
        seen = known_latents(known, self.codec.config.latent_resolution)
        latents = self._sample(condition, seen, [seed + k for k in range(count)], progress)
        # Not through the codebook: half of its error would show in the change, as bands on white cloth.
        before, *after = self.codec.decode(torch.cat([condition, latents]), quantise=False).split(1)
        textures = [within_chroma(self._carry(completed, before, one)[0], completed[0]) for one in after]
        if self.config.first == 0:
            textures[0] = completed[0].lerp(textures[0], self.config.belief)
        return torch.stack(textures).to(origin)

    def _sample(self, condition: Tensor, seen: Tensor, seeds: list[int], progress: Progress) -> Tensor:
        """Latents (count, 6, r, r) by DPM-Solver++, the known ones replaced by noised known ones at every step."""
        noise = torch.cat([_noise(seed, condition.shape[1:], self.device) for seed in seeds])
        temperatures = [self.config.first, *[self.config.temperature] * (len(seeds) - 1)]
        noise = noise * noise.new_tensor(temperatures)[:, None, None, None]
        schedule = noise_schedule()
        schedule.set_timesteps(self.config.steps, device=self.device)
        times = schedule.timesteps[schedule.timesteps <= self.config.start * TRAINING_STEPS]
        schedule.set_begin_index(len(schedule.timesteps) - len(times))
        replace = (seen > 0.99).float()
        # The known difference from the condition is zero: noised, it is noise alone.
        current = noise
        if self.config.start < 1:
            current = schedule.add_noise(torch.zeros_like(noise), noise, cast(IntTensor, times[:1]))
        conditions, share = condition.expand_as(current), seen.expand(len(current), -1, -1, -1)
        for index, time in enumerate(times):
            progress.update(index / len(times), "Imagining what the photo does not show")
            velocity = self.denoiser(current, time.expand(len(current)), conditions, share)
            current = schedule.step(velocity, time, current, return_dict=False)[0]
            if index + 1 < len(times):
                kept = schedule.add_noise(torch.zeros_like(noise), noise, cast(IntTensor, times[index + 1 : index + 2]))
                current = replace * kept + (1 - replace) * current
        return self.denoiser.latent(current * (1 - replace), condition)

    def _carry(self, completed: Tensor, before: Tensor, after: Tensor) -> Tensor:
        """The change from `before` to `after` (1, 3, r, r), both decoded, on the completed texture (1, 3, R, R).

        Only the change is carried, so that the codec's own blur and error cancel; where the change is strong, the
        completion was wrong, and its fine detail goes, too.
        """
        size = completed.shape[-2:]
        change = F.interpolate(after - before, size, mode="bilinear", align_corners=False)
        smooth = F.interpolate(before, size, mode="bilinear", align_corners=False)
        strength = change.square().sum(1, keepdim=True) / self.config.strong_change**2
        belief = torch.exp(-F.avg_pool2d(strength, 9, stride=1, padding=4, count_include_pad=False))
        return (smooth + change + belief * (completed - smooth)).clamp(0, 1)


def known_latents(known: Tensor, size: int) -> Tensor:
    """Confidence (B, 1, R, R) to the share of each latent that is known, (B, 1, size, size).

    Eroded by a latent: the encoder looks beyond the texels of one, and beside unknown ones it has seen guesses.
    """
    share = F.adaptive_avg_pool2d(known, size)
    return share * -F.max_pool2d(-(share > 0.5).float(), 3, stride=1, padding=1)


def _noise(seed: int, shape: torch.Size, device: torch.device) -> Tensor:
    """(1, 6, r, r), the same on every device."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(1, *shape, generator=generator).to(device)
