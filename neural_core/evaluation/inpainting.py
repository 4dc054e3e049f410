"""Completions of people nobody trained on: diffusion against mirror, rings and Poisson.

`python -m neural_core.evaluation.inpainting --data DIR`

For view 0 of each person (near-frontal, as users' photos are): PSNR over the texels that the view did not show and the
truth knows; of the resting body seen from behind (180 degrees), drawn with the completed and with the true texture; and
of the person's other views drawn by the renderer, where the true texture tells what a perfect completion would give.
"""

import argparse
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from torch import Tensor

from neural_core.body.model import BodyModel
from neural_core.body.open_body import load_open_body
from neural_core.camera import look_at
from neural_core.errors import LikenessError
from neural_core.evaluation.renderer import measure
from neural_core.inpainting import compose_known
from neural_core.inpainting.completing import load_inpainter
from neural_core.inpainting.inpainter import Inpainter, SamplerConfig
from neural_core.networks import RendererNetwork
from neural_core.pictures import write_png
from neural_core.rasterizer import interpolate, rasterize
from neural_core.rendering.weights import load_renderer
from neural_core.texture import Atlas, complete, lookup
from neural_core.training.data import PeoplePool, TexelMaps, rasterise, source_texture, texel_maps
from neural_core.training.textures import read_partial

SAMPLERS = {
    "expected": SamplerConfig(first=0.0),
    "temperature 0.5": SamplerConfig(first=0.5),
    "temperature 1": SamplerConfig(first=1.0),
    "from half the noise": SamplerConfig(first=1.0, start=0.5),
}


def from_behind(body: BodyModel, size: int = 256) -> tuple[Tensor, Tensor]:
    """uv (size, size, 2) and mask (size, size) of the resting body, three metres behind it."""
    centre = body.template.mean(0)
    back = centre - torch.tensor([0.0, 0.0, 3.0])
    fragments = rasterize(body.template, body.faces, look_at(back, centre, 1.3 * size, size, size))
    return interpolate(fragments, body.face_uv, body.uv), fragments.mask


def psnr(a: Tensor, b: Tensor, where: Tensor) -> float:
    """Decibels of (3, H, W) over the pixels `where` (H, W)."""
    error = (a - b)[:, where].square().mean()
    return float(-10 * torch.log10(error.clamp(min=1e-10)))


def rendered(
    network: RendererNetwork, pool: PeoplePool, maps: TexelMaps | None, person: int, view: int, whole: dict[str, Tensor]
) -> dict[str, float]:
    """PSNR of the person's other views through the renderer, by completion (3, R, R) of what `view` did not show."""
    targets = [target for target in range(pool.views) if target != view]
    no = torch.zeros(len(targets), dtype=torch.bool)
    pairs = pool.pairs([(person, view, target) for target in targets], no, no, torch.eye(3).expand(len(targets), 3, 3))
    texture, partial = source_texture(pairs, maps)
    values = {}
    for name, rgb in whole.items():
        completed = torch.where(texture[:, 4:5] > 0.5, texture[:, :3], rgb)
        batch = rasterise(pairs, torch.cat([completed, texture[:, 3:], partial], 1))
        values[name] = float(measure(network, batch)["psnr"].mean())
    return values


@torch.no_grad()
def evaluate_inpainting(
    data: Path,
    samplers: dict[str, Inpainter],
    limit: int | None = None,
    view: int = 0,
    pictures: Path | None = None,
    renderer: RendererNetwork | None = None,
) -> dict[str, dict[str, Any]]:
    """Mean `unseen`, `behind` and `rendered` PSNR of every completion over people; how many of them beat the classical
    one. `truth` stands for a perfect completion."""
    pool, body = PeoplePool(data), load_open_body()
    maps = texel_maps(pool)  # refuses people of another atlas
    renderer = renderer or load_renderer()
    uv, mask = from_behind(body)
    rows: dict[str, list[tuple[float, float, float]]] = {name: [] for name in ("classical", *samplers, "truth")}
    for person in range(min(len(pool), limit or len(pool))):
        name, row = pool._people[person]
        shard: safe_open = pool._files[name]
        atlas = Atlas.of(body, shard.get_slice("truth_rgb").get_shape()[-1])
        partial = read_partial(shard, row, view, atlas, body)
        truth = atlas.dilate(shard.get_slice("truth_rgb")[row].float() / 255)
        unseen = (partial.confidence < 0.01) & (shard.get_slice("truth_known")[row] > 0) & atlas.covered
        classical = complete(partial, atlas, body)
        whole = {"classical": classical}
        for key, sampler in samplers.items():
            imagined = sampler.propose(classical, partial.confidence, seed=person)[0]
            whole[key] = compose_known(partial, imagined, atlas, body)
        behind = {key: lookup(texture, uv) for key, texture in (*whole.items(), ("truth", truth))}
        drawn = rendered(renderer, pool, maps, person, view, {**whole, "truth": truth})
        for key, texture in (*whole.items(), ("truth", truth)):
            rows[key].append((psnr(texture, truth, unseen), psnr(behind[key], behind["truth"], mask), drawn[key]))
        if pictures is not None and person < 24:
            top = torch.cat([partial.rgb * (partial.confidence > 0), *whole.values(), truth], 2)
            under = torch.cat([torch.zeros(3, *mask.shape), *(picture * mask for picture in behind.values())], 2)
            sheet = torch.cat([top, torch.nn.functional.interpolate(under[None], top.shape[1:])[0]], 1)
            write_png(pictures / f"{person:03d}.png", (sheet.permute(1, 2, 0) * 255).round().byte().numpy())
    base = torch.tensor(rows["classical"])
    results = {}
    for key, values in rows.items():
        each = torch.tensor(values)
        unseen_mean, behind_mean, rendered_mean = each.mean(0).tolist()
        results[key] = {
            "unseen": unseen_mean,
            "behind": behind_mean,
            "rendered": rendered_mean,
            "better_unseen": float((each[:, 0] > base[:, 0]).float().mean()),
            "better_behind": float((each[:, 1] > base[:, 1]).float().mean()),
            "better_rendered": float((each[:, 2] > base[:, 2]).float().mean()),
            "people": len(each),
        }
    return results


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m neural_core.evaluation.inpainting", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of held-out people")
    parser.add_argument("--codec", type=Path, help="by default the weights that ship")
    parser.add_argument("--denoiser", type=Path)
    parser.add_argument("--renderer", type=Path)
    parser.add_argument("--limit", type=int, help="people")
    parser.add_argument("--view", type=int, default=0)
    parser.add_argument("--samplers", default=",".join(SAMPLERS), help="names, separated by commas")
    parser.add_argument("--steps", type=int, default=SamplerConfig.steps)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--pictures", type=Path, help="folder for sheets: seen, completions, truth; below, from behind")
    given = parser.parse_args(arguments)
    try:
        base = load_inpainter(given.codec, given.denoiser, given.device)
        chosen = [name for name in given.samplers.split(",") if name]
        unknown = [name for name in chosen if name not in SAMPLERS]
        if unknown:
            raise LikenessError(f"There is no sampler '{unknown[0]}': use {', '.join(SAMPLERS)}.")
        inpainters = {
            name: Inpainter(base.codec, base.denoiser, replace(SAMPLERS[name], steps=given.steps)) for name in chosen
        }
        renderer = load_renderer(given.renderer, given.device)
        results = evaluate_inpainting(given.data, inpainters, given.limit, given.view, given.pictures, renderer)
    except LikenessError as error:
        print(error, file=sys.stderr)
        return 2
    print(json.dumps(results, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
