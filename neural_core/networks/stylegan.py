"""StyleGAN2 (Karras et al. 2020) in plain PyTorch, written from the paper: the texture's encoder and generator.

A photo becomes one vector w, w becomes sixteen texture channels (DINAR 3.1). There is no mapping network, and the noise
is a fixed buffer: the same photo gives the same texture. `Discriminator` is the encoder's body with a single output.
"""

import math
from dataclasses import asdict, dataclass, fields
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from neural_core.errors import WeightsError
from neural_core.networks.files import load_tensors, read_config, read_weights, save_weights, shipped

FORMAT = "likeness-generator"
FORMAT_VERSION = 1


@dataclass(frozen=True)
class StyleConfig:
    """Sizes of encoder, generator and discriminator."""

    resolution: int = 128  # of the texture, a power of two
    latent: int = 16  # channels of the texture
    w: int = 128
    most_width: int = 64
    budget: int = 2048  # the width at resolution r is budget / r, at most `most_width`
    levels: int = 5  # halvings of the photo in encoder and discriminator

    def width(self, resolution: int) -> int:
        return max(4, min(self.most_width, self.budget // resolution))

    def to_json(self) -> dict:
        return asdict(self)

    @staticmethod
    def from_json(data: dict) -> "StyleConfig":
        """Raises ValueError or TypeError on unknown names or values that make no network."""
        if set(data) != {field.name for field in fields(StyleConfig)}:
            raise ValueError("other fields")
        config = StyleConfig(**data)
        if any(not isinstance(value, int) or not 1 <= value <= 2**16 for value in data.values()):
            raise ValueError("sizes must be whole numbers")
        if config.resolution not in (8, 16, 32, 64, 128, 256, 512) or config.levels > 8:
            raise ValueError("the resolution must be a power of two up to 512, with at most eight levels")
        if max(config.w, config.most_width, config.latent) > 1024:
            raise ValueError("at most 1024 channels")
        return config


STYLE_CONFIGS = {
    "tiny": StyleConfig(resolution=32, latent=16, w=16, most_width=16, budget=512, levels=2),
    "small": StyleConfig(),
    "base": StyleConfig(resolution=256, w=512, most_width=256, budget=16384, levels=6),
}


class EqualLinear(nn.Module):
    """A linear layer whose weights are kept at unit variance and scaled when used (Karras et al. 2018)."""

    def __init__(self, inputs: int, outputs: int, bias: float = 0.0):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs))
        self.bias = nn.Parameter(torch.full((outputs,), bias))

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.weight / math.sqrt(self.weight.shape[1]), self.bias)


class EqualConv(nn.Module):
    """A convolution with the same scaling, padded to keep the size."""

    def __init__(self, inputs: int, outputs: int, kernel: int, bias: bool = True):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(outputs)) if bias else None

    def forward(self, x: Tensor) -> Tensor:
        scale = 1 / math.sqrt(self.weight[0].numel())
        return F.conv2d(x, self.weight * scale, self.bias, padding=self.weight.shape[-1] // 2)


def activate(x: Tensor) -> Tensor:
    """Leaky ReLU that keeps the variance."""
    return F.leaky_relu(x, 0.2) * math.sqrt(2)


def _binomial(x: Tensor, gain: float) -> Tensor:
    """(C, 1, 4, 4) the depthwise kernel [1, 3, 3, 1] x [1, 3, 3, 1] of sum `gain`."""
    line = x.new_tensor([1.0, 3.0, 3.0, 1.0]) / 8
    return (gain * line[:, None] * line).expand(x.shape[1], 1, 4, 4)


def halve(x: Tensor) -> Tensor:
    """Blur, then every second pixel: (B, C, H, W) to (B, C, H / 2, W / 2)."""
    return F.conv2d(F.pad(x, (1, 1, 1, 1)), _binomial(x, 1.0), stride=2, groups=x.shape[1])


def double(x: Tensor) -> Tensor:
    """Zeros between the pixels, then blur: (B, C, H, W) to (B, C, 2 H, 2 W)."""
    return F.conv_transpose2d(x, _binomial(x, 4.0), stride=2, padding=1, groups=x.shape[1])


class ModulatedConv(nn.Module):
    """A convolution whose input channels are scaled by w, and whose outputs are brought back to unit variance."""

    def __init__(self, inputs: int, outputs: int, kernel: int, w: int, demodulate: bool = True):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs, kernel, kernel))
        self.style = EqualLinear(w, inputs, bias=1.0)
        self.demodulate = demodulate

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        B, C, H, W = x.shape
        outputs, _, kernel, _ = self.weight.shape
        scale = 1 / math.sqrt(C * kernel * kernel)
        weight = self.weight * scale * self.style(w).view(B, 1, C, 1, 1)
        if self.demodulate:
            weight = weight * torch.rsqrt(weight.square().sum((2, 3, 4), keepdim=True) + 1e-8)
        # One group per texture: a batch is a single convolution.
        grouped = x.reshape(1, B * C, H, W)
        out = F.conv2d(grouped, weight.view(B * outputs, C, kernel, kernel), padding=kernel // 2, groups=B)
        return out.view(B, outputs, H, W)


class StyledConv(nn.Module):
    """Modulated convolution, fixed noise of a learned strength, bias, activation."""

    def __init__(self, inputs: int, outputs: int, w: int, noise: Tensor):
        super().__init__()
        self.conv = ModulatedConv(inputs, outputs, 3, w)
        self.noise: Tensor
        self.register_buffer("noise", noise)
        self.strength = nn.Parameter(torch.zeros(()))
        self.bias = nn.Parameter(torch.zeros(outputs))

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        return activate(self.conv(x, w) + self.strength * self.noise + self.bias[:, None, None])


class TextureGenerator(nn.Module):
    """w (B, w) to a texture (B, latent, R, R): a learned constant, styled convolutions, skip outputs."""

    def __init__(self, config: StyleConfig, noise_seed: int = 0):
        super().__init__()
        self.config = config
        noise = torch.Generator().manual_seed(noise_seed)

        def styled(inputs: int, outputs: int, size: int) -> StyledConv:
            return StyledConv(inputs, outputs, config.w, torch.randn(1, 1, size, size, generator=noise))

        width = config.width(4)
        self.constant = nn.Parameter(torch.randn(1, width, 4, 4))
        self.first = styled(width, width, 4)
        self.grow, self.keep = nn.ModuleList(), nn.ModuleList()
        self.out = nn.ModuleList([ModulatedConv(width, config.latent, 1, config.w, demodulate=False)])
        size = 8
        while size <= config.resolution:
            before, width = width, config.width(size)
            self.grow.append(styled(before, width, size))
            self.keep.append(styled(width, width, size))
            self.out.append(ModulatedConv(width, config.latent, 1, config.w, demodulate=False))
            size *= 2
        self.bias = nn.Parameter(torch.zeros(config.latent))

    def forward(self, w: Tensor) -> Tensor:
        x = self.first(self.constant.expand(len(w), -1, -1, -1), w)
        texture = self.out[0](x, w)
        for grow, keep, out in zip(self.grow, self.keep, list(self.out)[1:]):
            x = keep(grow(double(x), w), w)
            texture = double(texture) + out(x, w)
        return texture + self.bias[:, None, None]


class _Halving(nn.Module):
    """Two convolutions, the second of half size, beside a 1 x 1 skip."""

    def __init__(self, inputs: int, outputs: int):
        super().__init__()
        self.conv1 = EqualConv(inputs, inputs, 3)
        self.conv2 = EqualConv(inputs, outputs, 3)
        self.skip = EqualConv(inputs, outputs, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        inner = activate(self.conv2(halve(activate(self.conv1(x)))))
        return (inner + self.skip(halve(x))) / math.sqrt(2)


class _PictureNetwork(nn.Module):
    """A picture (B, channels, H, W), H and W multiples of 2^levels, to a vector (B, outputs)."""

    def __init__(self, config: StyleConfig, channels: int, outputs: int):
        super().__init__()
        self.config = config
        size = 2 ** (config.levels + 2)  # as if the last level were 4 x 4
        widths = [config.width(size >> level) for level in range(config.levels + 1)]
        self.enter = EqualConv(channels, widths[0], 1)
        self.down = nn.Sequential(*(_Halving(a, b) for a, b in pairwise(widths)))
        self.last = EqualConv(widths[-1], widths[-1], 3)
        self.flat = EqualLinear(widths[-1] * 16, widths[-1])
        self.head = EqualLinear(widths[-1], outputs)

    def forward(self, picture: Tensor) -> Tensor:
        x = self.down(activate(self.enter(picture)))
        x = F.adaptive_avg_pool2d(activate(self.last(x)), 4)  # photos of any shape
        return self.head(activate(self.flat(x.flatten(1))))


class TextureEncoder(_PictureNetwork):
    """A photo's crop (B, 3, H, W) in [0, 1] and its person mask (B, 1, H, W) to w (B, w)."""

    def __init__(self, config: StyleConfig):
        super().__init__(config, 4, config.w)

    def forward(self, rgb: Tensor, mask: Tensor) -> Tensor:  # type: ignore[override]
        return super().forward(torch.cat([(rgb * 2 - 1) * mask, mask], 1))


class Discriminator(_PictureNetwork):
    """A picture (B, 3, H, W) in [0, 1] and its mask (B, 1, H, W) to a logit (B, 1): drawn or photographed."""

    def __init__(self, config: StyleConfig):
        super().__init__(config, 4, 1)

    def forward(self, rgb: Tensor, mask: Tensor) -> Tensor:  # type: ignore[override]
        return super().forward(torch.cat([(rgb * 2 - 1) * mask, mask], 1))


def gradient_penalty(logits: Tensor, *pictures: Tensor) -> Tensor:
    """R1 (Mescheder et al. 2018): mean over the batch of the squared gradient of logits by real pictures."""
    gradients = torch.autograd.grad(logits.sum(), pictures, create_graph=True)
    return torch.stack([gradient.square().sum((1, 2, 3)).mean() for gradient in gradients]).sum()


def save_generator(path: Path, config: StyleConfig, tensors: dict[str, Tensor], provenance: dict[str, Any]) -> None:
    """Write encoder and generator (`encoder.*`, `generator.*`) in one file; raises OutputError."""
    save_weights(path, FORMAT, FORMAT_VERSION, config.to_json(), tensors, provenance)


def load_generator(
    path: Path | str | None = None, device: torch.device | str = "cpu"
) -> tuple[TextureEncoder, TextureGenerator]:
    """Trained encoder and generator, by default those that ship; raises WeightsError."""
    path = Path(path or shipped("generator"))
    metadata, tensors = read_weights(path, FORMAT, FORMAT_VERSION)
    try:
        config = StyleConfig.from_json(read_config(path, metadata, "texture generator"))
    except (ValueError, TypeError) as error:
        raise WeightsError(f"The config in '{path}' makes no texture generator ({error}): train it anew.") from error
    pair = nn.ModuleDict({"encoder": TextureEncoder(config), "generator": TextureGenerator(config)})
    load_tensors(pair, tensors, path)
    pair.eval().requires_grad_(False).to(device)
    encoder, generator = pair["encoder"], pair["generator"]
    assert isinstance(encoder, TextureEncoder) and isinstance(generator, TextureGenerator)
    return encoder, generator
