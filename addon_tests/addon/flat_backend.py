"""A backend whose render_frame is the real one, but for a renderer that paints avatars in the colour of their name.

Started as a script. An avatar is a file named after its colour, `red.likeness`; its content is not read. Drawing
`crash.likeness` removes that file and kills the backend: the next process draws.
"""

import os
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import torch

from neural_core.backend import operations, server
from neural_core.body import load_open_body
from neural_core.errors import AvatarFileError
from neural_core.rasterizer import rasterize
from neural_core.rendering import Frame

COLORS = {"red": (1.0, 0.0, 0.0), "green": (0.0, 1.0, 0.0), "grey": (0.5, 0.5, 0.5)}


class FlatCache:
    """Stands in for neural_core.backend.cache.Cache."""

    def __init__(self):
        self.body = load_open_body()

    def avatar(self, path: str):
        file = Path(path)
        if file.stem == "crash" and file.exists():
            file.unlink()
            os._exit(3)
        if not file.exists() and file.stem != "crash":
            raise AvatarFileError(f"There is no avatar file '{path}': check the path.")
        return SimpleNamespace(texture=COLORS.get(file.stem, (1.0, 1.0, 1.0)))

    def renderer(self, avatar):
        return SimpleNamespace(body=self.body, render=self._render, rasterize=rasterize, device=torch.device("cpu"))

    def _render(self, vertices, camera, texture, quality):
        fragments = rasterize(vertices, self.body.faces, camera)
        rgb = torch.tensor(texture)[:, None, None].expand(3, camera.height, camera.width)
        return Frame(rgb, fragments.mask.float(), fragments.depth)


if __name__ == "__main__":
    server.run(
        lambda: (
            {"render_frame": partial(operations.render_frame, cache=FlatCache())},  # type: ignore[arg-type]
            {"version": "test", "device": "cpu", "free_memory": None},
        )
    )
