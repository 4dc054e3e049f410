"""Which parts of a body may grow clothes or hair, found from its joints, weights and face landmarks.

No list of vertices: the same code serves the open body, a rebuilt one and a licensed SMPL-X file.
"""

import math
from dataclasses import dataclass

import torch
from scipy.spatial import KDTree
from torch import Tensor

from neural_core.body.model import BodyModel
from neural_core.body.skeleton import JOINT_INDEX, JOINT_NAMES
from neural_core.camera import Camera
from neural_core.rasterizer import rasterize

# Metres, on the mean body.
_FACE_REACH = 0.018  # MediaPipe's points lie up to 18 mm apart on the cheeks
_EAR_TOP = 0.02  # over the eyes: ears end at eyebrow height, the skull goes on
_EAR_REACH = 0.018  # from the rim that stands off the skull to where the ear joins it
_HAIRLINE = 0.03  # over which hair reaches full thickness above the forehead
_EAR_EDGE = 0.02  # the same around the ears, which hair surrounds closely
_OPEN_VIEWS = 3  # of 24: a mouth or a socket is seen from one or two, open skin from four or more
_CUFF = 0.03  # over which a sleeve ends at the wrist


@dataclass(frozen=True)
class ClothingRegions:
    """Masks over the vertices of a body, (V,) bool unless said otherwise. A vertex may lie in none (the neck).

    Attributes:
        face, ears, eyes, hands, inside: what never moves; `inside` is skin that no eye sees (mouth, sockets).
        scalp: where hair grows. torso, arms, legs, feet: what clothes cover, split by the strongest joint.
        freedom: (V,) in [0, 1], how much of an offset a vertex takes; 0 on all that never moves, ramps beside it.
    """

    face: Tensor
    ears: Tensor
    eyes: Tensor
    hands: Tensor
    inside: Tensor
    scalp: Tensor
    torso: Tensor
    arms: Tensor
    legs: Tensor
    feet: Tensor
    freedom: Tensor

    @property
    def frozen(self) -> Tensor:
        """(V,) bool, what never moves."""
        return self.face | self.ears | self.eyes | self.hands | self.inside


@torch.no_grad()
def clothing_regions(body: BodyModel) -> ClothingRegions:
    """The regions of the mean body at rest."""
    rest, landmarks = body.template, body.landmarks
    strongest = body.weights.argmax(1)

    def led_by(*parts: str) -> Tensor:
        joints = [i for i, name in enumerate(JOINT_NAMES) if any(part in name for part in parts)]
        return torch.isin(strongest, torch.tensor(joints, device=rest.device))

    eyes, jaw = led_by("_eye_"), led_by("jaw")
    head = led_by("head", "jaw", "_eye_")
    known = landmarks.face_triangle >= 0
    corners = rest[body.faces[landmarks.face_triangle[known]]]
    face_points = (corners * landmarks.face_barycentric[known][..., None]).sum(1)
    middle = body.joint_template[JOINT_INDEX["head"], 2]
    face_points = face_points[face_points[:, 2] > middle]
    chin = jaw & (rest[:, 2] > middle)
    face = head & ((_distance(rest, face_points) < _FACE_REACH) | chin)
    ear_top = body.joint_template[JOINT_INDEX["left_eye_smplhf"], 1] + _EAR_TOP
    low = rest[:, 1] < ear_top
    skull_half_width = rest[head & ~low, 0].abs().max()
    ear_rim = head & low & (rest[:, 0].abs() > skull_half_width)
    ears = head & low & (_distance(rest, rest[ear_rim]) < _EAR_REACH)
    inside = head & (_views(body, head) < _OPEN_VIEWS)
    hands = led_by("wrist", "index", "middle", "pinky", "ring", "thumb")
    mouth_height = body.joint_template[JOINT_INDEX["jaw"], 1]
    face = face | head & (rest[:, 1] < mouth_height) & (rest[:, 2] > middle)  # what hangs under the jaw
    scalp = head & ~face & ~ears & ~inside & (rest[:, 1] > body.joint_template[JOINT_INDEX["head"], 1])
    freedom = _ramp(rest, face | eyes | inside, _HAIRLINE) * _ramp(rest, ears, _EAR_EDGE) * _ramp(rest, hands, _CUFF)
    # Long hair falls behind and beside the neck, never over the throat.
    middle_of_neck = body.joint_template[[JOINT_INDEX["neck"], JOINT_INDEX["head"]], 2].mean()
    radial = torch.stack([rest[:, 0], rest[:, 2] - middle_of_neck], 1)
    forward = radial[:, 1] / radial.norm(dim=1).clamp(min=1e-6)
    throat = (1 - smoothstep(rest[:, 1], mouth_height, ear_top)) * smoothstep(forward, -0.2, 0.5)
    on_neck = body.weights[:, [JOINT_INDEX["neck"], JOINT_INDEX["head"], JOINT_INDEX["jaw"]]].sum(1)
    freedom = freedom * (1 - throat * on_neck)
    return ClothingRegions(
        face=face,
        ears=ears,
        eyes=eyes,
        hands=hands,
        inside=inside,
        scalp=scalp,
        torso=led_by("pelvis", "spine", "collar"),
        arms=led_by("shoulder", "elbow"),
        legs=led_by("hip", "knee", "ankle") & ~led_by("foot"),
        feet=led_by("foot"),
        freedom=freedom,
    )


def distance_to(rest: Tensor, region: Tensor) -> Tensor:
    """(V,) metres from each of the vertices (V, 3) to the nearest one in `region` (V,) bool."""
    return _distance(rest, rest[region])


def _distance(points: Tensor, targets: Tensor) -> Tensor:
    """(n,) metres from each point to the nearest target; inf where there is none."""
    distance, _ = KDTree(targets.cpu().numpy()).query(points.cpu().numpy())
    return torch.from_numpy(distance).to(points)


def _ramp(rest: Tensor, frozen: Tensor, width: float) -> Tensor:
    """(V,) 0 on `frozen`, rising smoothly to 1 at `width` metres from it."""
    return smoothstep(distance_to(rest, frozen), 0.0, width)


def smoothstep(x: Tensor, low: Tensor | float, high: Tensor | float) -> Tensor:
    """0 below `low`, 1 above `high`, smooth between."""
    x = ((x - low) / (high - low)).clamp(0, 1)
    return x * x * (3 - 2 * x)


def _views(body: BodyModel, part: Tensor, directions: int = 24, side: int = 256) -> Tensor:
    """(V,) long, from how many directions around `part` a triangle of the vertex is seen from outside.

    The part is cut off from the rest, but what one sees through the cut is the inner side of triangles.
    """
    views = torch.zeros(len(part), dtype=torch.long, device=part.device)
    faces = body.faces[part[body.faces].all(1)]
    points = body.template[part]
    centre = (points.amax(0) + points.amin(0)) / 2
    radius = (points - centre).norm(dim=1).max()
    scale = side / (2 * radius)
    K = torch.diag(torch.stack([scale, scale, torch.ones_like(scale)]))
    K[:2, 2] = side / 2
    a, b, c = body.template[faces].unbind(1)
    normals = torch.linalg.cross(b - a, c - a)
    for k in range(directions):  # a Fibonacci sphere
        y = 1 - (2 * k + 1) / directions
        angle, ring = k * math.pi * (3 - math.sqrt(5)), math.sqrt(1 - y * y)
        forward = points.new_tensor([ring * math.cos(angle), y, ring * math.sin(angle)])
        right = points.new_tensor([math.sin(angle), 0.0, -math.cos(angle)])
        R = torch.stack([right, torch.linalg.cross(forward, right), forward])
        camera = Camera(K, R, -R @ (centre - 2 * radius * forward), side, side, orthographic=True)
        triangle = rasterize(body.template, faces, camera).triangle
        seen = triangle[triangle >= 0].unique()
        views[faces[seen[normals[seen] @ forward < 0]].unique()] += 1
    return views
