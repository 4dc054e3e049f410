"""A contact sheet of synthetic people, for eyes: numbers say little about clothes."""

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from neural_core.body.model import BodyModel
from neural_core.training.people.cameras import random_camera
from neural_core.training.people.lights import random_light
from neural_core.training.people.person import make_person, pose_person
from neural_core.training.people.photograph import photograph, reduce_picture
from neural_core.training.people.poses import random_pose
from neural_core.training.people.views import PersonViews, make_person_views
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
    _save(path, [torch.cat([*(view[:3] + 0.85 * (1 - view[3:]) for view in cell)], 2) for cell in cells], columns)


def write_samples(path: Path, first_seed: int, rows: int, columns: int, body: BodyModel) -> None:
    """Training samples of consecutive seeds: two views with the fitted body's outline in red and the photo mask's in
    green, the texture of the first view, the whole texture, and the offset of clothes and hair (white: 12 cm)."""
    cells = []
    for seed in range(first_seed, first_seed + rows * columns):
        person = make_person_views(seed, body=body)
        views = [_outlined(person, view) for view in (0, 2)]
        offset = (person.truth_offset.float() / 0.12).clamp(0, 1).expand(3, -1, -1)
        cells.append(torch.cat([*views, person.texture_rgb[0] / 255, person.truth_rgb / 255, offset], 2))
    _save(path, cells, columns)


def _outlined(person: PersonViews, view: int) -> Tensor:
    """(3, H, W) one view over light grey with both outlines."""
    picture = person.rgb[view] / 255 + 0.85 * (1 - person.mask[view] / 255)
    for shape, colour in ((person.photo_mask[view] > 128, (0.0, 0.6, 0.0)), (person.body_mask[view], (1.0, 0.0, 0.0))):
        inside = shape.float()[None, None]
        rim = (F.max_pool2d(inside, 3, 1, 1) - inside)[0, 0] > 0
        picture = torch.where(rim, torch.tensor(colour)[:, None, None], picture)
    return picture


def _save(path: Path, cells: list[Tensor], columns: int) -> None:
    """Pictures (3, H, W) of one size in a grid, as JPEG, or as PNG with 256 colours."""
    rows = [torch.cat(cells[k : k + columns], 2) for k in range(0, len(cells), columns)]
    grid = torch.cat(rows, 1).permute(1, 2, 0)
    image = Image.fromarray((grid.clamp(0, 1) * 255).round().byte().numpy())
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix.lower() == ".png":
        image.quantize(256, dither=Image.Dither.NONE).save(path, optimize=True)
    else:
        image.save(path, quality=68, optimize=True)
