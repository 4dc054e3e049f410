"""From a photo to an avatar: the walk of the paper, stage by stage (DINAR, sections 3 and 4)."""

import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch

from neural_core import __version__
from neural_core.avatar import Avatar, to_bytes
from neural_core.body import BodyModel, load_open_body
from neural_core.fitting import BodyFit, fit_body, fit_clothed_shape, fit_errors
from neural_core.output import check_writable
from neural_core.photo import PhotoEvidence, observe, read_photo
from neural_core.progress import Progress
from neural_core.texture import Atlas, NeuralTexture, PartialTexture, complete, sample_texture
from neural_core.texture.garment_hint import garment_hint

DETAIL_RESOLUTION = 1024  # what is exported and what the renderer copies seen texels from
NEURAL_RESOLUTION = 256  # DINAR 4.1


@dataclass
class Stopwatch:
    """Seconds each stage took, in the order they ran."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str):
        start = time.perf_counter()
        yield
        self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - start


@dataclass(frozen=True)
class Creation:
    """An avatar and everything seen on the way to it, for reports and tests.

    Attributes:
        avatar: the result. evidence: what the photo showed. fit: body and camera. partial: the texture the photo gave,
            1024 x 1024. seconds: per stage. warnings: sentences for the user.
    """

    avatar: Avatar
    evidence: PhotoEvidence
    fit: BodyFit
    partial: PartialTexture
    seconds: dict[str, float]
    warnings: tuple[str, ...]


def create_avatar(
    photo: Path | str,
    output: Path | str | None = None,
    *,
    seed: int = 0,
    focal: float | None = None,
    person: int | None = None,
    prepared: tuple[PhotoEvidence, BodyFit] | None = None,
    body: BodyModel | None = None,
    progress: Progress | None = None,
) -> Creation:
    """Make an avatar of the person in one photo.

    Args:
        photo: image file. output: where to save the avatar; None keeps it in memory.
        seed: of everything random. focal: pixels, when known better than the file says. person: index of the person,
            from the largest, when several are in the picture. body: default the open body.
        prepared: evidence and fit of the photo as a user corrected them, taken as they are; the file is not read.
        progress: told the fraction done and the stage; may cancel between steps.

    Raises:
        PhotoError, OutputError, Cancelled: nothing is written.
    """
    progress = progress or Progress()
    if output is not None:
        check_writable(Path(output))
    torch.manual_seed(seed)
    body = body or load_open_body()
    watch = Stopwatch()

    if prepared is not None:
        evidence, fit = prepared
    else:
        progress.update(0.0, "Reading the photo")
        with watch.stage("read"):
            picture = read_photo(photo)
        progress.update(0.02, "Looking for the person")
        with watch.stage("evidence"):
            evidence = observe(picture, focal=focal, person=person)
        with watch.stage("fit"):
            fit = fit_body(evidence, body, progress=progress.part(0.1, 0.45))
    with watch.stage("clothed shape"):
        rest_offsets = fit_clothed_shape(evidence, body, fit, progress=progress.part(0.45, 0.6))
    errors = {**fit.errors, **fit_errors(evidence, body, fit, rest_offsets)}

    progress.update(0.6, "Sampling the texture")
    with watch.stage("sample texture"):
        partial, partial_small, hint = _sample(evidence, body, fit, rest_offsets)
    progress.update(0.7, "Completing the texture")
    with watch.stage("complete texture"):
        texture = _complete(partial, partial_small, hint, body)

    warnings = tuple(dict.fromkeys(evidence.warnings))  # the photo's are among them
    avatar = Avatar(
        parameters=fit.parameters.detach(),
        rest_offsets=rest_offsets.detach(),
        camera=fit.camera,
        texture=texture,
        body_name=body.name,
        fit_errors={name: float(value) for name, value in errors.items()},
        guessed=tuple(fit.guessed),
        provenance={
            "likeness": __version__,
            "photo": Path(photo).name,
            "photo_size": [int(evidence.image.shape[1]), int(evidence.image.shape[0])],
            "focal_source": evidence.focal_source,
            "seed": seed,
            "completion": "mirror and harmonic",
            "torch": torch.__version__,
            "warnings": list(warnings),
        },
    )
    if output is not None:
        progress.update(0.98, "Saving the avatar")
        with watch.stage("save"):
            avatar.save(Path(output))
    progress.update(1.0, "Done")
    return Creation(avatar, evidence, fit, partial, watch.seconds, warnings)


def _sample(
    evidence: PhotoEvidence, body: BodyModel, fit: BodyFit, rest_offsets: torch.Tensor
) -> tuple[PartialTexture, PartialTexture, torch.Tensor]:
    """The photo on the body's atlas, at detail and at neural resolution (DINAR 3.1, Algorithm 1, appendix C).

    With it, at neural resolution, how far the clothes reach beyond the fitted body.
    """
    image = torch.from_numpy(np.ascontiguousarray(evidence.image.transpose(2, 0, 1)))
    mask = torch.from_numpy(np.ascontiguousarray(evidence.mask))
    vertices = body(fit.parameters, rest_offsets).vertices[0]

    def sample(resolution: int) -> PartialTexture:
        atlas = Atlas.of(body, resolution)
        return sample_texture(image, mask, vertices, body, fit.camera, atlas)

    hint = garment_hint(mask, vertices, body, fit.camera, NEURAL_RESOLUTION)
    return sample(DETAIL_RESOLUTION), sample(NEURAL_RESOLUTION), hint


def _complete(
    partial: PartialTexture, partial_small: PartialTexture, hint: torch.Tensor, body: BodyModel
) -> NeuralTexture:
    """Fill what the photo did not show, at both resolutions."""
    detail = complete(partial, Atlas.of(body, DETAIL_RESOLUTION), body)
    rgb = complete(partial_small, Atlas.of(body, NEURAL_RESOLUTION), body)
    # As exact as the file keeps it, so that an avatar renders the same before and after it is saved.
    return NeuralTexture.build(rgb, partial_small, to_bytes(detail).float() / 255, garment_hint=hint)
