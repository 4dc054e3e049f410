"""The person of a video in every frame that is followed, and what was seen of them."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from neural_core.errors import PhotoError
from neural_core.evaluation.frames import VideoInfo
from neural_core.fitting.report import LIMB_JOINTS
from neural_core.fitting.sequence import FramePose, SequenceFit
from neural_core.photo import Photo, PhotoEvidence, observe
from neural_core.photo.detectors import find_people
from neural_core.pictures import write_png
from neural_core.progress import Progress

_TRACKED_FPS = 10.0  # at least: what a person does in between is small


class Track:
    """The person in every tracked frame, and the wanted frames' masks on disk."""

    def __init__(self, follower: SequenceFit, info: VideoInfo, step: int, source: int, focal: float):
        self.follower, self.info, self.step, self.source, self.focal = follower, info, step, source, focal
        # Between the wanted frames others are followed, at even distances.
        self.stride = max(s for s in range(1, step + 1) if step % s == 0 and (s == 1 or info.fps / s >= _TRACKED_FPS))
        self.poses: list[FramePose] = []
        self.times: list[float] = []
        self.numbers: list[int] = []
        self.evidence: dict[int, PhotoEvidence] = {}  # without pictures
        self.missed: list[int] = []
        self._hips: np.ndarray | None = None

    def wanted(self, index: int) -> bool:
        return (index - self.source) % self.step == 0

    def run(self, frames: Iterator[tuple[int, np.ndarray]], out: Path, progress: Progress) -> None:
        for index, picture in frames:
            if (index - self.source) % self.stride:
                continue
            progress.update(index / max(self.info.frames, index + 1), f"Following the person, frame {index}")
            evidence = self._observe(picture)
            if evidence is None:
                self.missed += [index] if self.wanted(index) else []
                continue
            self.poses.append(self.follower.follow(evidence, index / self.info.fps))
            self.times.append(index / self.info.fps)
            self.numbers.append(index)
            if self.wanted(index):
                write_png(mask_path(out, index), (evidence.mask[..., None] * 255).round().astype(np.uint8))
            nothing = np.zeros((), np.float32)
            mask, image = (np.broadcast_to(nothing, x.shape) for x in (evidence.mask, evidence.image))
            self.evidence[index] = replace(evidence, image=image, mask=mask)

    def _observe(self, picture: np.ndarray) -> PhotoEvidence | None:
        """The person nearest to where they were; None where nobody can be used."""
        person = None
        people = find_people(picture)
        if len(people) > 1 and self._hips is not None:
            person = int(np.argmin([np.hypot(x - self._hips[0], y - self._hips[1]) for x, y, _ in people]))
        image = picture.astype(np.float32) / 255
        try:
            evidence = observe(Photo(image, None, None, Path("frame")), focal=self.focal, person=person)
        except PhotoError:
            return None
        self._hips = evidence.pose[[23, 24], :2].mean(0)
        return evidence

    def with_mask(self, index: int, out: Path) -> PhotoEvidence:
        with Image.open(mask_path(out, index)) as file:
            return replace(self.evidence[index], mask=np.asarray(file, np.float32) / 255)

    def motion(self, k: int) -> dict[str, float]:
        """How far the pose is from the source's, per cent of the height, and its speed, per cent per second."""
        own, source = self._limbs(k), self._limbs(self._source_at())
        other = np.linalg.norm((own - own.mean(0)) - (source - source.mean(0)), axis=1).mean()
        beside = [n for n in (k - 1, k + 1) if 0 <= n < len(self.numbers)]
        speeds = [
            np.linalg.norm(own - self._limbs(n), axis=1).mean() / abs(self.times[n] - self.times[k]) for n in beside
        ]
        return {"other_pose_percent": float(other), "speed_percent": float(np.mean(speeds)) if speeds else 0.0}

    def _source_at(self) -> int:
        return int(np.argmin([abs(number - self.source) for number in self.numbers]))

    def _limbs(self, k: int) -> np.ndarray:
        seen = self.evidence[self.numbers[k]]
        return seen.pose[LIMB_JOINTS, :2] / seen.person_height_px * 100


def mask_path(out: Path, index: int) -> Path:
    return out / "masks" / f"{index:04d}.png"
