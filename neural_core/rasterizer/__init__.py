"""Posed mesh and camera to what each pixel sees. One protocol, several backends with the same triangle ids."""

from neural_core.rasterizer.backends import select
from neural_core.rasterizer.fragments import Fragments, Rasterizer, interpolate, surface_points
from neural_core.rasterizer.silhouette import Topology, outline_points, soft_mask
from neural_core.rasterizer.torch_backend import rasterize

__all__ = [
    "Fragments",
    "Rasterizer",
    "Topology",
    "interpolate",
    "outline_points",
    "rasterize",
    "select",
    "soft_mask",
    "surface_points",
]
