"""A training run on disk: a folder of safetensors files of at most 16 MB and an index, so that it travels.

Resuming is exact and nothing in the folder can execute. A save writes new files under new names, then replaces the
index, then removes the old files: whatever fails before the index is replaced leaves the last checkpoint whole.
"""

import json
import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from neural_core.errors import WeightsError
from neural_core.output import write_aside

FORMAT = "likeness-checkpoint"
FORMAT_VERSION = 2
INDEX = "index.json"
MAX_FILE = 15 * 2**20  # bytes of tensors in one file; with its header it stays below 16 MB
_FILE_NAME = re.compile(r"\d{6}-\d{4}\.safetensors")
_MAX_INDEX = 64 * 2**20


@dataclass(frozen=True)
class Checkpoint:
    """What a run needs to go on.

    Attributes:
        stage: name of the training stage. architecture: JSON of every network's config. step: optimiser steps done.
        history: anything JSON that the run kept (seconds, machine, data). tensors: everything else, on the CPU.
    """

    stage: str
    architecture: dict[str, Any]
    step: int
    history: dict[str, Any]
    tensors: dict[str, Tensor]


def save_checkpoint(folder: Path | str, checkpoint: Checkpoint, max_file: int = MAX_FILE) -> None:
    """Write a checkpoint; raises OutputError and leaves the previous one when the disk is full."""
    folder = Path(folder)
    generation = 1 + max((int(path.name[:6]) for path in _shards(folder)), default=0)
    files = _distribute(checkpoint.tensors, max_file)
    names = [f"{generation % 10**6:06d}-{number:04d}.safetensors" for number in range(len(files))]
    pieces: dict[str, list[str]] = {name: [] for name in checkpoint.tensors}
    try:
        for name, content in zip(names, files):
            for key in content:
                pieces[key.rpartition("#")[0]].append(f"{name}:{key}")
            write_aside(folder / name, lambda aside, content=content: save_file(content, aside))
        index = {
            "format": FORMAT,
            "format_version": FORMAT_VERSION,
            "stage": checkpoint.stage,
            "architecture": checkpoint.architecture,
            "step": checkpoint.step,
            "history": checkpoint.history,
            "tensors": {
                name: {"shape": list(tensor.shape), "pieces": pieces[name]}
                for name, tensor in checkpoint.tensors.items()
            },
        }
        write_aside(folder / INDEX, lambda aside: aside.write_text(json.dumps(index)))
    except BaseException:
        for name in names:
            (folder / name).unlink(missing_ok=True)
        raise
    for path in _shards(folder):
        if path.name not in names:
            path.unlink(missing_ok=True)


def load_checkpoint(folder: Path | str, stage: str, architecture: dict[str, Any]) -> Checkpoint:
    """Read the checkpoint of a run of `stage` on networks of `architecture`.

    Raises:
        WeightsError: missing, damaged, or of another stage, version or architecture.
    """
    folder = Path(folder)
    index = _read_index(folder)
    if index.get("format") != FORMAT:
        raise WeightsError(f"'{folder}' holds no training checkpoint: name the right folder.")
    if index.get("format_version") != FORMAT_VERSION:
        raise WeightsError(
            f"The checkpoint in '{folder}' has version {index.get('format_version')}, this program reads "
            f"{FORMAT_VERSION}: start a new folder, with --fine-tune and the weights that were trained."
        )
    if index.get("stage") != stage:
        raise WeightsError(f"The checkpoint in '{folder}' is of the stage {index.get('stage')!r}, not {stage!r}.")
    if index.get("architecture") != json.loads(json.dumps(architecture)):
        raise WeightsError(f"'{folder}' trains another architecture: resume with its config or start a new folder.")
    try:
        tensors = _read_tensors(folder, index["tensors"])
        return Checkpoint(stage, architecture, int(index["step"]), dict(index["history"]), tensors)
    except (KeyError, ValueError, TypeError, AttributeError, RuntimeError, SafetensorError, OSError) as error:
        raise WeightsError(f"The checkpoint in '{folder}' is damaged ({error}): start a new folder.") from error


def _shards(folder: Path) -> list[Path]:
    return [path for path in folder.glob("*.safetensors") if _FILE_NAME.fullmatch(path.name)]


def _distribute(tensors: dict[str, Tensor], max_file: int) -> list[dict[str, Tensor]]:
    """Flat pieces named `<tensor>#<number>`, file by file in the order of the tensors, none above `max_file`."""
    files: list[dict[str, Tensor]] = []
    room = 0
    for name, tensor in tensors.items():
        flat = tensor.detach().cpu().contiguous().flatten()
        per_piece = max(1, max_file // flat.element_size())
        for number, piece in enumerate(flat.split(per_piece) if len(flat) else [flat]):
            size = piece.numel() * piece.element_size()
            if not files or size > room:
                files.append({})
                room = max_file
            files[-1][f"{name}#{number}"] = piece.clone()  # a piece must not keep the whole tensor's storage
            room -= size
    return files


def _read_index(folder: Path) -> dict[str, Any]:
    path = folder / INDEX
    if not path.is_file():
        raise WeightsError(f"There is no checkpoint in '{folder}': start without --resume or name the right folder.")
    try:
        if path.stat().st_size > _MAX_INDEX:
            raise ValueError("absurdly long")
        index = json.loads(path.read_text())
        if not isinstance(index, dict):
            raise ValueError("not an object")
        return index
    except (OSError, ValueError) as error:
        raise WeightsError(f"The index of the checkpoint in '{folder}' is damaged ({error}).") from error


def _read_tensors(folder: Path, described: dict[str, Any]) -> dict[str, Tensor]:
    """Put pieces together; ValueError where the files do not hold what the index says."""
    files: dict[str, Any] = {}
    tensors = {}
    for name, entry in described.items():
        parts = []
        for piece in entry["pieces"]:
            file_name, _, key = piece.partition(":")
            if not _FILE_NAME.fullmatch(file_name):
                raise ValueError(f"no file name: {file_name!r}")
            if file_name not in files:
                files[file_name] = safe_open(folder / file_name, "pt")
            parts.append(files[file_name].get_tensor(key))
        flat = torch.cat(parts)
        if flat.ndim != 1 or flat.numel() != math.prod(entry["shape"]):
            raise ValueError(f"{name} does not have its shape")
        tensors[name] = flat.view(entry["shape"])
    return tensors
