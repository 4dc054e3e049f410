"""Pairs of views for the renderer: a texture from one view of a person, a picture from another (DINAR 3.1)."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor
from torch.nn import functional as F

from neural_core.body.open_body import load_open_body
from neural_core.errors import LikenessError
from neural_core.texture.atlas import uv_to_texel
from neural_core.texture.garment_hint import fill_hint, outline_excess, scatter_hint
from neural_core.texture.push_pull import push_pull
from neural_core.training.people.shards import uv_hash
from neural_core.training.texels import TexelMaps


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

_LUMINANCE = torch.tensor([0.299, 0.587, 0.114])  # Rec. 601, as cameras and programs turn sRGB grey


@dataclass(frozen=True)
class PairConfig:
    """How pairs are drawn and how the unseen part of a texture is completed in training."""

    same_view: float = 0.15  # keeps the seen face sharp; the other pairs teach turning
    frontal_source: float = 0.5  # view 0 is near-frontal, as users' photos are; the rest from any view
    # What fills texels the source did not see. A product has some completion, good or bad, so training shows both:
    from_other_views: float = 0.35  # as a perfect inpainting would
    from_mirror: float = 0.4  # from the other side of the body, as the classical completion does
    # What is still empty, and all of it for the rest of the people, is filled by push-pull.
    colour_jitter: float = 0.5  # share of people recoloured, source and target alike
    colour_gain: float = 0.25  # per channel, log scale: more outfits and lights than were generated
    grey: float = 0.1  # share of people in black and white, as old photos are


# What only newer shards hold, and their dimensions after (people,).
_TRUTHS = {
    "truth_rgb": 3,  # (3, R, R) uint8, the whole texture in the light of view 0
    "truth_known": 2,  # (R, R) uint8, 1 where a view saw it
    "truth_offset": 2,  # (R, R) float16, metres from the naked body to the outermost cloth or hair, in the rest pose
}


class Pairs(NamedTuple):
    """A batch as stored: source texture and target view; uint8 unless said otherwise."""

    person: Tensor  # (B,) long, for `PeoplePool.truth`
    source: Tensor  # (B,) long, the view the texture is from
    texture_rgb: Tensor  # (B, 3, R, R)
    sampled: Tensor  # (B, R, R)
    filled: Tensor  # (B, R, R)
    other_rgb: Tensor  # (B, 3, R, R) mean of the person's other views, weighted by their confidence
    other_known: Tensor  # (B, R, R) bool, where some other view saw the texel and it is to be used
    excess: Tensor  # (B, H, W) float32, reach of the clothes beyond the body in the source view
    source_uv: Tensor  # (B, H, W, 2) float16
    source_body: Tensor  # (B, H, W) bool
    use_mirror: Tensor  # (B,) bool, complete from the other side of the body
    colours: Tensor  # (B, 3, 3) float32, recolouring: from the stored channels to those that are used
    rgb: Tensor  # (B, 3, H, W)
    mask: Tensor  # (B, H, W)
    uv: Tensor  # (B, H, W, 2) float16
    body_mask: Tensor  # (B, H, W) bool

    def to(self, device: torch.device | str) -> "Pairs":
        return Pairs(*(tensor.to(device, non_blocking=True) for tensor in self))


class Batch(NamedTuple):
    """What the network reads and what it should have drawn, float32 in [0, 1]."""

    texture_raster: Tensor  # (B, 6, H, W) rgb, sampled, filled, garment hint
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
        self.description: dict[str, str] = {}  # what the shards say about their generator, body and atlas
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
                what = wrong or "another number of views"
                raise TrainingDataError(f"'{path}' is no shard of people like the others ({what}): remove it.")
            description = {k: v for k, v in (file.metadata() or {}).items() if k not in ("first_seed", "count")}
            if self._files and description.get("uv") != self.description.get("uv"):
                raise TrainingDataError(f"'{path}' was made for another atlas than the others: move it away.")
            self.views, self.description = views, self.description or description
            self._files[path.name] = file
            self._people += [(path.name, row) for row in range(people)]
        return len(self._people)

    def read(self, person: int, field: str, view: int | None = None) -> Tensor:
        """One field of one person: all views (N, ...) or one (...)."""
        name, row = self._people[person]
        rows = self._files[name].get_slice(field)
        return rows[row] if view is None else rows[row, view]

    def outline(self, person: int, view: int) -> Tensor:
        """(H, W) uint8 mask as a photo's segmentation would give it; the true one in shards before version 4."""
        fields = set(self._files[self._people[person][0]].keys())
        return self.read(person, "photo_mask" if "photo_mask" in fields else "mask", view)

    def pairs(self, choices: list[tuple[int, int, int]], others: Tensor, mirrors: Tensor, colours: Tensor) -> Pairs:
        """Gather (person, source view, target view); others, mirrors (B,) bool say what completes the texture."""
        people, sources, _ = (torch.tensor(numbers) for numbers in zip(*choices))
        given = {"person": people, "source": sources, "use_mirror": mirrors, "colours": colours}
        columns: dict[str, list[Tensor]] = {name: [] for name in Pairs._fields if name not in given}
        for (person, source, target), use_others in zip(choices, others.tolist()):
            for name in ("rgb", "mask", "uv", "body_mask"):
                columns[name].append(self.read(person, name, target))
            for name in ("texture_rgb", "sampled", "filled"):
                columns[name].append(self.read(person, name, source))
            body_mask = self.read(person, "body_mask", source)
            columns["excess"].append(outline_excess(self.outline(person, source) / 255, body_mask))
            columns["source_uv"].append(self.read(person, "uv", source))
            columns["source_body"].append(body_mask)
            other_rgb, known = columns["texture_rgb"][-1], torch.zeros_like(columns["sampled"][-1], dtype=torch.bool)
            if use_others:
                other_rgb, known = _merge_others(self.read(person, "texture_rgb"), self.read(person, "sampled"), source)
            columns["other_rgb"].append(other_rgb)
            columns["other_known"].append(known)
        return Pairs(**{name: torch.stack(column) for name, column in columns.items()}, **given)

    def truth(self, person: Tensor, field: str) -> Tensor:
        """A field of `_TRUTHS` of people (B,), as stored: (B, ...).

        Raises:
            TrainingDataError: the shards are older than the field.
        """
        try:
            rows = [self.read(index, field) for index in person.tolist()]
        except SafetensorError as error:
            raise TrainingDataError(
                f"The people in '{self.folder}' have no {field}: make them anew with `likeness people`."
            ) from error
        if any(row.ndim != _TRUTHS[field] for row in rows):
            raise TrainingDataError(f"The {field} in '{self.folder}' has another shape: make the people anew.")
        return torch.stack(rows)

    def sample(self, batch: int, config: PairConfig, generator: torch.Generator) -> Pairs:
        """Random people, random pairs of their views; all randomness from `generator` (CPU)."""

        def chance() -> float:
            return float(torch.rand((), generator=generator))

        def below(n: int) -> int:
            return int(torch.randint(n, (), generator=generator))

        choices, completion, colours = [], [], []
        for _ in range(batch):
            person = below(len(self))
            source = 0 if chance() < config.frontal_source else below(self.views)
            target = (
                source if chance() < config.same_view else (source + 1 + below(max(self.views - 1, 1))) % self.views
            )
            choices.append((person, source, target))
            completion.append(chance())
            spread = config.colour_gain if chance() < config.colour_jitter else 0.0
            gain = torch.exp(spread * torch.randn(3, generator=generator).clamp(-2, 2))
            channels = _LUMINANCE.expand(3, 3) if chance() < config.grey else torch.eye(3)
            colours.append(gain[:, None] * channels)
        kind = torch.tensor(completion)
        others = kind < config.from_other_views
        mirrors = ~others & (kind < config.from_other_views + config.from_mirror)
        return self.pairs(choices, others, mirrors, torch.stack(colours))

    def every(self, source: int, targets: list[int], batch: int, limit: int | None = None) -> Iterator[Pairs]:
        """For evaluation: each person once per target view, completed from the mirror side, in its own colours."""
        people = range(len(self) if limit is None else min(limit, len(self)))
        choices = [(person, source, target) for person in people for target in targets]
        for start in range(0, len(choices), batch):
            part = choices[start : start + batch]
            no = torch.zeros(len(part), dtype=torch.bool)
            yield self.pairs(part, no, ~no, torch.eye(3).expand(len(part), 3, 3))


def prepare(pairs: Pairs, maps: TexelMaps | None = None) -> Batch:
    """Complete the textures, rasterise them, recolour: the input side of eq. 4, on the device of `pairs`.

    `maps` belongs to the body of the shards; None (textures without a body, in tests) neither mirrors nor dilates.
    """
    return rasterise(pairs, torch.cat(source_texture(pairs, maps), 1))


def source_texture(pairs: Pairs, maps: TexelMaps | None = None) -> tuple[Tensor, Tensor]:
    """What the product knows of the source's texture: (B, 6, R, R) as the renderer reads it, and the partial rgb."""
    filled = (pairs.filled > 0).float()[:, None]
    partial = recoloured(pairs.texture_rgb, pairs.colours) * filled
    other, known = recoloured(pairs.other_rgb, pairs.colours), pairs.other_known.float()[:, None]
    if maps is not None:
        mirrored, mirror_known = maps.mirrored(partial, filled * pairs.use_mirror.float()[:, None, None, None])
        other, known = torch.where(known > 0, other, mirrored), torch.maximum(known, mirror_known)
    known = known * (1 - filled)
    complete = push_pull(partial + other * known, filled + known)
    hint = fill_hint(*scatter_hint(pairs.excess, pairs.source_body, pairs.source_uv), complete.shape[-1])
    texture = torch.cat([complete, pairs.sampled.float()[:, None] / 255, filled, hint, partial], 1)
    if maps is not None:
        texture = maps.dilate(texture)
    return texture[:, :6], texture[:, 6:]


def rasterise(pairs: Pairs, texture: Tensor) -> Batch:
    """Look a texture (B, 6 + latent channels + 3, R, R) up in the target view; its last three are the partial rgb."""
    uv_mask = pairs.body_mask.float()[:, None]
    raster = lookup_batch(texture, pairs.uv.float()) * uv_mask
    mask = pairs.mask.float()[:, None] / 255
    return Batch(
        texture_raster=raster[:, :-3],
        uv=pairs.uv.float().permute(0, 3, 1, 2),
        uv_mask=uv_mask,
        rgb=(recoloured(pairs.rgb, pairs.colours) / mask.clamp(min=1 / 255)).clamp(0, 1),
        mask=mask,
        pasted=raster[:, -3:],
    )


def recoloured(x: Tensor, colours: Tensor) -> Tensor:
    """(B, 3, H, W) uint8 as float in [0, 1], its channels mixed anew by (B, 3, 3)."""
    return torch.einsum("bij,bjhw->bihw", colours, x.float() / 255).clamp(0, 1)


def texel_maps(pool: PeoplePool, device: torch.device | str = "cpu") -> TexelMaps | None:
    """The atlas of the pool's people on `device`; None for shards that name no atlas.

    Raises:
        TrainingDataError: the people were made on another atlas than this program's open body has.
    """
    if "uv" not in pool.description:
        return None
    body = load_open_body()
    if uv_hash(body) != pool.description["uv"]:
        raise TrainingDataError(f"The people in '{pool.folder}' have another atlas than this body: make them anew.")
    return TexelMaps.of(body, pool.read(0, "sampled", 0).shape[-1]).to(device)


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
