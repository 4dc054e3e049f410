"""`likeness demo`: the main job on the bundled sample, everything left in one folder."""

import os
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

from neural_core.animation import turntable
from neural_core.errors import BackendError, LikenessError
from neural_core.output import check_writable
from neural_core.pictures import over, write_video
from neural_core.pipeline import create_avatar
from neural_core.rendering import AvatarRenderer, load_renderer
from neural_core.report import write_report
from neural_core.terminal import progress_bar

SAMPLE_PHOTO = Path(__file__).parent / "data" / "sample_person.jpg"
_FRAMES_PER_SECOND = 24
_TURNTABLE_FRAMES = 48


def run_demo(out: Path, *, photo: Path | None = None, size: int = 512, seed: int = 0) -> None:
    """Photo -> avatar, Blender scene, frames, turntable, GLB, FBX and a report in `out`.

    Raises:
        LikenessError: with one sentence; what was finished before stays in `out`.
    """
    out = out.resolve()
    check_writable(out / "avatar.likeness")
    if find_spec("bpy") is None:
        raise BackendError("The demo needs Blender as a Python module: pip install 'likeness[blender]'.")
    avatar_file = out / "avatar.likeness"
    with progress_bar("Demo") as progress:
        creation = create_avatar(photo or SAMPLE_PHOTO, avatar_file, seed=seed, progress=progress.part(0.0, 0.3))
        seconds = dict(creation.seconds)

        body = creation.avatar.body()
        renderer = AvatarRenderer(body, load_renderer())
        start = time.perf_counter()
        pictures = []
        for index, frame in enumerate(turntable(creation.avatar, body, renderer, size, _TURNTABLE_FRAMES)):
            pictures.append(over(frame))
            progress.update(0.3 + 0.3 * index / _TURNTABLE_FRAMES, "Rendering the turntable")
        write_video(out / "turntable.mp4", pictures, _FRAMES_PER_SECOND)
        seconds["turntable"] = time.perf_counter() - start

        progress.update(0.6, "Blender: scene, frames, export")
        start = time.perf_counter()
        _run_blender_half(avatar_file, out, size)
        seconds["Blender: scene, 24 frames, export"] = time.perf_counter() - start

        progress.update(0.95, "Writing the report")
        write_report(creation, out, seconds)
        progress.update(1.0, "Done")
    print(f"Done in {sum(seconds.values()):.0f} s: open {out / 'report.html'}")


def _run_blender_half(avatar_file: Path, out: Path, size: int) -> None:
    """Blender in a process of its own: neural_core never imports bpy."""
    command = [sys.executable, "-m", "blender_addon.demo_scene", str(avatar_file), str(out), str(size)]
    log = out / "blender.log"
    with log.open("wb") as stream:
        environment = {**os.environ, "LIKENESS_PYTHON": sys.executable}
        code = subprocess.run(command, stdout=stream, stderr=subprocess.STDOUT, env=environment, check=False).returncode
    if code:
        last = [line for line in log.read_text(errors="replace").splitlines() if line.strip()][-1:]
        raise LikenessError(f"The Blender half of the demo failed ({' '.join(last)}): see {log}.")
