"""Skin and faces: tone, blush, lips, brows, lashes, beard, eyes, socks. Drawn in front projection of the mean face.

Faces are simple on purpose: a face that was seen is copied by the renderer, so facial realism matters least (measured).
"""

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image, ImageDraw, ImageFilter
from torch import Tensor

from neural_core.body.model import BodyModel
from neural_core.training.people.fabrics import random_colour
from neural_core.training.people.glasses import Glasses, draw_glasses, put_on_glasses
from neural_core.training.people.noise import noise, smoothstep

_TONES = np.array(
    [(0.95, 0.80, 0.72), (0.90, 0.72, 0.60), (0.84, 0.64, 0.51), (0.76, 0.55, 0.42), (0.63, 0.43, 0.31),
     (0.48, 0.31, 0.22), (0.36, 0.23, 0.17), (0.25, 0.16, 0.12)]
)  # fmt: skip
_HAIR = np.array(
    [(0.05, 0.045, 0.04), (0.08, 0.06, 0.05), (0.14, 0.09, 0.06), (0.22, 0.14, 0.08), (0.33, 0.21, 0.12),
     (0.52, 0.38, 0.22), (0.68, 0.55, 0.36), (0.46, 0.20, 0.09), (0.52, 0.51, 0.50), (0.80, 0.79, 0.77)]
)  # fmt: skip
_IRIS = np.array([(0.20, 0.11, 0.06), (0.12, 0.07, 0.05), (0.25, 0.36, 0.48), (0.27, 0.34, 0.22)])

# MediaPipe face-mesh outlines.
_LIPS = (61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 409, 270, 269, 267, 0, 37, 39, 40, 185)
_BROWS = ((70, 63, 105, 66, 107, 55, 65, 52, 53, 46), (300, 293, 334, 296, 336, 285, 295, 282, 283, 276))
_EYES = (
    (33, 7, 163, 144, 145, 153, 154, 155, 133, 173, 157, 158, 159, 160, 161, 246),
    (263, 249, 390, 373, 374, 380, 381, 382, 362, 398, 384, 385, 386, 387, 388, 466),
)
_FACE_PIXELS = 256
_FACE_WIDTH = 0.20  # metres of the mean face that the mask picture spans, centred between the eyes and the mouth


@dataclass(frozen=True)
class Look:
    """tone, hair, iris, lips: (3,) sRGB. beard: 0..1, beard_kind "full" | "stubble" | "moustache" | "goatee".
    shadow: 0..1 make-up of the lids. sock_top: metres above the ankle or None; sock: (3,)."""

    tone: Tensor
    hair: Tensor
    iris: Tensor
    lips: Tensor
    beard: float
    beard_kind: str
    shadow: float
    glasses: Glasses | None
    brow: float
    sock_top: float | None
    sock: Tensor
    hair_gloss: float


def draw_look(rng: np.random.Generator) -> Look:
    """A random complexion; hair colours follow the tone only loosely, some are dyed."""
    i = rng.uniform(0, len(_TONES) - 1.001)
    tone = _TONES[int(i)] * (1 - i % 1) + _TONES[int(i) + 1] * (i % 1)
    dark = rng.random() < (0.25 + 0.6 * i / len(_TONES))
    hair = _HAIR[rng.integers(4) if dark else rng.integers(len(_HAIR))] * rng.uniform(0.8, 1.2)
    if rng.random() < 0.05:
        hair = random_colour(rng, 0.0).numpy()
    beard = float(rng.uniform(0.3, 1)) if rng.random() < 0.26 else 0.0
    makeup = rng.random() ** 2 * (beard == 0)
    lips = tone * (0.85, 0.62, 0.60) * (1 - makeup) + np.array([0.58, 0.14, 0.17]) * makeup
    as_tensor = lambda array: torch.from_numpy(np.asarray(array).clip(0, 1)).float()  # noqa: E731
    return Look(
        tone=as_tensor(tone),
        hair=as_tensor(hair),
        iris=as_tensor(_IRIS[rng.integers(len(_IRIS))]),
        lips=as_tensor(lips),
        beard=beard,
        beard_kind=str(rng.choice(["full", "stubble", "moustache", "goatee"], p=[0.45, 0.3, 0.1, 0.15])),
        shadow=float(max(0.0, makeup - 0.3)) * 0.6,
        glasses=draw_glasses(rng),
        brow=float(rng.uniform(0.4, 0.9)),
        sock_top=float(rng.uniform(0.03, 0.30)) if rng.random() < 0.5 else None,
        sock=random_colour(rng),
        hair_gloss=float(rng.uniform(0.05, 0.3)),
    )


def face_pictures(body: BodyModel) -> Tensor:
    """(3, P, P) coverage of lips, brows and eye outlines, in front projection of the mean face."""
    triangle, weights = body.landmarks.face_triangle.cpu(), body.landmarks.face_barycentric.cpu()
    corners = body.template.cpu()[body.faces.cpu()[triangle.clamp(min=0)]]
    points = (corners * weights[..., None]).sum(1)
    flat = (points[:, :2] - _face_centre(body).cpu()[:2]) / _FACE_WIDTH * _FACE_PIXELS
    flat = torch.stack([flat[:, 0], -flat[:, 1]], 1) + _FACE_PIXELS / 2

    def mask(*outlines: tuple[int, ...], width: int = 0) -> Tensor:
        image = Image.new("L", (_FACE_PIXELS, _FACE_PIXELS))
        draw = ImageDraw.Draw(image)
        for outline in outlines:
            path = [(float(flat[k, 0]), float(flat[k, 1])) for k in outline if triangle[k] >= 0]
            if width:
                draw.line([*path, path[0]], fill=255, width=width)
            else:
                draw.polygon(path, fill=255)
        return torch.from_numpy(np.array(image.filter(ImageFilter.GaussianBlur(1.5)))).float() / 255

    return torch.stack([mask(_LIPS), torch.maximum(mask(_BROWS[0]), mask(_BROWS[1])), mask(*_EYES, width=5)])


def _face_features(body: BodyModel, pictures: Tensor, points: Tensor) -> Tensor:
    """(n, 3) lips, brows, eye outlines at canonical points (n, 3) of the mean body; 0 off the front of the face."""
    centre = _face_centre(body)
    grid = (points[:, :2] - centre[:2]) / (_FACE_WIDTH / 2)
    grid = torch.stack([grid[:, 0], -grid[:, 1]], 1)
    sampled = F.grid_sample(pictures[None], grid[None, None], align_corners=False)[0, :, 0].T
    return sampled * (points[:, 2:] > centre[2] - 0.05)


def _face_centre(body: BodyModel) -> Tensor:
    eyes = body.joint_template[23:25].mean(0)
    return eyes + eyes.new_tensor([0.0, -0.02, 0.0])


def skin_colour(look: Look, body: BodyModel, face: Tensor, points: Tensor, eyes: Tensor, shift: Tensor) -> Tensor:
    """(n, 3) sRGB of skin at canonical points (n, 3).

    Args:
        face: `face_pictures` of the body. eyes: (n,) bool, samples on an eyeball. shift: (3,) moves the noise.
    """
    device = points.device
    eye = body.joint_template[23:25]
    from_eyes = points - eye.mean(0)
    tone = look.tone.to(device) * (1 + 0.03 * noise(points * 14 + shift) + 0.012 * noise(points * 120 + shift))[:, None]
    cheek = from_eyes - from_eyes.new_tensor([0.0, -0.046, 0.012])
    side = torch.stack([cheek[:, 0].abs() - 0.035, cheek[:, 1], cheek[:, 2]], 1)
    nose = from_eyes - from_eyes.new_tensor([0.0, -0.043, 0.042])
    blush = torch.exp(-((side.norm(dim=1) / 0.03) ** 2)) + 0.7 * torch.exp(-((nose.norm(dim=1) / 0.018) ** 2))
    blush = blush + 0.5 * smoothstep(0.76, 0.86, points[:, 0].abs())
    colour = tone * (1 + blush[:, None] * tone.new_tensor([0.05, -0.07, -0.06]))
    lips, brows, lashes = _face_features(body, face, points).unbind(1)
    hair = look.hair.to(device)
    if look.beard > 0:
        where = _beard(look.beard_kind, from_eyes) * (1 - lips) * (0.8 + 0.2 * noise(points * 150 + shift))
        growth = (where * look.beard * (0.35 if look.beard_kind == "stubble" else 1.0)).clamp(0, 0.95)[:, None]
        colour = colour * (1 - growth) + hair * growth
    for mask, target, strength in (
        (lips, look.lips.to(device), 0.8),
        (brows, hair * 0.75, look.brow),
        (lashes, hair * 0.4, 0.6),
    ):
        colour = colour * (1 - strength * mask[:, None]) + target * (strength * mask[:, None])
    if look.shadow > 0:
        lid = torch.exp(-(((from_eyes[:, 0].abs() - 0.031) / 0.02) ** 2) - ((from_eyes[:, 1] - 0.008) / 0.009) ** 2)
        lid = (look.shadow * lid * (from_eyes[:, 2] > -0.02))[:, None]
        colour = colour * (1 - lid) + (look.lips.to(device) * 0.5) * lid
    if look.sock_top is not None:
        sock = points[:, 1] < float(body.joint_template[7, 1]) + look.sock_top
        colour = torch.where(sock[:, None], look.sock.to(device) * (1 + 0.06 * noise(points * 120))[:, None], colour)
    if bool(eyes.any()):
        colour[eyes] = _eyeball(look, eye, points[eyes])
    if look.glasses is not None:
        colour = put_on_glasses(look.glasses, eye, points, colour)
    return colour.clamp(0, 1)


def _beard(kind: str, from_eyes: Tensor) -> Tensor:
    """(n,) where a beard grows, at points (n, 3) relative to the middle of the eyes."""
    x, y, z = from_eyes.unbind(1)
    jaw = smoothstep(-0.045, -0.072, y) * smoothstep(-0.08, -0.04, z) * smoothstep(-0.15, -0.125, y)
    lip = torch.exp(-(((y + 0.056) / 0.007) ** 2)) * smoothstep(0.034, 0.026, x.abs()) * (z > -0.02)
    if kind == "moustache":
        return lip
    if kind == "goatee":
        return torch.maximum(lip, jaw * smoothstep(0.036, 0.026, x.abs()))
    return torch.maximum(jaw, lip)


def _eyeball(look: Look, eye: Tensor, points: Tensor) -> Tensor:
    """Sclera, iris and pupil by the angle from straight ahead."""
    centre = eye[(points[:, 0] < 0).long()]
    ahead = F.normalize(points - centre, dim=1)[:, 2].clamp(-1, 1).acos()
    white = points.new_tensor([0.80, 0.78, 0.76]).expand(len(points), 3)
    iris, pupil = smoothstep(0.50, 0.44, ahead)[:, None], smoothstep(0.22, 0.17, ahead)[:, None]
    colour = white * (1 - iris) + look.iris.to(points.device) * iris
    return colour * (1 - pupil) + 0.03 * pupil
