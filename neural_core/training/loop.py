"""The training loop that every stage shares.

A stage (training.stage) says what is trained and what a step costs; the loop does the rest: optimiser steps, gradient
clipping, averaged weights, learning-rate schedule, bit-exact resume, clean stops, the log, several GPUs.

    result = train(MyStage(config=LoopConfig(steps=1000), ...), out, device, minutes=10, resume=False)

`out` then holds checkpoint/ (training.checkpoint), log.csv and the weights that the stage exports. On the command
line: `likeness train STAGE --config small --data DIR --out DIR --minutes 10 [--resume]`; training.commands says how a
stage joins.
"""

import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from neural_core.errors import LikenessError, WeightsError
from neural_core.training.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from neural_core.training.data import PeoplePool, TrainingDataError
from neural_core.training.log import LossLog, TrainingDiverged
from neural_core.training.processes import agree, average_gradients, gather_bytes, rank, wait_for_all, world_size
from neural_core.training.stage import Averages, LoopConfig, Stage, Turn

CHECKPOINT = "checkpoint"
LOG = "log.csv"

__all__ = ["CHECKPOINT", "LOG", "TrainingDiverged", "TrainingResult", "train"]


@dataclass(frozen=True)
class TrainingResult:
    """How a run ended: `finished` when the schedule is done, otherwise stopped cleanly and resumable."""

    step: int
    seconds: float
    finished: bool
    weights: Path


def learning_rate(config: LoopConfig, step: int) -> float:
    """Linear warm-up, then a cosine to `final_rate` at `steps`."""
    if step < config.warmup:
        return config.learning_rate * (step + 1) / config.warmup
    done = min(1.0, (step - config.warmup) / max(1, config.steps - config.warmup))
    return config.final_rate + (config.learning_rate - config.final_rate) * (0.5 + 0.5 * math.cos(math.pi * done))


def train(
    stage: Stage,
    out: Path | str,
    device: torch.device,
    *,
    minutes: float = math.inf,
    resume: bool = False,
    report: Callable[[str], None] = print,
    stop: Callable[[], bool] = lambda: False,
) -> TrainingResult:
    """Train until the schedule's end or, earlier, until `minutes` have passed or `stop()` says so.

    Resuming is bit-exact on the same device and data with the same number of processes.

    Raises:
        TrainingDataError, WeightsError (a checkpoint of another stage, version or architecture), OutputError,
        TrainingDiverged (a loss is no number; the last good checkpoint stays as it was).
    """
    config: LoopConfig = stage.config
    run = _Run(stage, Path(out), device)
    if resume:
        run.restore()
    first, started = run.step, time.monotonic()
    last_save, done_before = started, run.history["seconds"]
    parameters = sum(p.numel() for module in stage.modules.values() for p in module.parameters())
    if rank() == 0:
        report(
            f"{parameters / 1e6:.2f} M parameters, {len(stage.pool)} people, {device_name(device)}, "
            f"step {run.step} of {config.steps}"
        )
    log = LossLog(run.out / LOG, run.step, report, enabled=rank() == 0)
    while run.step < config.steps:
        now = time.monotonic()
        ending, saving = stop() or now - started > 60 * minutes, now - last_save > config.save_every and rank() == 0
        if world_size() > 1:  # every process must take the same turn; asking costs a wait
            ending, saving = agree([ending, saving], device) if run.step % 10 == 0 else (False, False)
        if ending:
            break
        if saving and run.step > first:
            run.save(log)
            last_save = time.monotonic()
        if run.step % config.refresh_every == 0:
            _refresh(stage.pool, report)
        run.advance(log)
        run.history["seconds"] = done_before + time.monotonic() - started
        if run.step % config.log_every == 0:
            rate, pictures = learning_rate(config, run.step), config.batch * world_size()
            left = 60 * minutes - (time.monotonic() - started)
            log.write(run.step, config.steps - run.step, run.history["seconds"], rate, len(stage.pool), pictures, left)
    weights = run.save(log)
    return TrainingResult(run.step, run.history["seconds"], run.step >= config.steps, weights)


class _Run:
    """The state of a run: what a checkpoint holds."""

    def __init__(self, stage: Stage, out: Path, device: torch.device):
        config: LoopConfig = stage.config
        self.stage, self.config, self.out, self.device = stage, config, out, device
        self.step = 0
        self.history: dict[str, Any] = {
            "seconds": 0.0,
            "device": device_name(device),
            "torch": torch.__version__,
            "data": str(stage.pool.folder),
        }
        self.generator = torch.Generator().manual_seed(config.seed + rank())
        torch.manual_seed(config.seed + rank())
        self.averages: Averages = {
            name: {key: tensor.detach().clone() for key, tensor in stage.modules[name].state_dict().items()}
            for name in stage.averaged
        }

    def advance(self, log: LossLog) -> None:
        """One step of every optimiser for which the stage has a loss."""
        config, stage = self.config, self.stage
        turn = Turn(self.step, config.batch, self.device, self.generator, config.bf16)
        for index, (name, total, parts) in enumerate(stage.losses(turn)):
            optimiser = stage.optimisers[name]
            parameters = [p for group in optimiser.param_groups for p in group["params"]]
            optimiser.zero_grad(set_to_none=True)
            total.backward()
            average_gradients(parameters)
            norm = nn.utils.clip_grad_norm_(parameters, config.clip)
            values = {"total" if index == 0 else name: total, **parts}
            log.add(norm, {key: value.detach() for key, value in values.items()})
            for group in optimiser.param_groups:
                group["lr"] = learning_rate(config, self.step) * group["rate"]
            optimiser.step()
        for name, average in self.averages.items():
            _update_average(average, stage.modules[name], min(config.ema, (1 + self.step) / (10 + self.step)))
        self.step += 1

    def save(self, log: LossLog) -> Path:
        """Checkpoint and weights, unless a loss was no number. The path of the weights."""
        log.check()
        random = gather_bytes(_random_state(self.generator, self.device), self.device)
        weights = self._write(random) if rank() == 0 else self.out
        wait_for_all()  # who resumes must find the checkpoint
        return weights

    def _write(self, random: dict[str, Tensor]) -> Path:
        history = {
            **self.history,
            "people": len(self.stage.pool),
            "generator": self.stage.pool.description,
            "training": asdict(self.config),
        }
        tensors = {**self._tensors(), **{f"random.{key}": value for key, value in random.items()}}
        checkpoint = Checkpoint(self.stage.name, self.stage.architecture, self.step, history, tensors)
        save_checkpoint(self.out / CHECKPOINT, checkpoint)
        provenance = {**history, "stage": self.stage.name, "steps": self.step}
        if self.stage.trained_before:
            provenance["trained_before"] = list(self.stage.trained_before)
        return self.stage.export(self.out, self.averages, provenance)

    def restore(self) -> None:
        """Fill everything in place from the checkpoint; raises WeightsError."""
        folder = self.out / CHECKPOINT
        checkpoint = load_checkpoint(folder, self.stage.name, self.stage.architecture)
        tensors = checkpoint.tensors
        try:
            for name, own in self._tensors(states=False).items():
                if own.shape != tensors[name].shape:
                    raise ValueError(f"{name} has another shape")
                own.copy_(tensors[name])
            for name, optimiser in self.stage.optimisers.items():
                _load_optimiser(optimiser, f"optimiser.{name}.", tensors)
            # A process more than there were begins with a random state of its own.
            own_random = {key: tensors[f"random.{key}.{rank()}"] for key in ("generator", "torch", "cuda")
                          if f"random.{key}.{rank()}" in tensors}  # fmt: skip
            _load_random_state(own_random, self.generator, self.device)
        except (KeyError, ValueError, TypeError, RuntimeError) as error:
            raise WeightsError(f"The checkpoint in '{folder}' is incomplete ({error}): start a new folder.") from error
        self.step, self.history = checkpoint.step, {**self.history, **checkpoint.history}

    def _tensors(self, states: bool = True) -> dict[str, Tensor]:
        """Everything but the random state, by name; without optimiser states where those are still to be made."""
        tensors = {}
        for name, module in self.stage.modules.items():
            tensors |= {f"model.{name}.{key}": tensor.detach() for key, tensor in module.state_dict().items()}
        for name, average in self.averages.items():
            tensors |= {f"average.{name}.{key}": tensor for key, tensor in average.items()}
        for name, optimiser in self.stage.optimisers.items() if states else ():
            for index, state in optimiser.state_dict()["state"].items():
                tensors |= {f"optimiser.{name}.{index}.{key}": value for key, value in state.items()}
        return tensors


def _load_optimiser(optimiser: torch.optim.Optimizer, prefix: str, tensors: dict[str, Tensor]) -> None:
    """Adam's state from `<prefix><index>.<key>`; raises ValueError where a shape is another."""
    parameters = [parameter for group in optimiser.param_groups for parameter in group["params"]]
    state: dict[int, dict[str, Tensor]] = {}
    for name in [name for name in tensors if name.startswith(prefix)]:
        index, _, key = name[len(prefix) :].partition(".")
        if tensors[name].ndim and tensors[name].shape != parameters[int(index)].shape:
            raise ValueError(f"{name} has another shape")
        state.setdefault(int(index), {})[key] = tensors[name].clone()
    optimiser.load_state_dict({"state": state, "param_groups": optimiser.state_dict()["param_groups"]})


def _random_state(generator: torch.Generator, device: torch.device) -> dict[str, Tensor]:
    states = {"generator": generator.get_state(), "torch": torch.get_rng_state()}
    return {**states, "cuda": torch.cuda.get_rng_state(device)} if device.type == "cuda" else states


def _load_random_state(states: dict[str, Tensor], generator: torch.Generator, device: torch.device) -> None:
    if "generator" in states:
        generator.set_state(states["generator"])
    if "torch" in states:
        torch.set_rng_state(states["torch"])
    if "cuda" in states and device.type == "cuda":
        torch.cuda.set_rng_state(states["cuda"], device)


@torch.no_grad()
def _update_average(average: dict[str, Tensor], module: nn.Module, decay: float) -> None:
    state = module.state_dict()
    floating = [name for name, tensor in state.items() if tensor.is_floating_point()]
    torch._foreach_lerp_([average[name] for name in floating], [state[name] for name in floating], 1 - decay)
    for name in state.keys() - set(floating):
        average[name].copy_(state[name])


def _refresh(pool: PeoplePool, report: Callable[[str], None]) -> None:
    """New shards; one that does not fit is reported and left out, for hours of training are worth more than it."""
    try:
        pool.refresh()
    except TrainingDataError as error:
        report(f"Left out: {error}")


def device_name(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else f"CPU, {torch.get_num_threads()} threads"


def default_device(name: str | None = None) -> torch.device:
    """The device named, or CUDA where there is one; raises LikenessError for one that is not there."""
    try:
        device = torch.device(name or ("cuda" if torch.cuda.is_available() else "cpu"))
    except RuntimeError as error:
        raise LikenessError(f"There is no device called '{name}': use cpu, cuda or cuda:0.") from error
    if device.type == "cuda" and (not torch.cuda.is_available() or (device.index or 0) >= torch.cuda.device_count()):
        raise LikenessError(f"This machine has no '{device}': use --device cpu.")
    return device
