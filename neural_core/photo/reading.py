"""Reading a photo file into one plain form, whatever a camera, phone or editor put into it."""

import io
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image, ImageCms, ImageOps

from neural_core.errors import PhotoError

_FORMATS = ["JPEG", "MPO", "PNG", "WEBP", "TIFF", "BMP", "GIF", "HEIF"]
_WIDELY_KNOWN = {"JPEG", "MPO", "PNG", "WEBP", "TIFF", "BMP"}
_STILL_WITH_EXTRAS = {"MPO", "HEIF"}  # phones store depth maps and previews as further frames of a still
_MAX_PIXELS = 150_000_000  # the largest phone sensors have 108 megapixels; more is a mistake or a bomb
_MAX_SIDE = 4096  # a 1024² texture gains nothing from more, and float pictures of 50 megapixels fill the memory
_MIN_SIDE = 64
_DIAGONAL_35MM = 43.27  # millimetres, 36 x 24 film; "35 mm equivalent" compares diagonals
_FOCAL_RANGE = (0.3, 20.0)  # of the longer side: fisheye to long telephoto; outside, the tag is wrong


@dataclass(frozen=True)
class Photo:
    """A photo, upright.

    Attributes:
        image: (H, W, 3) float32 sRGB in [0, 1], straight colours; white where fully transparent.
        alpha: (H, W) float32 in [0, 1] where the file had one that hides something, else None.
        focal: pixels, from EXIF, else None.
        path: where it was read from. warnings: sentences for the user.
    """

    image: np.ndarray
    alpha: np.ndarray | None
    focal: float | None
    path: Path
    warnings: tuple[str, ...] = ()


def read_photo(path: str | Path) -> Photo:
    """Read JPEG, PNG, WebP, TIFF, BMP, and HEIC where pillow-heif is installed.

    Raises:
        PhotoError: not an image, truncated, too large or too small, animated, or fully transparent.
    """
    path = Path(path)
    notes: list[str] = []
    image = _open(path)
    exif_focal = _focal_over_diagonal(image)
    try:
        image.load()
    except Exception as error:  # decoders of damaged files raise anything from OSError to struct.error
        raise PhotoError(f"{path.name} is damaged or truncated; export or copy it again.") from error
    image = ImageOps.exif_transpose(image)
    image = _to_srgb(image, notes)
    if max(image.size) > _MAX_SIDE:
        notes.append(
            f"The photo was reduced from {image.width}x{image.height} to {_MAX_SIDE} pixels on its longer side."
        )
        image.thumbnail((_MAX_SIDE, _MAX_SIDE), Image.Resampling.LANCZOS, reducing_gap=3.0)
    pixels = np.asarray(image, dtype=np.float32) / 255
    rgb, alpha = np.ascontiguousarray(pixels[..., :3]), None
    if pixels.shape[2] == 4 and pixels[..., 3].min() < 1:
        alpha = np.ascontiguousarray(pixels[..., 3])
        if alpha.max() < 0.5:
            raise PhotoError(f"{path.name} is fully transparent; use a photo that shows a person.")
        rgb[alpha == 0] = 1.0
    focal = None
    if exif_focal is not None:
        focal = exif_focal * float(np.hypot(*image.size))
        if not _FOCAL_RANGE[0] <= focal / max(image.size) <= _FOCAL_RANGE[1]:
            notes.append("The focal length in the photo's EXIF data is implausible and was ignored.")
            focal = None
    return Photo(rgb, alpha, focal, path, tuple(notes))


def is_shown_otherwise(path: Path) -> bool:
    """Whether a program without EXIF orientation and HEIC shows another picture than `read_photo` gives."""
    image = _open(path)
    return image.format not in _WIDELY_KNOWN or image.getexif().get(ExifTags.Base.Orientation, 1) != 1


def _open(path: Path) -> Image.Image:
    """Open and check the header; no pixel is decoded yet."""
    _register_heif()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            image = Image.open(io.BytesIO(path.read_bytes()), formats=_known_formats())
    except FileNotFoundError as error:
        raise PhotoError(f"There is no photo at {path}; check the path.") from error
    except Image.DecompressionBombError as error:
        raise PhotoError(
            f"{path.name} has too many pixels; reduce it below {_MAX_PIXELS // 10**6} megapixels."
        ) from error
    except (IsADirectoryError, PermissionError) as error:
        raise PhotoError(f"{path} cannot be read as a file; choose a photo you may read.") from error
    except Exception as error:  # Pillow's header parsers of hostile files raise anything
        if path.suffix.lower() in (".heic", ".heif") and "HEIF" not in _known_formats():
            raise PhotoError(
                "HEIC photos need the package pillow-heif; install it or save the photo as JPEG."
            ) from error
        raise PhotoError(f"{path.name} is not an image; use a JPEG, PNG, WebP or HEIC photo.") from error
    if image.width * image.height > _MAX_PIXELS:
        raise PhotoError(f"{path.name} has too many pixels; reduce it below {_MAX_PIXELS // 10**6} megapixels.")
    if min(image.size) < _MIN_SIDE:
        raise PhotoError(f"{path.name} is only {image.width}x{image.height} pixels; use a larger photo.")
    if getattr(image, "is_animated", False) and image.format not in _STILL_WITH_EXTRAS:
        raise PhotoError(f"{path.name} is animated or has several pages; save one frame as a photo.")
    return image


def _register_heif() -> None:
    try:
        import pillow_heif
    except ImportError:
        return
    pillow_heif.register_heif_opener()


def _known_formats() -> list[str]:
    Image.init()
    return [name for name in _FORMATS if name in Image.OPEN]


def _focal_over_diagonal(image: Image.Image) -> float | None:
    """Focal length as a multiple of the picture's diagonal, from EXIF; None when absent or unreadable."""
    try:
        tags = image.getexif().get_ifd(ExifTags.IFD.Exif)
        equivalent = float(tags.get(ExifTags.Base.FocalLengthIn35mmFilm, 0))
        if equivalent > 0:
            return equivalent / _DIAGONAL_35MM
        focal_mm = float(tags.get(ExifTags.Base.FocalLength, 0))
        density = float(tags.get(ExifTags.Base.FocalPlaneXResolution, 0))
        width = float(tags.get(ExifTags.Base.ExifImageWidth, 0))
        height = float(tags.get(ExifTags.Base.ExifImageHeight, 0))
        millimetres = {2: 25.4, 3: 10.0, 4: 1.0}.get(int(tags.get(ExifTags.Base.FocalPlaneResolutionUnit, 2)), 25.4)
    except (ValueError, TypeError, ZeroDivisionError, KeyError, SyntaxError, OSError):
        return None  # EXIF is a hint; a broken one must not cost the photo
    if min(focal_mm, density, width, height) <= 0:
        return None
    return focal_mm * density / millimetres / float(np.hypot(width, height))


def _to_srgb(image: Image.Image, notes: list[str]) -> Image.Image:
    """Any mode to 8-bit sRGB or sRGB with alpha; embedded colour profiles are applied, broken ones ignored."""
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        image = _high_depth_grey(image)
    has_alpha = image.mode in ("LA", "PA", "RGBA", "RGBa", "La") or "transparency" in image.info
    alpha = image.convert("RGBA").getchannel("A") if has_alpha else None
    profile = image.info.get("icc_profile")
    if image.mode in ("P", "PA", "1", "RGBA", "RGBa", "La", "LA"):
        image = image.convert("RGBA").convert("RGB") if image.mode not in ("LA", "La", "1") else image.convert("L")
    if profile:
        image = _apply_profile(image, profile, notes)
    image = image.convert("RGB")
    if alpha is not None:
        image.putalpha(alpha)
    return image


def _apply_profile(image: Image.Image, profile: bytes, notes: list[str]) -> Image.Image:
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        target = ImageCms.createProfile("sRGB")
        return ImageCms.profileToProfile(image, source, target, outputMode="RGB") or image
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        notes.append("The photo's colour profile is broken and was ignored.")
        return image


def _high_depth_grey(image: Image.Image) -> Image.Image:
    values = np.asarray(image).astype(np.float64)
    if image.mode == "F":
        scale = 1.0 if np.nanmax(values) <= 1.0 else 255.0
    else:
        scale = 65535.0 if values.max() > 255 else 255.0
    grey = np.nan_to_num(values / scale).clip(0, 1)
    return Image.fromarray((grey * 255 + 0.5).astype(np.uint8), "L")
