"""Where forearms and hands lie in a photo: by what its detectors saw, and by the fit."""

from dataclasses import dataclass

import cv2
import numpy as np
import torch
from scipy import ndimage
from torch import Tensor

from neural_core.body.model import BodyModel
from neural_core.body.skeleton import JOINT_INDEX
from neural_core.camera import Camera
from neural_core.rasterizer import interpolate, rasterize
from neural_core.texture.agreement import agreed
from neural_core.texture.limb_pixels import FOREARMS, HANDS
from neural_core.texture.regions import body_regions

_UPPER_ARMS = [JOINT_INDEX["left_shoulder"], JOINT_INDEX["right_shoulder"]]
_SIDES = ("left", "right")
_PERSON = 0.8  # mask above which a pixel of the small picture is the person's alone
_BONES = [(a, a + 1) for first in (1, 5, 9, 13, 17) for a in range(first, first + 3)]  # of MediaPipe's 21 points
_BONES += [(0, 1), (0, 5), (0, 9), (0, 13), (0, 17), (5, 9), (9, 13), (13, 17)]
_TIPS = 1.8  # finger tips are so many times as far from the wrist as knuckles
_SEEN = 0.5  # BlazePose visibility
_LEAST_FACE = 50  # pixels
_FACE_AGREES = 0.3  # colour distance within which a face's pixels count: beards, hair and glasses do not


@dataclass(frozen=True)
class SeenArms:
    """Where the photo shows arms, in pixels.

    Attributes:
        elbows, wrists: (2, 3) left and right, x, y, visibility. knuckles: (2, 3, 2) little finger's, index's, thumb.
        hands: left and right (21, 2), None where not found.
    """

    elbows: np.ndarray
    wrists: np.ndarray
    knuckles: np.ndarray
    hands: tuple[np.ndarray | None, np.ndarray | None]

    @staticmethod
    def of(pose: np.ndarray, hands: tuple[np.ndarray | None, np.ndarray | None]) -> "SeenArms":
        """From BlazePose landmarks (33, 3) and hands."""
        return SeenArms(pose[[13, 14]], pose[[15, 16]], pose[[[17, 19, 21], [18, 20, 22]], :2], hands)

    def scaled(self, scale: float) -> "SeenArms":
        """The same in a picture `scale` times as large."""
        elbows, wrists = (np.concatenate([x[:, :2] * scale, x[:, 2:]], 1) for x in (self.elbows, self.wrists))
        left, right = (None if hand is None else hand * scale for hand in self.hands)
        return SeenArms(elbows, wrists, self.knuckles * scale, (left, right))


@dataclass(frozen=True)
class Scene:
    """The photo, small, and what the fit shows in it.

    Attributes:
        rgb: (h, w, 3). inside: (h, w) bool, the person. on_limb: (2, h, w) bool, the fitted forearm and hand of a side;
            along: (2, h, w) metres on it beyond the wrist. on_arm, on_head: (h, w) bool, any arm; head and neck.
        face: (3,) the colour of the face's skin, None where no face is seen. pixel: metres. arms: in these pixels.
    """

    rgb: np.ndarray
    inside: np.ndarray
    on_limb: np.ndarray
    along: np.ndarray
    on_arm: np.ndarray
    on_head: np.ndarray
    face: np.ndarray | None
    pixel: float
    arms: SeenArms

    @staticmethod
    def of(
        image: Tensor, mask: Tensor, vertices: Tensor, body: BodyModel, camera: Camera, arms: SeenArms, tall: int
    ) -> "Scene":
        """A person of at most `tall` pixels; the other arguments are `find_limbs`'s."""
        pixels, depth = camera.project(vertices)
        height = float(pixels[:, 1].max() - pixels[:, 1].min())
        scale = min(1.0, tall / max(height, 1.0))
        size = max(2, round(camera.width * scale)), max(2, round(camera.height * scale))
        rgb, coverage = (
            cv2.resize(np.ascontiguousarray(x.float().cpu().numpy()), size, interpolation=cv2.INTER_AREA)
            for x in (image.permute(1, 2, 0), mask)
        )
        inside, scale, camera = coverage > _PERSON, size[0] / camera.width, camera.resize(*size)
        regions = body_regions(body)
        hands = [regions[f"{side}_hand"] for side in _SIDES]
        limbs = [hand.weight + body.weights[:, joint] for hand, joint in zip(hands, FOREARMS)]
        arm = body.weights[:, [*FOREARMS, *HANDS, *_UPPER_ARMS]].sum(1)
        head = regions["face"].weight + regions["scalp"].weight + regions["neck"].weight
        values = [*limbs, arm, head, regions["face"].weight, *(_beyond_wrist(body, side) for side in _SIDES)]
        fragments = rasterize(vertices, body.faces, camera)
        maps = interpolate(fragments, body.faces, torch.stack(values, 1)).permute(2, 0, 1).cpu().numpy()
        on = (maps[:5] > 0.5) & fragments.mask.cpu().numpy()
        distance = 1.0 if camera.orthographic else float(depth.clamp(min=0.05).median())
        metres = distance / float(camera.K[1, 1])
        face = _face_colour(rgb, on[4] & inside)
        return Scene(rgb, inside, on[:2], maps[5:], on[2], on[3], face, metres, arms.scaled(scale))

    def distance(self, chosen: np.ndarray) -> np.ndarray:
        """(h, w) metres to the nearest of the chosen pixels (h, w)."""
        if not chosen.any():
            return np.full(chosen.shape, np.inf, np.float32)
        return cv2.distanceTransform((~chosen).astype(np.uint8), cv2.DIST_L2, 5) * self.pixel

    def from_lines(self, lines: list[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
        """(h, w) metres from lines between points (2,)."""
        picture = np.zeros(self.inside.shape, np.uint8)
        for ends in lines:
            start, end = ([int(x) for x in np.clip(np.round(point), -9999, 9999)] for point in ends)
            cv2.line(picture, start, end, (1,))
        return self.distance(picture > 0)


def _beyond_wrist(body: BodyModel, side: str) -> Tensor:
    """(V,) metres along hand and arm at rest, 0 at the wrist, negative above it."""
    regions, joints = body_regions(body), body.joint_template
    hand, arm = regions[f"{side}_hand"], regions[f"{side}_arm"]
    length = (joints[JOINT_INDEX[f"{side}_wrist"]] - joints[JOINT_INDEX[f"{side}_shoulder"]]).norm()
    return torch.where(hand.weight > 0.5, hand.along, arm.along - length)


def _face_colour(rgb: np.ndarray, face: np.ndarray) -> np.ndarray | None:
    """(3,) what most of the pixels inside the face (h, w) agree on."""
    inner = np.asarray(ndimage.binary_erosion(face, iterations=1 + round(float(face.sum()) ** 0.5 / 12)), bool)
    if inner.sum() < _LEAST_FACE:
        return None
    colours = rgb[inner].astype(np.float64)
    return agreed(colours, np.ones(len(colours)), 3 * [_FACE_AGREES])


@dataclass(frozen=True)
class SeenLimb:
    """Forearm and hand of one side, metres (h, w) from what the detectors saw.

    Attributes:
        arm: from the forearm's middle. hand: from the fingers' and the palm's bones. middle: from the hand's middle.
        found: the hand's points are its own; otherwise they are guessed from BlazePose's three.
    """

    arm: np.ndarray
    hand: np.ndarray
    middle: np.ndarray
    found: bool

    @staticmethod
    def of(scene: Scene, side: int) -> "SeenLimb | None":
        """None where the photo does not show the arm."""
        elbow, wrist = scene.arms.elbows[side], scene.arms.wrists[side]
        if min(elbow[2], wrist[2]) < _SEEN:
            return None
        elbow, wrist = elbow[:2], wrist[:2]
        arm = scene.from_lines([(elbow + 0.1 * (wrist - elbow), wrist)])  # a sleeve may end at the elbow
        points = scene.arms.hands[side]
        if points is not None:
            hand = scene.from_lines([(points[a], points[b]) for a, b in _BONES])
            return SeenLimb(arm, hand, hand, True)
        knuckles = scene.arms.knuckles[side]
        tips = wrist + _TIPS * (knuckles[:2] - wrist)
        hand = scene.from_lines([(wrist, end) for end in (*tips, tips.mean(0), knuckles[2])])
        return SeenLimb(arm, hand, scene.from_lines([(wrist, knuckles.mean(0))]), False)
