"""What the engine hands to Blender, in one table: name, channels and how it comes from the backend's pictures."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import bpy
import numpy as np

from ..rig.axes import to_blender

_BACKGROUND_DEPTH = 1e10  # what Blender's own engines write where there is nothing

# rgba (H, W, 4) sRGB straight alpha, depth (H, W), mask (H, W), and normal, uv (H, W, 3) where asked; row 0 on top
Pictures = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Pass:
    """One render pass.

    Attributes:
        channels: one letter each. kind: Blender's COLOR, VECTOR or VALUE. picture: of the backend, that it is made of.
        switch: the view layer's property that asks for it, Blender then adds the pass by itself; None: always made.
        pixels: the pass (H, W, channels) float32, row 0 on top.
    """

    name: str
    channels: str
    kind: Literal["COLOR", "VECTOR", "VALUE"]
    picture: str
    switch: str | None
    pixels: Callable[[np.ndarray], np.ndarray]

    def wanted(self, layer: bpy.types.ViewLayer) -> bool:
        return self.switch is None or getattr(layer, self.switch)


def combined(rgba: np.ndarray) -> np.ndarray:
    """(H, W, 4) scene-linear with premultiplied alpha, from sRGB with straight alpha."""
    alpha = rgba[..., 3:]
    return np.concatenate([linear(rgba[..., :3]) * alpha, alpha], axis=-1)


def linear(srgb: np.ndarray) -> np.ndarray:
    """sRGB in [0, 1] to linear light with the same primaries (IEC 61966-2-1)."""
    return np.where(srgb <= 0.04045, srgb / 12.92, ((np.maximum(srgb, 0.0) + 0.055) / 1.055) ** 2.4)


def _depth(depth: np.ndarray) -> np.ndarray:
    return np.where(np.isfinite(depth), depth, _BACKGROUND_DEPTH)[..., None]


PASSES = (
    Pass("Combined", "RGBA", "COLOR", "rgba", None, combined),
    Pass("Depth", "Z", "VALUE", "depth", "use_pass_z", _depth),
    Pass("Normal", "XYZ", "VECTOR", "normal", "use_pass_normal", to_blender),
    Pass("UV", "UVA", "VECTOR", "uv", "use_pass_uv", lambda uv: uv),
    Pass("Mask", "X", "VALUE", "mask", None, lambda mask: mask[..., None]),
)


def pictures_wanted(layer: bpy.types.ViewLayer) -> list[str]:
    """The backend's pictures that a view layer's passes are made of."""
    return [entry.picture for entry in PASSES if entry.wanted(layer)]


def register_passes(engine: bpy.types.RenderEngine, scene: bpy.types.Scene, layer: bpy.types.ViewLayer) -> None:
    """Tell the compositor which sockets there are."""
    for entry in PASSES:
        if entry.wanted(layer):
            engine.register_pass(scene, layer, entry.name, len(entry.channels), entry.channels, entry.kind)


def write_passes(
    engine: bpy.types.RenderEngine, layer_name: str, pictures: Pictures, behind: np.ndarray | None
) -> None:
    """Hand a drawn frame to Blender, bottom row first.

    behind: (H, W, 3) scene-linear colour under the avatars, row 0 on top; None leaves the picture transparent.
    """
    height, width = pictures["rgba"].shape[:2]
    for entry in PASSES:
        if entry.switch is None and entry.name != "Combined":
            engine.add_pass(entry.name, len(entry.channels), entry.channels, layer=layer_name)
    result = engine.begin_result(0, 0, width, height, layer=layer_name)
    layer = result.layers[0]
    for entry in PASSES:
        target = layer.passes.get(entry.name)
        if target is not None and entry.picture in pictures:
            pixels = entry.pixels(pictures[entry.picture])
            if entry.name == "Combined" and behind is not None:
                pixels = over(pixels, behind)
            target.rect.foreach_set(np.ascontiguousarray(pixels[::-1], dtype=np.float32).ravel())
    engine.end_result(result)


def over(premultiplied: np.ndarray, behind: np.ndarray) -> np.ndarray:
    """(H, W, 4) opaque: a premultiplied picture (H, W, 4) over a colour (H, W, 3), both scene-linear."""
    covered = premultiplied[..., :3] + behind * (1 - premultiplied[..., 3:])
    return np.concatenate([covered, np.ones_like(premultiplied[..., 3:])], axis=-1)


def empty_pictures(width: int, height: int, names: list[str]) -> dict[str, np.ndarray]:
    """A frame without avatars."""
    shapes = {"rgba": (4,), "normal": (3,), "uv": (3,)}
    return {
        name: np.full((height, width, *shapes.get(name, ())), np.inf if name == "depth" else 0.0, np.float32)
        for name in names
    }
