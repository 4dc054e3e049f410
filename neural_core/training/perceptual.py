"""Stage `perceptual`: a network learns to tell the parts of people and their uv, and so what pictures are made of.

Its features are the project's perceptual distance (networks.segmenter). Where LPIPS (Zhang et al. 2018) and its weights
are on the machine, `perceptual_distance` takes that instead; nothing of it ships.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from neural_core.body.model import BodyModel
from neural_core.body.open_body import load_open_body
from neural_core.body.skeleton import JOINT_NAMES
from neural_core.errors import WeightsError
from neural_core.networks.segmenter import (
    SEGMENTER_CONFIGS,
    PerceptualDistance,
    SegmenterConfig,
    SegmenterNetwork,
    load_segmenter,
    save_segmenter,
)
from neural_core.texture.atlas import Atlas
from neural_core.training.data import PairConfig, Pairs, PeoplePool, lookup_batch, rasterise, texel_maps
from neural_core.training.request import TrainingRequest
from neural_core.training.stage import Averages, LoopConfig, Loss, Stage, Turn, adam, place

WEIGHTS = "perceptual.safetensors"
# Parts by what the names of their joints begin or end with; fingers are the rest.
PARTS = {
    "trunk": ("pelvis", "spine", "neck", "collar"),
    "head": ("head", "jaw", "eye_smplhf"),
    "upper arm": ("shoulder",),
    "forearm": ("elbow",),
    "thigh": ("hip",),
    "shin": ("knee",),
    "foot": ("ankle", "foot"),
    "hand": ("",),
}
_PART_RESOLUTION = 256


@dataclass(frozen=True)
class PerceptualTraining(LoopConfig):
    """How to train the segmenter; `uv` weighs the L1 of texture coordinates against the cross entropy of parts."""

    batch: int = 8
    steps: int = 1500
    learning_rate: float = 2e-3
    uv: float = 10.0
    pairs: PairConfig = field(
        default_factory=lambda: PairConfig(from_other_views=0.0, from_mirror=0.0, colour_jitter=1.0)
    )


CONFIGS: dict[str, LoopConfig] = {
    "tiny": PerceptualTraining(batch=2),
    "small": PerceptualTraining(),
    "base": PerceptualTraining(batch=64, steps=10000),
}


class PerceptualStage(Stage):
    """One network; cross entropy of parts and L1 of uv at half the picture's size."""

    name = "perceptual"
    averaged = ("network",)

    def __init__(self, architecture: SegmenterConfig, pool: PeoplePool, config: PerceptualTraining, device: Any):
        torch.manual_seed(config.seed)
        texel_maps(pool)  # refuses people of another atlas
        self.config, self.pool, self.architecture = config, pool, architecture.to_json()
        self.parts = part_texture(load_open_body(), _PART_RESOLUTION).to(device)
        self.network = place(SegmenterNetwork(architecture), device)
        self.modules = {"network": self.network}
        self.optimisers = {"network": adam(self.network.parameters(), config)}
        self._forward = torch.compile(self.network) if config.compile else self.network

    def losses(self, turn: Turn) -> Iterator[Loss]:
        pairs = self.pool.sample(turn.batch, self.config.pairs, turn.generator).to(turn.device)
        ground = torch.rand(turn.batch, 3, 1, 1, generator=turn.generator).to(turn.device)
        picture, part, uv = segmentation_batch(pairs, ground, self.parts)
        with turn.autocast():
            out = self._forward(picture.contiguous(memory_format=torch.channels_last))
        on_body = (part >= 2).float()[:, None]
        parts = {
            "parts": F.cross_entropy(out.parts.float(), part),
            "uv": ((out.uv.float() - uv).abs() * on_body).sum() / (2 * on_body.sum()).clamp(min=1),
            "right": (out.parts.argmax(1) == part)[part > 0].float().mean().nan_to_num(),
        }
        yield Loss("network", parts["parts"] + self.config.uv * parts["uv"], parts)

    def export(self, out: Path, averages: Averages, provenance: dict[str, Any]) -> Path:
        save_segmenter(out / WEIGHTS, self.network.config, averages["network"], provenance)
        return out / WEIGHTS


def segmentation_batch(pairs: Pairs, ground: Tensor, parts: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Pictures (B, 3, H, W) over an even ground (B, 3, 1, 1), and at half their size parts (B, H/2, W/2) long, 0 the
    ground, 1 what stands off the body, 2... of PARTS, and uv (B, 2, H/2, W/2); `parts` (R, R) is a `part_texture`.
    """
    batch = rasterise(pairs, torch.zeros(len(pairs.mask), 3, 1, 1, device=pairs.mask.device))
    picture = batch.rgb * batch.mask + ground * (1 - batch.mask)
    mask, body, uv = (x[..., ::2, ::2] for x in (batch.mask, batch.uv_mask, batch.uv))
    texture = parts.float().expand(len(mask), 1, -1, -1)
    # Nearest texel: half-way between two parts lies no part.
    size = parts.shape[-1]
    snapped = (uv.permute(0, 2, 3, 1) * size).floor().clamp(0, size - 1).add(0.5) / size
    part = lookup_batch(texture, snapped)[:, 0].round().long() + 2
    part = torch.where(body[:, 0] > 0.5, part, 1)
    return picture, torch.where(mask[:, 0] > 0.5, part, 0), uv


def part_texture(body: BodyModel, resolution: int) -> Tensor:
    """Index in PARTS of every texel, (R, R) long, dilated."""
    of_joint = [next(i for i, ends in enumerate(PARTS.values()) if _is_one(name, ends)) for name in JOINT_NAMES]
    of_vertex = torch.tensor(of_joint, device=body.device)[body.weights.argmax(1)]
    atlas = Atlas.of(body, resolution)
    triangle = atlas.triangle.reshape(-1)[atlas.nearest.reshape(-1)]
    return of_vertex[body.faces[triangle, 0]].view(resolution, resolution)


def _is_one(joint: str, ends: tuple[str, ...]) -> bool:
    return any(joint.rstrip("0123456789").endswith(end) for end in ends)


def build(request: TrainingRequest) -> PerceptualStage:
    """The stage of `likeness train perceptual`."""
    if request.fine_tune:
        raise WeightsError("The perceptual network is small: train it anew instead of fine-tuning it.")
    config = request.settings(CONFIGS, PerceptualTraining)
    return PerceptualStage(SEGMENTER_CONFIGS[request.config], PeoplePool(request.data), config, request.device)


def perceptual_distance(
    path: Path | str | None = None, device: torch.device | str = "cpu"
) -> Callable[[Tensor, Tensor], Tensor]:
    """LPIPS where its weights are on this machine, otherwise our own; a distance of pictures (B, 3, H, W) in [0, 1].

    Args:
        path: weights of `likeness train perceptual`, which then are used in any case.

    Raises:
        WeightsError: neither is there.
    """
    if path is None:
        try:
            return load_lpips(device)
        except WeightsError:
            pass  # an extra that few have; the next line raises where there is nothing at all
    return PerceptualDistance(load_segmenter(path, device))


def load_lpips(device: torch.device | str = "cpu") -> Callable[[Tensor, Tensor], Tensor]:
    """A differentiable distance of pictures (B, 3, H, W) in [0, 1]; mean over the batch.

    Raises:
        WeightsError: the package, a matching torchvision or the pretrained backbone is not on this machine.
    """
    try:
        import lpips  # brings torchvision, which must match the torch build

        # Without the backbone the constructor would download it; nobody asked for that.
        if not (Path(torch.hub.get_dir()) / "checkpoints" / "vgg16-397923af.pth").is_file():
            raise FileNotFoundError("not there")
        network = lpips.LPIPS(net="vgg", verbose=False).to(device).eval().requires_grad_(False)
    except ImportError as error:
        raise WeightsError(f"Install likeness[lpips] with a matching torchvision to use LPIPS ({error}).") from error
    except (OSError, RuntimeError) as error:
        raise WeightsError(
            f"LPIPS cannot load its VGG weights ({error}): put vgg16-397923af.pth into "
            f"'{torch.hub.get_dir()}/checkpoints' or leave the lpips weight at 0."
        ) from error
    return lambda a, b: network(a, b, normalize=True).mean()
