"""What is measured on a pair of pictures: the truth, and what an avatar shows of it.

All pictures are torch (3, H, W) sRGB in [0, 1]; masks (H, W). Read the numbers together: PSNR alone rewards blur, IoU
alone a flat cut-out, and SSIM with a large even ground says almost nothing (facts/neural.md 3.4).
"""

from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from neural_core.errors import LikenessError

_MARGIN = 0.05  # of the person's longer side, round the crop
_LEAST_MS_SSIM = 176  # pixels: five scales of an 11 pixel window


class EvaluationError(LikenessError):
    """The evaluation lacks something it needs."""

    code = "evaluation"


def psnr(a: Tensor, b: Tensor, where: Tensor) -> float:
    """Decibels over the pixels `where` (H, W) bool; nan where there is none."""
    if not bool(where.any()):
        return float("nan")
    error = (a - b).square().mean(0)[where].mean()
    return float(-10 * torch.log10(error.clamp(min=1e-10)))


def iou(a: Tensor, b: Tensor) -> float:
    """Intersection over union of bool masks; 1 when both are empty."""
    union = int((a | b).sum())
    return int((a & b).sum()) / union if union else 1.0


def person_crop(mask: Tensor) -> tuple[slice, slice]:
    """Rows and columns of the person in mask (H, W) with a margin; the whole picture where there is nobody."""
    rows, columns = torch.nonzero((mask > 0.5).any(1)).flatten(), torch.nonzero((mask > 0.5).any(0)).flatten()
    if not len(rows):
        return slice(None), slice(None)
    (top, bottom), (left, right) = ((int(x[0]), int(x[-1]) + 1) for x in (rows, columns))
    margin = round(_MARGIN * max(bottom - top, right - left))
    return slice(max(top - margin, 0), bottom + margin), slice(max(left - margin, 0), right + margin)


def picture_scores(
    drawn: Tensor, alpha: Tensor, truth: Tensor, mask: Tensor, perceptual: Iterable[str] = (), whole: bool = True
) -> dict[str, float]:
    """Every measure of one pair.

    Args:
        drawn: (3, H, W) straight colours with alpha (H, W). truth: the photo, with the person's mask (H, W) in [0, 1].
        perceptual: names of `perceptual_networks` to measure as well. whole: of the whole picture, too.

    Returns:
        psnr: over the true person's pixels, the drawing over black, the photo as it is: a pixel that is not drawn
        counts as black. psnr_union: over the pixels of either, both cut out over black: what is drawn beyond the
        person counts, too. psnr_both: where both are, colours alone. iou: of the masks at one half. ssim, ms_ssim:
        of the person crop, both cut out over mid grey. *_image, where `whole`: of the whole picture over white, for
        comparison with papers only. lpips_*, dists_* where asked for: on the crop over white.
    """
    person, there = mask > 0.5, alpha > 0.5
    over_black = drawn * alpha
    scores = {
        "psnr": psnr(over_black, truth, person),
        "psnr_union": psnr(over_black, truth * mask, person | there),
        "psnr_both": psnr(over_black, truth, person & there),
        "iou": iou(person, there),
    }
    crop = person_crop(torch.maximum(mask, alpha))
    grey = over_ground(drawn, alpha, 0.5)[:, *crop], over_ground(truth, mask, 0.5)[:, *crop]
    white = over_ground(drawn, alpha, 1.0), over_ground(truth, mask, 1.0)
    scores |= structural(*grey)
    if whole:
        scores["psnr_image"] = psnr(*white, torch.ones_like(person))
        scores |= {f"{name}_image": value for name, value in structural(*white).items()}
    for name in perceptual:
        scores[name] = perceptual_distance(name, white[0][:, *crop], white[1][:, *crop])
    return scores


def over_ground(picture: Tensor, alpha: Tensor, ground: float) -> Tensor:
    """Straight colours (3, H, W) on an even ground."""
    return picture * alpha + ground * (1 - alpha)


def structural(a: Tensor, b: Tensor) -> dict[str, float]:
    """SSIM and MS-SSIM of two pictures; narrower ones than 176 pixels get an even rim for the latter's five scales."""
    metrics = _torchmetrics()
    single: Any = metrics.structural_similarity_index_measure(a[None], b[None], data_range=1.0)
    rim = [max(0, _LEAST_MS_SSIM - side + 1) // 2 for side in a.shape[1:]]
    padded = [torch.nn.functional.pad(x[None], (rim[1], rim[1], rim[0], rim[0]), value=0.5) for x in (a, b)]
    # Its default raises contrast terms to fractional powers: negative ones, of pictures that have nothing in common,
    # would be nan.
    several: Any = metrics.multiscale_structural_similarity_index_measure(
        padded[0], padded[1], data_range=1.0, normalize="relu"
    )
    return {"ssim": float(single), "ms_ssim": float(several)}


_NEEDS = {  # what each perceptual measure needs: a file in torch's hub folder, and packages
    "lpips_alex": ("alexnet-owt-7be5be79.pth", ("lpips", "torchvision")),
    "lpips_vgg": ("vgg16-397923af.pth", ("lpips", "torchvision")),
    "dists_vgg": ("vgg16-397923af.pth", ("torchmetrics", "torchvision")),
}


def perceptual_networks() -> tuple[str, ...]:
    """Perceptual measures whose weights lie on this machine; nothing is downloaded."""
    hub = Path(torch.hub.get_dir()) / "checkpoints"
    return tuple(
        name for name, (file, packages) in _NEEDS.items() if (hub / file).is_file() and all(map(_importable, packages))
    )


def perceptual_distance(name: str, a: Tensor, b: Tensor) -> float:
    """LPIPS or DISTS of two pictures by the network named, one of `perceptual_networks`."""
    with torch.no_grad():
        return float(_distance(name)(a[None], b[None]))


@cache
def _distance(name: str) -> Callable[[Tensor, Tensor], Tensor]:
    if name == "dists_vgg":
        from torchmetrics.functional.image.dists import DISTSNetwork  # its function reads VGG16 anew at every call

        return DISTSNetwork().eval()
    import lpips  # type: ignore[import-not-found]

    network = lpips.LPIPS(net=name.removeprefix("lpips_"), verbose=False).eval()
    return lambda a, b: network(a * 2 - 1, b * 2 - 1)


def _importable(package: str) -> bool:
    from importlib.util import find_spec

    return find_spec(package) is not None


@cache
def _torchmetrics():
    try:
        from torchmetrics.functional import image
    except ImportError as error:
        raise EvaluationError(
            "Evaluation needs the package torchmetrics: install it with 'pip install likeness[evaluate]'."
        ) from error
    return image
