"""The whole walk on a folder of real photos: the fit's measures, seconds per stage, and pictures to look at.

    python -m neural_core.evaluation.photos ../shared/photos --out /tmp/photos

Writes a contact sheet per photo (photo, overlay, then renders all round) and prints the table of docs/benchmarks.md.
"""

import argparse
import math
import time
from pathlib import Path

import numpy as np
import torch

from neural_core.animation import framing_camera, posed_vertices
from neural_core.body import BodyModel, load_open_body
from neural_core.errors import PhotoError
from neural_core.fitting.overlay import draw_overlay
from neural_core.pictures import over, to_height, to_uint8, write_png
from neural_core.pipeline import Creation, create_avatar
from neural_core.rendering import AvatarRenderer, load_renderer
from neural_core.texture.preview import shade

_HEIGHT = 512  # pixels of every picture in a sheet
_YAWS = (0, 40, 90, 135, 180, 225, 270, 320)
_COLUMNS = ("residual_percent", "worst_limb_percent", "iou_body", "iou_clothed", "lean_degrees")


def contact_sheet(creation: Creation, body: BodyModel, renderer: AvatarRenderer) -> np.ndarray:
    """(H, W, 3) bytes: photo, overlay and atlas, then learned renders, then the pasted texture at the same yaws."""
    avatar, evidence = creation.avatar, creation.evidence
    body = avatar.on(body)
    overlay = draw_overlay(evidence, body, creation.fit, avatar.rest_offsets)
    first = [to_height(p, _HEIGHT) for p in (evidence.image, overlay, to_uint8(avatar.texture.detail))]
    vertices = posed_vertices(avatar, body)[0]
    learned, pasted = [], []
    for yaw in _YAWS:
        camera = framing_camera(vertices, _HEIGHT, math.radians(yaw))
        learned.append(over(renderer.render(vertices, camera, avatar.texture)))
        pasted.append(to_uint8(shade(vertices, body, camera, avatar.texture.detail)))
    rows = [np.concatenate(row, axis=1) for row in (first, learned, pasted)]
    width = max(row.shape[1] for row in rows)
    return np.concatenate(
        [np.pad(row, ((0, 0), (0, width - row.shape[1]), (0, 0)), constant_values=255) for row in rows]
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    body = load_open_body()
    renderer = AvatarRenderer(body, load_renderer())
    print("| photo | " + " | ".join(_COLUMNS) + " | evidence + fit, s | photo to avatar, s | 512² frame, s |")
    print("|---" * (len(_COLUMNS) + 4) + "|")
    for path in sorted(p for p in args.folder.iterdir() if p.suffix.lower() in (".jpg", ".jpeg", ".png", ".webp")):
        try:
            creation = create_avatar(path, body=body)
        except PhotoError as error:
            print(f"| {path.name} | {error} |")
            continue
        vertices = posed_vertices(creation.avatar, creation.avatar.on(body))[0]
        camera = framing_camera(vertices, _HEIGHT)
        start = time.perf_counter()
        renderer.render(vertices, camera, creation.avatar.texture)
        frame = time.perf_counter() - start
        errors = " | ".join(f"{creation.avatar.fit_errors.get(name, math.nan):.3g}" for name in _COLUMNS)
        seconds = creation.seconds
        fit = seconds["evidence"] + seconds["fit"]
        print(f"| {path.name} | {errors} | {fit:.1f} | {sum(seconds.values()):.1f} | {frame:.2f} |", flush=True)
        write_png(args.out / f"{path.stem}.png", contact_sheet(creation, body, renderer))
    print(f"torch threads: {torch.get_num_threads()}")


if __name__ == "__main__":
    main()
