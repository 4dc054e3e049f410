"""A training run on disk: safetensors and JSON, so resuming is exact and a checkpoint cannot execute anything."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor

from neural_core.errors import WeightsError
from neural_core.output import write_aside
from neural_core.rendering.weights import load_tensors, read_weights

FORMAT = "likeness-training"
FORMAT_VERSION = 1


@dataclass(frozen=True)
class Resumed:
    """What is not a tensor of the network or optimiser.

    Attributes:
        step: optimiser steps done. history: anything JSON that the stage kept (seconds, machine, data).
    """

    step: int
    history: dict[str, Any]


def save_checkpoint(
    path: Path | str,
    network: torch.nn.Module,
    ema: dict[str, Tensor],
    optimiser: torch.optim.Optimizer,
    generator: torch.Generator,
    step: int,
    config: dict[str, Any],
    history: dict[str, Any],
) -> None:
    """Write everything a bit-exact resume needs, aside first; raises OutputError."""
    tensors = {f"model.{name}": tensor for name, tensor in network.state_dict().items()}
    tensors |= {f"ema.{name}": tensor for name, tensor in ema.items()}
    for name, parameter in network.named_parameters():
        for key, value in optimiser.state.get(parameter, {}).items():
            tensors[f"optimiser.{key}.{name}"] = value
    tensors["generator"] = generator.get_state()
    tensors = {name: tensor.detach().cpu().clone().contiguous() for name, tensor in tensors.items()}
    metadata = {
        "format": FORMAT,
        "format_version": str(FORMAT_VERSION),
        "config": json.dumps(config, sort_keys=True),
        "step": str(step),
        "history": json.dumps(history),
    }
    write_aside(Path(path), lambda aside: save_file(tensors, aside, metadata=metadata))


def load_checkpoint(
    path: Path | str,
    network: torch.nn.Module,
    ema: dict[str, Tensor],
    optimiser: torch.optim.Optimizer,
    generator: torch.Generator,
    config: dict[str, Any],
) -> Resumed:
    """Fill network, EMA, optimiser and generator in place.

    Raises:
        WeightsError: missing, damaged, another version, or of a network with another config.
    """
    path = Path(path)
    metadata, tensors = read_weights(path, FORMAT, FORMAT_VERSION)
    if metadata.get("config") != json.dumps(config, sort_keys=True):
        raise WeightsError(f"'{path}' trains another architecture: resume with its config or start a new folder.")
    try:
        resumed = Resumed(int(metadata["step"]), dict(json.loads(metadata["history"])))
        generator.set_state(tensors.pop("generator"))
        averaged = {name: tensors.pop(f"ema.{name}") for name in ema}
        model = {name: tensors.pop(f"model.{name}") for name in network.state_dict()}
        state = _optimiser_state(network, tensors)
    except (KeyError, ValueError, TypeError, RuntimeError) as error:
        raise WeightsError(f"The checkpoint '{path}' is incomplete ({error}): start a new folder.") from error
    load_tensors(network, model, path)
    for name, tensor in averaged.items():
        ema[name].copy_(tensor)
    for parameter, values in state.items():
        optimiser.state[parameter] = values
    return resumed


def _optimiser_state(network: torch.nn.Module, tensors: dict[str, Tensor]) -> dict[torch.nn.Parameter, dict]:
    """`optimiser.<key>.<parameter>` back to state by parameter, on the parameter's device except step counters."""
    parameters = dict(network.named_parameters())
    state: dict[torch.nn.Parameter, dict] = {}
    for name, tensor in tensors.items():
        kind, key, parameter_name = name.split(".", 2)
        parameter = parameters[parameter_name]
        if kind != "optimiser" or (tensor.ndim and tensor.shape != parameter.shape):
            raise ValueError(f"unexpected {name}")
        value = torch.empty_like(parameter).copy_(tensor) if tensor.ndim else tensor.clone()
        state.setdefault(parameter, {})[key] = value
    return state
