"""Avatar: the one file an animator keeps. Safetensors with JSON metadata: it describes itself and cannot execute."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from neural_core.body import BodyModel, BodyParameters, body_named
from neural_core.body.cloth_skin import ClothSkin
from neural_core.camera import Camera
from neural_core.errors import AvatarFileError, AvatarMissing, AvatarNewer
from neural_core.output import write_aside
from neural_core.texture.neural_texture import NeuralTexture

FORMAT = "likeness-avatar"
FORMAT_VERSION = 2  # 2: cloth may have a skinning of its own, without which its shape is nonsense
SUFFIX = ".likeness"
MAX_FILE_BYTES = 256 * 2**20  # a real avatar has about 8 MB; anything near this is not ours
MAX_METADATA_CHARACTERS = 2**20

# Format version n -> function(metadata, tensors) that turns n into n + 1 in place.
MIGRATIONS: dict[int, Any] = {1: lambda metadata, tensors: None}


@dataclass(frozen=True)
class Avatar:
    """A person ready to be posed and drawn.

    Attributes:
        parameters: batch of one, the pose and shape of the photo, upright on y = 0.
        rest_offsets: (V, 3) clothed shape in the rest pose, metres.
        camera: the photo's camera in the same world.
        texture: what the renderer reads and what is exported.
        body_name: the body model the vertices belong to.
        fit_errors: measures of the fit (percent, degrees, IoU).
        guessed: parts of the person that the photo did not show.
        provenance: program and weight versions, seed, photo name and size, warnings.
        skin: how clothes move that do not move as the body below them, a skirt's; `body()` and `on` put it on.
    """

    parameters: BodyParameters
    rest_offsets: Tensor
    camera: Camera
    texture: NeuralTexture
    body_name: str
    fit_errors: dict[str, float] = field(default_factory=dict)
    guessed: tuple[str, ...] = ()
    provenance: dict[str, Any] = field(default_factory=dict)
    skin: ClothSkin | None = None

    def body(self) -> BodyModel:
        """The body model the avatar was made on, moving as its clothes do.

        Raises:
            BodyFileError: a licensed body whose file is not at hand. AvatarFileError: the mesh is another one.
        """
        body = body_named(self.body_name)
        if len(self.rest_offsets) != body.num_vertices:
            raise AvatarFileError(
                f"The avatar has {len(self.rest_offsets)} vertices where its body has {body.num_vertices}: "
                "create it again from its photo."
            )
        return self.on(body)

    def on(self, body: BodyModel) -> BodyModel:
        """The same body model, but moving as the avatar's clothes do: what `rest_offsets` are for."""
        return body if self.skin is None else self.skin.on(body)

    def describe(self) -> dict[str, Any]:
        """Everything but the pictures, JSON-ready: what `likeness inspect` prints."""
        return {
            "format": FORMAT,
            "format_version": FORMAT_VERSION,
            "body": self.body_name,
            "body_parameters": {name: t[0].tolist() for name, t in self.parameters.to_tensors().items()},
            "camera": self.camera.to_json(),
            "fit_errors": self.fit_errors,
            "guessed": list(self.guessed),
            "provenance": self.provenance,
            "texture": {
                "neural": list(self.texture.data.shape),
                "detail": list(self.texture.detail.shape),
            },
            "clothed_offset_max_mm": float(self.rest_offsets.norm(dim=-1).max() * 1000),
        }

    def save(self, path: Path | str) -> None:
        """Write the file, aside first; raises OutputError and leaves an older file as it was."""
        tensors = {f"body.{name}": t for name, t in self.parameters.to_tensors().items()}
        tensors["rest_offsets"] = self.rest_offsets
        tensors.update({f"texture.{name}": t for name, t in self.texture.to_tensors().items()})
        tensors["texture.detail"] = to_bytes(self.texture.detail)
        if self.skin is not None:
            tensors.update({f"skin.{name}": t for name, t in self.skin.to_tensors().items()})
        tensors = {name: t.detach().cpu().contiguous() for name, t in tensors.items()}
        metadata = {
            "format": FORMAT,
            "format_version": FORMAT_VERSION,
            "body_name": self.body_name,
            "camera": self.camera.to_json(),
            "fit_errors": self.fit_errors,
            "guessed": list(self.guessed),
            "provenance": self.provenance,
        }
        write_aside(Path(path), lambda aside: _save(tensors, metadata, aside))

    @staticmethod
    def load(path: Path | str) -> "Avatar":
        """Read a file from anybody.

        Raises:
            AvatarFileError: missing, corrupt, foreign, too large, or written by a newer version.
        """
        path = Path(path)
        metadata, tensors = _read(path)
        try:
            metadata, tensors = _migrate(path, metadata, tensors)
            body = {name[5:]: t for name, t in tensors.items() if name.startswith("body.")}
            texture = {name[8:]: t for name, t in tensors.items() if name.startswith("texture.")}
            texture["detail"] = texture["detail"].float() / 255
            offsets = tensors["rest_offsets"]
            if offsets.ndim != 2 or offsets.shape[1] != 3:
                raise ValueError(f"rest_offsets has shape {tuple(offsets.shape)}")
            skin = {name[5:]: t for name, t in tensors.items() if name.startswith("skin.")}
            for name, tensor in tensors.items():
                if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
                    raise ValueError(f"{name} holds values that are not numbers")
            return Avatar(
                parameters=BodyParameters.from_tensors(body),
                rest_offsets=offsets.float(),
                camera=Camera.from_json(metadata["camera"]),
                texture=NeuralTexture.from_tensors(texture),
                body_name=str(metadata["body_name"]),
                fit_errors={str(k): float(v) for k, v in dict(metadata.get("fit_errors", {})).items()},
                guessed=tuple(str(part) for part in metadata.get("guessed", ())),
                provenance=dict(metadata.get("provenance", {})),
                skin=ClothSkin.from_tensors(skin, len(offsets)) if skin else None,
            )
        except (KeyError, ValueError, TypeError, RuntimeError) as error:
            raise AvatarFileError(
                f"'{path.name}' is damaged ({error}): create the avatar again from its photo."
            ) from error


def to_bytes(picture: Tensor) -> Tensor:
    """sRGB in [0, 1] as bytes: what a photo gave needs no more, and the file stays a quarter of the size."""
    return (picture.clamp(0, 1) * 255).round().byte()


def _save(tensors: dict[str, Tensor], metadata: dict, path: Path) -> None:
    try:
        save_file(tensors, str(path), metadata={"likeness": json.dumps(metadata)})
    except SafetensorError as error:  # the library wraps the system's error (full disk) in its own
        raise OSError(str(error)) from error


def _read(path: Path) -> tuple[dict, dict[str, Tensor]]:
    """Metadata and tensors of a file that may come from anybody."""
    if not path.is_file():
        raise AvatarMissing(f"There is no avatar file '{path}': check the path.")
    if path.stat().st_size > MAX_FILE_BYTES:
        raise AvatarFileError(f"'{path.name}' is larger than any avatar: choose a {SUFFIX} file made by Likeness.")
    try:
        with safe_open(str(path), framework="pt") as file:
            text = (file.metadata() or {}).get("likeness", "")
            if not text or len(text) > MAX_METADATA_CHARACTERS:
                raise AvatarFileError(f"'{path.name}' is not an avatar: choose a {SUFFIX} file made by Likeness.")
            metadata = json.loads(text)
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
    except (SafetensorError, ValueError, RecursionError, OSError) as error:
        raise AvatarFileError(
            f"'{path.name}' is not an avatar or is damaged: choose a {SUFFIX} file made by Likeness."
        ) from error
    if not isinstance(metadata, dict) or metadata.get("format") != FORMAT:
        raise AvatarFileError(f"'{path.name}' is not an avatar: choose a {SUFFIX} file made by Likeness.")
    return metadata, tensors


def _migrate(path: Path, metadata: dict, tensors: dict[str, Tensor]) -> tuple[dict, dict[str, Tensor]]:
    """Bring an older file up to this version, step by step."""
    version = int(metadata["format_version"])
    if version > FORMAT_VERSION:
        raise AvatarNewer(f"'{path.name}' was made by a newer Likeness: update the add-on to open it.")
    while version < FORMAT_VERSION:
        if version not in MIGRATIONS:
            raise ValueError(f"unknown format version {version}")
        MIGRATIONS[version](metadata, tensors)
        version += 1
    metadata["format_version"] = version
    return metadata, tensors
