"""The clothed head: how far clothes and hair stand off the body, all round, from what one photo shows of the texture.

Shape from silhouettes says nothing of the back; this network has seen the true garments of many people (the offsets of
`training.people`) and tells a coat from a shirt by its colours, its garment hint and where on the body they lie.
"""

from dataclasses import asdict, dataclass, fields
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from neural_core.body.model import BodyModel
from neural_core.body.parameters import BodyParameters
from neural_core.fitting.surface import smoothed, vertex_normals
from neural_core.networks.blocks import PixelNorm, ResBlock, start_at_zero
from neural_core.networks.files import load_network, save_weights, shipped
from neural_core.texture.atlas import Atlas, lookup
from neural_core.texture.push_pull import push_pull
from neural_core.texture.sampling import PartialTexture

FORMAT = "likeness-clothed"
FORMAT_VERSION = 1
TEXTURE_CHANNELS = 6  # rgb completed, sampled, filled, garment hint: what the renderer reads
_BODY_CHANNELS = 6  # position and normal of the mean body at rest


@dataclass(frozen=True)
class ClothedConfig:
    """A U-Net over the atlas."""

    resolution: int = 128  # texels of the atlas, in and out
    fold: int = 2  # texels folded into channels: the trunk runs at 64 x 64
    widths: tuple[int, ...] = (48, 64, 96, 128)
    blocks: tuple[int, ...] = (1, 1, 1, 2)
    scale: float = 0.02  # metres: thickness of 1 inside the network

    def to_json(self) -> dict:
        return asdict(self)

    @staticmethod
    def from_json(data: dict) -> "ClothedConfig":
        """Raises ValueError or TypeError on unknown names or values that make no network."""
        known = {field.name for field in fields(ClothedConfig)}
        if set(data) != known:
            raise ValueError(f"fields {sorted(set(data) ^ known)} differ")
        values: dict[str, Any] = dict(
            data, widths=tuple(data["widths"]), blocks=tuple(data["blocks"]), scale=float(data["scale"])
        )
        whole = [*values["widths"], *values["blocks"], values["resolution"], values["fold"]]
        if any(not isinstance(n, int) or not 1 <= n <= 1024 for n in whole) or not 0 < values["scale"] < 1:
            raise ValueError("sizes must be whole numbers from 1 to 1024")
        config = ClothedConfig(**values)
        if len(config.widths) != len(config.blocks) or config.resolution % (config.fold << (len(config.widths) - 1)):
            raise ValueError("widths, blocks and resolution do not make a U-Net")
        return config


CLOTHED_CONFIGS = {
    "tiny": ClothedConfig(resolution=32, widths=(8, 16), blocks=(1, 1)),
    "small": ClothedConfig(),
    "base": ClothedConfig(widths=(64, 96, 160, 224), blocks=(1, 2, 2, 3)),
}


class ClothedNetwork(nn.Module):
    """Texture and body maps to thickness in metres, never negative."""

    def __init__(self, config: ClothedConfig):
        super().__init__()
        self.config = config
        widths, folded = config.widths, config.fold**2
        # The atlas is the same for everybody: what is usual at each place of it can be learned as it is.
        self.place = nn.Parameter(torch.zeros(1, 8, config.resolution // config.fold, config.resolution // config.fold))
        enter = (TEXTURE_CHANNELS + _BODY_CHANNELS) * folded + self.place.shape[1]
        self.down = nn.ModuleList()
        for level, (width, count) in enumerate(zip(widths, config.blocks)):
            before, stride = (enter, 1) if level == 0 else (widths[level - 1], 2)
            step = nn.Conv2d(before, width, 3, stride=stride, padding=1)
            self.down.append(nn.Sequential(step, *(ResBlock(width, width) for _ in range(count))))
        self.whole = nn.Linear(widths[-1], widths[-1])  # a skirt is one thing on two legs: charts must agree
        self.up = nn.ModuleList(
            ResBlock(widths[level + 1] + widths[level], widths[level]) for level in range(len(widths) - 1)
        )
        self.last_norm = PixelNorm(widths[0])
        self.head = nn.Conv2d(widths[0], folded, 3, padding=1)
        start_at_zero(self.head)

    def forward(self, texture: Tensor, body_maps: Tensor) -> Tensor:
        """Thickness (B, 1, R, R), metres.

        Args:
            texture: (B, 6, R, R) rgb completed, sampled, filled, garment hint. body_maps: (1 or B, 6, R, R).
        """
        fold, count = self.config.fold, len(texture)
        inputs = torch.cat([texture, body_maps.expand(count, -1, -1, -1).to(texture.dtype)], 1)
        place = self.place.expand(count, -1, -1, -1).to(texture.dtype)
        x = torch.cat([F.pixel_unshuffle(inputs, fold), place], 1)
        levels = []
        for down in self.down:
            x = down(x)
            levels.append(x)
        x = x + F.silu(self.whole(x.mean((2, 3))))[..., None, None]
        for level in reversed(range(len(self.up))):
            x = self.up[level](torch.cat([F.interpolate(x, scale_factor=2.0, mode="nearest"), levels[level]], 1))
        raw = F.pixel_shuffle(self.head(F.silu(self.last_norm(x))).float(), fold)
        return self.config.scale * F.softplus(raw - 1)


def body_maps(body: BodyModel, resolution: int) -> Tensor:
    """Position and normal of the mean body at rest in every texel, (1, 6, R, R), dilated."""
    atlas = Atlas.of(body, resolution)
    surface = torch.cat([body.template, vertex_normals(body.template, body.faces)], 1)
    return atlas.dilate(atlas.image(atlas.on_surface(surface, body.faces)))[None]


def vertex_values(texture: Tensor, body: BodyModel) -> Tensor:
    """A dilated texture (C, R, R) at the vertices, (V, C): the mean of a vertex's places where charts meet."""
    values = lookup(texture, body.uv[None])[:, 0].T  # (T, C)
    # A vertex has each of its texture coordinates once per triangle: count each coordinate once.
    corners = torch.stack([body.faces.reshape(-1), body.face_uv.reshape(-1)], 1).unique(dim=0)
    total = texture.new_zeros(body.num_vertices, texture.shape[0] + 1)
    total.index_add_(0, corners[:, 0], F.pad(values, (0, 1), value=1.0)[corners[:, 1]])
    return total[:, :-1] / total[:, -1:].clamp(min=1)


@torch.no_grad()
def predict_offsets(
    network: ClothedNetwork, texture: Tensor, body: BodyModel, parameters: BodyParameters, smoothing: int = 4
) -> Tensor:
    """Clothed shape of one person as rest offsets (V, 3), metres, outward; the fit refines them on the silhouette.

    Args:
        texture: (6, R, R), at least as fine as the network's: completed rgb, sampled, filled, garment hint, as
            `visible_texture` makes it. parameters: batch 1, for the shape. smoothing: steps over the surface,
            so that texels leave no stairs.
    """
    resolution = network.config.resolution
    texture = F.adaptive_avg_pool2d(texture[None].to(body.device), resolution)
    thickness = network(texture, body_maps(body, resolution))[0]
    height = vertex_values(Atlas.of(body, resolution).dilate(thickness), body)
    height = smoothed(height, body.faces, smoothing)
    return height * vertex_normals(body.rest(parameters)[0][0], body.faces)


@torch.no_grad()
def visible_texture(partial: PartialTexture, hint: Tensor, atlas: Atlas) -> Tensor:
    """What `predict_offsets` reads of one photo, (6, R, R).

    Args:
        partial, hint: sampled and measured on the *bare* fitted body, at the resolution R of the atlas.
    """
    known = partial.known.float()
    rgb = push_pull((partial.rgb * known)[None], known[None, None])[0]
    return atlas.dilate(torch.cat([rgb, (partial.confidence * partial.sampled)[None], known[None], hint]))


@lru_cache(maxsize=2)
def shipped_clothed(device: torch.device | str = "cpu") -> ClothedNetwork | None:
    """The head that ships, kept for the next photo; None where its weights are missing; raises WeightsError."""
    return load_clothed(device=device) if shipped("clothed").is_file() else None


def save_clothed(path: Path, config: ClothedConfig, tensors: dict[str, Tensor], provenance: dict[str, Any]) -> None:
    """Write weights; raises OutputError."""
    save_weights(path, FORMAT, FORMAT_VERSION, config.to_json(), tensors, provenance)


def load_clothed(path: Path | str | None = None, device: torch.device | str = "cpu") -> ClothedNetwork:
    """A trained clothed head, by default the one that ships; raises WeightsError."""
    path = Path(path or shipped("clothed"))
    return load_network(
        path, FORMAT, FORMAT_VERSION, "clothed head", lambda c: ClothedNetwork(ClothedConfig.from_json(c))
    ).to(device)
