"""Paint in the texture that the renderer reads, and in the avatar's file."""

import shutil

import numpy as np
import pytest
import torch

from neural_core.avatar import Avatar
from neural_core.backend.cache import Cache
from neural_core.backend.operations import operations
from neural_core.backend.painting import painted_picture, repaint
from neural_core.backend.requests import RequestError
from neural_core.progress import Progress
from neural_core.wire import Message

PATCH = (slice(400, 480), slice(600, 640))
BLUE = (0, 20, 250)


def _bytes(texture) -> np.ndarray:
    """(D, D, 3) uint8 as Blender has it."""
    return (texture.detail.permute(1, 2, 0).numpy() * 255).round().astype(np.uint8)


@pytest.fixture
def path(small_avatar, tmp_path):
    return shutil.copy(small_avatar, tmp_path / "painted.likeness")


@pytest.fixture
def painted(path) -> np.ndarray:
    pixels = _bytes(Avatar.load(path).texture)
    pixels[PATCH] = BLUE
    return pixels


def test_only_what_was_painted_changes_and_counts_as_seen(path, painted):
    before = Avatar.load(path).texture
    after = repaint(before, torch.from_numpy(painted).permute(2, 0, 1).float() / 255)
    mask = torch.zeros(1024, 1024, dtype=torch.bool)
    mask[PATCH] = True
    assert torch.allclose(after.detail[:, mask].mean(1) * 255, torch.tensor(BLUE, dtype=torch.float32), atol=0.01)
    assert torch.equal(after.detail[:, ~mask], before.detail[:, ~mask])
    coarse = (slice(100, 120), slice(150, 160))  # the patch at 256 x 256
    rgb = after.data[after.layout.rgb]
    assert torch.allclose(rgb[(slice(None), *coarse)].mean((1, 2)), torch.tensor(BLUE) / 255, atol=0.1)
    assert (after.channel("sampled")[0][coarse] == 1).all()
    untouched = torch.ones(256, 256, dtype=torch.bool)
    untouched[coarse] = False
    assert torch.equal(after.data[:, untouched], before.data[:, untouched])


def test_a_picture_that_nobody_painted_is_the_texture_itself(path):
    texture = Avatar.load(path).texture
    assert repaint(texture, torch.from_numpy(_bytes(texture)).permute(2, 0, 1).float() / 255) is texture


def test_a_picture_of_another_size_is_taken(path, painted):
    double = torch.from_numpy(painted.repeat(2, 0).repeat(2, 1)).permute(2, 0, 1).float() / 255
    after = repaint(Avatar.load(path).texture, double)
    assert torch.allclose(after.detail[:, 420:460, 610:630].mean((1, 2)) * 255, torch.tensor(BLUE).float(), atol=1)


def test_the_cache_paints_once_per_state(path, painted):
    cache, calls = Cache(torch.device("cpu")), []

    def picture():
        calls.append(1)
        return torch.from_numpy(painted).permute(2, 0, 1).float() / 255

    first = cache.painted(str(path), "a", picture)
    assert cache.painted(str(path), "a", picture) is first and len(calls) == 1
    cache.painted(str(path), "b", picture)
    assert len(calls) == 2


def test_saved_paint_is_in_the_file(path, painted):
    ask = operations(torch.device("cpu"))["save_texture"]
    ask(Message("request", 1, "save_texture", {"path": str(path)}, {"texture": painted}), Progress())
    assert np.array_equal(_bytes(Avatar.load(path).texture), painted)


@pytest.mark.parametrize(
    "pixels",
    [None, np.zeros((64, 32, 3), np.uint8), np.zeros((64, 64, 4), np.uint8), np.zeros((64, 64, 3), np.float32),
     np.zeros((4, 4, 3), np.uint8)],
)  # fmt: skip
def test_a_picture_that_does_not_fit_is_a_sentence(pixels):
    arrays = {} if pixels is None else {"texture": pixels}
    with pytest.raises(RequestError, match="square"):
        painted_picture(Message("request", 1, "save_texture", {}, arrays), "texture")
