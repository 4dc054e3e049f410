"""A flat backend whose memory runs out on frames of more than PIXELS pixels, unless it runs on the processor."""

import sys

from addon_tests.addon.flat_backend import FlatCache
from neural_core.backend import operations, server

PIXELS = 96 * 128 // 2


def command(device: str) -> list[str]:
    """device: "auto" or "cpu"."""
    return [sys.executable, "-m", "addon_tests.addon.hungry_backend", device]


def main() -> None:
    cache, device = FlatCache(), sys.argv[1]

    def render_frame(request, progress):
        if device != "cpu" and request.body["width"] * request.body["height"] > PIXELS:
            raise MemoryError
        return operations.render_frame(request, progress, cache=cache)

    server.run(lambda: ({"render_frame": render_frame}, {"version": "test", "device": device, "free_memory": None}))


if __name__ == "__main__":
    main()
