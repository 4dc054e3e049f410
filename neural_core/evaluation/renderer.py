"""The renderer on people it never saw, against pasting the texture.

`python -m neural_core.evaluation.renderer --data DIR`

The texture comes from view 0 (near-frontal, as users' photos are); the targets are the same view, another yaw in the
same pose, and other poses. PSNR counts the pixels of the person or of the fitted body, over black.
"""

import argparse
import json
import sys
from pathlib import Path

import torch
from torch import Tensor

from neural_core.errors import LikenessError
from neural_core.networks import RendererNetwork
from neural_core.networks.stylegan import TextureEncoder, TextureGenerator, load_generator
from neural_core.rendering.silhouette import crisp_alpha
from neural_core.rendering.weights import DEFAULT_RENDERER, load_renderer, renderer_provenance, save_renderer
from neural_core.training.data import Batch, Pairs, PeoplePool, prepare, texel_maps
from neural_core.training.latent import batch_with_latent, source_photos
from neural_core.training.losses import ssim

GROUPS = {"same view": [0], "other yaw": [1], "other pose": [2, 3]}
METRICS = {
    "psnr": "PSNR network",
    "psnr_pasted": "pasted",
    "psnr_completed": "completed, pasted",
    "psnr_seen": "seen: network",
    "psnr_seen_pasted": "seen: pasted",
    "iou": "mask IoU network",
    "iou_body": "body",
    "ssim": "SSIM network",
    "ssim_pasted": "pasted",
}


@torch.no_grad()
def evaluate_renderer(
    network: RendererNetwork,
    pool: PeoplePool,
    limit: int | None = None,
    batch: int = 8,
    latent: tuple[TextureEncoder, TextureGenerator] | None = None,
) -> dict[str, dict[str, float]]:
    """Mean of every metric (METRICS) in every group (GROUPS) over the people of `pool`; `latent` makes the channels of
    a renderer that reads some."""
    device = next(network.parameters()).device
    maps = texel_maps(pool, device)
    results = {}

    def inputs(pairs: Pairs) -> Batch:
        if latent is None:
            return prepare(pairs.to(device), maps)
        return batch_with_latent(pairs.to(device), *source_photos(pool, pairs, device), *latent, maps)

    for group, targets in GROUPS.items():
        rows = [measure(network, inputs(pairs)) for pairs in pool.every(0, targets, batch, limit)]
        columns = {name: torch.cat([row[name] for row in rows]) for name in METRICS}
        results[group] = {name: float(values.nanmean()) for name, values in columns.items()}
    return results


def measure(network: RendererNetwork, batch: Batch) -> dict[str, Tensor]:
    """Metrics (B,) of each picture."""
    rgb, logits = network(batch.texture_raster, batch.uv, batch.uv_mask)
    alpha = torch.stack([crisp_alpha(l[0]) for l in logits])[:, None]
    drawn, truth = rgb * alpha, batch.rgb * batch.mask
    person, body = batch.mask > 0.5, batch.uv_mask > 0.5
    completed = batch.texture_raster[:, :3]
    seen = (batch.texture_raster[:, 3:4] > 0.5) & person
    return {
        "psnr": psnr(drawn, truth, person | body),
        "psnr_pasted": psnr(batch.pasted, truth, person | body),
        "psnr_completed": psnr(completed, truth, person | body),
        "psnr_seen": psnr(drawn, truth, seen),
        "psnr_seen_pasted": psnr(batch.pasted, truth, seen),
        "iou": iou(logits > 0, person),
        "iou_body": iou(body, person),
        "ssim": torch.stack([ssim(a[None], b[None]) for a, b in zip(drawn, truth)]),
        "ssim_pasted": torch.stack([ssim(a[None], b[None]) for a, b in zip(batch.pasted, truth)]),
    }


def psnr(a: Tensor, b: Tensor, where: Tensor) -> Tensor:
    """Decibels (B,) of pictures (B, 3, H, W) over the pixels `where` (B, 1, H, W); nan where there is none."""
    weight = where.float()
    error = ((a - b).square() * weight).sum((1, 2, 3)) / (a.shape[1] * weight.sum((1, 2, 3)))
    return -10 * torch.log10(error.clamp(min=1e-10))


def iou(a: Tensor, b: Tensor) -> Tensor:
    """Intersection over union (B,) of bool masks (B, 1, H, W)."""
    return (a & b).sum((1, 2, 3)) / (a | b).sum((1, 2, 3)).clamp(min=1)


def table(results: dict[str, dict[str, float]]) -> str:
    """The results as a Markdown table."""
    lines = ["| | " + " | ".join(METRICS.values()) + " |", "|---" * (len(METRICS) + 1) + "|"]
    for group, values in results.items():
        cells = [f"{values[name]:.{1 if name.startswith('psnr') else 3}f}" for name in METRICS]
        lines.append(f"| {group} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m neural_core.evaluation.renderer", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of held-out people")
    parser.add_argument("--weights", type=Path, help="by default the renderer that ships")
    parser.add_argument("--generator", type=Path, help="encoder and generator, for a renderer with latent channels")
    parser.add_argument("--limit", type=int, help="people")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--json", type=Path, help="also write the numbers here")
    parser.add_argument("--record", action="store_true", help="write the numbers into the weights' provenance")
    given = parser.parse_args(arguments)
    try:
        pool = PeoplePool(given.data)
        network = load_renderer(given.weights, given.device)
        latent = load_generator(given.generator, given.device) if given.generator else None
        results = evaluate_renderer(network, pool, given.limit, latent=latent)
        if given.record:
            path = given.weights or DEFAULT_RENDERER
            rounded = {group: {name: round(x, 4) for name, x in row.items()} for group, row in results.items()}
            provenance = {**renderer_provenance(path), "held_out_people": len(pool), "held_out": rounded}
            save_renderer(path, network.config, network.state_dict(), provenance)
    except LikenessError as error:
        print(error, file=sys.stderr)
        return 2
    print(f"{min(given.limit or len(pool), len(pool))} people\n{table(results)}")
    if given.json:
        given.json.write_text(json.dumps(results, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
