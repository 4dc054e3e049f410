"""Tiny made-up shards for the tests of training: an ellipse of a person on a smaller ellipse of a body."""

from pathlib import Path

import torch
from safetensors.torch import save_file
from torch.nn import functional as F


def write_shard(
    path: Path, people=3, views=4, height=32, width=32, size=32, seed=0, truth=False, **metadata: str
) -> None:
    """A shard as training.people writes them, its texture the person's own picture.

    With `truth` the fields of newer shards too; then every other person is bright and wears a coat of 5 cm.
    """
    g = torch.Generator().manual_seed(seed)
    y, x = torch.meshgrid(torch.arange(height) + 0.5, torch.arange(width) + 0.5, indexing="ij")
    radius = ((y / height - 0.5) / 0.45) ** 2 + ((x / width - 0.5) / 0.4) ** 2
    person, body = (radius < 1).float(), radius < 0.6
    colour = torch.rand(people, 3, 4, 4, generator=g)
    bright = torch.arange(people) % 2
    if truth:
        colour = 0.3 * colour + 0.7 * bright[:, None, None, None]
    picture = F.interpolate(colour, size=(height, width), mode="bilinear")
    texture = F.interpolate(colour, size=(size, size), mode="bilinear")
    uv = torch.stack([x / width, 1 - y / height], -1)
    known = torch.zeros(size, size)
    known[:, : size // 2] = 1

    def every(t, *shape):  # (people, views, *shape)
        return t.expand(people, views, *shape).contiguous()

    tensors = {
        "rgb": every((picture * person * 255).round()[:, None], 3, height, width).byte(),
        "mask": every(person * 255, height, width).byte(),
        "uv": every(uv, height, width, 2).half(),
        "body_mask": every(body, height, width),
        "texture_rgb": every((texture * known * 255).round()[:, None], 3, size, size).byte(),
        "sampled": every(known * 255, size, size).byte(),
        "filled": every(known, size, size).byte(),
    }
    if truth:
        coat = 0.05 * bright
        tensors["truth_rgb"] = (texture * 255).round().byte()
        tensors["truth_known"] = torch.ones(people, size, size, dtype=torch.uint8)
        tensors["truth_offset"] = coat[:, None, None].expand(people, size, size).half().contiguous()
    save_file(tensors, path, metadata={"kind": "test", "first_seed": str(seed), "count": str(people), **metadata})


def people_folder(folder: Path, shards: int = 2, truth: bool = False) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for index in range(shards):
        write_shard(folder / f"people_{index:03d}.safetensors", seed=index, truth=truth)
    return folder
