"""Pairs of views for the renderer: a texture from one view of a person, a picture from another (DINAR 3.1)."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor
from torch.nn import functional as F

from neural_core.errors import LikenessError
from neural_core.texture.atlas import uv_to_texel
from neural_core.training.fill import push_pull


class TrainingDataError(LikenessError):
    """The folder holds no people that this training can use."""

    code = "training_data"


# Fields of PersonViews (training.people.views) and their dimensions after (people, views).
_FIELDS = {
    "rgb": 3,  # (3, H, W) uint8, background zero
    "mask": 2,  # (H, W) uint8
    "uv": 3,  # (H, W, 2) float16
    "body_mask": 2,  # (H, W) bool
    "texture_rgb": 3,  # (3, R, R) uint8
    "sampled": 2,  # (R, R) uint8
    "filled": 2,  # (R, R) uint8
}


@dataclass(frozen=True)
class PairConfig:
    """How pairs are drawn and how the unseen part of a texture is completed in training."""

    same_view: float = 0.15  # keeps the seen face sharp; the other pairs teach turning
    frontal_source: float = 0.5  # view 0 is near-frontal, as users' photos are; the rest from any view
    # What fills texels the source did not see. A product has some completion, good or bad, so training shows both:
    from_other_views: float = 0.4  # as a perfect inpainting would; the rest by push-pull, as a harmonic fill does
    colour_jitter: float = 0.5  # share of people recoloured, source and target alike
    colour_gain: float = 0.25  # per channel, log scale: more outfits and lights than were generated


class Pairs(NamedTuple):
    """A batch as stored: source texture and target view; uint8 unless said otherwise."""

    texture_rgb: Tensor  # (B, 3, R, R)
    sampled: Tensor  # (B, R, R)
    filled: Tensor  # (B, R, R)
    other_rgb: Tensor  # (B, 3, R, R) mean of the person's other views, weighted by their confidence
    other_known: Tensor  # (B, R, R) bool, where some other view saw the texel and it is to be used
    gain: Tensor  # (B, 3) float32, recolouring
    rgb: Tensor  # (B, 3, H, W)
    mask: Tensor  # (B, H, W)
    uv: Tensor  # (B, H, W, 2) float16
    body_mask: Tensor  # (B, H, W) bool

    def to(self, device: torch.device | str) -> "Pairs":
        return Pairs(*(tensor.to(device, non_blocking=True) for tensor in self))


class Batch(NamedTuple):
    """What the network reads and what it should have drawn, float32 in [0, 1]."""

    texture_raster: Tensor  # (B, 5, H, W)
    uv: Tensor  # (B, 2, H, W)
    uv_mask: Tensor  # (B, 1, H, W)
    rgb: Tensor  # (B, 3, H, W) straight colour, defined where mask > 0
    mask: Tensor  # (B, 1, H, W)
    pasted: Tensor  # (B, 3, H, W) the partial texture as it is, rasterised: the baseline


class PeoplePool:
    """Shards of people in a folder that may grow while training; rows are read on demand, so memory stays small."""

    def __init__(self, folder: Path | str):
        self.folder = Path(folder)
        self._files: dict[str, safe_open] = {}
        self._people: list[tuple[str, int]] = []
        self.views = 0
        self.refresh()
        if not self._people:
            raise TrainingDataError(f"There are no people in '{self.folder}': make some with `likeness people` first.")

    def __len__(self) -> int:
        return len(self._people)

    def refresh(self) -> int:
        """Open shards that appeared since the last call, in the order of their names; number of people so far."""
        for path in sorted(self.folder.glob("*.safetensors")):
            if path.name in self._files:
                continue
            try:
                file = safe_open(path, "pt")
                shapes = {name: file.get_slice(name).get_shape() for name in _FIELDS}
            except (SafetensorError, OSError) as error:
                raise TrainingDataError(f"'{path}' is no shard of people ({error}): remove it.") from error
            people, views = shapes["rgb"][:2]
            wrong = [n for n, s in shapes.items() if len(s) != _FIELDS[n] + 2 or list(s[:2]) != [people, views]]
            if wrong or (self.views and views != self.views):
                raise TrainingDataError(
                    f"'{path}' is no shard of people ({wrong or 'other number of views'}): remove it."
                )
            self.views = views
            self._files[path.name] = file
            self._people += [(path.name, row) for row in range(people)]
        return len(self._people)

    def read(self, person: int, field: str, view: int | None = None) -> Tensor:
        """One field of one person: all views (N, ...) or one (...)."""
        name, row = self._people[person]
        rows = self._files[name].get_slice(field)
        return rows[row] if view is None else rows[row, view]

    def pairs(self, choices: list[tuple[int, int, int]], others: Tensor, gains: Tensor) -> Pairs:
        """Gather (person, source view, target view); `others` (B,) bool asks for completion from the other views."""
        columns: dict[str, list[Tensor]] = {name: [] for name in Pairs._fields if name != "gain"}
        for (person, source, target), use_others in zip(choices, others.tolist()):
            for name in ("rgb", "mask", "uv", "body_mask"):
                columns[name].append(self.read(person, name, target))
            for name in ("texture_rgb", "sampled", "filled"):
                columns[name].append(self.read(person, name, source))
            other_rgb, known = columns["texture_rgb"][-1], torch.zeros_like(columns["sampled"][-1], dtype=torch.bool)
            if use_others:
                other_rgb, known = _merge_others(self.read(person, "texture_rgb"), self.read(person, "sampled"), source)
            columns["other_rgb"].append(other_rgb)
            columns["other_known"].append(known)
        return Pairs(**{name: torch.stack(column) for name, column in columns.items()}, gain=gains)

    def sample(self, batch: int, config: PairConfig, generator: torch.Generator) -> Pairs:
        """Random people, random pairs of their views; all randomness from `generator` (CPU)."""

        def chance() -> float:
            return float(torch.rand((), generator=generator))

        def below(n: int) -> int:
            return int(torch.randint(n, (), generator=generator))

        choices, others, gains = [], [], []
        for _ in range(batch):
            person = below(len(self))
            source = 0 if chance() < config.frontal_source else below(self.views)
            target = (
                source if chance() < config.same_view else (source + 1 + below(max(self.views - 1, 1))) % self.views
            )
            choices.append((person, source, target))
            others.append(chance() < config.from_other_views)
            spread = config.colour_gain if chance() < config.colour_jitter else 0.0
            gains.append(torch.exp(spread * torch.randn(3, generator=generator).clamp(-2, 2)))
        return self.pairs(choices, torch.tensor(others), torch.stack(gains))

    def every(self, sources: list[int], targets: list[int], batch: int, limit: int | None = None) -> Iterator[Pairs]:
        """For evaluation: each person once per (source, target), plain push-pull, no recolouring."""
        people = range(len(self) if limit is None else min(limit, len(self)))
        choices = [(person, s, t) for person in people for s, t in zip(sources, targets)]
        for start in range(0, len(choices), batch):
            part = choices[start : start + batch]
            yield self.pairs(part, torch.zeros(len(part), dtype=torch.bool), torch.ones(len(part), 3))


def prepare(pairs: Pairs) -> Batch:
    """Complete the textures, rasterise them, recolour: the input side of eq. 4, on the device of `pairs`."""
    gain = pairs.gain[:, :, None, None]

    def colour(x: Tensor) -> Tensor:
        return (x.float() / 255 * gain).clamp(0, 1)

    filled = (pairs.filled > 0).float()[:, None]
    partial = colour(pairs.texture_rgb) * filled
    other = pairs.other_known.float()[:, None] * (1 - filled)
    complete = push_pull(partial + colour(pairs.other_rgb) * other, filled + other)
    texture = torch.cat([complete, pairs.sampled.float()[:, None] / 255, filled, partial], 1)
    uv_mask = pairs.body_mask.float()[:, None]
    raster = lookup_batch(texture, pairs.uv.float()) * uv_mask

    mask = pairs.mask.float()[:, None] / 255
    return Batch(
        texture_raster=raster[:, :5],
        uv=pairs.uv.float().permute(0, 3, 1, 2),
        uv_mask=uv_mask,
        rgb=(colour(pairs.rgb) / mask.clamp(min=1 / 255)).clamp(0, 1),
        mask=mask,
        pasted=raster[:, 5:],
    )


def lookup_batch(texture: Tensor, uv: Tensor) -> Tensor:
    """Bilinear values of textures (B, C, R, R) at uv (B, H, W, 2), as (B, C, H, W)."""
    grid = 2 * uv_to_texel(uv, 1).flip(-1) - 1
    return F.grid_sample(texture, grid, mode="bilinear", padding_mode="border", align_corners=False)


def _merge_others(texture_rgb: Tensor, sampled: Tensor, source: int) -> tuple[Tensor, Tensor]:
    """Textures (N, 3, R, R) of all views but `source`, weighted by squared confidence: rgb uint8 and known bool."""
    weight = (sampled.float() / 255).square()
    weight[source] = 0
    total = weight.sum(0)
    rgb = (texture_rgb.float() * weight[:, None]).sum(0) / total.clamp(min=1e-6)
    return rgb.round().clamp(0, 255).byte(), total > 0.01
