"""A backend that is killed (SIGKILL) in a chosen stage of its work, twice; then it works. Started as a script."""

import json
import os
import signal
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
STAGES = ("creating", "created", "describing")


def command(marker: Path, stage: int) -> list[str]:
    """marker: file that counts the deaths; answer.npz and answer.json beside it. stage: index into STAGES."""
    return [sys.executable, __file__, str(marker), str(stage)]


def die(marker: Path, stage: str) -> None:
    deaths = int(marker.read_text()) if marker.exists() else 0
    if stage == STAGES[int(sys.argv[2])] and deaths < 2:
        marker.write_text(str(deaths + 1))
        os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    sys.path.insert(0, str(ROOT))
    import numpy as np

    from neural_core.backend import server

    marker = Path(sys.argv[1])

    def create_avatar(request, progress):
        progress.update(0.5, "Creating")
        die(marker, "creating")
        Path(request.body["output"]).write_bytes(b"an avatar")
        progress.update(1.0, "Created")
        die(marker, "created")
        return {"path": request.body["output"], "warnings": []}, {}

    def describe_avatar(request, progress):
        progress.update(0.5, "Describing")
        die(marker, "describing")
        with np.load(marker.with_name("answer.npz")) as arrays:
            return json.loads(marker.with_name("answer.json").read_text()), dict(arrays)

    operations = {"create_avatar": create_avatar, "describe_avatar": describe_avatar}
    server.run(lambda: (operations, {"version": "test", "device": "cpu", "free_memory": None}))


if __name__ == "__main__":
    main()
