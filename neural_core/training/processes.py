"""Several processes on one training run, as `torchrun` starts them: own people for each, averaged gradients."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, distributed, nn


def rank() -> int:
    return distributed.get_rank() if _running() else 0


def world_size() -> int:
    return distributed.get_world_size() if _running() else 1


def _running() -> bool:
    return distributed.is_available() and distributed.is_initialized()


@contextmanager
def joined_processes(device: torch.device) -> Iterator[torch.device]:
    """Join the other processes where torchrun started several; the device of this one."""
    if int(os.environ.get("WORLD_SIZE", "1")) < 2:
        yield device
        return
    if device.type == "cuda":
        device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
        torch.cuda.set_device(device)
    distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield device
    finally:
        distributed.destroy_process_group()


@torch.no_grad()
def average_gradients(parameters: list[nn.Parameter]) -> None:
    """Replace every gradient by its mean over the processes, in one message."""
    if world_size() == 1:
        return
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    flat = torch.cat([gradient.flatten() for gradient in gradients])
    distributed.all_reduce(flat)
    flat /= world_size()
    for gradient, mean in zip(gradients, flat.split([gradient.numel() for gradient in gradients])):
        gradient.copy_(mean.view(gradient.shape))


def agree(flags: list[bool], device: torch.device) -> list[bool]:
    """Each flag is true where any process says so."""
    tensor = torch.tensor(flags, dtype=torch.int32, device=device)
    distributed.all_reduce(tensor, distributed.ReduceOp.MAX)
    return [bool(flag) for flag in tensor.tolist()]


def wait_for_all() -> None:
    """Return once every process is here."""
    if world_size() > 1:
        distributed.barrier()


def gather_bytes(tensors: dict[str, Tensor], device: torch.device) -> dict[str, Tensor]:
    """uint8 tensors of every process as `<name>.<rank>`, on the CPU."""
    if world_size() == 1:
        return {f"{name}.0": tensor for name, tensor in tensors.items()}
    gathered = {}
    for name, tensor in tensors.items():
        columns = [torch.empty_like(tensor, device=device) for _ in range(world_size())]
        distributed.all_gather(columns, tensor.to(device))
        gathered |= {f"{name}.{process}": column.cpu() for process, column in enumerate(columns)}
    return gathered
