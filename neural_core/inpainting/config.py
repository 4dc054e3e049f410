"""Sizes of the inpainting networks; a config travels as JSON in the metadata of its weights."""

from dataclasses import asdict, dataclass, fields
from typing import Any


@dataclass(frozen=True)
class CodecConfig:
    """A VQ autoencoder of textures (DINAR 3.3, 4.1)."""

    resolution: int = 128  # texels of the textures it reads
    channels: int = 3  # rgb; a learned texture appends its 16. The known mask is told to the denoiser, not coded here
    fold: int = 2  # texels folded into channels before the first convolution: full resolution is never computed on
    widths: tuple[int, ...] = (48, 96)  # one per level, each at half the resolution of the one before
    layers: int = 1  # ResNet blocks per level
    latent: int = 6  # channels of the latent (DINAR 4.1)
    codes: int = 4096  # DINAR: 8192
    attention: bool = False  # of every latent to every other, in the middle

    @property
    def reduction(self) -> int:
        """Texels per latent along an axis."""
        return self.fold << (len(self.widths) - 1)

    @property
    def latent_resolution(self) -> int:
        return self.resolution // self.reduction

    def to_json(self) -> dict:
        return asdict(self)

    @staticmethod
    def from_json(data: dict) -> "CodecConfig":
        """Raises ValueError or TypeError on unknown names or values that make no network."""
        config = CodecConfig(**_checked(data, CodecConfig, ("attention",)))
        if config.resolution % config.reduction or any(width % 16 for width in config.widths):
            raise ValueError("resolution and widths do not fit together")
        return config


@dataclass(frozen=True)
class DenoiserConfig:
    """The U-Net that takes noise out of latents; its latents are those of one codec."""

    latent: int = 6
    latent_resolution: int = 32
    widths: tuple[int, ...] = (64, 128, 192)
    layers: int = 1  # ResNet blocks per level
    head: int = 32  # channels of an attention head; all levels but the first attend, which ties the charts together
    dropout: float = 0.1  # DINAR: 0.5 at fifty times the size

    def to_json(self) -> dict:
        return asdict(self)

    @staticmethod
    def from_json(data: dict) -> "DenoiserConfig":
        """Raises ValueError or TypeError on unknown names or values that make no network."""
        config = DenoiserConfig(**_checked(data, DenoiserConfig, ("dropout",)))
        if config.latent_resolution % (1 << (len(config.widths) - 1)) or any(w % 16 for w in config.widths):
            raise ValueError("resolution and widths do not fit together")
        if not 0 <= config.dropout < 1:
            raise ValueError("dropout is a share from 0 to 1")
        return config


def _checked(data: dict, kind: type, other: tuple[str, ...]) -> dict[str, Any]:
    """The fields of a config as read from a file; all but `other` are sizes."""
    names = {field.name for field in fields(kind)}
    if set(data) != names:
        raise ValueError(f"fields {sorted(set(data) ^ names)} differ")
    values: dict[str, Any] = dict(data, widths=tuple(data["widths"]))
    sizes = [*values["widths"], *(values[name] for name in names - {"widths", *other})]
    if any(not isinstance(n, int) or not 1 <= n <= 16384 for n in sizes) or not 1 <= len(values["widths"]) <= 6:
        raise ValueError("sizes must be whole numbers from 1 to 16384")
    if max(values["widths"]) > 1024 or values["layers"] > 8:
        raise ValueError("the network would be absurdly large")
    return values


CODEC_CONFIGS = {
    "tiny": CodecConfig(resolution=32, widths=(16, 32), codes=64),  # tests
    "small": CodecConfig(),  # two cores: 1.4 M parameters, 14 textures/s in training on one whole core
    "base": CodecConfig(resolution=256, widths=(64, 144), layers=2, codes=8192, attention=True),
}

DENOISER_CONFIGS = {
    "tiny": DenoiserConfig(latent_resolution=8, widths=(16, 32), head=8, dropout=0.0),
    "small": DenoiserConfig(),  # 7.4 M parameters, 20 latents/s in training on one core
    "base": DenoiserConfig(latent_resolution=64, widths=(64, 128, 192, 256), layers=1, dropout=0.2),
}
