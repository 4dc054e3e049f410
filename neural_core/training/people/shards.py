"""People on disk: safetensors files of a few dozen people, written aside and renamed, so that a run can be resumed."""

import hashlib
import json
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from neural_core.body.model import BodyModel
from neural_core.body.open_body import load_open_body
from neural_core.output import check_writable, write_aside
from neural_core.training.people.person import GARMENTS
from neural_core.training.people.views import PeopleConfig, PersonViews, make_person_views, stack_people

PEOPLE_PER_SHARD = 32
VERSION = 4  # of the generator: raise it when the same seed should count as another person


def uv_hash(body: BodyModel) -> str:
    """Short hash of the body's atlas: shards made with another one must not be used."""
    digest = hashlib.sha256()
    for tensor in (body.uv, body.face_uv):
        digest.update(tensor.cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:12]


def make_shard(
    first_seed: int, count: int, config: PeopleConfig, path: Path | str, body: BodyModel | None = None, views: int = 4
) -> bool:
    """Write the people of `count` seeds from `first_seed`; False when a matching shard is there already.

    Raises:
        OutputError: the place cannot be written.
    """
    path = Path(path)
    body = load_open_body() if body is None else body
    metadata = shard_metadata(first_seed, count, config, body, views)
    if path.exists() and _metadata(path) == metadata:
        return False
    check_writable(path)
    people = stack_people([make_person_views(first_seed + k, config, views, body) for k in range(count)])
    tensors = {name: getattr(people, name).contiguous() for name in PersonViews.__dataclass_fields__}
    write_aside(path, lambda aside: save_file(tensors, aside, metadata))
    return True


def shard_metadata(
    first_seed: int, count: int, config: PeopleConfig, body: BodyModel, views: int = 4
) -> dict[str, str]:
    """What a shard says about itself; two shards with equal metadata hold equal bytes."""
    return {
        "kind": "likeness synthetic people",
        "version": str(VERSION),
        "first_seed": str(first_seed),
        "count": str(count),
        "views": str(views),
        "garments": " ".join(GARMENTS),
        "config": json.dumps(config.to_json(), sort_keys=True),
        "body": body.name,
        "uv": uv_hash(body),
    }


def _metadata(path: Path) -> dict[str, str] | None:
    """A shard's own description; None when the file is no shard (a torn copy), so that it is written anew."""
    try:
        with safe_open(path, "pt") as file:
            return dict(file.metadata() or {})
    except (OSError, SafetensorError):
        return None


def use_device(name: str) -> BodyModel:
    """The open body on a device ("cpu", "cuda", or "auto"), which is where people are then made."""
    chosen = ("cuda" if torch.cuda.is_available() else "cpu") if name == "auto" else name
    return load_open_body().to(chosen)
