"""What the engine hands to Blender, in one table: name, channels and how it comes from the backend's picture."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import bpy
import numpy as np

_BACKGROUND_DEPTH = 1e10  # what Blender's own engines write where there is nothing

Pictures = Mapping[str, np.ndarray]  # rgba (H, W, 4) sRGB straight alpha, depth (H, W), mask (H, W); row 0 on top


@dataclass(frozen=True)
class Pass:
    """One render pass.

    Attributes:
        channels: one letter each. kind: Blender's COLOR, VECTOR or VALUE.
        optional: made only when the view layer asks for it (Blender then adds it by itself).
        pixels: the picture (H, W, channels) float32, row 0 on top.
    """

    name: str
    channels: str
    kind: Literal["COLOR", "VECTOR", "VALUE"]
    optional: bool
    pixels: Callable[[Pictures], np.ndarray]


def combined(pictures: Pictures) -> np.ndarray:
    """(H, W, 4) scene-linear with premultiplied alpha."""
    rgba = pictures["rgba"]
    alpha = rgba[..., 3:]
    return np.concatenate([linear(rgba[..., :3]) * alpha, alpha], axis=-1)


def linear(srgb: np.ndarray) -> np.ndarray:
    """sRGB in [0, 1] to linear light with the same primaries (IEC 61966-2-1)."""
    return np.where(srgb <= 0.04045, srgb / 12.92, ((np.maximum(srgb, 0.0) + 0.055) / 1.055) ** 2.4)


def _depth(pictures: Pictures) -> np.ndarray:
    depth = pictures["depth"]
    return np.where(np.isfinite(depth), depth, _BACKGROUND_DEPTH)[..., None]


PASSES = (
    Pass("Combined", "RGBA", "COLOR", False, combined),
    Pass("Depth", "Z", "VALUE", True, _depth),
    Pass("Mask", "X", "VALUE", False, lambda pictures: pictures["mask"][..., None]),
)


def register_passes(engine: bpy.types.RenderEngine, scene: bpy.types.Scene, layer: bpy.types.ViewLayer) -> None:
    """Tell the compositor which sockets there are."""
    for entry in PASSES:
        if not entry.optional or layer.use_pass_z:
            engine.register_pass(scene, layer, entry.name, len(entry.channels), entry.channels, entry.kind)


def write_passes(engine: bpy.types.RenderEngine, layer_name: str, pictures: Pictures) -> None:
    """Hand a drawn frame to Blender, bottom row first."""
    height, width = pictures["depth"].shape
    for entry in PASSES:
        if not entry.optional and entry.name != "Combined":
            engine.add_pass(entry.name, len(entry.channels), entry.channels, layer=layer_name)
    result = engine.begin_result(0, 0, width, height, layer=layer_name)
    layer = result.layers[0]
    for entry in PASSES:
        target = layer.passes.get(entry.name)
        if target is not None:
            pixels = np.ascontiguousarray(entry.pixels(pictures)[::-1], dtype=np.float32)
            target.rect.foreach_set(pixels.ravel())
    engine.end_result(result)


def empty_pictures(width: int, height: int) -> dict[str, np.ndarray]:
    """A frame without avatars."""
    return {
        "rgba": np.zeros((height, width, 4), np.float32),
        "depth": np.full((height, width), np.inf, np.float32),
        "mask": np.zeros((height, width), np.float32),
    }
