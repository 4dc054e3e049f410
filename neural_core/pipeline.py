"""From a photo to an avatar: the walk of the paper, stage by stage (DINAR, sections 3 and 4)."""

import time
from collections.abc import Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch

from neural_core import __version__
from neural_core.avatar import Avatar, to_bytes
from neural_core.body import BodyModel, load_open_body
from neural_core.body.cloth_skin import ClothSkin, rest_offsets_of
from neural_core.fitting import BodyFit, fit_body, fit_clothed_shape, fit_errors
from neural_core.fitting.even_legs import even_legs
from neural_core.fitting.several import agree
from neural_core.fitting.skirt import Hung, hang_skirt
from neural_core.fitting.skirt_evidence import find_skirt, legs_touch, stands
from neural_core.fitting.skirt_skin import skirt_skin
from neural_core.fitting.uncover import uncover_arms
from neural_core.inpainting.completing import Completed, chosen_method, complete_textures
from neural_core.networks.clothed import predict_offsets, shipped_clothed, visible_texture
from neural_core.networks.learned_texture import learned_texture, shipped_generator
from neural_core.output import check_writable
from neural_core.photo import PhotoEvidence, observe, read_photo
from neural_core.progress import Progress
from neural_core.texture import Atlas, NeuralTexture, PartialTexture, sample_texture
from neural_core.texture.garment_hint import garment_hint
from neural_core.texture.limb_pixels import LimbPixels
from neural_core.texture.limb_scene import SeenArms
from neural_core.texture.limbs import find_limbs
from neural_core.texture.merging import colour_lines, merge

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
    sights: tuple["Sight", ...] = ()


@dataclass(frozen=True)
class Sight:
    """What one photo says about the person.

    Attributes:
        evidence, fit: see photo and fitting. rest_offsets: (V, 3) clothed shape, by the body's own skinning.
        skirt: where the photo shows one.
        partial, partial_small: what it shows of the body, at detail and at neural resolution.
        hint: (1, R, R) how far the clothes reach beyond the fitted body. limbs: where it shows bare arms.
    """

    evidence: PhotoEvidence
    fit: BodyFit
    rest_offsets: torch.Tensor
    partial: PartialTexture
    partial_small: PartialTexture
    hint: torch.Tensor
    limbs: LimbPixels | None = None
    skirt: Hung | None = None


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
    sights = [_look(seen[0], fit, body, watch, part) for seen, fit, part in zip(prepared, fits, steps)]
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


def _look(evidence: PhotoEvidence, fit: BodyFit, body: BodyModel, watch: Stopwatch, progress: Progress) -> Sight:
    """Clothed shape and texture of one fitted photo."""
    with watch.stage("clothed shape"):
        rest_offsets, skirt = clothe(evidence, fit, body, progress.part(0.65, 0.85))
        limbs = _limbs(evidence, fit, rest_offsets, body)
        clothed, rest_offsets = rest_offsets, uncover_arms(limbs.limb, body, fit, rest_offsets)
        if rest_offsets is not clothed:  # what the fit showed before the arm, the arm shows now
            limbs = _limbs(evidence, fit, rest_offsets, body)
    progress.update(0.85, "Sampling the texture")
    return _sight(evidence, fit, rest_offsets, skirt, limbs, body, watch)


def clothe(
    evidence: PhotoEvidence, fit: BodyFit, body: BodyModel, progress: Progress | None = None
) -> tuple[torch.Tensor, Hung | None]:
    """Clothed shape (V, 3) of a fitted photo: what is expected, corrected by the outline, a skirt where one is seen."""
    expected = _expected_clothes(evidence, body, fit)
    rest_offsets = fit_clothed_shape(evidence, body, fit, progress=progress, expected=expected)
    skirt = find_skirt(evidence, body, fit)
    if skirt is None:
        return rest_offsets, None
    hung = hang_skirt(body, fit.parameters, rest_offsets, skirt)
    return hung.rest_offsets, hung


def _limbs(evidence: PhotoEvidence, fit: BodyFit, rest_offsets: torch.Tensor, body: BodyModel) -> LimbPixels:
    """Where the photo shows bare arms and hands, whatever the fit shows there."""
    image, mask = _tensors(evidence)
    vertices = body(fit.parameters, rest_offsets).vertices[0]
    return find_limbs(image, mask, vertices, body, fit.camera, SeenArms.of(evidence.pose, evidence.hands))


def _sight(
    evidence: PhotoEvidence,
    fit: BodyFit,
    rest_offsets: torch.Tensor,
    skirt: Hung | None,
    limbs: LimbPixels | None,
    body: BodyModel,
    watch: Stopwatch,
) -> Sight:
    with watch.stage("sample texture"):
        resolutions = DETAIL_RESOLUTION, NEURAL_RESOLUTION
        (partial, partial_small), hint = _sample(evidence, body, fit, rest_offsets, resolutions, limbs)
        return Sight(evidence, fit, rest_offsets, partial, partial_small, hint, limbs, skirt)


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
            sight = _sight(sight.evidence, sight.fit, hung.rest_offsets, hung, sight.limbs, body, watch)
        worn.append(sight)
    return worn


def _expected_clothes(evidence: PhotoEvidence, body: BodyModel, fit: BodyFit) -> torch.Tensor | None:
    """Rest offsets (V, 3) that the clothed head expects of what the bare body shows; None without its weights."""
    network = shipped_clothed(body.device) if body.name == load_open_body().name else None  # it knows that atlas only
    if network is None:
        return None
    (partial,), hint = _sample(evidence, body, fit, None, (NEURAL_RESOLUTION,))
    texture = visible_texture(partial, hint, Atlas.of(body, NEURAL_RESOLUTION))
    expected = predict_offsets(network, texture, body, fit.parameters)
    unseen = "legs" in fit.guessed
    return even_legs(expected, body, not unseen) if unseen or legs_touch(evidence, body, fit) else expected


def generated(
    evidence: PhotoEvidence, body: BodyModel, fit: BodyFit, rest_offsets: torch.Tensor
) -> torch.Tensor | None:
    """The learned channels (C, R, R) of a photo (DINAR 3.1); None where no generator ships."""
    networks = shipped_generator(body.device) if body.name == load_open_body().name else None
    if networks is None:
        return None
    image, mask = _tensors(evidence)
    vertices = body(fit.parameters, rest_offsets).vertices[0]
    return learned_texture(networks, image, mask, vertices, body, fit.camera, NEURAL_RESOLUTION)


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
    """Rest offsets and skinning of a skirt that look the same in each photo's pose; without a skirt as given."""
    worn = [(sight.fit.parameters, sight.rest_offsets, sight.skirt) for sight in sights if sight.skirt is not None]
    if not worn:
        return rest_offsets, None
    pose, offsets, skirt = worn[0]
    skin = skirt_skin(body, pose, offsets, skirt.share)
    moving = skin.on(body)
    shapes = [rest_offsets_of(moving, pose, body(pose, offsets).vertices[0]) for pose, offsets, _ in worn]
    return torch.where(skirt.share[:, None] > 0, torch.stack(shapes).mean(0), rest_offsets), skin


def _sample(
    evidence: PhotoEvidence,
    body: BodyModel,
    fit: BodyFit,
    rest_offsets: torch.Tensor | None,
    resolutions: tuple[int, ...],
    limbs: LimbPixels | None = None,
) -> tuple[list[PartialTexture], torch.Tensor]:
    """The photo on the body's atlas, at every resolution (DINAR 3.1, Algorithm 1, appendix C).

    With it, at neural resolution, how far the clothes reach beyond the fitted body.
    """
    image, mask = _tensors(evidence)
    vertices = body(fit.parameters, rest_offsets).vertices[0]

    def sample(resolution: int) -> PartialTexture:
        atlas = Atlas.of(body, resolution)
        return sample_texture(image, mask, vertices, body, fit.camera, atlas, limbs=limbs)

    hint = garment_hint(mask, vertices, body, fit.camera, NEURAL_RESOLUTION)
    return [sample(resolution) for resolution in resolutions], hint


def _tensors(evidence: PhotoEvidence) -> tuple[torch.Tensor, torch.Tensor]:
    """Picture (3, H, W) and mask (H, W)."""
    image = torch.from_numpy(np.ascontiguousarray(evidence.image.transpose(2, 0, 1)))
    return image, torch.from_numpy(np.ascontiguousarray(evidence.mask))


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
