"""Trained renderers on disk: safetensors that describe themselves and cannot execute (the habit of k-diffusion)."""

import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from neural_core.errors import WeightsError
from neural_core.networks import RendererConfig, RendererNetwork
from neural_core.output import write_aside

FORMAT = "likeness-renderer"
FORMAT_VERSION = 1
DEFAULT_RENDERER = Path(__file__).parents[1] / "weights" / "renderer.safetensors"
_MAX_METADATA_CHARACTERS = 2**20


def save_renderer(
    path: Path | str,
    config: RendererConfig,
    tensors: dict[str, Tensor],
    provenance: dict[str, Any],
    dtype: torch.dtype = torch.float16,
) -> None:
    """Write weights in half precision with their config and where they come from; raises OutputError."""
    metadata = {
        "format": FORMAT,
        "format_version": str(FORMAT_VERSION),
        "config": json.dumps(config.to_json()),
        "provenance": json.dumps(provenance),
    }
    halves = {name: tensor.detach().to("cpu", dtype).contiguous() for name, tensor in tensors.items()}
    write_aside(Path(path), lambda aside: save_file(halves, aside, metadata=metadata))


def load_renderer(path: Path | str | None = None, device: torch.device | str = "cpu") -> RendererNetwork:
    """A trained renderer in float32, ready for inference; by default the one that ships.

    Raises:
        WeightsError: the file is missing, corrupt, foreign, or of another version or architecture.
    """
    path = Path(path or DEFAULT_RENDERER)
    metadata, tensors = read_weights(path, FORMAT, FORMAT_VERSION)
    try:
        config = RendererConfig.from_json(json.loads(metadata["config"]))
    except (KeyError, ValueError, TypeError) as error:
        raise WeightsError(f"The config in '{path}' makes no renderer ({error}): train or download it anew.") from error
    network = RendererNetwork(config)
    load_tensors(network, tensors, path)
    return network.eval().requires_grad_(False).to(device)


def renderer_provenance(path: Path | str | None = None) -> dict[str, Any]:
    """What the metadata says about where the weights come from: data, steps, device, metrics; raises WeightsError."""
    path = Path(path or DEFAULT_RENDERER)
    metadata, _ = read_weights(path, FORMAT, FORMAT_VERSION, names=())
    try:
        return dict(json.loads(metadata["provenance"]))
    except (KeyError, ValueError, TypeError) as error:
        raise WeightsError(f"'{path}' does not say where it comes from: train or download it anew.") from error


def read_weights(
    path: Path, expected: str, version: int, names: tuple[str, ...] | None = None
) -> tuple[dict[str, str], dict[str, Tensor]]:
    """Metadata and tensors of one of our safetensors files; `names` None reads every tensor.

    Raises:
        WeightsError: missing, unreadable, not of the format `expected`, or of another version.
    """
    if not path.is_file():
        raise WeightsError(f"There are no weights at '{path}': reinstall Likeness or name the right file.")
    try:
        with safe_open(path, "pt") as file:
            metadata = file.metadata() or {}
            if metadata.get("format") != expected:
                raise WeightsError(f"'{path}' is not a {expected} file: name the right file.")
            if metadata.get("format_version") != str(version):
                raise WeightsError(
                    f"'{path}' is {expected} version {metadata.get('format_version')}, this program reads {version}: "
                    "update Likeness or train again."
                )
            if any(len(text) > _MAX_METADATA_CHARACTERS for text in metadata.values()):
                raise WeightsError(f"The description in '{path}' is absurdly long: name the right file.")
            return metadata, {name: file.get_tensor(name) for name in (file.keys() if names is None else names)}
    except (SafetensorError, OSError) as error:
        raise WeightsError(f"'{path}' is damaged or no safetensors file ({error}): replace it.") from error


def load_tensors(network: torch.nn.Module, tensors: dict[str, Tensor], path: Path) -> None:
    """Fill `network`; every name and shape must match and every number be finite, or WeightsError."""
    own = network.state_dict()
    if set(own) != set(tensors) or any(own[name].shape != tensors[name].shape for name in own):
        raise WeightsError(f"The tensors in '{path}' belong to another architecture: train again or name another file.")
    if not all(tensor.is_floating_point() and bool(torch.isfinite(tensor).all()) for tensor in tensors.values()):
        raise WeightsError(f"The weights in '{path}' hold values that are not numbers: replace the file.")
    network.load_state_dict({name: tensor.float() for name, tensor in tensors.items()})
