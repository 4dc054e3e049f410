"""Training of the renderer (DINAR 4.1, first stage, without the generated texture): one readable loop."""

import csv
import math
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TextIO

import torch
from torch import Tensor

from neural_core.errors import LikenessError
from neural_core.networks import RendererConfig, RendererNetwork
from neural_core.rendering.weights import save_renderer
from neural_core.training.checkpoint import load_checkpoint, save_checkpoint
from neural_core.training.data import PairConfig, PeoplePool, TrainingDataError, prepare, texel_maps
from neural_core.training.losses import LossWeights, RendererLoss
from neural_core.training.texels import TexelMaps

CHECKPOINT = "checkpoint.safetensors"
WEIGHTS = "renderer.safetensors"
LOG = "log.csv"


class TrainingDiverged(LikenessError):
    """A loss or gradient stopped being a number."""

    code = "training_diverged"


@dataclass(frozen=True)
class TrainingConfig:
    """How to train; `RendererConfig` says what."""

    steps: int = 8000  # length of the cosine; about an hour on one core for the small network
    batch: int = 4  # 256 x 160 pictures; 2 cores
    learning_rate: float = 1.5e-3  # the prototype's; 3e-3 made the masks jump
    final_rate: float = 1e-5
    warmup: int = 100  # steps
    weight_decay: float = 1e-4
    clip: float = 1.0  # gradient norm; rare people in skirts give ten times the usual gradient
    ema: float = 0.998  # half-life of 350 steps; the average is what ships
    seed: int = 0
    bf16: bool = True  # 1.6 x faster on CPUs with AVX512-BF16, same loss
    compile: bool = False  # torch.compile, worth its minute only on CUDA
    log_every: int = 25  # steps
    refresh_every: int = 100  # steps between looks for new shards
    save_every: float = 120.0  # seconds between checkpoints
    pairs: PairConfig = field(default_factory=PairConfig)
    weights: LossWeights = field(default_factory=LossWeights)


@dataclass(frozen=True)
class TrainingResult:
    """How a run ended: `finished` when the schedule is done, otherwise stopped cleanly and resumable."""

    step: int
    seconds: float
    finished: bool
    weights: Path


def learning_rate(config: TrainingConfig, step: int) -> float:
    """Linear warm-up, then a cosine to `final_rate` at `steps`."""
    if step < config.warmup:
        return config.learning_rate * (step + 1) / config.warmup
    done = min(1.0, (step - config.warmup) / max(1, config.steps - config.warmup))
    return config.final_rate + (config.learning_rate - config.final_rate) * (0.5 + 0.5 * math.cos(math.pi * done))


def train_renderer(
    architecture: RendererConfig,
    data: Path | str,
    out: Path | str,
    config: TrainingConfig = TrainingConfig(),
    *,
    minutes: float = math.inf,
    resume: bool = False,
    start_from: RendererNetwork | None = None,
    device: torch.device | str | None = None,
    report: Callable[[str], None] = print,
    stop: Callable[[], bool] = lambda: False,
) -> TrainingResult:
    """Train until `config.steps` or, earlier, until `minutes` have passed or `stop()` says so.

    Leaves in `out`: a checkpoint (bit-exact to resume on the same device and data), the averaged weights in half
    precision as `load_renderer` reads them, and a CSV log.

    Args:
        start_from: fine-tune these weights instead of starting anew (not with `resume`).

    Raises:
        TrainingDataError, WeightsError (a checkpoint of another network), OutputError, TrainingDiverged (the last
        checkpoint stays as it was).
    """
    out, device = Path(out), torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
    pool = PeoplePool(data)
    maps = texel_maps(pool, device)
    generator = torch.Generator().manual_seed(config.seed)
    torch.manual_seed(config.seed)
    network = RendererNetwork(architecture)
    if start_from is not None:
        network.load_state_dict(start_from.state_dict())
    network = network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    ema = {name: tensor.detach().clone() for name, tensor in network.state_dict().items()}
    optimiser = torch.optim.AdamW(network.parameters(), weight_decay=config.weight_decay)
    step, history = 0, {"seconds": 0.0, "device": _device_name(device), "torch": torch.__version__, "data": str(data)}
    if resume:
        resumed = load_checkpoint(out / CHECKPOINT, network, ema, optimiser, generator, architecture.to_json())
        step, history = resumed.step, {**history, **resumed.history}
    loss_of = RendererLoss(config.weights, device)
    forward = torch.compile(network) if config.compile else network

    def save() -> None:
        people = {"people": len(pool), "generator": pool.description, "training": asdict(config)}
        save_checkpoint(
            out / CHECKPOINT, network, ema, optimiser, generator, step, architecture.to_json(), {**history, **people}
        )
        save_renderer(out / WEIGHTS, architecture, ema, {**history, **people, "steps": step})

    report(
        f"{sum(p.numel() for p in network.parameters()) / 1e6:.2f} M parameters, {len(pool)} people, "
        f"{_device_name(device)}, step {step} of {config.steps}"
    )
    out.mkdir(parents=True, exist_ok=True)
    started = last_save = last_log = time.monotonic()
    done_before, sums, logged_step = history["seconds"], {}, step
    with ExitStack() as stack:
        log_file = stack.enter_context((out / LOG).open("a", newline=""))
        while step < config.steps:
            now = time.monotonic()
            if stop() or now - started > 60 * minutes:
                break
            if step % config.refresh_every == 0:
                _refresh(pool, report)
            for group in optimiser.param_groups:
                group["lr"] = learning_rate(config, step)
            parts = _step(forward, network, pool, optimiser, loss_of, generator, config, maps)
            _update_average(ema, network, min(config.ema, (1 + step) / (10 + step)))
            step += 1
            history["seconds"] = done_before + time.monotonic() - started
            for name, value in parts.items():
                sums[name] = sums.get(name, 0.0) + value
            if step % config.log_every == 0:
                count, elapsed = step - logged_step, time.monotonic() - last_log
                means = {name: value / count for name, value in sums.items()}
                _write_row(log_file, step, history["seconds"], learning_rate(config, step), len(pool), means)
                left = min((config.steps - step) * elapsed / count, 60 * minutes - (now - started))
                values = "  ".join(f"{name} {value:.4f}" for name, value in means.items())
                rate = f"{count * config.batch / elapsed:.1f} pictures/s, {left / 60:.0f} min left"
                report(f"{step:6d}  {values}  {len(pool)} people, {rate}")
                sums, logged_step, last_log = {}, step, time.monotonic()
            if time.monotonic() - last_save > config.save_every:
                save()
                last_save = time.monotonic()
    save()
    return TrainingResult(step, history["seconds"], step >= config.steps, out / WEIGHTS)


def _refresh(pool: PeoplePool, report: Callable[[str], None]) -> None:
    """New shards; one that does not fit is reported and left out, for hours of training are worth more than it."""
    try:
        pool.refresh()
    except TrainingDataError as error:
        report(f"Left out: {error}")


def _step(
    forward: Callable[..., tuple[Tensor, Tensor]],
    network: RendererNetwork,
    pool: PeoplePool,
    optimiser: torch.optim.Optimizer,
    loss_of: RendererLoss,
    generator: torch.Generator,
    config: TrainingConfig,
    maps: TexelMaps | None,
) -> dict[str, float]:
    """One optimiser step; the parts of the loss."""
    device = next(network.parameters()).device
    batch = prepare(pool.sample(config.batch, config.pairs, generator).to(device), maps)
    ground = torch.rand(config.batch, 3, 1, 1, generator=generator).to(device)
    with torch.autocast(device.type, dtype=torch.bfloat16, enabled=config.bf16):
        inputs = (x.contiguous(memory_format=torch.channels_last) for x in batch[:3])
        rgb, logits = forward(*inputs)
    total, parts = loss_of(rgb.float(), logits.float(), batch.rgb, batch.mask, ground)
    optimiser.zero_grad(set_to_none=True)
    total.backward()
    norm = torch.nn.utils.clip_grad_norm_(network.parameters(), config.clip)
    values = {"total": float(total.detach()), **{name: float(value.detach()) for name, value in parts.items()}}
    if not (math.isfinite(values["total"]) and math.isfinite(float(norm))):
        raise TrainingDiverged(
            "The loss is no longer a number; the last checkpoint is intact: resume it with a lower learning rate."
        )
    optimiser.step()
    return values


@torch.no_grad()
def _update_average(ema: dict[str, Tensor], network: RendererNetwork, decay: float) -> None:
    for name, tensor in network.state_dict().items():
        ema[name].lerp_(tensor, 1 - decay)


def _write_row(file: TextIO, step: int, seconds: float, rate: float, people: int, means: dict[str, float]) -> None:
    """One line of the log, after a line of names when the file is new."""
    log = csv.writer(file)
    if file.tell() == 0:
        log.writerow(["step", "seconds", "learning_rate", "people", *means])
    log.writerow([step, f"{seconds:.1f}", f"{rate:.3g}", people, *(f"{value:.5f}" for value in means.values())])
    file.flush()


def _device_name(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else f"CPU, {torch.get_num_threads()} threads"
