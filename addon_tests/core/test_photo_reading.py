"""Any photo a camera, phone or editor writes becomes one plain form, and anything else a sentence."""

import io

import numpy as np
import pytest
from PIL import Image, ImageCms

from neural_core.errors import PhotoError
from neural_core.photo.reading import read_photo

RED = (200, 30, 40)


@pytest.fixture
def picture():
    """A 120 x 80 picture, red but for a blue top left quarter: shows orientation and colour."""
    pixels = np.full((80, 120, 3), RED, dtype=np.uint8)
    pixels[:40, :60] = (20, 40, 210)
    return Image.fromarray(pixels)


def _is_red(colour) -> bool:
    return bool(np.abs(np.asarray(colour) * 255 - RED).max() < 12)


def _is_blue(colour) -> bool:
    return bool(np.abs(np.asarray(colour) * 255 - (20, 40, 210)).max() < 25)


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.webp", "a.tif", "a.bmp"])
def test_formats(tmp_path, picture, name):
    picture.save(tmp_path / name)
    photo = read_photo(tmp_path / name)
    assert photo.image.shape == (80, 120, 3) and photo.image.dtype == np.float32
    assert photo.alpha is None and photo.focal is None and photo.warnings == ()
    assert _is_red(photo.image[70, 110]) and _is_blue(photo.image[10, 10])


def test_heic(tmp_path, picture):
    heif = pytest.importorskip("pillow_heif")
    heif.register_heif_opener()
    picture.save(tmp_path / "a.heic", quality=95)
    assert _is_red(read_photo(tmp_path / "a.heic").image[70, 110])


@pytest.mark.parametrize("orientation, corner", [(1, (0, 0)), (3, (-1, -1)), (6, (0, -1)), (8, (-1, 0)), (2, (0, -1))])
def test_exif_orientation(tmp_path, picture, orientation, corner):
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture.save(tmp_path / "a.jpg", exif=exif, quality=95)
    image = read_photo(tmp_path / "a.jpg").image
    assert image.shape[:2] == ((120, 80) if orientation in (6, 8) else (80, 120))
    row, column = (10 if edge == 0 else -10 for edge in corner)
    assert _is_blue(image[row, column])


def test_focal_from_35mm_equivalent(tmp_path, picture):
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0xA405] = 50
    picture.save(tmp_path / "a.jpg", exif=exif)
    photo = read_photo(tmp_path / "a.jpg")
    # The definition: the same share of the picture's diagonal as on 36 x 24 mm film.
    assert photo.focal == pytest.approx(50 / np.hypot(36, 24) * np.hypot(120, 80), rel=1e-3)


@pytest.mark.parametrize("value", [0, 1, 60000])
def test_absurd_focal_is_ignored(tmp_path, picture, value):
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0xA405] = value
    picture.save(tmp_path / "a.jpg", exif=exif)
    assert read_photo(tmp_path / "a.jpg").focal is None


def test_alpha_is_kept_and_hidden_pixels_are_white(tmp_path, picture):
    alpha = Image.fromarray(np.where(np.arange(120)[None] < 60, 0, 255).repeat(80, 0).astype(np.uint8))
    picture.putalpha(alpha)
    picture.save(tmp_path / "a.png")
    photo = read_photo(tmp_path / "a.png")
    assert photo.alpha is not None and photo.alpha[0, 0] == 0 and photo.alpha[0, -1] == 1
    assert np.all(photo.image[10, 10] == 1) and _is_red(photo.image[70, 110])


def test_opaque_alpha_is_no_alpha(tmp_path, picture):
    picture.putalpha(255)
    picture.save(tmp_path / "a.png")
    assert read_photo(tmp_path / "a.png").alpha is None


def test_palette_with_transparency(tmp_path, picture):
    picture.quantize(4).save(tmp_path / "a.png", transparency=0)
    assert read_photo(tmp_path / "a.png").image.shape == (80, 120, 3)


def test_sixteen_bit_and_grey(tmp_path):
    ramp = np.linspace(0, 65535, 100).astype(np.uint16)[None].repeat(80, 0)
    Image.fromarray(ramp).save(tmp_path / "deep.png")
    deep = read_photo(tmp_path / "deep.png").image
    assert deep[0, 0, 0] < 0.01 and deep[0, -1, 2] > 0.99 and 0.45 < deep[0, 50, 1] < 0.55
    Image.fromarray((ramp >> 8).astype(np.uint8)).save(tmp_path / "grey.jpg")
    grey = read_photo(tmp_path / "grey.jpg").image
    assert grey.shape == (80, 100, 3) and np.allclose(grey[..., 0], grey[..., 2])


def test_cmyk_with_a_broken_profile(tmp_path, picture):
    picture.convert("CMYK").save(tmp_path / "a.jpg", icc_profile=b"not a profile" * 20, quality=95)
    photo = read_photo(tmp_path / "a.jpg")
    assert _is_red(photo.image[70, 110])
    assert any("colour profile" in warning for warning in photo.warnings)


def test_srgb_profile_changes_nothing(tmp_path, picture):
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    picture.save(tmp_path / "a.png", icc_profile=profile)
    photo = read_photo(tmp_path / "a.png")
    assert _is_red(photo.image[70, 110]) and photo.warnings == ()


def test_large_photo_is_reduced_and_its_focal_with_it(tmp_path):
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0xA405] = 43
    Image.new("RGB", (6000, 3000), RED).save(tmp_path / "a.jpg", exif=exif)
    photo = read_photo(tmp_path / "a.jpg")
    assert max(photo.image.shape) == 4096 and photo.warnings
    assert photo.focal == pytest.approx(np.hypot(4096, 2048), rel=0.01)


def _bomb() -> bytes:
    """A PNG that claims 60000 x 60000 pixels in a few bytes."""
    buffer = io.BytesIO()
    Image.new("L", (64, 64)).save(buffer, "PNG")
    data = bytearray(buffer.getvalue())
    data[16:24] = (60000).to_bytes(4, "big") * 2
    import zlib

    data[29:33] = zlib.crc32(bytes(data[12:29])).to_bytes(4, "big")
    return bytes(data)


def _file(kind: str, picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    if kind == "empty":
        return b""
    if kind == "text":
        return b"this is no picture\n" * 50
    if kind == "noise":
        return np.random.default_rng(0).bytes(5000)
    if kind == "bomb":
        return _bomb()
    if kind == "tiny":
        Image.new("RGB", (20, 20)).save(buffer, "PNG")
    elif kind == "animated":
        frames = [Image.new("RGB", (100, 100), (k, 0, 0)) for k in (0, 100)]
        frames[0].save(buffer, "GIF", save_all=True, append_images=frames[1:])
    elif kind == "transparent":
        Image.new("RGBA", (100, 100), (1, 2, 3, 0)).save(buffer, "PNG")
    else:
        big = Image.fromarray(np.random.default_rng(1).integers(0, 255, (200, 200, 3), dtype=np.uint8))
        big.save(buffer, {"truncated jpeg": "JPEG", "truncated png": "PNG", "truncated webp": "WEBP"}[kind])
        return buffer.getvalue()[: len(buffer.getvalue()) // 2]
    return buffer.getvalue()


@pytest.mark.parametrize(
    "kind, word",
    [
        ("empty", "not an image"),
        ("text", "not an image"),
        ("noise", "not an image"),
        ("bomb", "too many pixels"),
        ("tiny", "larger photo"),
        ("animated", "animated"),
        ("transparent", "transparent"),
        ("truncated jpeg", "truncated"),
        ("truncated png", "truncated"),
        ("truncated webp", ""),
    ],
)
def test_bad_files_give_one_sentence(tmp_path, picture, kind, word):
    path = tmp_path / "bad.jpg"
    path.write_bytes(_file(kind, picture))
    with pytest.raises(PhotoError) as error:
        read_photo(path)
    message = str(error.value)
    assert word in message and message.endswith(".") and "\n" not in message and len(message) < 160


def test_missing_file_and_folder(tmp_path):
    with pytest.raises(PhotoError, match="no photo"):
        read_photo(tmp_path / "absent.jpg")
    with pytest.raises(PhotoError):
        read_photo(tmp_path)
