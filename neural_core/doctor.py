"""What this installation can do, and what to do about what it cannot."""

import importlib.util
import platform
from collections.abc import Iterator
from dataclasses import dataclass

from neural_core.errors import LikenessError


@dataclass(frozen=True)
class Check:
    """One finding; `optional` ones do not make an installation unsound."""

    name: str
    ok: bool
    finding: str
    optional: bool = False


def examine() -> Iterator[Check]:
    """Look at the parts in the order the pipeline needs them."""
    import torch

    from neural_core.body import load_open_body
    from neural_core.rendering import load_renderer

    yield Check("Python", True, f"{platform.python_version()} on {platform.system()} {platform.machine()}")
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else f"CPU, {torch.get_num_threads()} threads"
    yield Check("torch", True, f"{torch.__version__}, {device}")
    for name, load in (("body", load_open_body), ("renderer", load_renderer)):
        try:
            loaded = load()
        except LikenessError as error:
            yield Check(name, False, str(error))
            continue
        yield Check(name, True, getattr(loaded, "name", type(loaded).__name__))
    for module, purpose, optional in (
        ("mediapipe", "finds the person in the photo; pip install mediapipe==0.10.21", False),
        ("bpy", "demo without a Blender program; pip install 'likeness[blender]'", True),
        ("pillow_heif", "reads HEIC photos; pip install 'likeness[heic]'", True),
        ("smplx", "cross-check with licensed SMPL-X; pip install 'likeness[smplx]'", True),
        ("lpips", "perceptual loss in training; pip install 'likeness[lpips]'", True),
        ("nvdiffrast", "faster rasterizer on NVIDIA cards", True),
    ):
        found = importlib.util.find_spec(module) is not None
        yield Check(module, found, "found" if found else f"missing: {purpose}", optional)
