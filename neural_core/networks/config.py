"""Sizes of the networks. A config travels as JSON in the metadata of its weights, so a model file describes itself."""

from dataclasses import asdict, dataclass, fields
from typing import Any


@dataclass(frozen=True)
class RendererConfig:
    """The renderer of DINAR, appendix E: three inputs, a U-Net of ResNet blocks with three levels, two heads."""

    texture_channels: int = 6  # rgb 3 + sampled 1 + filled 1 + garment hint 1; a learned texture appends its own
    uv_octaves: int = 3  # sin and cos of 2, 4, 8 periods per atlas: finer ones alias at 256 pixels per person
    fold: int = 2  # pixels folded into channels before the trunk: it runs at 1/2 resolution, at 1/4 of the cost
    texture_width: int = 32  # features of the rasterised texture, the input with the most to say
    uv_width: int = 16
    mask_width: int = 16
    widths: tuple[int, ...] = (32, 64, 96, 160)  # trunk, then one per downsampling: three levels
    blocks: tuple[int, ...] = (1, 1, 2, 2)  # ResNet blocks; more where the whole person is seen cheaply
    mask_prior: float = 3.0  # logit of the body's own mask: the network learns only where clothes differ from it
    gate_prior: float = 2.0  # the copy gate starts at .88: copying the texture is the first guess
    # Scale at which people were shown in training: the renderer shows them at the same scale whatever the frame's.
    pixels_per_metre: float = 128.0

    @property
    def multiple(self) -> int:
        """Height and width of every input must be multiples of this."""
        return self.fold * 2 ** (len(self.widths) - 1)

    def to_json(self) -> dict:
        return asdict(self)

    @staticmethod
    def from_json(data: dict) -> "RendererConfig":
        """Raises ValueError or TypeError on unknown names or values that make no network."""
        known = {field.name for field in fields(RendererConfig)}
        if set(data) != known:
            raise ValueError(f"fields {sorted(set(data) ^ known)} differ")
        values: dict[str, Any] = dict(data, widths=tuple(data["widths"]), blocks=tuple(data["blocks"]))
        whole = [*values["widths"], *values["blocks"], *(values[n] for n in _WHOLE)]
        if any(not isinstance(n, int) or not 1 <= n <= 1024 for n in whole):
            raise ValueError("sizes must be whole numbers from 1 to 1024")
        if len(values["widths"]) != len(values["blocks"]) or len(values["widths"]) > 6 or values["fold"] > 8:
            raise ValueError("widths and blocks do not make a U-Net")
        for name in ("mask_prior", "gate_prior", "pixels_per_metre"):
            values[name] = float(values[name])
        return RendererConfig(**values)


_WHOLE = ("texture_channels", "uv_octaves", "fold", "texture_width", "uv_width", "mask_width")

RENDERER_CONFIGS = {
    # Tests: learns one person in seconds.
    "tiny": RendererConfig(texture_width=8, uv_width=8, mask_width=8, widths=(8, 16, 16), blocks=(1, 1, 1)),
    # Two cores: about two million parameters, a few thousand steps in an hour.
    "small": RendererConfig(),
    # A GPU of 8 GB and more; within 40 GFLOP at 512 x 512 even with 16 latent channels.
    "base": RendererConfig(widths=(32, 64, 96, 224), blocks=(1, 1, 2, 3)),
}
