"""Write shards of synthetic people: `python -m neural_core.training.people --first-seed 0 --count 1024 --out DIR`.

A run that was stopped goes on where it stopped; shards that are there already are kept.
"""

import argparse
import sys
import time
from pathlib import Path

import torch

from neural_core.errors import LikenessError
from neural_core.training.people.shards import PEOPLE_PER_SHARD, make_shard, use_device
from neural_core.training.people.sheet import write_sheet
from neural_core.training.people.views import PeopleConfig


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m neural_core.training.people", description=__doc__)
    parser.add_argument("--first-seed", type=int, default=0, help="held-out people start at 1000000")
    parser.add_argument("--count", type=int, default=1024, help="people")
    parser.add_argument("--out", type=Path, required=True, help="folder of the shards")
    parser.add_argument("--height", type=int, default=PeopleConfig.height, help="pixels; the width follows")
    parser.add_argument("--device", default="cpu", help="cpu, cuda or auto")
    parser.add_argument("--sheet", type=Path, help="also draw 4 x 5 of these people into this PNG")
    parser.add_argument("--threads", type=int, default=1, help="of torch; run several processes instead of raising it")
    given = parser.parse_args(arguments)
    torch.set_num_threads(given.threads)
    config = PeopleConfig(height=given.height, width=given.height * PeopleConfig.width // PeopleConfig.height)
    try:
        body = use_device(given.device)
        for first in range(given.first_seed, given.first_seed + given.count, PEOPLE_PER_SHARD):
            count = min(PEOPLE_PER_SHARD, given.first_seed + given.count - first)
            started = time.monotonic()
            made = make_shard(first, count, config, given.out / f"people_{first:08d}.safetensors", body)
            each = (time.monotonic() - started) / count
            print(f"people {first} to {first + count - 1}: " + (f"{each:.2f} s each" if made else "there"), flush=True)
        if given.sheet:
            write_sheet(given.sheet, given.first_seed, 4, 5, body)
    except LikenessError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
