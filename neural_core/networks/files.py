"""Trained networks on disk: safetensors that describe themselves and cannot execute (the habit of k-diffusion).

One file per network: tensors in half precision; metadata: format, version, config and provenance as JSON.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from neural_core.errors import WeightsError
from neural_core.output import write_aside

WEIGHTS_FOLDER = Path(__file__).parents[1] / "weights"
_MAX_METADATA_CHARACTERS = 2**20
Network = TypeVar("Network", bound=nn.Module)


def shipped(name: str) -> Path:
    """Where the weights called `name` are when they ship: neural_core/weights/<name>.safetensors."""
    return WEIGHTS_FOLDER / f"{name}.safetensors"


def save_weights(
    path: Path | str,
    expected: str,
    version: int,
    config: dict[str, Any],
    tensors: dict[str, Tensor],
    provenance: dict[str, Any],
    dtype: torch.dtype = torch.float16,
) -> None:
    """Write weights of the format `expected` in half precision, integers as they are; raises OutputError."""
    metadata = {
        "format": expected,
        "format_version": str(version),
        "config": json.dumps(config),
        "provenance": json.dumps(provenance),
    }
    halves = {
        name: tensor.detach().to("cpu", dtype if tensor.is_floating_point() else tensor.dtype).contiguous()
        for name, tensor in tensors.items()
    }
    write_aside(Path(path), lambda aside: save_file(halves, aside, metadata=metadata))


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


def read_provenance(path: Path, expected: str, version: int) -> dict[str, Any]:
    """What the metadata says about where the weights come from; raises WeightsError."""
    metadata, _ = read_weights(path, expected, version, names=())
    try:
        return dict(json.loads(metadata["provenance"]))
    except (KeyError, ValueError, TypeError) as error:
        raise WeightsError(f"'{path}' does not say where it comes from: train or download it anew.") from error


def read_config(path: Path, metadata: dict[str, str], what: str) -> dict[str, Any]:
    """The config in the metadata of a weights file, as JSON; raises WeightsError."""
    try:
        return dict(json.loads(metadata["config"]))
    except (KeyError, ValueError, TypeError) as error:
        raise WeightsError(f"The config in '{path}' makes no {what} ({error}): train or download it anew.") from error


def load_network(
    path: Path, expected: str, version: int, what: str, build: Callable[[dict[str, Any]], Network]
) -> Network:
    """A trained network, frozen: `build` makes it from its config (ValueError or TypeError where that makes none).

    Raises:
        WeightsError: as read_weights, or config and tensors do not belong to `what`.
    """
    metadata, tensors = read_weights(path, expected, version)
    try:
        network = build(read_config(path, metadata, what))
    except (ValueError, TypeError) as error:
        raise WeightsError(f"The config in '{path}' makes no {what} ({error}): train it anew.") from error
    load_tensors(network, tensors, path)
    return network.eval().requires_grad_(False)


def load_tensors(network: nn.Module, tensors: dict[str, Tensor], path: Path) -> None:
    """Fill `network`; every name and shape must match and every number be finite, or WeightsError."""
    own = network.state_dict()
    if set(own) != set(tensors) or any(own[name].shape != tensors[name].shape for name in own):
        raise WeightsError(f"The tensors in '{path}' belong to another architecture: train again or name another file.")
    if any(tensors[name].is_floating_point() != own[name].is_floating_point() for name in own):
        raise WeightsError(f"The tensors in '{path}' are of another kind than the network's: replace the file.")
    if not all(bool(torch.isfinite(tensor).all()) for tensor in tensors.values()):
        raise WeightsError(f"The weights in '{path}' hold values that are not numbers: replace the file.")
    network.load_state_dict({name: tensor.to(own[name].dtype) for name, tensor in tensors.items()})
