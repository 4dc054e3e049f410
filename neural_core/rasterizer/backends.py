"""Which rasterizer to use."""

from neural_core.errors import BackendError
from neural_core.rasterizer import nvdiffrast_backend, torch_backend
from neural_core.rasterizer.fragments import Rasterizer

NAMES = ("torch", "nvdiffrast")


def select(name: str | None = None) -> Rasterizer:
    """The rasterizer of that name; None is the default, which runs everywhere and gives the same ids everywhere.

    Raises:
        BackendError: no rasterizer has that name, or it is not installed.
    """
    if name is None or name == "torch":
        return torch_backend.rasterize
    if name == "nvdiffrast":
        nvdiffrast_backend.load()  # say so now, not at the first frame
        return nvdiffrast_backend.rasterize
    raise BackendError(f"There is no rasterizer '{name}'; choose one of {', '.join(NAMES)}.")
