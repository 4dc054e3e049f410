"""Textures for codec and denoiser: what a photo shows of a person, the classical completion of that, and the truth.

Completing a texture takes a third of a second, so it is done once: `python -m neural_core.training.textures --data DIR
--workers 16` writes DIR/completed/, one file per shard, and goes on where it stopped. Training loads them all into
memory, at the resolution of its networks.
"""

import argparse
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor
from torch.nn import functional as F

from neural_core.body.model import BodyModel
from neural_core.body.open_body import load_open_body
from neural_core.errors import LikenessError
from neural_core.output import write_aside
from neural_core.texture import Atlas, PartialTexture, complete, lookup
from neural_core.texture.garment_hint import fill_hint, scatter_hint
from neural_core.training.data import PeoplePool, TrainingDataError, texel_maps

COMPLETED = "completed"  # folder beside the shards
VERSION = "5"  # of the completion; raise it when old files should be made anew


class Textures(NamedTuple):
    """A batch, float32 in [0, 1], dilated between the charts."""

    target: Tensor  # (B, 3, R, R) what was seen, and the truth where nothing was
    classical: Tensor  # (B, 3, R, R) mirror, rings and Poisson from what was seen
    known: Tensor  # (B, 1, R, R) confidence of what was seen
    weight: Tensor  # (B, 1, R, R) where the truth is known, 0 between the charts


class TexturePool(PeoplePool):
    """A pool of people whose completed textures lie in memory, on `device`.

    Attributes:
        covered: (1, 1, R, R) share of each texel inside the charts.
    """

    def __init__(self, folder: Path | str, resolution: int, device: torch.device | str = "cpu"):
        self.resolution, self.device = resolution, torch.device(device)
        body = load_open_body()
        self._atlas: Atlas | None = None
        self._loaded: set[str] = set()
        self._rows: list[tuple[str, int, int]] = []  # of each texture: shard, row, view
        self._columns: list[Tensor] = []  # per shard (n, 8, R, R) uint8: target, classical, known, weight
        self._stack = torch.zeros(0)
        super().__init__(folder)
        texel_maps(self)  # refuses people of another atlas
        size = self.read(0, "truth_known").shape[-1]
        if size % resolution:
            raise TrainingDataError(f"Textures of {size} texels cannot be reduced to {resolution}: use another config.")
        self._atlas = Atlas.of(body, size)
        self.covered = F.avg_pool2d(self._atlas.covered.float()[None, None], size // resolution).to(self.device)
        self._load_new()
        if not self._rows:
            raise TrainingDataError(
                f"The people in '{self.folder}' have no completed textures: "
                f"run python -m neural_core.training.textures --data '{self.folder}' first."
            )

    @property
    def textures(self) -> int:
        return len(self._rows)

    def refresh(self) -> int:
        people = super().refresh()
        if self._atlas is not None:
            self._load_new()
        return people

    def batch(self, index: Tensor) -> Textures:
        """The textures (B,) long."""
        both = self._stack[index.to(self.device)].float() / 255
        return Textures(both[:, :3], both[:, 3:6], both[:, 6:7], both[:, 7:8])

    def sample(self, count: int, generator: torch.Generator, gain: float = 0.15) -> Textures:  # type: ignore[override]
        """Random textures, half of them mirrored, half recoloured by `gain` (log scale, per channel)."""
        textures = self.batch(torch.randint(self.textures, (count,), generator=generator))
        chance = torch.rand(2, count, 1, 1, 1, generator=generator).to(self.device)
        spread = (gain * torch.randn(count, 3, 1, 1, generator=generator).clamp(-2, 2)).to(self.device)
        factor = torch.where(chance[0] < 0.5, spread.exp(), 1.0)
        colours = ((textures.target * factor).clamp(0, 1), (textures.classical * factor).clamp(0, 1))
        # The atlas is symmetric: flipped left to right it is the atlas of the mirrored person (a test checks).
        return Textures(*(torch.where(chance[1] < 0.5, x.flip(-1), x) for x in (*colours, *textures[2:])))

    def every(self, batch: int) -> Iterator[Textures]:  # type: ignore[override]
        """All textures once, as they are."""
        for index in torch.arange(self.textures).split(batch):
            yield self.batch(index)

    def _load_new(self) -> None:
        """Shards that have a finished completion and are not in memory yet."""
        assert self._atlas is not None
        before = len(self._columns)
        for name in self._files:
            path = self.folder / COMPLETED / name
            if name not in self._loaded and _is_complete(path, self._files[name]):
                self._loaded.add(name)
                self._add(name, path)
        if len(self._columns) > before:
            self._stack = torch.cat(self._columns)

    def _add(self, name: str, path: Path) -> None:
        with safe_open(path, "pt") as file:
            classical, confidence, views = (file.get_tensor(key) for key in ("classical", "confidence", "views"))
        shard = self._files[name]
        truth, truth_known = (shard.get_slice(key) for key in ("truth_rgb", "truth_known"))
        partial = shard.get_slice("texture_rgb")
        assert self._atlas is not None
        columns = []
        for row, column in ((r, c) for r in range(len(views)) for c in range(views.shape[1])):
            view = int(views[row, column])
            known = confidence[row, column].float() / 255
            weight = (truth_known[row].float() * self._atlas.covered).clamp(min=0)
            weight = torch.maximum(weight, (known > 0.5) * self._atlas.covered)
            seen, true = partial[row, view].float(), self._atlas.dilate(truth[row].float())
            target = self._atlas.dilate(known * seen + (1 - known) * true)
            known = self._atlas.dilate(known[None])
            whole = torch.cat([target, classical[row, column].float(), known * 255, weight[None] * 255])
            small = F.avg_pool2d(whole, whole.shape[-1] // self.resolution)
            columns.append(small.round().clamp(0, 255).byte())
            self._rows.append((name, row, view))
        self._columns.append(torch.stack(columns).to(self.device))


def read_partial(shard: safe_open, row: int, view: int, atlas: Atlas, body: BodyModel) -> PartialTexture:
    """What a view of a stored person shows, as sampling gave it; facing from the picture of the body."""
    rgb, sampled, known = (shard.get_slice(name)[row, view] for name in ("texture_rgb", "sampled", "filled"))
    confidence = sampled.float() / 255
    known = known > 0
    facing = _facing(shard.get_slice("uv")[row, view].float(), shard.get_slice("body_mask")[row, view], atlas, body)
    filled = known & (sampled == 0)
    confidence = torch.where(filled, torch.full_like(confidence, GAP_CONFIDENCE), confidence)
    return PartialTexture(rgb.float() / 255, confidence, sampled > 0, filled, facing)


GAP_CONFIDENCE = 0.5  # shards do not keep the confidence of small gaps filled between samples


def _facing(uv: Tensor, mask: Tensor, atlas: Atlas, body: BodyModel) -> Tensor:
    """(R, R) cosine to the viewing ray, from how much of the body's surface a pixel (H, W) shows."""
    position = lookup(atlas.dilate(atlas.image(atlas.on_surface(body.template, body.faces))), uv)  # (3, H, W)
    across, down = (F.pad(position.diff(dim=d), p) for d, p in ((2, (0, 1)), (1, (0, 0, 0, 1))))
    area = torch.linalg.cross(across, down, dim=0).norm(dim=0)
    if not bool(mask.any()):
        return torch.zeros(atlas.resolution, atlas.resolution)
    least = area[mask].quantile(0.1)
    facing = torch.where(mask, (least / area.clamp(min=1e-12)).clamp(0, 1), torch.zeros_like(area))
    return fill_hint(*scatter_hint(facing[None], mask[None], uv[None]), atlas.resolution)[0, 0]


def complete_shard(path: Path) -> Path | None:
    """Write the completed textures of a shard, of two views per person; None where they are there already.

    View 0 is near-frontal, as users' photos are; the other is from anywhere.
    """
    target = path.parent / COMPLETED / path.name
    try:
        with safe_open(path, "pt") as shard:
            if _is_complete(target, shard):
                return None
            body = load_open_body()
            people, views, _, size, _ = shard.get_slice("texture_rgb").get_shape()
            atlas = Atlas.of(body, size)
            chosen = torch.tensor([[0, 1 + row % (views - 1)] if views > 1 else [0] for row in range(people)])
            classical, confidence = [], []
            for row, view in ((r, int(v)) for r in range(people) for v in chosen[r]):
                partial = read_partial(shard, row, view, atlas, body)
                classical.append((complete(partial, atlas, body) * 255).round().byte())
                confidence.append((partial.confidence * 255).round().byte())
            tensors = {
                "classical": torch.stack(classical).view(people, -1, 3, size, size),
                "confidence": torch.stack(confidence).view(people, -1, size, size),
                "views": chosen,
            }
            metadata = _metadata(shard)
    except (SafetensorError, OSError) as error:
        raise TrainingDataError(f"'{path}' is no shard of people ({error}): remove it.") from error
    write_aside(target, lambda aside: save_file(tensors, aside, metadata))
    return target


def _metadata(shard: safe_open) -> dict[str, str]:
    """What a completed file says: which people it is of."""
    return {**(shard.metadata() or {}), "kind": "likeness completed textures", "completion": VERSION}


def _is_complete(path: Path, shard: safe_open) -> bool:
    """Whether `path` holds the completion of `shard` by this version."""
    if not path.is_file():
        return False
    try:
        with safe_open(path, "pt") as file:
            return file.metadata() == _metadata(shard)
    except (SafetensorError, OSError):
        return False


def _one_thread() -> None:
    torch.set_num_threads(1)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m neural_core.training.textures", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of people's shards")
    parser.add_argument("--workers", type=int, default=1, help="processes")
    given = parser.parse_args(arguments)
    paths = sorted(given.data.glob("*.safetensors"))
    with ExitStack() as stack:
        each: Callable[..., Iterator[Path | None]] = map
        if given.workers > 1:
            each = stack.enter_context(ProcessPoolExecutor(given.workers, get_context("spawn"), _one_thread)).map
        try:
            for path, made in zip(paths, each(complete_shard, paths)):
                print(f"{path.name}: {'completed' if made else 'there'}", flush=True)
        except LikenessError as error:
            print(error, file=sys.stderr)
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
