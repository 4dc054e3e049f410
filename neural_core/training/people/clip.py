"""Short films of synthetic people, with their true poses: `python -m neural_core.training.people.clip --motion turn`.

What `likeness evaluate video` meets and no real clip at hand shows: backs, quick turns, people who leave the picture.
"""

import argparse
import math
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import torch
from torch import Tensor

from neural_core.body.skeleton import JOINT_INDEX
from neural_core.body.skinning import rotation_matrices
from neural_core.camera import Camera
from neural_core.training.people.cameras import framing_camera
from neural_core.training.people.lights import random_light
from neural_core.training.people.person import PosedPerson, make_person, pose_person
from neural_core.training.people.photograph import photograph
from neural_core.training.people.wardrobe import Wardrobe

FPS = 25.0
_SHUTTER = 0.4  # of a frame
_EXPOSURES = 3  # moments and subpixel shifts that one frame is the mean of
_SHIFTS = ((0.0, 0.0), (0.33, -0.33), (-0.33, 0.33))  # pixels
_STEPS_PER_SECOND = 0.9  # full cycles of both legs
_ARM_DROP = 1.32  # radians below the T pose
_ARM_LIFT = 2.4  # radians from hanging to held up
_NOISE = 0.012  # sRGB, before the encoder


@dataclass(frozen=True)
class Moment:
    """yaw: radians, 0 faces the camera, grows to the person's left. x, z: metres aside and nearer. stride: 0 to 1.
    arms: 0 hang, 1 are held up."""

    yaw: float
    x: float = 0.0
    z: float = 0.0
    stride: float = 0.6
    arms: float = 0.0


@dataclass(frozen=True)
class Filmed:
    """rgb: (H, W, 3) bytes. mask: (H, W) bytes of true coverage. moment: where the person was."""

    rgb: np.ndarray
    mask: np.ndarray
    moment: Moment


def _ease(time: float, start: float, end: float) -> float:
    s = min(max((time - start) / (end - start), 0.0), 1.0)
    return s * s * (3 - 2 * s)


def full_turn(time: float) -> Moment:
    """Once round in four seconds, walking on the spot."""
    return Moment(2 * math.pi * _ease(time, 0.3, 4.3))


def quick_turns(time: float) -> Moment:
    """Begins half turned, shows the back within .7 s, stays, and comes back the same way."""
    return Moment(0.7 + (math.pi - 0.5) * (_ease(time, 0.5, 1.2) - _ease(time, 2.2, 2.9)) - 0.7 * _ease(time, 2.9, 3.4))


def out_and_back(time: float) -> Moment:
    """Walks out of the picture at the side, comes back, and faces the camera again."""
    yaw = math.pi / 2 * _ease(time, 0.2, 0.7) + math.pi * _ease(time, 1.9, 2.3) + math.pi / 2 * _ease(time, 3.6, 4.1)
    x = 1.25 * (_ease(time, 0.5, 1.9) - _ease(time, 2.3, 3.8))
    return Moment(yaw, x, 0.0, 0.9)


def arms_up(time: float) -> Moment:
    """Spins once round within 1.4 s with both arms up, takes them down and turns the back within .7 s."""
    yaw = 2 * math.pi * _ease(time, 0.6, 2.0) - math.pi * _ease(time, 2.5, 3.2)
    return Moment(yaw, 0.0, 0.0, 0.3, _ease(time, 0.1, 0.6) - _ease(time, 2.1, 2.6))


MOTIONS: dict[str, tuple[Callable[[float], Moment], float]] = {  # and how many seconds they take
    "turn": (full_turn, 4.6),
    "quick": (quick_turns, 3.6),
    "out": (out_and_back, 4.4),
    "arms": (arms_up, 3.4),
}


def walking_pose(time: float, moment: Moment, glance: float = 0.0) -> Tensor:
    """(55, 3) axis-angle of somebody who walks at that moment. glance: radians the head turns ahead of the body."""
    pose = torch.zeros(55, 3)
    phase = 2 * math.pi * _STEPS_PER_SECOND * time
    swing = moment.stride * math.sin(phase)
    pose[0] = torch.tensor([0.0, moment.yaw, 0.0])
    pose[JOINT_INDEX["spine2"]] = torch.tensor([0.03, 0.10 * swing, 0.0])
    pose[JOINT_INDEX["head"]] = torch.tensor([0.03, glance, 0.0])
    for side, sign in (("left", 1.0), ("right", -1.0)):
        forward = sign * swing
        below = _ARM_DROP - moment.arms * _ARM_LIFT
        drop, lift = torch.tensor([0.0, 0.0, -sign * below]), torch.tensor([-0.55 * forward, 0.0, 0.0])
        turn = rotation_matrices(torch.stack([lift, drop]))
        pose[JOINT_INDEX[f"{side}_shoulder"]] = _axis_angle(turn[0] @ turn[1])
        pose[JOINT_INDEX[f"{side}_elbow"], 1] = -sign * (0.25 + 0.25 * max(forward, 0.0))
        pose[JOINT_INDEX[f"{side}_hip"]] = torch.tensor([0.5 * forward, 0.0, 0.03 * sign])
        bend = moment.stride * max(-sign * math.sin(phase + 0.9), 0.0)
        pose[JOINT_INDEX[f"{side}_knee"], 0] = 0.06 + 0.9 * bend
        for finger in ("index", "middle", "ring", "pinky"):
            for k in (1, 2, 3):
                pose[JOINT_INDEX[f"{side}_{finger}{k}"], 2] = -0.35 * sign
    return pose


def _axis_angle(matrix: Tensor) -> Tensor:
    angle = torch.arccos(((matrix.trace() - 1) / 2).clamp(-1, 1))
    skew = matrix - matrix.T
    axis = torch.stack([skew[2, 1], skew[0, 2], skew[1, 0]])
    return axis * angle / (2 * torch.sin(angle) + 1e-9)


@torch.no_grad()
def film(
    wardrobe: Wardrobe,
    seed: int,
    motion: str,
    width: int = 432,
    height: int = 768,
    every: int = 1,
    fps: float = FPS,
    fill: float = 0.84,
) -> Iterator[Filmed]:
    """Every `every`-th frame of the person of a seed in one of MOTIONS; the same seed gives the same bytes on a CPU.

    fps: frames per second. fill: the person's share of the picture's height in the first frame.
    """
    rng = np.random.default_rng(seed)
    person, light = make_person(wardrobe, rng), random_light(rng)
    backdrop = room(rng, width, height)
    at, seconds = MOTIONS[motion]

    def posed(time: float) -> PosedPerson:
        moment = at(time)
        glance = min(max(0.35 * (at(time + 0.15).yaw - moment.yaw), -0.5), 0.5)
        made = pose_person(person, walking_pose(time, moment, glance)[None].to(wardrobe.device))
        return replace(made, vertices=made.vertices + made.vertices.new_tensor([moment.x, 0.0, moment.z]))

    first = posed(0.0).vertices[0, person.level > 0].cpu()
    camera = framing_camera(first, height, width, 0.0, 0.05, math.radians(38), fill)
    for number in range(0, round(seconds * fps), every):
        time = number / fps
        total = torch.zeros(4, height, width)
        for k, (dx, dy) in enumerate(_SHIFTS):
            moved = replace(camera, K=camera.K + camera.K.new_tensor([[0, 0, dx], [0, 0, dy], [0, 0, 0]]))
            opened = time + _SHUTTER / fps * (k / _EXPOSURES - 0.5)
            total += _expose(person, posed(opened), moved, light) / _EXPOSURES
        grain = torch.from_numpy(rng.normal(0, _NOISE, (3, height, width))).float()
        picture = total[:3] + (1 - total[3:]) * backdrop + grain
        yield Filmed(_bytes(picture.permute(1, 2, 0)), _bytes(total[3]), at(time))


def _expose(person, posed: PosedPerson, camera: Camera, light) -> Tensor:
    """(4, H, W) premultiplied; nothing where the person is beyond the picture."""
    picture = photograph(person, posed, torch.zeros(1, dtype=torch.long), [camera], light)[0].cpu()
    return torch.cat([picture[:3] * picture[3:], picture[3:]])


def _bytes(picture: Tensor) -> np.ndarray:
    return (picture.clamp(0, 1) * 255).round().byte().contiguous().numpy()


def room(rng: np.random.Generator, width: int, height: int) -> Tensor:
    """(3, H, W) a wall and a floor of boards, boxes like furniture before them, each with shade and grain."""
    row, column = np.mgrid[0:height, 0:width].astype(np.float64)
    row, column = row / height, column / width
    horizon = rng.uniform(0.74, 0.86)
    wall, floor = rng.uniform(0.35, 0.85, (2, 3)) * 0.6 + rng.uniform(0.35, 0.85, (2, 1)) * 0.4
    picture = wall * (1 + 0.25 * (rng.uniform(-1, 1) * (column - 0.5) + rng.uniform(-1, 1) * (row - 0.5)))[..., None]
    depth = 1 / (row - horizon + 0.12).clip(0.02)
    boards = np.sin((column - 0.5) * depth * rng.uniform(10, 25)) > 0.97
    ground = floor * (0.75 + 0.25 * (row - horizon) / (1 - horizon) - 0.15 * boards)[..., None]
    picture = np.where((row > horizon)[..., None], ground, picture)
    for _ in range(rng.integers(4, 9)):  # cupboards, pictures, windows
        left, top, wide, tall = rng.uniform([-0.1, 0.0, 0.08, 0.06], [0.95, 0.8, 0.4, 0.5])
        inside = (column > left) & (column < left + wide) & (row > top) & (row < top + tall)
        shade = 0.8 + 0.4 * (row - top) / tall
        colour = (rng.uniform(0.1, 0.9, 3) * 0.4 + rng.uniform(0.1, 0.9) * 0.6) * shade[..., None]
        picture = np.where(inside[..., None], colour, picture)
    for cells, size in ((6, 0.05), (40, 0.03), (160, 0.02)):
        coarse = torch.from_numpy(rng.normal(0, size, (1, 1, cells, cells))).float()
        grain = torch.nn.functional.interpolate(coarse, (height, width), mode="bicubic", align_corners=False)
        picture = picture + grain[0, 0, :, :, None].numpy()
    return torch.from_numpy(picture).float().clamp(0, 1).permute(2, 0, 1)


def write_clip(path: Path, frames: Iterator[np.ndarray], fps: int = round(FPS)) -> None:
    """Encode (H, W, 3) byte frames of one size as H.264, in the container that the path names."""
    first = next(frames)
    height, width = first.shape[:2]
    writer = imageio_ffmpeg.write_frames(str(path), (width, height), fps=fps, macro_block_size=2, quality=7)
    writer.send(None)
    try:
        writer.send(first)
        for frame in frames:
            writer.send(frame)
    finally:
        writer.close()


def main(arguments: list[str] | None = None) -> int:
    from neural_core.body.open_body import load_open_body
    from neural_core.training.people.wardrobe import load_wardrobe

    parser = argparse.ArgumentParser(prog="python -m neural_core.training.people.clip", description=__doc__)
    parser.add_argument("--seed", type=int, default=1_000_000, help="of the person; held-out ones start at 1000000")
    parser.add_argument("--motion", choices=sorted(MOTIONS), default="turn")
    parser.add_argument("--height", type=int, default=768, help="pixels")
    parser.add_argument("--width", type=int, help="pixels, even; 9/16 of the height where not given")
    parser.add_argument("--fps", type=int, default=round(FPS))
    parser.add_argument("--fill", type=float, default=0.84, help="the person's share of the picture's height")
    parser.add_argument(
        "--out", type=Path, required=True, help="MP4, MOV, MKV; true masks and yaws go beside it as .npz"
    )
    given = parser.parse_args(arguments)
    size = (given.width or given.height * 9 // 32 * 2, given.height)
    masks, moments = [], []

    def pictures() -> Iterator[np.ndarray]:
        wardrobe = load_wardrobe(load_open_body())
        for frame in film(wardrobe, given.seed, given.motion, *size, fps=given.fps, fill=given.fill):
            masks.append(frame.mask)
            moments.append((frame.moment.yaw, frame.moment.x, frame.moment.z))
            yield frame.rgb

    write_clip(given.out, pictures(), given.fps)
    np.savez_compressed(given.out.with_suffix(".npz"), masks=np.stack(masks), moments=np.array(moments))
    return 0


if __name__ == "__main__":
    sys.exit(main())
