"""Trained renderers on disk (networks.files says how)."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from neural_core.errors import WeightsError
from neural_core.networks import RendererConfig, RendererNetwork
from neural_core.networks.files import load_tensors, read_config, read_provenance, read_weights, save_weights, shipped

FORMAT = "likeness-renderer"
FORMAT_VERSION = 1
DEFAULT_RENDERER = shipped("renderer")


def save_renderer(
    path: Path | str,
    config: RendererConfig,
    tensors: dict[str, Tensor],
    provenance: dict[str, Any],
    dtype: torch.dtype = torch.float16,
) -> None:
    """Write weights in half precision with their config and where they come from; raises OutputError."""
    save_weights(path, FORMAT, FORMAT_VERSION, config.to_json(), tensors, provenance, dtype)


def load_renderer(path: Path | str | None = None, device: torch.device | str = "cpu") -> RendererNetwork:
    """A trained renderer in float32, ready for inference; by default the one that ships.

    Raises:
        WeightsError: the file is missing, corrupt, foreign, or of another version or architecture.
    """
    path = Path(path or DEFAULT_RENDERER)
    metadata, tensors = read_weights(path, FORMAT, FORMAT_VERSION)
    try:
        config = RendererConfig.from_json(read_config(path, metadata, "renderer"))
    except (ValueError, TypeError) as error:
        raise WeightsError(f"The config in '{path}' makes no renderer ({error}): train or download it anew.") from error
    network = RendererNetwork(config)
    load_tensors(network, tensors, path)
    return network.eval().requires_grad_(False).to(device)


def renderer_provenance(path: Path | str | None = None) -> dict[str, Any]:
    """What the metadata says about where the weights come from: data, steps, device, metrics; raises WeightsError."""
    return read_provenance(Path(path or DEFAULT_RENDERER), FORMAT, FORMAT_VERSION)


def renderer_history(path: Path | str) -> list[dict[str, Any]]:
    """Provenance of all runs that made these weights, the oldest first; raises WeightsError."""
    last = renderer_provenance(path)
    return [*last.pop("trained_before", []), last]
