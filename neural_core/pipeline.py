"""From a photo to an avatar: the walk of the paper, stage by stage (DINAR, sections 3 and 4)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from neural_core import __version__
from neural_core.avatar import Avatar, to_bytes
from neural_core.body import BodyModel, load_open_body
from neural_core.body.cloth_skin import ClothSkin
from neural_core.fitting import BodyFit, fit_body, fit_errors
from neural_core.fitting.several import agree
from neural_core.fitting.skirt import hang_skirt
from neural_core.fitting.skirt_evidence import stands
from neural_core.fitting.skirt_skin import moving_as_one
from neural_core.inpainting.completing import Completed, chosen_method, complete_textures
from neural_core.output import check_writable
from neural_core.photo import PhotoEvidence, observe, read_photo
from neural_core.progress import Progress, Stopwatch
from neural_core.sight import Sight, generated, look, textured
from neural_core.texture import NeuralTexture, PartialTexture, vertex_normals
from neural_core.texture.merging import colour_lines, merge


@dataclass(frozen=True)
class Creation:
    """An avatar and everything seen on the way to it, for reports and tests.

    Attributes:
        avatar: the result. evidence: what the photo showed. fit: body and camera. partial: the texture the photo gave,
            1024 x 1024. seconds: per stage. warnings: sentences for the user. proposals: all avatars, `avatar` first.
            sights: of all photos, as they were used.
    """

    avatar: Avatar
    evidence: PhotoEvidence
    fit: BodyFit
    partial: PartialTexture
    seconds: dict[str, float]
    warnings: tuple[str, ...]
    proposals: tuple[Avatar, ...] = ()
    sights: tuple[Sight, ...] = ()


def create_avatar(
    photo: Path | str | Sequence[Path | str],
    output: Path | str | None = None,
    *,
    seed: int = 0,
    focal: float | None = None,
    person: int | None = None,
    inpainting: str = "auto",
    proposals: int = 1,
    prepared: Sequence[tuple[PhotoEvidence, BodyFit]] | None = None,
    body: BodyModel | None = None,
    progress: Progress | None = None,
) -> Creation:
    """Make an avatar of the person in one photo, or in several of the same person.

    Body, pose and camera are the first photo's; the others add what they show of the texture and of the clothes' shape,
    and, where they show the same pose, of the limbs in depth.

    Args:
        photo: image file or files. output: where to save the avatar; None keeps it in memory.
        seed: of everything random. focal: pixels, when known better than the files say. person: index of the person,
            from the largest, when several are in a picture. body: default the open body.
        inpainting: what completes the unseen: "auto", "diffusion" or "classical". proposals: answers of the diffusion,
            each an avatar of its own; see `proposal_path` for their files.
        prepared: evidence and fit of each photo as a user corrected them; no file is read. Of several only the depth
            of limbs is changed (`fitting.several`).
        progress: told the fraction done and the stage; may cancel between steps.

    Raises:
        PhotoError, OutputError, Cancelled: nothing is written.
    """
    photos = [Path(photo)] if isinstance(photo, str | Path) else [Path(one) for one in photo]
    if not photos or (prepared is not None and len(prepared) != len(photos)):
        raise ValueError(f"{len(photos)} photos, {len(prepared or ())} prepared")
    inpainting = chosen_method(inpainting, proposals)
    progress = progress or Progress()
    outputs = [] if output is None else [proposal_path(Path(output), index) for index in range(proposals)]
    for path in outputs:
        check_writable(path)
    torch.manual_seed(seed)
    body = body or load_open_body()
    watch = Stopwatch()

    steps = [progress.part(0.7 * index / len(photos), 0.7 * (index + 1) / len(photos)) for index in range(len(photos))]
    if prepared is None:
        prepared = [_observe_and_fit(path, focal, person, body, watch, part) for path, part in zip(photos, steps)]
    with watch.stage("fit"):
        fits = agree([fit for _, fit in prepared], body)
    sights = [look(seen[0], fit, body, watch, part) for seen, fit, part in zip(prepared, fits, steps)]
    sights = _all_in_skirts(sights, body, watch)
    evidence, fit = sights[0].evidence, sights[0].fit
    with watch.stage("merge textures"):
        partial, partial_small, hint, rest_offsets = _merge(sights)
    errors = {**fit.errors, **fit_errors(evidence, body, fit, rest_offsets)}
    with watch.stage("learned texture"):
        latent = generated(evidence, body, fit, rest_offsets)
    with watch.stage("skirt"):
        rest_offsets, skin = _moving_as_one(sights, body, rest_offsets)

    progress.update(0.7, "Completing the texture")
    with watch.stage("complete texture"):
        completed = complete_textures(
            partial,
            partial_small,
            body,
            method=inpainting,
            proposals=proposals,
            seed=seed,
            normals=vertex_normals(body(fit.parameters, sights[0].rest_offsets).vertices[0], body.faces),
            progress=progress.part(0.7, 0.98),
        )

    warnings = tuple(dict.fromkeys(warning for sight in sights for warning in sight.evidence.warnings))
    guessed = [part for part in fit.guessed if all(part in sight.fit.guessed for sight in sights)]
    avatar = Avatar(
        parameters=fit.parameters.detach(),
        rest_offsets=rest_offsets.detach(),
        camera=fit.camera,
        texture=_neural_texture(completed[0], partial_small, hint, latent),
        body_name=body.name,
        fit_errors={name: float(value) for name, value in errors.items()},
        guessed=tuple(guessed),
        provenance={
            "likeness": __version__,
            "photo": photos[0].name,
            **({"photos": [path.name for path in photos]} if len(photos) > 1 else {}),
            "photo_size": [int(evidence.image.shape[1]), int(evidence.image.shape[0])],
            "focal_source": evidence.focal_source,
            "seed": seed,
            **completed[0].provenance,
            "torch": torch.__version__,
            "warnings": list(warnings),
        },
        skin=skin,
    )
    avatars = (avatar, *(_with_texture(avatar, other, partial_small, hint, latent) for other in completed[1:]))
    for path, one in zip(outputs, avatars):
        progress.update(0.98, "Saving the avatar")
        with watch.stage("save"):
            one.save(path)
    progress.update(1.0, "Done")
    return Creation(avatar, evidence, fit, partial, watch.seconds, warnings, avatars, tuple(sights))


def proposal_path(output: Path, index: int) -> Path:
    """Where proposal `index` goes: person.likeness, person-2.likeness, person-3.likeness, ..."""
    return output.with_name(f"{output.stem}-{index + 1}{output.suffix}") if index else output


def _observe_and_fit(
    path: Path, focal: float | None, person: int | None, body: BodyModel, watch: Stopwatch, progress: Progress
) -> tuple[PhotoEvidence, BodyFit]:
    """One photo to landmarks, mask, body and camera (DINAR 3.1)."""
    progress.update(0.0, "Reading the photo")
    with watch.stage("read"):
        picture = read_photo(path)
    progress.update(0.03, "Looking for the person")
    with watch.stage("evidence"):
        evidence = observe(picture, focal=focal, person=person)
    with watch.stage("fit"):
        return evidence, fit_body(evidence, body, progress=progress.part(0.15, 0.65))


def _all_in_skirts(sights: list[Sight], body: BodyModel, watch: Stopwatch) -> list[Sight]:
    """A person whose skirt one photo shows wears it in those, too, whose legs do not tell: from the side, say.

    Who sits has a lap, which no skirt that hangs knows.
    """
    found = next((sight.skirt for sight in sights if sight.skirt is not None), None)
    if found is None:
        return sights
    worn = []
    for sight in sights:
        if sight.skirt is None and stands(body(sight.fit.parameters).joints[0]):
            skirt = found.skirt.unmeasured(sight.fit.camera)
            hung = hang_skirt(body, sight.fit.parameters, sight.rest_offsets, skirt)
            sight = textured(sight.evidence, sight.fit, hung.rest_offsets, hung, sight.limbs, body, watch)
        worn.append(sight)
    return worn


def _merge(sights: list[Sight]) -> tuple[PartialTexture, PartialTexture, torch.Tensor, torch.Tensor]:
    """What all photos show (DINAR 3.2): texture at both resolutions, garment hint, clothed shape."""
    if len(sights) == 1:
        (only,) = sights
        return only.partial, only.partial_small, only.hint, only.rest_offsets
    lines = colour_lines([sight.partial_small for sight in sights])
    shapes = [sight.rest_offsets for sight in sights if sight.skirt is not None]
    shapes = shapes or [sight.rest_offsets for sight in sights]
    return (
        merge([line(sight.partial) for line, sight in zip(lines, sights)]),
        merge([line(sight.partial_small) for line, sight in zip(lines, sights)]),
        torch.stack([sight.hint for sight in sights]).mean(0),
        torch.stack(shapes).mean(0),
    )


def _moving_as_one(
    sights: list[Sight], body: BodyModel, rest_offsets: torch.Tensor
) -> tuple[torch.Tensor, ClothSkin | None]:
    """Rest offsets and skinning with the skirts of all photos; without one as given."""
    worn = [
        (sight.fit.parameters, sight.rest_offsets, sight.skirt.share) for sight in sights if sight.skirt is not None
    ]
    if not worn:
        return rest_offsets, None
    return moving_as_one(body, worn, rest_offsets)


def _neural_texture(
    completed: Completed, partial_small: PartialTexture, hint: torch.Tensor, latent: torch.Tensor | None
) -> NeuralTexture:
    """What the renderer reads; its detail as exact as the file keeps it, so that nothing changes when it is saved."""
    detail = to_bytes(completed.detail).float() / 255
    return NeuralTexture.build(completed.rgb, partial_small, detail, garment_hint=hint, latent=latent)


def _with_texture(
    avatar: Avatar,
    other: Completed,
    partial_small: PartialTexture,
    hint: torch.Tensor,
    latent: torch.Tensor | None,
) -> Avatar:
    """The same avatar with another proposal's texture."""
    texture = _neural_texture(other, partial_small, hint, latent)
    return replace(avatar, texture=texture, provenance={**avatar.provenance, **other.provenance})
