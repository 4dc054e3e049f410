"""A dressed synthetic person for the texture tests: colours by rest position, so that the truth is known everywhere."""

from dataclasses import replace
from functools import cache

import torch
from torch import Tensor

from neural_core.body import BodyModel, BodyParameters, load_open_body
from neural_core.body.skeleton import JOINT_INDEX
from neural_core.camera import Camera, look_at
from neural_core.texture import Atlas, shade_with_alpha

SKIN, HAIR = torch.tensor([0.85, 0.65, 0.55]), torch.tensor([0.2, 0.12, 0.08])
SHIRT, TROUSERS, SHOES = torch.tensor([0.9, 0.9, 0.3]), torch.tensor([0.2, 0.25, 0.4]), torch.tensor([0.5, 0.1, 0.1])
GREEN = torch.tensor([0.0, 1.0, 0.0])  # background; nobody wears it


@cache
def open_body() -> BodyModel:
    return load_open_body()


def joint_y(name: str) -> float:
    return float(open_body().joint_template[JOINT_INDEX[name], 1])


def posed(yaw: float = 0.0, **joints: list[float]) -> Tensor:
    """(V, 3) vertices in an A pose, turned about the vertical; joints are axis-angle by name."""
    pose = torch.zeros(1, 21, 3)
    for name, value in {"left_shoulder": [0, 0, -0.9], "right_shoulder": [0, 0, 0.9], **joints}.items():
        pose[0, JOINT_INDEX[name] - 1] = torch.tensor(value)
    turn = torch.tensor([[0.0, yaw, 0.0]])
    return open_body()(BodyParameters.zeros(body_pose=pose, global_orient=turn)).vertices[0]


def arm_before_torso() -> Tensor:
    """The right forearm crosses the chest."""
    return posed(right_shoulder=[-0.3, 0.3, 1.2], right_elbow=[0, 1.2, 1.2])


def view(vertices: Tensor, height: int = 480, yaw: float = 0.0) -> Camera:
    """A camera that sees the whole person."""
    centre = (vertices.amax(0) + vertices.amin(0)) / 2
    size = float(vertices[:, 1].max() - vertices[:, 1].min())
    angle = torch.tensor(yaw)
    position = centre + 3 * size * torch.stack([angle.sin(), torch.zeros(()), angle.cos()])
    return look_at(position, centre, height * 0.9 * 3, int(height * 0.7), height)


def photo(vertices: Tensor, camera: Camera, texture: Tensor) -> tuple[Tensor, Tensor]:
    """Image (3, H, W) over green, and person mask (H, W)."""
    rgb, alpha = shade_with_alpha(vertices, open_body(), camera, texture)
    return rgb * alpha + GREEN[:, None, None] * (1 - alpha), alpha[0]


def clothes(resolution: int) -> Tensor:
    """(3, R, R) skin, hair, a shirt with sleeves to the forearm, trousers and shoes."""
    body, atlas = open_body(), Atlas.of(open_body(), resolution)
    position = atlas.on_surface(body.template, body.faces)
    head = atlas.on_surface(body.weights[:, [JOINT_INDEX["head"], JOINT_INDEX["jaw"]]], body.faces).sum(1) > 0.5
    x, y, z = position.unbind(1)
    colour = SKIN.expand(len(x), 3).clone()
    eye_y, eye_z = body.joint_template[JOINT_INDEX["left_eye_smplhf"], 1:].tolist()
    hair = head & ((y > eye_y + 0.06) | ((z < eye_z - 0.06) & (y > eye_y - 0.06) & ~_ears(position)))
    colour[hair] = HAIR
    waist, neck, ankle = joint_y("pelvis") - 0.05, joint_y("neck"), joint_y("left_ankle") + 0.03
    colour[~head & (y > waist) & (y < neck) & (x.abs() < 0.5)] = SHIRT
    colour[(y <= waist) & (y > ankle)] = TROUSERS
    colour[y <= ankle] = SHOES
    return atlas.image(colour)


def _ears(position: Tensor) -> Tensor:
    return position[:, 0].abs() > 0.075


def smooth_texture(resolution: int) -> Tensor:
    """(3, R, R) a colour that varies slowly over the body."""
    atlas = Atlas.of(open_body(), resolution)
    return atlas.image(smooth_colour(atlas.on_surface(open_body().template, open_body().faces)))


def smooth_colour(position: Tensor) -> Tensor:
    """(n, 3) colours in [.2, .8] at rest positions (n, 3)."""
    return 0.5 + 0.3 * torch.sin(position * 7 + torch.tensor([0.0, 1.0, 2.0]))


def plane_body(resolution_metres: float = 1.0) -> BodyModel:
    """A square that faces +z and fills its atlas: what the camera sees is what the texture should be."""
    s = resolution_metres / 2
    corners = torch.tensor([[-s, -s, 0.0], [s, -s, 0.0], [s, s, 0.0], [-s, s, 0.0]])
    faces = torch.tensor([[0, 1, 2], [0, 2, 3]])
    uv = torch.tensor([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])
    return replace(open_body(), template=corners, faces=faces, uv=uv, face_uv=faces, mirror=None)


def plane_camera(pixels: int) -> Camera:
    """An orthographic camera in which the square of side 1 m fills the picture."""
    K = torch.tensor([[pixels, 0.0, pixels / 2], [0.0, pixels, pixels / 2], [0.0, 0.0, 1.0]])
    R = torch.diag(torch.tensor([1.0, -1.0, -1.0]))
    return Camera(K, R, torch.tensor([0.0, 0.0, 2.0]), pixels, pixels, orthographic=True)
