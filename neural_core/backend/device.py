"""Where the networks run."""

from typing import Any

import torch

from neural_core import __version__
from neural_core.errors import DeviceError


def choose_device(name: str) -> torch.device:
    """The device called `name`; "auto" takes CUDA where there is one, otherwise the CPU.

    Apple's MPS is not offered: the rasterizer computes in float64, which it lacks.

    Raises:
        DeviceError: this machine has no such device.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if name != "cpu" and not (name == "cuda" and torch.cuda.is_available()):
        raise DeviceError(f"This machine has no device '{name}': choose 'auto' in the preferences of the add-on.")
    return torch.device(name)


def describe_device(device: torch.device) -> dict[str, Any]:
    """What hello says: version, device, its name, and its free memory in bytes (None where torch cannot tell)."""
    free = torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else None
    label = torch.cuda.get_device_name(device) if device.type == "cuda" else f"{torch.get_num_threads()} threads"
    return {
        "version": __version__,
        "torch": torch.__version__,
        "device": str(device),
        "device_name": label,
        "free_memory": free,
    }
