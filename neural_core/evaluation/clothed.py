"""The clothed head on people it never saw: `python -m neural_core.evaluation.clothed --data DIR`.

Mean error of the thickness over the atlas in millimetres, from each person's near-frontal view, beside answers
that need no network: bare, the mean thickness of these very people (an answer nobody has), and that scaled to the
person's garment hint.
"""

import argparse
import sys
from pathlib import Path

import torch
from torch import Tensor

from neural_core.body.open_body import load_open_body
from neural_core.errors import LikenessError
from neural_core.networks.clothed import ClothedNetwork, body_maps, load_clothed
from neural_core.texture.atlas import Atlas
from neural_core.training.clothed import clothed_batch
from neural_core.training.data import PeoplePool, texel_maps

LOOSE = 0.015  # metres of mean thickness on the legs and trunk: skirts, dresses and coats


@torch.no_grad()
def evaluate_clothed(network: ClothedNetwork, pool: PeoplePool) -> dict[str, dict[str, float]]:
    """Error in millimetres of every answer, in the groups all, loose (thick clothes), and over clothed texels."""
    body, size = load_open_body(), network.config.resolution
    covered = Atlas.of(body, pool.read(0, "sampled", 0).shape[-1]).covered.float()[None, None]
    maps, surface = texel_maps(pool), body_maps(body, size)
    columns: dict[str, list[Tensor]] = {"truth": [], "network": [], "hint": [], "weight": []}
    for pairs in pool.every(0, [0], 8):
        truth = pool.truth(pairs.person, "truth_offset")
        inputs, thickness, weight = clothed_batch(pairs, truth, covered, maps, network)
        for name, value in zip(columns, (thickness, network(inputs, surface), inputs[:, 5:6], weight)):
            columns[name].append(value)
    truth, drawn, hint, weight = (torch.cat(column) for column in columns.values())
    mean = truth.mean(0, keepdim=True)
    reach = (hint * weight).mean((1, 2, 3), keepdim=True).clamp(min=0)
    person = (truth * weight).sum((1, 2, 3), keepdim=True) / weight.sum((1, 2, 3), keepdim=True)
    answers = {
        "bare": torch.zeros_like(truth),
        "mean person": mean.expand_as(truth),
        "mean person, scaled by the hint": mean * reach / reach.mean(),
        "network": drawn,
    }
    loose = (person > LOOSE).float()
    groups = {"all": weight, "loose": weight * loose, "clothed texels": weight * (truth > 0.002)}
    return {
        name: {g: float(1000 * ((answer - truth).abs() * w).sum() / w.sum().clamp(min=1)) for g, w in groups.items()}
        for name, answer in answers.items()
    }


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m neural_core.evaluation.clothed", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of held-out people")
    parser.add_argument("--weights", type=Path, help="by default the head that ships")
    given = parser.parse_args(arguments)
    try:
        results = evaluate_clothed(load_clothed(given.weights), PeoplePool(given.data))
    except LikenessError as error:
        print(error, file=sys.stderr)
        return 2
    for name, row in results.items():
        print(f"{name:34s} " + "  ".join(f"{group} {value:.1f} mm" for group, value in row.items()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
