"""The person of a video in every frame that is followed, and what was seen of them."""

import contextlib
import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from neural_core.errors import PhotoError
from neural_core.evaluation.appearance import OTHER, Appearance
from neural_core.evaluation.frames import VideoInfo
from neural_core.fitting.report import LIMB_JOINTS
from neural_core.fitting.sequence import FramePose, SequenceFit
from neural_core.fitting.sides import misread, turned_round
from neural_core.fitting.smoothing import between, beyond
from neural_core.photo import Photo, PhotoEvidence, observe
from neural_core.photo.detectors import find_people
from neural_core.photo.evidence import MARGIN
from neural_core.pictures import write_png
from neural_core.progress import Progress

_TRACKED_FPS = 10.0  # at least: what a person does in between is small
_RECENT = 0.5  # seconds for which the frame before tells where the person is and how large
_SUSPICIOUS = 0.3  # change within a tenth of a second, of the height, its logarithm or the mask's
_REACH, _RUNS = 0.15, 2.0  # heights, and heights a second, that hips are seen to move at most
_WINDOW = 0.8  # half the side of the window about who was small or lost, of the height
_SMALLEST = 80  # pixels: a body that is known needs fewer than a photo it is made from
_MOST = 4  # people who are looked at for the one who was lost
_GAP = 1.0  # seconds that a pose is carried over when nobody is found
_NEAR_BORDER = 0.15  # of the height: somebody this near to it is half out of the picture, or soon will be
_GOES_ON = 0.35  # seconds for which somebody who leaves is drawn
_WAY = 0.15  # seconds over which their way is measured


class Track:
    """The person in every tracked frame, and the wanted frames' masks on disk."""

    def __init__(
        self,
        follower: SequenceFit,
        info: VideoInfo,
        step: int,
        source: int,
        focal: float,
        start: np.ndarray | None = None,
        appearance: Appearance | None = None,
    ):
        """start: (2,) pixels of the hips in the source frame: whom to follow where there are several. appearance: of
        the source's person; who looks otherwise is nobody who was lost."""
        self.start, self.appearance = start, appearance
        self.follower, self.info, self.step, self.source, self.focal = follower, info, step, source, focal
        self._offsets = _followed(step, info.fps)
        self.poses: list[FramePose] = []
        self.times: list[float] = []
        self.numbers: list[int] = []
        self.evidence: dict[int, PhotoEvidence] = {}  # without pictures
        self.missed: list[int] = []
        self._last: tuple[float, PhotoEvidence] | None = None

    def wanted(self, index: int) -> bool:
        return (index - self.source) % self.step == 0

    def run(self, frames: Iterator[tuple[int, np.ndarray]], out: Path, progress: Progress) -> None:
        """Look at all frames, then tell fronts from backs, then follow the person."""
        masks = self._look(frames, out, progress.part(0, 0.25))
        self.numbers = sorted(self.evidence)
        self.times = [number / self.info.fps for number in self.numbers]
        turned = misread([self.evidence[number] for number in self.numbers], self.times)
        if self.source in self.evidence:
            seen = self.evidence[self.source]
            self.follower.learn_landmarks(replace(seen, mask=_unpacked(masks[self.source])))
        for k, (number, time) in enumerate(zip(self.numbers, self.times)):
            progress.update(0.25 + 0.75 * k / len(self.numbers), f"Following the person, frame {number}")
            self.evidence[number] = turned_round(self.evidence[number], *turned[k])
            seen = replace(self.evidence[number], mask=_unpacked(masks.pop(number)))
            self.poses.append(self.follower.follow(seen, time, any(turned[k])))

    def _look(self, frames: Iterator[tuple[int, np.ndarray]], out: Path, progress: Progress) -> dict[int, bytes]:
        """Fill `evidence` and `missed`; returns the masks, packed: those of a long video would not fit into memory."""
        masks = {}
        for index, picture in frames:
            if (index - self.source) % self.step not in self._offsets:
                continue
            progress.update(index / max(self.info.frames, index + 1), f"Looking for the person, frame {index}")
            if index == self.source:
                self._last = None  # there it is known where they stand, whoever was followed so far
            evidence = self._observe(picture, index / self.info.fps)
            if evidence is None:
                self.missed += [index] if self.wanted(index) else []
                continue
            mask = (evidence.mask * 255).round().astype(np.uint8)
            masks[index] = cv2.imencode(".png", mask)[1].tobytes()
            if self.wanted(index):
                write_png(mask_path(out, index), mask[..., None])
            nothing = np.zeros((), np.float32)
            mask, image = (np.broadcast_to(nothing, x.shape) for x in (evidence.mask, evidence.image))
            self.evidence[index] = replace(evidence, image=image, mask=mask)
        return masks

    def _observe(self, picture: np.ndarray, time: float) -> PhotoEvidence | None:
        """The person nearest to where they were; None where nobody can be used.

        Where the person seems to have jumped or to have changed size, the detectors look once more, with a margin
        round the picture, and where nobody is found there either near where the person was: what is likest to the frame
        before is believed, but for somebody who is farther away than anybody runs or looks otherwise: that is another
        one, and for who has grown or shrunk by a third: the picture's side or the detectors cut them. Of who was lost
        for longer the appearance alone tells.
        """
        past = time - self._last[0] if self._last else math.inf
        last = self._last[1] if self._last and past <= _RECENT else None
        seen = self._detected(picture, 0.0) if last is not None else self._found_again(picture)
        if last is not None and (seen is None or _unlike(seen, last) > _SUSPICIOUS):
            reach = _REACH + _RUNS * past

            def near(one: PhotoEvidence | None) -> list[PhotoEvidence]:
                if one is None or _jump(one, last) > reach or _grown(one, last) > _SUSPICIOUS:
                    return []
                return [one] if self._stranger(one) < OTHER else []

            found = near(seen) + near(self._detected(picture, MARGIN)) or near(self._close_by(picture, last))
            seen = min(found, key=lambda one: _unlike(one, last)) if found else None
        elif seen is not None and self.appearance is not None:
            self.appearance.learn(seen.image, seen.mask, sure=self._last is None)
        if seen is not None:
            self._last = time, seen
        return seen

    def _found_again(self, picture: np.ndarray) -> PhotoEvidence | None:
        """Who in the picture looks most as the person does; where no looks are known, the nearest.

        Nobody who looks otherwise, but for the start: there the light of the source frame may not have come yet.
        """
        if self.appearance is None:
            return self._detected(picture, 0.0)
        people = min(len(find_people(picture)), _MOST)
        found = [self._detected(picture, 0.0, person=k) for k in (range(people) if people > 1 else [None])]
        known = [one for one in found if one is not None and (self._last is None or self._stranger(one) < OTHER)]
        return min(known, key=self._stranger, default=None)

    def _stranger(self, seen: PhotoEvidence) -> float:
        return 0.0 if self.appearance is None else self.appearance.distance(seen.image, seen.mask)

    def _close_by(self, picture: np.ndarray, last: PhotoEvidence) -> PhotoEvidence | None:
        """In a window about where the person was: in the whole picture the detectors miss who is small."""
        height, width = picture.shape[:2]
        x, y = last.pose[[23, 24], :2].mean(0)
        half = _WINDOW * last.person_height_px
        left, right = max(int(x - half), 0), min(int(x + half), width)
        top, bottom = max(int(y - half), 0), min(int(y + half), height)
        if right - left < _SMALLEST or bottom - top < _SMALLEST:
            return None
        seen = self._detected(np.ascontiguousarray(picture[top:bottom, left:right]), 0.0, (left, top))
        if seen is None:
            return None
        corner = np.array([left, top], np.float32)
        face, hands = seen.face, [None if hand is None else hand + corner for hand in seen.hands]
        return replace(
            seen,
            image=picture.astype(np.float32) / 255,
            mask=np.pad(seen.mask, ((top, height - bottom), (left, width - right))),
            pose=np.concatenate([seen.pose[:, :2] + corner, seen.pose[:, 2:]], 1),
            face=None if face is None else face + corner,
            hands=(hands[0], hands[1]),
        )

    def _detected(
        self, picture: np.ndarray, margin: float, corner: tuple[int, int] = (0, 0), person: int | None = None
    ) -> PhotoEvidence | None:
        """corner: x, y of the picture's first pixel, where it is a part of the frame. person: else the nearest."""
        people = find_people(picture)
        if len(people) > 1 and margin:
            return None  # people may be counted otherwise there
        hips = self.start if self._last is None else self._last[1].pose[[23, 24], :2].mean(0)
        if person is None and len(people) > 1 and hips is not None:
            left, top = corner
            person = int(np.argmin([np.hypot(x + left - hips[0], y + top - hips[1]) for x, y, _ in people]))
        frame = Photo(picture.astype(np.float32) / 255, None, None, Path("frame"))
        with contextlib.suppress(PhotoError):
            return observe(frame, focal=self.focal, person=person, margin=margin, smallest=_SMALLEST, settle=True)
        return None

    def missing(self) -> dict[int, FramePose]:
        """Poses of wanted frames in which nobody was found: between those shortly before and after, or, where the
        person leaves or enters the picture, going on for a moment as they went."""
        poses = {}
        for index in self.missed:
            time, after = index / self.info.fps, int(np.searchsorted(self.numbers, index))
            found = [k for k in (after - 1, after) if 0 <= k < len(self.numbers)]
            leaves = all(self._at_border(k) for k in found)
            if len(found) == 2 and not leaves and self.times[after] - self.times[after - 1] <= _GAP:
                share = (time - self.times[after - 1]) / (self.times[after] - self.times[after - 1])
                poses[index] = between(self.poses[after - 1], self.poses[after], share, self.follower)
                continue
            nearest = min(found, key=lambda k: abs(self.times[k] - time))
            before = self._before(nearest, 1 if nearest < after else -1)
            if before is not None and self._at_border(nearest) and abs(self.times[nearest] - time) <= _GOES_ON:
                share = (time - self.times[nearest]) / (self.times[nearest] - self.times[before])
                poses[index] = beyond(self.poses[nearest], self.poses[before], share, self.follower)
        return poses

    def _at_border(self, k: int) -> bool:
        """Whether the picture's sides cut the person: hips or shoulders lie near one, or beyond."""
        seen = self.evidence[self.numbers[k]]
        x = seen.pose[[11, 12, 23, 24], 0]
        near = _NEAR_BORDER * seen.person_height_px
        return bool(x.min() < near or x.max() > self.info.width - near)

    def _before(self, k: int, step: int) -> int | None:
        """The found frame from which on the person's way to frame k is measured; step: 1 in the order of time."""
        for other in range(k - step, k - 6 * step, -step):
            if not 0 <= other < len(self.numbers) or abs(self.times[other] - self.times[k]) > _RECENT:
                return None
            if abs(self.times[other] - self.times[k]) >= _WAY:
                return other
        return None

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


def _followed(step: int, fps: float) -> set[int]:
    """Which frames of every `step` are followed: the first, and others between as evenly as step and rate allow."""
    fewest = min(max(math.ceil(step * _TRACKED_FPS / fps), 1), step)
    even = [parts for parts in range(fewest, 2 * fewest) if step % parts == 0]
    parts = even[0] if even else fewest
    return {round(k * step / parts) for k in range(parts)}


def mask_path(out: Path, index: int) -> Path:
    return out / "masks" / f"{index:04d}.png"


def _unlike(seen: PhotoEvidence, last: PhotoEvidence) -> float:
    """How far the hips jumped, heights, and how much height and mask changed, as logarithms; the largest counts."""
    areas = [max(float(one.mask.mean()), 1e-4) for one in (seen, last)]
    return float(max(_jump(seen, last), _grown(seen, last), abs(np.log(areas[0] / areas[1]))))


def _grown(seen: PhotoEvidence, last: PhotoEvidence) -> float:
    return float(abs(np.log(seen.person_height_px / last.person_height_px)))


def _jump(seen: PhotoEvidence, last: PhotoEvidence) -> float:
    hips, before = (one.pose[[23, 24], :2].mean(0) for one in (seen, last))
    return float(np.linalg.norm(hips - before) / last.person_height_px)


def _unpacked(mask: bytes) -> np.ndarray:
    return cv2.imdecode(np.frombuffer(mask, np.uint8), cv2.IMREAD_GRAYSCALE).astype(np.float32) / 255
