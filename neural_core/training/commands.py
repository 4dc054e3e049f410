"""`likeness train`: the command line of training."""

import argparse
import math
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from neural_core.errors import LikenessError


def add_train_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `likeness train STAGE ...`."""
    from neural_core.networks import RENDERER_CONFIGS

    stages = parser.add_subparsers(dest="stage", required=True)
    renderer = stages.add_parser("renderer", help="the network that draws people from a rasterised texture")
    renderer.add_argument("--data", type=Path, required=True, help="folder of people's shards; may still grow")
    renderer.add_argument("--out", type=Path, required=True, help="folder for checkpoint, weights and log")
    renderer.add_argument("--config", choices=sorted(RENDERER_CONFIGS), default="small", help="size of the network")
    renderer.add_argument("--steps", type=int, help="length of the schedule")
    renderer.add_argument("--minutes", type=float, default=math.inf, help="stop cleanly after this long")
    renderer.add_argument("--batch", type=int, help="pictures per step")
    renderer.add_argument("--learning-rate", type=float)
    renderer.add_argument("--seed", type=int, default=0)
    renderer.add_argument("--device", help="cpu, cuda, cuda:1; by default CUDA where there is one")
    renderer.add_argument("--full-precision", action="store_true", help="float32 instead of bfloat16 arithmetic")
    renderer.add_argument("--compile", action="store_true", help="torch.compile the network")
    start = renderer.add_mutually_exclusive_group()
    start.add_argument("--resume", action="store_true", help="continue the run in --out, exactly")
    start.add_argument("--fine-tune", type=Path, metavar="WEIGHTS", help="start from these weights")


def run_train(args: argparse.Namespace) -> int:
    """Run `likeness train`; 0 when the schedule is finished or the run was stopped cleanly."""
    from dataclasses import replace

    from neural_core.networks import RENDERER_CONFIGS
    from neural_core.rendering.weights import load_renderer
    from neural_core.training.renderer import TrainingConfig, train_renderer

    given = {"steps": args.steps, "batch": args.batch, "learning_rate": args.learning_rate}
    if any(value is not None and value <= 0 for value in given.values()):
        raise LikenessError("Give --steps, --batch and --learning-rate as numbers above zero.")
    config = replace(TrainingConfig(), **{name: value for name, value in given.items() if value is not None})
    config = replace(config, seed=args.seed, bf16=not args.full_precision, compile=args.compile)
    start_from = load_renderer(args.fine_tune) if args.fine_tune else None
    architecture = start_from.config if start_from else RENDERER_CONFIGS[args.config]

    with _stopped_by_signals() as stop:
        result = train_renderer(
            architecture,
            args.data,
            args.out,
            config,
            minutes=args.minutes,
            resume=args.resume,
            start_from=start_from,
            device=args.device,
            report=lambda line: print(line, flush=True),
            stop=stop,
        )
    state = "finished" if result.finished else "stopped; continue with --resume"
    print(f"step {result.step}, {result.seconds / 60:.1f} min, {state}: {result.weights}")
    return 0


@contextmanager
def _stopped_by_signals() -> Iterator[Callable[[], bool]]:
    """A question that is answered yes once Ctrl-C or a job system asked the process to end."""
    asked: list[int] = []
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, lambda received, _: asked.append(received)) for number in numbers]
    try:
        yield lambda: bool(asked)
    finally:
        for number, handler in zip(numbers, before):
            signal.signal(number, handler)
