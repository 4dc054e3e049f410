"""The neural texture: what the renderer reads from the atlas (DINAR 3.1, eq. 2), and the detail texture beside it."""

from dataclasses import dataclass, field

import torch
from torch import Tensor

from neural_core.texture.sampling import PartialTexture


@dataclass(frozen=True)
class TextureLayout:
    """Which channels of a neural texture mean what, as named slices; channels nobody has made yet have width 0.

    Attributes:
        latent: channels of a learned texture (DINAR: 16). garment_hint: channels that tell a skirt from trousers.
    """

    latent: int = 0
    garment_hint: int = 0

    @property
    def widths(self) -> dict[str, int]:
        """Name to number of channels, in their order; rgb, sampled and filled never move."""
        return {"rgb": 3, "sampled": 1, "filled": 1, "garment_hint": self.garment_hint, "latent": self.latent}

    @property
    def channels(self) -> int:
        return sum(self.widths.values())

    def __getitem__(self, name: str) -> slice:
        """The slice of a named group of channels; KeyError for an unknown name."""
        start = 0
        for key, width in self.widths.items():
            if key == name:
                return slice(start, start + width)
            start += width
        raise KeyError(name)

    @property
    def rgb(self) -> slice:
        return self["rgb"]

    @property
    def sampled(self) -> slice:
        return self["sampled"]

    @property
    def filled(self) -> slice:
        return self["filled"]


@dataclass(frozen=True)
class NeuralTexture:
    """A person's texture.

    Attributes:
        data: (C, R, R) float32, R = 256 in the product, dilated between the charts. rgb: completed, sRGB [0, 1];
            sampled: confidence of what the photo showed, 0 elsewhere (DINAR's B_smp, made soft); filled: 1 where a
            texel was sampled or lies in a small gap between samples (B_fill), 0 where it was invented.
        detail: (3, D, D) float32 sRGB, D = 1024 in the product: the completed texture for export and close views.
        layout: names of the channels.
    """

    data: Tensor
    detail: Tensor
    layout: TextureLayout = field(default_factory=TextureLayout)

    def __post_init__(self):
        if self.data.ndim != 3 or self.data.shape[0] != self.layout.channels:
            raise ValueError(f"texture data {tuple(self.data.shape)} does not hold {self.layout.channels} channels")
        if self.detail.ndim != 3 or self.detail.shape[0] != 3:
            raise ValueError(f"detail texture {tuple(self.detail.shape)} is not (3, D, D)")

    @staticmethod
    def build(
        rgb: Tensor,
        partial: PartialTexture,
        detail: Tensor,
        garment_hint: Tensor | None = None,
        latent: Tensor | None = None,
    ) -> "NeuralTexture":
        """From the completed rgb (3, R, R), what was seen there, and the completed detail (3, D, D)."""
        parts = {
            "rgb": rgb,
            "sampled": (partial.confidence * partial.sampled)[None],
            "filled": partial.known.to(rgb.dtype)[None],
        }
        if garment_hint is not None:
            parts["garment_hint"] = garment_hint
        if latent is not None:
            parts["latent"] = latent
        return NeuralTexture.from_tensors({**parts, "detail": detail})

    def channel(self, name: str) -> Tensor:
        """A named group of channels (c, R, R)."""
        return self.data[self.layout[name]]

    def to(self, device: torch.device | str) -> "NeuralTexture":
        return NeuralTexture(self.data.to(device), self.detail.to(device), self.layout)

    def to_tensors(self) -> dict[str, Tensor]:
        """Name to tensor, for files: each group of channels under its own name, and `detail`."""
        groups = {name: self.channel(name).contiguous() for name, width in self.layout.widths.items() if width}
        return {**groups, "detail": self.detail}

    @staticmethod
    def from_tensors(tensors: dict[str, Tensor]) -> "NeuralTexture":
        """The inverse of `to_tensors`; raises ValueError naming what is missing, unknown or of the wrong shape."""
        parts = dict(tensors)
        detail = parts.pop("detail", None)
        if detail is None:
            raise ValueError("texture 'detail' is missing")
        width = {name: parts[name].shape[0] if name in parts else 0 for name in ("latent", "garment_hint")}
        layout = TextureLayout(**width)
        expected = {name: w for name, w in layout.widths.items() if w}
        if set(parts) != set(expected):
            raise ValueError(f"texture holds {sorted(parts)}, not {sorted(expected)}")
        size = parts["rgb"].shape[-1]
        for name, w in expected.items():
            if tuple(parts[name].shape) != (w, size, size):
                raise ValueError(f"texture '{name}' has shape {tuple(parts[name].shape)}, not ({w}, {size}, {size})")
        return NeuralTexture(torch.cat([parts[name].float() for name in expected]), detail.float(), layout)
