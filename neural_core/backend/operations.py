"""What the backend can be asked to do. Each operation loads its libraries when it is first called."""

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING

from neural_core.backend.cache import Cache
from neural_core.backend.server import Answer, Operation
from neural_core.progress import Progress
from neural_core.wire import Message

if TYPE_CHECKING:
    import torch


def operations(device: "torch.device") -> Mapping[str, Operation]:
    """Name to operation; all share one cache of loaded bodies, avatars and weights on `device`."""
    cache = Cache(device)
    files = (create_avatar, describe_avatar, inspect_avatar, render_frame, save_texture, draw_proposals)
    shared = (*files, observe_photo, fit_photo)
    return {operation.__name__: partial(operation, cache=cache) for operation in shared}


def create_avatar(request: Message, progress: Progress, *, cache: Cache) -> Answer:
    """{photo or photos, output, seed?, ...} -> {path, warnings, errors, guessed, seconds}; see docs/architecture.md."""
    from neural_core.backend.creation import create

    return create(request, progress, cache)


def describe_avatar(request: Message, progress: Progress, *, cache: Cache) -> Answer:
    """{path} -> everything Blender needs to build the rig; see docs/architecture.md."""
    from neural_core.backend.description import describe

    return describe(request, cache)


def inspect_avatar(request: Message, progress: Progress, *, cache: Cache) -> Answer:
    """{path} -> {avatar}: what `likeness inspect --json` prints."""
    from neural_core.backend.requests import text

    return {"avatar": cache.avatar(text(request, "path")).describe()}, {}


def render_frame(request: Message, progress: Progress, *, cache: Cache) -> Answer:
    """Posed avatars, a camera and the meshes that hold out -> rgba, depth, mask; see docs/architecture.md."""
    from neural_core.backend.frame import render

    return render(request, progress, cache)


def save_texture(request: Message, progress: Progress, *, cache: Cache) -> Answer:
    """{path} and `texture` (D, D, 3) uint8: what was painted goes into the avatar's file."""
    from neural_core.backend.painting import save

    save(request)
    return {}, {}


def observe_photo(request: Message, progress: Progress, *, cache: Cache) -> Answer:
    """{photo, person?} -> a session, landmarks, mask, people; see docs/architecture.md."""
    from neural_core.backend.photo_session import observe_photo

    return observe_photo(request, progress, cache.photos)


def fit_photo(request: Message, progress: Progress, *, cache: Cache) -> Answer:
    """{session, pins?, strokes?, focal?, draft?} -> the body in the picture; see docs/architecture.md."""
    from neural_core.backend.photo_session import fit_photo

    return fit_photo(request, progress, cache.photos)


def draw_proposals(request: Message, progress: Progress, *, cache: Cache) -> Answer:
    """{paths, yaw?} -> small pictures of avatars from behind; see docs/architecture.md."""
    from neural_core.backend.proposals import draw

    return draw(request, progress, cache)
