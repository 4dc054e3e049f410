"""Write shards of synthetic people: `python -m neural_core.training.people --first-seed 0 --count 1024 --out DIR`.

A run that was stopped goes on where it stopped; shards that are there already are kept. `--workers` processes share the
machine, and with `--device cuda` one GPU: a person is some ten thousand small launches, so one process leaves it idle.
"""

import argparse
import multiprocessing
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import torch

from neural_core.body.model import BodyModel
from neural_core.errors import LikenessError
from neural_core.training.people.estimate import FitNoise
from neural_core.training.people.shards import PEOPLE_PER_SHARD, make_shard, use_device
from neural_core.training.people.sheet import write_samples, write_sheet
from neural_core.training.people.views import PeopleConfig

_body: dict[str, BodyModel] = {}  # one per process and device, whose wardrobe is built once


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m neural_core.training.people", description=__doc__)
    parser.add_argument("--first-seed", type=int, default=0, help="held-out people start at 1000000")
    parser.add_argument("--count", type=int, default=1024, help="people")
    parser.add_argument("--out", type=Path, required=True, help="folder of the shards")
    parser.add_argument("--height", type=int, default=PeopleConfig.height, help="pixels; the width follows")
    parser.add_argument("--device", default="cpu", help="cpu, cuda or auto")
    parser.add_argument(
        "--clothes",
        type=float,
        nargs=2,
        default=FitNoise.clothes,
        metavar=("LEAST", "MOST"),
        help="shares of the true clothes that fits find; the product's clothed shape finds about 0.75 to 1.1",
    )
    parser.add_argument(
        "--bare", type=float, default=FitNoise.no_clothes, help="share of people fitted without clothes"
    )
    parser.add_argument(
        "--product-clothes", action="store_true", help="fit the clothed shape to view 0 as the product does, instead"
    )
    parser.add_argument("--sheet", type=Path, help="also draw 4 x 6 of these people into this JPEG or PNG")
    parser.add_argument("--samples", type=Path, help="also draw 4 x 2 training samples with their textures")
    parser.add_argument("--workers", type=int, default=1, help="processes, each with one thread of torch")
    given = parser.parse_args(arguments)
    noise = FitNoise(no_clothes=given.bare, clothes=tuple(given.clothes))
    width = given.height * PeopleConfig.width // PeopleConfig.height
    config = PeopleConfig(height=given.height, width=width, fit_noise=noise, product_clothes=given.product_clothes)
    end = given.first_seed + given.count
    shards = [(first, min(PEOPLE_PER_SHARD, end - first)) for first in range(given.first_seed, end, PEOPLE_PER_SHARD)]
    make = partial(_make, config=config, out=given.out, device=given.device)
    try:
        if given.workers > 1:
            with ProcessPoolExecutor(given.workers, multiprocessing.get_context("spawn")) as pool:
                for line in pool.map(make, shards):
                    print(line, flush=True)
        else:
            for shard in shards:
                print(make(shard), flush=True)
        if given.sheet:
            write_sheet(given.sheet, given.first_seed, 4, 6, use_device(given.device))
        if given.samples:
            write_samples(given.samples, given.first_seed, 4, 2, use_device(given.device))
    except LikenessError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def _make(shard: tuple[int, int], config: PeopleConfig, out: Path, device: str) -> str:
    """Write one shard (first seed, people); what to print about it. Runs in a worker, too."""
    torch.set_num_threads(1)  # more threads wait for each other far longer than they work
    if device not in _body:
        _body[device] = use_device(device)
    first, count = shard
    started = time.monotonic()
    made = make_shard(first, count, config, out / f"people_{first:08d}.safetensors", _body[device])
    each = (time.monotonic() - started) / count
    return f"people {first} to {first + count - 1}: " + (f"{each:.2f} s each" if made else "there")


if __name__ == "__main__":
    sys.exit(main())
