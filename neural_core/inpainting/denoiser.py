"""The denoiser: a U-Net with attention that takes noise out of latents (DINAR 3.3; Ho et al. 2020).

What is diffused is not the latent of the whole texture but its difference from the latent of the classically completed
one, the condition, in units of that difference's spread: most of a person is guessed by mirror and rings already, and
with nothing learnt the answer is that guess. Where the texture is known the difference is zero.
"""

from pathlib import Path
from typing import Any

import torch
from diffusers.models.unets.unet_2d import UNet2DModel
from diffusers.schedulers.scheduling_dpmsolver_multistep import DPMSolverMultistepScheduler
from torch import Tensor, nn

from neural_core.body.model import BodyModel
from neural_core.inpainting.config import DenoiserConfig
from neural_core.networks.clothed import body_maps
from neural_core.networks.files import load_network, save_weights, shipped

FORMAT = "likeness-denoiser"
FORMAT_VERSION = 1
TRAINING_STEPS = 1000  # of noise, DINAR 4.1
PLACE_CHANNELS = 6


def noise_schedule() -> DPMSolverMultistepScheduler:
    """The paper's noise levels, v-prediction (Salimans & Ho 2022), second-order DPM-Solver++ (Lu et al. 2022)."""
    return DPMSolverMultistepScheduler(
        num_train_timesteps=TRAINING_STEPS,
        beta_start=3e-4,
        beta_end=2e-2,
        beta_schedule="scaled_linear",
        prediction_type="v_prediction",
        algorithm_type="dpmsolver++",
        solver_order=2,
        timestep_spacing="trailing",
    )


class Denoiser(nn.Module):
    """v of a noisy difference, given the condition, what is known, and where on the body each latent lies.

    Attributes:
        place: (6, r, r) position and normal of the mean body at rest: the atlas is the same for everybody.
        spread: (6,) standard deviation of the differences, per channel.
    """

    place: Tensor
    spread: Tensor

    def __init__(self, config: DenoiserConfig, place: Tensor | None = None, spread: Tensor | None = None):
        super().__init__()
        self.config = config
        below = len(config.widths) - 1
        size = config.latent_resolution
        self.model = UNet2DModel(
            sample_size=size,
            in_channels=2 * config.latent + 1 + PLACE_CHANNELS,
            out_channels=config.latent,
            block_out_channels=config.widths,
            layers_per_block=config.layers,
            down_block_types=("DownBlock2D", *("AttnDownBlock2D",) * below),
            up_block_types=(*("AttnUpBlock2D",) * below, "UpBlock2D"),
            attention_head_dim=config.head,
            norm_num_groups=16,
            dropout=config.dropout,
        )
        self.register_buffer("place", torch.zeros(PLACE_CHANNELS, size, size) if place is None else place)
        self.register_buffer("spread", torch.ones(config.latent) if spread is None else spread)

    def forward(self, noisy: Tensor, time: Tensor, condition: Tensor, known: Tensor) -> Tensor:
        """v (B, 6, r, r) of the schedule at `time`.

        Args:
            noisy: (B, 6, r, r) difference in units of `spread`, with noise. time: (B,) long. condition: (B, 6, r, r)
            latent of the completed texture. known: (B, 1, r, r) share of what was seen.
        """
        place = self.place.expand(len(noisy), -1, -1, -1)
        return self.model(torch.cat([noisy, condition, known, place], 1), time, return_dict=False)[0].float()

    def difference(self, latent: Tensor, condition: Tensor) -> Tensor:
        """What is diffused, (B, 6, r, r)."""
        return (latent - condition) / self.spread[:, None, None]

    def latent(self, difference: Tensor, condition: Tensor) -> Tensor:
        """The inverse of `difference`."""
        return condition + difference * self.spread[:, None, None]


def place_maps(body: BodyModel, latent_resolution: int, texels: int = 4) -> Tensor:
    """`Denoiser.place` of a body; texels: per latent, along an axis."""
    maps = body_maps(body, latent_resolution * texels)
    return nn.functional.avg_pool2d(maps, texels)[0]


def save_denoiser(path: Path, config: DenoiserConfig, tensors: dict[str, Tensor], provenance: dict[str, Any]) -> None:
    """Write weights in half precision; raises OutputError."""
    save_weights(path, FORMAT, FORMAT_VERSION, config.to_json(), tensors, provenance)


def load_denoiser(path: Path | str | None = None, device: torch.device | str = "cpu") -> Denoiser:
    """A trained denoiser, by default the one that ships; raises WeightsError."""
    path = Path(path or shipped("denoiser"))
    return load_network(path, FORMAT, FORMAT_VERSION, "denoiser", lambda c: Denoiser(DenoiserConfig.from_json(c))).to(
        device
    )
