"""What one photo says about the person, once the body is fitted: clothed shape, bare arms, texture (DINAR 3.1)."""

from dataclasses import dataclass

import numpy as np
import torch

from neural_core.body import BodyModel, load_open_body
from neural_core.fitting import BodyFit, fit_clothed_shape
from neural_core.fitting.even_legs import even_legs
from neural_core.fitting.skirt import Hung, hang_skirt
from neural_core.fitting.skirt_evidence import find_skirt, legs_touch
from neural_core.fitting.uncover import uncover_arms
from neural_core.networks.clothed import predict_offsets, shipped_clothed, visible_texture
from neural_core.networks.learned_texture import learned_texture, shipped_generator
from neural_core.photo import PhotoEvidence
from neural_core.progress import Progress, Stopwatch
from neural_core.texture import Atlas, PartialTexture, sample_texture
from neural_core.texture.garment_hint import garment_hint
from neural_core.texture.hidden_hands import hidden_hands, without
from neural_core.texture.limb_pixels import LimbPixels
from neural_core.texture.limb_scene import SeenArms
from neural_core.texture.limbs import find_limbs
from neural_core.texture.sampling import SamplingConfig

DETAIL_RESOLUTION = 1024  # what is exported and what the renderer copies seen texels from
NEURAL_RESOLUTION = 256  # DINAR 4.1
_SAMPLING = SamplingConfig()


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


def look(evidence: PhotoEvidence, fit: BodyFit, body: BodyModel, watch: Stopwatch, progress: Progress) -> Sight:
    """Clothed shape and texture of one fitted photo."""
    with watch.stage("clothed shape"):
        rest_offsets, skirt = clothe(evidence, fit, body, progress.part(0.65, 0.85))
        limbs = _bare_arms(evidence, fit, rest_offsets, body)
        clothed, rest_offsets = rest_offsets, uncover_arms(limbs.limb, body, fit, rest_offsets)
        if rest_offsets is not clothed:  # what the fit showed before the arm, the arm shows now
            limbs = _bare_arms(evidence, fit, rest_offsets, body)
    progress.update(0.85, "Sampling the texture")
    return textured(evidence, fit, rest_offsets, skirt, limbs, body, watch)


def textured(
    evidence: PhotoEvidence,
    fit: BodyFit,
    rest_offsets: torch.Tensor,
    skirt: Hung | None,
    limbs: LimbPixels | None,
    body: BodyModel,
    watch: Stopwatch,
) -> Sight:
    """All that a photo says, with the texture that the clothed body shows in it."""
    with watch.stage("sample texture"):
        resolutions = DETAIL_RESOLUTION, NEURAL_RESOLUTION
        (partial, partial_small), hint = sample_photo(evidence, body, fit, rest_offsets, resolutions, limbs)
        return Sight(evidence, fit, rest_offsets, partial, partial_small, hint, limbs, skirt)


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


def _expected_clothes(evidence: PhotoEvidence, body: BodyModel, fit: BodyFit) -> torch.Tensor | None:
    """Rest offsets (V, 3) that the clothed head expects of what the bare body shows; None without its weights."""
    network = shipped_clothed(body.device) if body.name == load_open_body().name else None  # it knows that atlas only
    if network is None:
        return None
    (partial,), hint = sample_photo(evidence, body, fit, None, (NEURAL_RESOLUTION,))
    texture = visible_texture(partial, hint, Atlas.of(body, NEURAL_RESOLUTION))
    expected = predict_offsets(network, texture, body, fit.parameters)
    unseen = "legs" in fit.guessed
    return even_legs(expected, body, not unseen) if unseen or legs_touch(evidence, body, fit) else expected


def _bare_arms(evidence: PhotoEvidence, fit: BodyFit, rest_offsets: torch.Tensor, body: BodyModel) -> LimbPixels:
    """Where the photo shows bare arms and hands, whatever the fit shows there."""
    image, mask = _tensors(evidence)
    vertices = body(fit.parameters, rest_offsets).vertices[0]
    return find_limbs(image, mask, vertices, body, fit.camera, SeenArms.of(evidence.pose, evidence.hands))


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


def sample_photo(
    evidence: PhotoEvidence,
    body: BodyModel,
    fit: BodyFit,
    rest_offsets: torch.Tensor | None,
    resolutions: tuple[int, ...],
    limbs: LimbPixels | None = None,
    config: SamplingConfig = _SAMPLING,
) -> tuple[list[PartialTexture], torch.Tensor]:
    """The photo on the body's atlas, at every resolution (DINAR 3.1, Algorithm 1, appendix C).

    With it, at neural resolution, how far the clothes reach beyond the fitted body. Where arms were looked for
    (`limbs`), hands under sleeves are not taken for seen.
    """
    image, mask = _tensors(evidence)
    vertices = body(fit.parameters, rest_offsets).vertices[0]

    textures = [
        sample_texture(image, mask, vertices, body, fit.camera, Atlas.of(body, resolution), config, limbs)
        for resolution in resolutions
    ]
    if limbs is not None:
        hidden = hidden_hands(textures[-1], vertices, fit.camera, Atlas.of(body, resolutions[-1]), body)
        textures = [without(one, hidden, Atlas.of(body, one.rgb.shape[-1]), body) for one in textures]
    return textures, garment_hint(mask, vertices, body, fit.camera, NEURAL_RESOLUTION)


def _tensors(evidence: PhotoEvidence) -> tuple[torch.Tensor, torch.Tensor]:
    """Picture (3, H, W) and mask (H, W)."""
    image = torch.from_numpy(np.ascontiguousarray(evidence.image.transpose(2, 0, 1)))
    return image, torch.from_numpy(np.ascontiguousarray(evidence.mask))
