"""Plain shaded pictures of the body for the detectors to look at, and for us."""

import numpy as np
import torch
from torch import Tensor

from neural_core.body.model import BodyModel
from neural_core.body.skeleton import JOINT_INDEX
from neural_core.camera import Camera
from neural_core.rasterizer import interpolate, rasterize

_LIGHT = torch.nn.functional.normalize(torch.tensor([0.35, 0.5, 0.8]), dim=0)


def vertex_normals(vertices: Tensor, faces: Tensor) -> Tensor:
    """(V, 3) area-weighted unit normals."""
    a, b, c = vertices[faces].unbind(1)
    face = torch.linalg.cross(b - a, c - a)
    normals = torch.zeros_like(vertices).index_add_(0, faces.reshape(-1), face.repeat_interleave(3, 0))
    return torch.nn.functional.normalize(normals, dim=1)


def shaded(
    vertices: Tensor, faces: Tensor, camera: Camera, colours: Tensor, background: float = 0.6, ambient: float = 0.45
) -> tuple[np.ndarray, Tensor]:
    """Picture (H, W, 3) uint8 and triangle ids (H, W); colours (V, 3) in [0, 1], light from the upper left front."""
    fragments = rasterize(vertices, faces, camera)
    shade = ambient + (1 - ambient) * (vertex_normals(vertices, faces) @ _LIGHT).clamp(min=0)
    picture = interpolate(fragments, faces, colours * shade[:, None])
    picture = torch.where(fragments.mask[..., None], picture, torch.full_like(picture, background))
    return (picture.clamp(0, 1) * 255).byte().numpy(), fragments.triangle


def skin_colours(body: BodyModel, lips: np.ndarray, skin: tuple[float, float, float] = (0.85, 0.67, 0.56)) -> Tensor:
    """(V, 3): skin, red lips (V,) bool, white eyes, brown irises, dark brows and hair: enough for a face detector."""
    v = body.template.numpy()
    colours = np.tile(np.array(skin, np.float32), (len(v), 1))
    colours[lips] = (0.72, 0.36, 0.35)
    weights = body.weights.numpy()
    for side, s in (("left", 1), ("right", -1)):
        j = JOINT_INDEX[f"{side}_eye_smplhf"]
        eye = weights[:, j] > 0.5
        centre = body.joint_template[j].numpy()
        front = v[eye][v[eye][:, 2].argmax()]
        colours[eye] = (0.95, 0.95, 0.95)
        radius = np.linalg.norm(v[:, :2] - front[:2], axis=1)
        colours[eye & (radius < 0.0062) & (v[:, 2] > centre[2])] = (0.25, 0.16, 0.1)
        out = (v[:, 0] - centre[0]) * s
        brow = (abs(v[:, 1] - centre[1] - 0.022 + 0.12 * abs(out - 0.005)) < 0.005) & (out > -0.02) & (out < 0.028)
        colours[brow & (v[:, 2] > centre[2]) & (weights[:, JOINT_INDEX["head"]] > 0.9)] = (0.25, 0.17, 0.12)
    head = weights[:, JOINT_INDEX["head"]] > 0.5
    eyes = body.joint_template[JOINT_INDEX["left_eye_smplhf"]].numpy()
    hair = head & ((v[:, 1] > eyes[1] + 0.075) | ((v[:, 2] < eyes[2] - 0.1) & (v[:, 1] > eyes[1] - 0.07)))
    colours[hair & (abs(v[:, 0]) < 0.078)] = (0.2, 0.13, 0.09)
    return torch.from_numpy(colours)
