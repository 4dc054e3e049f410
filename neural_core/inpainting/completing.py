"""The completion stage of the walk: a partial texture becomes whole, by diffusion or classically."""

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from torch import Tensor

from neural_core.body.model import BodyModel
from neural_core.errors import LikenessError, WeightsError
from neural_core.inpainting.composition import compose_known
from neural_core.inpainting.detail import carry_detail
from neural_core.inpainting.fabric import weave
from neural_core.networks.files import read_provenance, shipped
from neural_core.progress import Progress
from neural_core.texture import Atlas, PartialTexture, complete
from neural_core.texture.head_paint import paint_head
from neural_core.texture.hidden_hands import paint_hands
from neural_core.texture.side_light import evened, relit, side_light

if TYPE_CHECKING:
    from neural_core.inpainting.inpainter import Inpainter

METHODS = ("auto", "diffusion", "classical")
PREFERRED = "diffusion"  # what "auto" means; docs/inpainting.md has the measurements behind it


class Completed(NamedTuple):
    """A whole texture.

    Attributes:
        rgb: (3, R, R) and detail: (3, D, D) sRGB, dilated. provenance: how it was made, for the avatar.
    """

    rgb: Tensor
    detail: Tensor
    provenance: dict[str, Any]


def complete_textures(
    partial: PartialTexture,
    partial_small: PartialTexture,
    body: BodyModel,
    *,
    method: str = "auto",
    proposals: int = 1,
    seed: int = 0,
    normals: Tensor | None = None,
    progress: Progress | None = None,
) -> list[Completed]:
    """Fill what the photos did not show, `proposals` times.

    The first proposal is what is expected; the others are drawn, proposal k with the seed `seed + k`.

    Args:
        partial: what was seen, at the resolution of the detail texture. partial_small: at the networks'.
        method: "diffusion"; "classical" (mirror, rings and Poisson), of which there is only one; "auto" takes the one
            that measured better, and diffusion for several proposals.
        normals: (V, 3) of the body as it was photographed, by default of the body at rest.

    Raises:
        LikenessError: a request that makes no sense. WeightsError: no weights, or not of the same training.
    """
    method = chosen_method(method, proposals)
    progress = progress or Progress()
    fine, coarse = (Atlas.of(body, one.rgb.shape[-1]) for one in (partial, partial_small))
    progress.update(0.0, "Completing the texture")
    if method == "classical":
        rgb = complete(partial_small, coarse, body)
        detail = weave(partial, complete(partial, fine, body), fine, body, seed)
        return [Completed(rgb, detail, {"completion": "mirror and harmonic"})]
    light = side_light(partial_small, coarse, body, normals)
    even = evened(partial_small, light)
    inpainter = load_inpainter(device=str(body.device))
    imagined = inpainter.propose(
        complete(even, coarse, body), partial_small.confidence, seed, proposals, progress.part(0.1, 0.6)
    )
    results = []
    for index, texture in enumerate(imagined):
        progress.update(0.6 + 0.4 * index / proposals, "Composing the texture")
        texture = paint_hands(paint_head(texture, even, coarse, body), even, coarse, body)
        texture = relit(texture, light, partial_small, coarse, body)
        composed = compose_known(partial_small, texture, coarse, body)
        origin = {"completion": "diffusion", "completion_seed": seed + index, "completion_weights": _origin()}
        detail = weave(partial, carry_detail(partial, texture, fine, body), fine, body, seed + index)
        results.append(Completed(composed, detail, origin))
    return results


@lru_cache(maxsize=2)
def load_inpainter(codec: Path | None = None, denoiser: Path | None = None, device: str = "cpu") -> "Inpainter":
    """The inpainter that ships, or of other weights, kept for the next call; raises WeightsError."""
    from neural_core.inpainting.codec import load_codec
    from neural_core.inpainting.denoiser import load_denoiser
    from neural_core.inpainting.inpainter import Inpainter

    networks = load_codec(codec, device), load_denoiser(denoiser, device)
    of_codec, of_denoiser = (network.config for network in networks)
    if (of_codec.latent, of_codec.latent_resolution) != (of_denoiser.latent, of_denoiser.latent_resolution):
        raise WeightsError("Codec and denoiser were not trained together: use weights of one training.")
    return Inpainter(*networks)


def chosen_method(method: str, proposals: int) -> str:
    """ "diffusion" or "classical", for a request; raises what `complete_textures` does, before any work is done."""
    if method not in METHODS:
        raise LikenessError(f"There is no inpainting called '{method}': use {', '.join(METHODS)}.")
    if not 1 <= proposals <= 16:
        raise LikenessError("Ask for 1 to 16 proposals.")
    if method == "classical" and proposals > 1:
        raise LikenessError("The classical completion has one answer only: use diffusion for several proposals.")
    missing = [name for name in ("codec", "denoiser") if not shipped(name).is_file()]
    if method == "auto" and proposals == 1:
        return "classical" if missing else PREFERRED
    if method != "classical" and missing:
        raise WeightsError(f"The weights of the {missing[0]} are not installed: use --inpainting classical.")
    return "classical" if method == "classical" else "diffusion"


@lru_cache(maxsize=1)
def _origin() -> str:
    """What the shipped weights say of their training, in a few words."""
    from neural_core.inpainting import codec, denoiser

    parts = []
    for name, module in (("codec", codec), ("denoiser", denoiser)):
        origin = read_provenance(shipped(name), module.FORMAT, module.FORMAT_VERSION)
        parts.append(f"{name}: {origin.get('steps')} steps, {origin.get('people')} people")
    return "; ".join(parts)
