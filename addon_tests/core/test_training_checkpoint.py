"""Checkpoints: small files that travel, exact, never half-written, never trusted."""

import errno
import json
from dataclasses import replace

import pytest
import torch
from safetensors.torch import save_file

from neural_core.errors import OutputError, WeightsError
from neural_core.training import checkpoint as module
from neural_core.training.checkpoint import INDEX, Checkpoint, load_checkpoint, save_checkpoint

ARCHITECTURE = {"widths": [1, 2], "name": "x"}


def example(seed=0, step=3):
    g = torch.Generator().manual_seed(seed)
    tensors = {
        "large": torch.randn(40, 50, generator=g),
        "half": torch.randn(7, generator=g).half(),
        "step": torch.tensor(5.0),
        "empty": torch.zeros(0, 3),
        "state": torch.get_rng_state(),
        "turned": torch.randn(4, 6, generator=g).t(),
    }
    return Checkpoint("stage", ARCHITECTURE, step, {"seconds": 1.5}, tensors)


def load(folder):
    return load_checkpoint(folder, "stage", ARCHITECTURE)


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_round_trip_in_small_files(tmp_path):
    saved = example()
    save_checkpoint(tmp_path, saved, max_file=3000)
    files = list(tmp_path.glob("*.safetensors"))
    assert len(files) > 4 and all(path.stat().st_size < 3000 + 1000 for path in files)
    loaded = load(tmp_path)
    assert (loaded.step, loaded.history) == (3, {"seconds": 1.5})
    assert list(loaded.tensors) == list(saved.tensors)
    for name, tensor in saved.tensors.items():
        assert loaded.tensors[name].dtype == tensor.dtype and torch.equal(loaded.tensors[name], tensor), name


def test_files_of_a_default_save_travel():
    files = module._distribute({"weights": torch.zeros(9_000_000)}, module.MAX_FILE)
    sizes = [sum(4 * piece.numel() for piece in file.values()) for file in files]
    assert sum(sizes) == 36_000_000 and max(sizes) < 16_000_000


def test_the_next_save_replaces_the_last(tmp_path):
    save_checkpoint(tmp_path, example(), max_file=3000)
    save_checkpoint(tmp_path, example(seed=1, step=4))
    assert len(contents(tmp_path)) == 2  # one file of tensors and the index
    assert load(tmp_path).step == 4 and torch.equal(load(tmp_path).tensors["large"], example(1).tensors["large"])


@pytest.mark.parametrize("failing", [1, 2, 3])
def test_a_full_disk_loses_nothing(tmp_path, monkeypatch, failing):
    save_checkpoint(tmp_path, example(), max_file=3000)
    before, written = contents(tmp_path), iter(range(1, 99))

    def write_to_a_full_disk(tensors, path):
        if next(written) == failing:
            path.write_bytes(b"half")
            raise OSError(errno.ENOSPC, "No space left on device")
        save_file(tensors, path)

    monkeypatch.setattr(module, "save_file", write_to_a_full_disk)
    with pytest.raises(OutputError, match="No space left"):
        save_checkpoint(tmp_path, example(1, 4), max_file=3000)
    assert contents(tmp_path) == before and load(tmp_path).step == 3


def test_files_of_a_killed_save_do_no_harm(tmp_path):
    save_checkpoint(tmp_path, example())
    (tmp_path / "000009-0000.safetensors").write_bytes(b"half")
    assert load(tmp_path).step == 3
    save_checkpoint(tmp_path, example(1, 4))
    assert load(tmp_path).step == 4 and not (tmp_path / "000009-0000.safetensors").exists()


def edit(folder, change):
    index = json.loads((folder / INDEX).read_text())
    change(index)
    (folder / INDEX).write_text(json.dumps(index))


@pytest.mark.parametrize(
    "change, sentence",
    [
        (lambda index: index.update(format="other"), "no training checkpoint"),
        (lambda index: index.update(format_version=99), "version 99"),
        (lambda index: index.update(stage="codec"), "stage 'codec'"),
        (lambda index: index.update(architecture={}), "another architecture"),
        (lambda index: index.update(tensors={"a": {"shape": [1], "pieces": ["../../x:a#0"]}}), "damaged"),
        (lambda index: index["tensors"]["large"].update(shape=[40, 51]), "damaged"),
        (lambda index: index["tensors"]["large"].update(pieces=[]), "damaged"),
        (lambda index: index.update(tensors=[1]), "damaged"),
        (lambda index: index.pop("step"), "damaged"),
    ],
)
def test_foreign_and_hostile_folders(tmp_path, change, sentence):
    save_checkpoint(tmp_path, example())
    edit(tmp_path, change)
    with pytest.raises(WeightsError, match=sentence):
        load(tmp_path)


def test_truncated_files(tmp_path):
    with pytest.raises(WeightsError, match="no checkpoint"):
        load(tmp_path)
    save_checkpoint(tmp_path, replace(example(), tensors={"a": torch.ones(100)}))
    shard = next(tmp_path.glob("*.safetensors"))
    shard.write_bytes(shard.read_bytes()[:-40])
    with pytest.raises(WeightsError, match="damaged"):
        load(tmp_path)
    (tmp_path / INDEX).write_text("[1")
    with pytest.raises(WeightsError, match="damaged"):
        load(tmp_path)
