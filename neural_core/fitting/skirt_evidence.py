"""Whether a photo shows a skirt, where it ends and how wide it is, from the person mask and the fitted body.

Between two bare legs one sees what is behind them. Trousers leave a gap that is narrower by their cloth; a skirt fills
it from the crotch down to its hem, where the gap opens at once. Legs that touch in the picture say neither.
"""

from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
import torch
from torch import Tensor

from neural_core.body.model import BodyModel
from neural_core.body.skeleton import JOINT_INDEX
from neural_core.camera import Camera
from neural_core.fitting.result import BodyFit
from neural_core.photo.evidence import PhotoEvidence
from neural_core.rasterizer import rasterize

# Metres.
_OPEN = 0.01  # of background between the legs: below the hem
_SHORT = 0.05  # least length below the crotch
_WIDE = 0.10  # a gap so wide is filled by no trousers,
_WIDEST = 0.13  # and such a one not even if it never opens
_NARROW = 0.025  # one at least so wide may be: where it opens,
_STEP = 0.018  # it must open by so much more than the cloth of the legs
_TOUCH = 0.05  # a gap so narrow for half of their length, and one leg hides the other
_CORNER = 0.08  # of the gap's upper end, within which a hem's corners lie
_MARGIN = 0.01  # of the gap beside the bare legs, which are a little wider than the fit's
_HEM_SEEN = 0.06  # of a hem's length, from which its slant can be told
_SLANT = 0.3  # metres per metre at most
_BELOW = (0.03, 0.10)  # below the hem, where that cloth is measured
_HANDS = 0.035  # round forearms and hands, where an outline may be theirs or a sleeve's
_SIDE = 0.5  # to either side, where the outline is looked for
_UPRIGHT = 0.6  # least cosine between thighs and gravity: who sits has a lap
_HEIGHT = 640  # pixels of the person at most: 2.7 mm each

_ARM = ("elbow", "wrist", "index", "middle", "pinky", "ring", "thumb")


@dataclass(frozen=True)
class Skirt:
    """A skirt as one photo shows it.

    Attributes:
        drop: metres from the pelvis joint down to the hem between the legs. across: (3,) horizontal, to the right in
            the photo. slant: metres that the hem rises per metre along it.
        fall: (n,) metres below the pelvis joint, ascending. reach: (n, 2) how far it reaches there from the middle
            between the legs, against `across` and along it, metres; NaN where hands or nothing was seen. most: (n, 2)
            how far it may reach: there the person ends, hands and all.
    """

    drop: float
    across: Tensor
    fall: Tensor
    reach: Tensor
    most: Tensor
    slant: float = 0.0

    def unmeasured(self, camera: Camera) -> "Skirt":
        """The same skirt in a photo that shows its length, width or both worse than another one."""
        unknown = torch.full_like(self.reach, torch.nan)
        return Skirt(self.drop, rightwards(camera), self.fall, unknown, torch.full_like(self.most, torch.inf))


@torch.no_grad()
def find_skirt(evidence: PhotoEvidence, body: BodyModel, fit: BodyFit) -> Skirt | None:
    """The skirt, or None where there is none or the legs do not tell."""
    posed = body(fit.parameters)
    vertices, joints = posed.vertices[0], posed.joints[0]
    if not stands(joints):
        return None
    camera, person = _small(evidence, fit.camera)
    rows = _rows(body, vertices, joints, camera, person)
    end = _hem(rows)
    if end is None:
        return None
    across = rightwards(camera)
    crotch = float(joints[0, 1] - vertices[crotch_vertex(body), 1])
    hips = joints[[JOINT_INDEX["left_hip"], JOINT_INDEX["right_hip"]], 1].mean()
    fall = torch.arange(float(joints[0, 1] - hips), crotch + end + _CORNER, 0.01, device=vertices.device)
    reach, most = _reach(joints, fall, across, camera, person > 0.5, _hands(body, vertices, camera))
    drop = _level(crotch + end, fall, reach)
    worn = fall < drop
    return Skirt(drop, across, fall[worn], reach[worn], most[worn], _slant(rows, end, person))


@torch.no_grad()
def legs_touch(evidence: PhotoEvidence, body: BodyModel, fit: BodyFit) -> bool:
    """Whether the legs stand so close in the picture that the photo shows the inside of neither."""
    posed = body(fit.parameters)
    rows = _rows(body, posed.vertices[0], posed.joints[0], *_small(evidence, fit.camera))
    return not len(rows.gap) or float(np.median(rows.gap)) < _TOUCH


def rightwards(camera: Camera) -> Tensor:
    """(3,) horizontal, to the right in the picture."""
    return torch.nn.functional.normalize(camera.R[0] * camera.R.new_tensor([1.0, 0.0, 1.0]), dim=0)


def crotch_vertex(body: BodyModel) -> int:
    """The lowest vertex of the trunk between the legs."""
    middle = (body.template[:, 0].abs() < 1e-3) & (body.weights[:, 0] > 0.2)
    return int(torch.where(middle, body.template[:, 1], torch.inf).argmin())


def leg_middle(joints: Tensor, height: Tensor, side: str) -> Tensor:
    """(n, 2) x, z of a leg's axis at heights (n,); beyond hip and ankle those of the ends."""
    chain = joints[[JOINT_INDEX[f"{side}_{name}"] for name in ("hip", "knee", "ankle")]]
    points = chain[0].expand(len(height), 3)
    for above, below in pairwise(chain):
        share = ((above[1] - height) / (above[1] - below[1]).clamp(min=1e-3)).clamp(0, 1)[:, None]
        points = torch.where(share > 0, above + share * (below - above), points)
    return points[:, [0, 2]]


def _small(evidence: PhotoEvidence, camera: Camera) -> tuple[Camera, np.ndarray]:
    """Camera and person mask (h, w) of a smaller picture."""
    height, width = evidence.mask.shape
    scale = min(1.0, _HEIGHT / evidence.person_height_px)
    size = max(8, round(width * scale)), max(8, round(height * scale))
    return camera.resize(*size), cv2.resize(evidence.mask, size, interpolation=cv2.INTER_AREA)


def stands(joints: Tensor) -> bool:
    """Whether both thighs and both shins of posed joints (55, 3) hang down."""
    for side in ("left", "right"):
        hip, knee, ankle = (joints[JOINT_INDEX[f"{side}_{name}"]] for name in ("hip", "knee", "ankle"))
        if min(_down(hip - knee), _down(knee - ankle)) < _UPRIGHT:
            return False
    return True


def _down(bone: Tensor) -> float:
    return float(bone[1] / bone.norm().clamp(min=1e-6))


@dataclass(frozen=True)
class _Rows:
    """Rows of the picture from crotch to ankles: metres below the crotch, gap between the bare legs, background in it,
    metres. `length`: from crotch to ankles. `row` (n,), `columns` (n, 2): where the gap is, pixels; `metre`: in pixels.
    """

    below: np.ndarray
    gap: np.ndarray
    background: np.ndarray
    length: float
    row: np.ndarray
    columns: np.ndarray
    metre: float


def _rows(body: BodyModel, vertices: Tensor, joints: Tensor, camera: Camera, person: np.ndarray) -> _Rows:
    names = ("hip", "knee", "ankle")
    covers = []
    for side in ("left", "right"):
        share = body.weights[:, [JOINT_INDEX[f"{side}_{name}"] for name in names]].sum(1)
        covers.append(rasterize(vertices, body.faces[(share > 0.5)[body.faces].all(1)], camera).mask.cpu().numpy())
    ankles = joints[[JOINT_INDEX["left_ankle"], JOINT_INDEX["right_ankle"]]].mean(0)
    ends, depth = camera.project(torch.stack([vertices[crotch_vertex(body)], ankles]))
    metre = float(camera.K[1, 1]) / (1.0 if camera.orthographic else float(depth[0].clamp(min=0.05)))
    top, bottom = (float(end) for end in ends[:, 1])
    found, places = [], []
    for row in range(max(round(top), 0), min(round(bottom), len(person))):
        one, other = (np.flatnonzero(cover[row]) for cover in covers)
        if not len(one) or not len(other):
            continue
        low, high = (one, other) if one.mean() < other.mean() else (other, one)
        between = person[row, low[-1] + 1 : high[0]]
        places.append((row, low[-1] + 1, high[0]))
        found.append((row + 0.5 - top, high[0] - low[-1] - 1, (1 - between).sum()))
    below, gap, background = np.array(found, float).reshape(-1, 3).T / metre
    place = np.array(places, int).reshape(-1, 3)
    return _Rows(below, gap, background, (bottom - top) / metre, place[:, 0], place[:, 1:], metre)


def _hem(rows: _Rows) -> float | None:
    """Metres from the crotch down to the hem; None where nothing says that there is one."""
    if not len(rows.below):
        return None
    opened = np.flatnonzero(rows.background > _OPEN)
    last = opened[0] if len(opened) else len(rows.below)
    if last == 0 or rows.below[last - 1] < _SHORT:
        return None
    filled = float(rows.gap[:last].max())
    end = float(rows.below[last - 1])
    if filled < (_NARROW if len(opened) else _WIDEST):
        return None
    if filled < _WIDE:
        under = (rows.below > end + _BELOW[0]) & (rows.below < end + _BELOW[1])
        if not under.any():
            return None
        cloth = float(np.median(rows.gap[under] - rows.background[under]))
        if rows.gap[last - 1] - cloth < _STEP:
            return None
    return min(end, rows.length - 0.02)


def _slant(rows: _Rows, end: float, person: np.ndarray) -> float:
    """Metres that the hem rises per metre to the right, where a wide gap shows enough of it."""
    at = int(np.abs(rows.below - end).argmin())
    margin, reach = round(_MARGIN * rows.metre), round(_CORNER * rows.metre)
    low, high = rows.columns[at] + (margin, -margin)
    top = max(int(rows.row[at]) - reach, 0)
    if high - low < _HEM_SEEN * rows.metre:
        return 0.0
    background = person[top : int(rows.row[at]) + reach, low:high] < 0.5
    if not (background.any(0) & ~background[0]).all():
        return 0.0
    slope = np.polyfit(np.arange(high - low), background.argmax(0), 1)[0]
    return float(np.clip(-slope, -_SLANT, _SLANT))


def _hands(body: BodyModel, vertices: Tensor, camera: Camera) -> np.ndarray:
    """(H, W) bool, where forearms and hands may be."""
    joints = [i for name, i in JOINT_INDEX.items() if any(part in name for part in _ARM)]
    arms = body.weights[:, joints].sum(1) > 0.5
    cover = rasterize(vertices, body.faces[arms[body.faces].all(1)], camera)
    if not bool(cover.mask.any()):
        return cover.mask.cpu().numpy()
    depth = 1.0 if camera.orthographic else float(cover.depth[cover.mask].median())
    away = cv2.distanceTransform(1 - cover.mask.cpu().numpy().astype(np.uint8), cv2.DIST_L2, 3)
    return away < _HANDS * float(camera.K[0, 0]) / depth


def _reach(
    joints: Tensor, fall: Tensor, across: Tensor, camera: Camera, person: np.ndarray, hands: np.ndarray
) -> tuple[Tensor, Tensor]:
    """`Skirt.reach` and `Skirt.most`."""
    height = joints[0, 1] - fall
    legs = [leg_middle(joints, height, side) for side in ("left", "right")]
    along = torch.stack([leg @ across[[0, 2]] for leg in legs])  # (2, n)
    steps = torch.arange(0.0, _SIDE, 0.004, device=fall.device)
    reach, most = [], []
    for sign in (-1.0, 1.0):
        outer = (sign * along).argmax(0)[:, None]  # one walks from the leg on that side: there is no gap
        leg = torch.where(outer == 0, legs[0], legs[1])
        start = torch.stack([leg[:, 0], height, leg[:, 1]], 1)
        points = start[:, None] + sign * steps[:, None] * across  # (n, m, 3)
        pixels = camera.project(points.reshape(-1, 3))[0].floor().long().reshape(len(fall), len(steps), 2).cpu().numpy()
        column, row = pixels[..., 0], pixels[..., 1]
        seen = (column >= 0) & (row >= 0) & (column < person.shape[1]) & (row < person.shape[0])
        row, column = row.clip(0, person.shape[0] - 1), column.clip(0, person.shape[1] - 1)
        outside = ~person[row, column] & seen
        end = outside.argmax(1)  # the first step outside
        at = np.arange(len(end)), end
        found = torch.from_numpy(outside.any(1) & (end > 0)).to(fall.device)
        metres = steps[torch.from_numpy(end).to(fall.device)] + (along[0] - along[1]).abs() / 2
        most.append(torch.where(found, metres, torch.inf))
        free = torch.from_numpy(~hands[row[at], column[at]]).to(fall.device)
        reach.append(torch.where(found & free, metres, torch.nan))
    return torch.stack(reach, 1), torch.stack(most, 1)


def _level(drop: float, fall: Tensor, reach: Tensor) -> float:
    """The hem's fall: the median of where the gap opens and of both corners, where the outline steps in to the leg."""
    seen = [drop]
    for side in reach.T:
        step = (side[:-2] - side[2:]).nan_to_num(0.0) * ((fall[1:-1] - drop).abs() < _CORNER)
        if len(step) and float(step.max()) > _STEP:
            seen.append(float(fall[1:-1][step.argmax()]))
    return float(np.median(seen))
