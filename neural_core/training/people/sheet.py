"""A contact sheet of synthetic people, for eyes: numbers say little about clothes."""

from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from neural_core.body.model import BodyModel
from neural_core.training.people.cameras import random_camera
from neural_core.training.people.lights import random_light
from neural_core.training.people.person import make_person, pose_person
from neural_core.training.people.photograph import photograph, reduce_picture
from neural_core.training.people.poses import random_pose
from neural_core.training.people.wardrobe import load_wardrobe


@torch.no_grad()
def draw_person(seed: int, body: BodyModel, height: int, views: int = 1) -> Tensor:
    """(views, 4, height, 5/8 height) premultiplied pictures of a person, the first near-frontal, in as many poses."""
    rng = np.random.default_rng(seed)
    person = make_person(load_wardrobe(body), rng)
    light = random_light(rng)
    freedom = 0.6 if person.drapes else 1.0
    poses = torch.stack([random_pose(rng, leg_freedom=freedom) for _ in range(views)]).to(body.device)
    posed = pose_person(person, poses)
    seen = posed.vertices[:, person.level > 0]
    width = height * 5 // 8
    cameras = [random_camera(rng, seen[k], 2 * height, 2 * width, frontal=k == 0) for k in range(views)]
    fine = photograph(person, posed, torch.arange(views, device=body.device), cameras, light)
    return reduce_picture(fine.cpu(), height, width)


def write_sheet(path: Path, first_seed: int, rows: int, columns: int, body: BodyModel, height: int = 256) -> None:
    """People of consecutive seeds in a grid, two views each, over light grey."""
    cells = [draw_person(first_seed + k, body, height, 2) for k in range(rows * columns)]
    pairs = [torch.cat([*(view[:3] + 0.85 * (1 - view[3:]) for view in cell)], 2) for cell in cells]
    grid = torch.cat([torch.cat(pairs[r * columns : (r + 1) * columns], 2) for r in range(rows)], 1)
    image = Image.fromarray((grid.permute(1, 2, 0).clamp(0, 1) * 255).round().byte().numpy())
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix.lower() == ".png":
        image.quantize(256, dither=Image.Dither.NONE).save(path, optimize=True)
    else:
        image.save(path, quality=85, optimize=True)
