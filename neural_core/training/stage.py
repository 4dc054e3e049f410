"""What a stage of training gives the loop (training.loop).

class MyStage(Stage):                             # training/renderer.py is the shortest example
    def losses(self, turn):                       # one step
        batch = self.pool.sample(turn.batch, PairConfig(), turn.generator).to(turn.device)
        with turn.autocast():
            ...
        yield Loss("network", total, {"l1": l1})  # the loop steps the optimiser "network", then goes on here
        yield Loss("discriminator", ...)          # a GAN's other half, if there is one
"""

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from neural_core.training.data import PeoplePool

Averages = dict[str, dict[str, Tensor]]  # module -> name of parameter or buffer -> its running mean


@dataclass(frozen=True)
class LoopConfig:
    """How to train; a stage extends it with its own settings. The stage's architecture says what."""

    steps: int = 8000  # length of the schedule
    batch: int = 4  # pictures or textures per step and process
    learning_rate: float = 1.5e-3
    final_rate: float = 1e-5
    warmup: int = 100  # steps
    weight_decay: float = 1e-4
    beta1: float = 0.9
    beta2: float = 0.999
    clip: float = 1.0  # gradient norm
    ema: float = 0.998  # half-life of 350 steps; the average is what ships
    seed: int = 0
    bf16: bool = True  # 1.6 x faster on CPUs with AVX512-BF16, same loss
    compile: bool = False  # torch.compile, worth its minute only on CUDA
    log_every: int = 25  # steps
    refresh_every: int = 100  # steps between looks for new shards
    save_every: float = 120.0  # seconds between checkpoints


@dataclass(frozen=True)
class Turn:
    """One step, as a stage sees it. All its randomness comes from `generator` (CPU) or torch's own generators."""

    step: int
    batch: int
    device: torch.device
    generator: torch.Generator
    bf16: bool

    def autocast(self) -> AbstractContextManager:
        return torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self.bf16)


class Loss(NamedTuple):
    """What an optimiser is to make smaller: total () and its parts by name, for the log."""

    optimiser: str
    total: Tensor
    parts: dict[str, Tensor]


class Stage(ABC):
    """What a stage gives the loop.

    Attributes:
        name: of the stage; a checkpoint of another one is refused. config: how to train.
        architecture: JSON of the configs of all networks in it; a checkpoint of another one is refused.
        pool: the people; looked at again for new shards while training.
        modules: networks by name that go into the checkpoint, on their device. averaged: those with averaged weights.
        optimisers: by name, made with `adam`. trained_before: provenance of the runs whose weights it began with.
    """

    name: str
    config: Any  # a LoopConfig or an extension of it
    architecture: dict[str, Any]
    pool: PeoplePool
    modules: dict[str, nn.Module]
    averaged: tuple[str, ...]
    optimisers: dict[str, torch.optim.Optimizer]
    trained_before: Sequence[dict[str, Any]] = ()

    @abstractmethod
    def losses(self, turn: Turn) -> Iterator[Loss]:
        """Yield one loss per optimiser to be stepped; code after a yield sees the stepped weights."""

    @abstractmethod
    def export(self, out: Path, averages: Averages, provenance: dict[str, Any]) -> Path:
        """Write the averaged weights as inference reads them; the main file's path."""


def adam(
    parameters: Collection[nn.Parameter] | Iterator[nn.Parameter], config: LoopConfig, rate: float = 1.0
) -> torch.optim.Optimizer:
    """AdamW as the config says; `rate` multiplies the schedule's learning rate."""
    parameters = list(parameters)
    fused = all(parameter.is_cuda for parameter in parameters)
    group = {"params": parameters, "rate": rate}
    betas = config.beta1, config.beta2
    return torch.optim.AdamW([group], config.learning_rate, betas, weight_decay=config.weight_decay, fused=fused)


def place(module: nn.Module, device: torch.device) -> Any:
    """A network on its device, in the memory layout that convolutions like."""
    return module.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
