"""A photo becomes an avatar file."""

from neural_core.backend.requests import number, text, whole
from neural_core.backend.server import Answer
from neural_core.pipeline import create_avatar
from neural_core.progress import Progress
from neural_core.wire import Message

_LARGEST_FOCAL = 1e6  # pixels


def create(request: Message, progress: Progress) -> Answer:
    """{photo, output, seed?, focal?, person?} -> {path, warnings, errors, guessed, seconds}."""
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
    avatar = creation.avatar
    return {
        "path": output,
        "warnings": list(creation.warnings),
        "errors": dict(avatar.fit_errors),
        "guessed": list(avatar.guessed),
        "seconds": dict(creation.seconds),
    }, {}
