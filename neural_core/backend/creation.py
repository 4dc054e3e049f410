"""A photo becomes an avatar file."""

from pathlib import Path

from neural_core.backend.cache import Cache
from neural_core.backend.requests import RequestError, number, text, whole
from neural_core.backend.server import Answer
from neural_core.errors import WeightsError
from neural_core.inpainting.completing import chosen_method
from neural_core.output import check_writable
from neural_core.pipeline import Creation, create_avatar, proposal_path
from neural_core.progress import Progress
from neural_core.wire import Message

_LARGEST_FOCAL = 1e6  # pixels
_MOST_PHOTOS = 16
_MOST_PROPOSALS = 16
_PREPARING = 0.4  # share of the work until the photos of a session are fitted


def create(request: Message, progress: Progress, cache: Cache) -> Answer:
    """{photo, output, seed?, focal?, person?} -> {path, proposals, warnings, errors, guessed, seconds}.

    Or {photos: [{photo, person?, session?, pins?, strokes?, focal?}], output, seed?, proposals?}: the avatar has the
    evidence and the fit that the user saw. `proposals` are the files with other completions, the avatar's own first.
    """
    if request.body.get("photos") is not None:
        return _create_from_sessions(request, progress, cache)
    given = {name for name in ("seed", "focal", "person") if request.body.get(name) is not None}
    output = text(request, "output")
    creation = create_avatar(
        text(request, "photo"),
        output,
        seed=whole(request, "seed", 0, 2**63 - 1) if "seed" in given else 0,
        focal=number(request, "focal", 1.0, _LARGEST_FOCAL) if "focal" in given else None,
        person=whole(request, "person", 0, 1000) if "person" in given else None,
        progress=progress,
    )
    return _answer(creation, [output])


def _create_from_sessions(request: Message, progress: Progress, cache: Cache) -> Answer:
    from neural_core.backend.photo_session import prepare

    entries = request.body["photos"]
    if not isinstance(entries, list) or not entries:
        raise RequestError("'photos' should be a list of photos: update add-on and backend together.")
    if len(entries) > _MOST_PHOTOS:
        raise RequestError(f"At most {_MOST_PHOTOS} photos make one avatar: remove some from the list.")
    output = text(request, "output")
    check_writable(Path(output))
    wanted, missing = _proposals(request)
    photos, prepared = [], []
    for index, entry in enumerate(entries):
        part = progress.part(_PREPARING * index / len(entries), _PREPARING * (index + 1) / len(entries))
        session = prepare(entry, request, cache.photos, part)
        assert session.corrected is not None and session.fit is not None
        photos.append(session.path)
        prepared.append((session.corrected, session.fit))
    creation = create_avatar(
        photos,
        output,
        seed=whole(request, "seed", 0, 2**63 - 1) if request.body.get("seed") is not None else 0,
        prepared=prepared,
        proposals=wanted,
        progress=progress.part(_PREPARING, 1.0),
    )
    paths = [str(proposal_path(Path(output), index)) for index in range(wanted)]
    return _answer(creation, paths, missing)


def _proposals(request: Message) -> tuple[int, tuple[str, ...]]:
    """How many completions to make, and a sentence where they are fewer than asked for."""
    if request.body.get("proposals") is None:
        return 1, ()
    wanted = whole(request, "proposals", 1, _MOST_PROPOSALS)
    try:
        chosen_method("auto", wanted)
    except WeightsError:
        return 1, ("There is one completion only: the networks that propose several are not installed.",)
    return wanted, ()


def _answer(creation: Creation, paths: list[str], more_warnings: tuple[str, ...] = ()) -> Answer:
    avatar = creation.avatar
    return {
        "path": paths[0],
        "proposals": paths,
        "warnings": [*creation.warnings, *more_warnings],
        "errors": dict(avatar.fit_errors),
        "guessed": list(avatar.guessed),
        "seconds": dict(creation.seconds),
    }, {}
