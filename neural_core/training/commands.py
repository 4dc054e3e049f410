"""`likeness train STAGE`: the command line of training.

A stage joins by a line in STAGES and a module neural_core.training.<stage> with `CONFIGS` (settings, a LoopConfig or an
extension of it, for "tiny", "small" and "base") and `build(TrainingRequest) -> Stage` (training.stage).
"""

import argparse
import importlib
import math
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from neural_core.errors import LikenessError

STAGES = {
    "renderer": "the network that draws people from a rasterised texture",
    "perceptual": "the network whose features tell how alike two pictures of people are",
    "clothed": "how far clothes and hair stand off the body, all round",
    "generator": "texture from a photo by StyleGAN2, with the renderer that reads it",
    "codec": "textures to small latents and back, through a codebook",
    "adapted": "the renderer, fine-tuned on textures that went through the codec",
    "denoiser": "the diffusion that completes textures, in the latents of a codec",
}
SIZES = ("tiny", "small", "base")


def add_train_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `likeness train STAGE ...`."""
    stages = parser.add_subparsers(dest="stage", required=True)
    for name, explanation in STAGES.items():
        stage = stages.add_parser(name, help=explanation, description=explanation)
        stage.add_argument("--data", type=Path, required=True, help="folder of people's shards; may still grow")
        stage.add_argument("--out", type=Path, required=True, help="folder for checkpoint, weights and log")
        stage.add_argument("--config", choices=SIZES, default="small", help="size of the networks")
        stage.add_argument("--steps", type=int, help="length of the schedule")
        stage.add_argument("--minutes", type=float, default=math.inf, help="stop cleanly after this long")
        stage.add_argument("--batch", type=int, help="pictures per step and process")
        stage.add_argument("--learning-rate", type=float)
        stage.add_argument("--seed", type=int, default=0)
        stage.add_argument("--device", help="cpu, cuda, cuda:1; by default CUDA where there is one")
        stage.add_argument("--full-precision", action="store_true", help="float32 instead of bfloat16 arithmetic")
        stage.add_argument("--compile", action="store_true", help="torch.compile the networks")
        stage.add_argument(
            "--use", action="append", default=[], metavar="NAME=FILE", help="weights of another stage, by its name"
        )
        stage.add_argument("--resume", action="store_true", help="continue the run in --out, exactly")
        stage.add_argument(
            "--fine-tune",
            type=Path,
            metavar="WEIGHTS",
            help="start from these weights; with --resume they only say the architecture",
        )


def run_train(args: argparse.Namespace) -> int:
    """Run `likeness train`; 0 when the schedule is finished or the run was stopped cleanly."""
    from neural_core.training.loop import default_device, train
    from neural_core.training.processes import joined_processes, rank
    from neural_core.training.request import TrainingRequest

    changes = {"steps": args.steps, "batch": args.batch, "learning_rate": args.learning_rate}
    if any(value is not None and value <= 0 for value in changes.values()):
        raise LikenessError("Give --steps, --batch and --learning-rate as numbers above zero.")
    changes = {name: value for name, value in changes.items() if value is not None}
    changes |= {"seed": args.seed, "compile": args.compile} | ({"bf16": False} if args.full_precision else {})
    module: Any = importlib.import_module(f"neural_core.training.{args.stage}")
    uses = dict(_named_file(text) for text in args.use)
    with _stopped_by_signals() as stop, joined_processes(default_device(args.device)) as device:
        request = TrainingRequest(args.data, args.config, device, args.fine_tune, uses, changes)
        result = train(
            module.build(request),
            args.out,
            device,
            minutes=args.minutes,
            resume=args.resume,
            report=lambda line: print(line, flush=True),
            stop=stop,
        )
        if rank() == 0:
            state = "finished" if result.finished else "stopped; continue with --resume"
            print(f"step {result.step}, {result.seconds / 60:.1f} min, {state}: {result.weights}")
    return 0


def _named_file(text: str) -> tuple[str, Path]:
    name, equals, path = text.partition("=")
    if not equals or not name or not path:
        raise LikenessError(f"'--use {text}' names no weights: write --use NAME=FILE.")
    return name, Path(path)


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
