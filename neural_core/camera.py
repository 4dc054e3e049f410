"""The one camera of the project: K, R, t in the OpenCV convention (+x right, +y down, +z forward), metres.

Pixel centres lie at half integers: the pixel in column 0, row 0 covers [0, 1) x [0, 1).
"""

from dataclasses import dataclass, replace

import torch
from torch import Tensor


@dataclass(frozen=True)
class Camera:
    """A pinhole or orthographic camera.

    Attributes:
        K: (3, 3) intrinsics. Pinhole: pixels. Orthographic: fx, fy in pixels per metre.
        R: (3, 3) world to camera rotation.
        t: (3,) world to camera translation, metres: x_camera = R @ x_world + t.
        width, height: image size, pixels.
        orthographic: parallel projection along +z when True.
    """

    K: Tensor
    R: Tensor
    t: Tensor
    width: int
    height: int
    orthographic: bool = False

    @staticmethod
    def pinhole(focal: float, width: int, height: int, R: Tensor | None = None, t: Tensor | None = None) -> "Camera":
        """A camera with square pixels and a centred principal point; `focal` in pixels."""
        K = torch.tensor([[focal, 0.0, width / 2], [0.0, focal, height / 2], [0.0, 0.0, 1.0]])
        return Camera(K, torch.eye(3) if R is None else R, torch.zeros(3) if t is None else t, width, height)

    @property
    def device(self) -> torch.device:
        return self.K.device

    @property
    def position(self) -> Tensor:
        """(3,) camera centre in the world, metres."""
        return -self.R.T @ self.t

    def to(self, device: torch.device | str) -> "Camera":
        return replace(self, K=self.K.to(device), R=self.R.to(device), t=self.t.to(device))

    def to_camera(self, points: Tensor) -> Tensor:
        """World points (..., 3) in camera coordinates (..., 3), metres."""
        return points @ self.R.T + self.t

    def homogeneous(self, points_camera: Tensor) -> Tensor:
        """Camera points (..., 3) before the perspective division: (x, y, w) with w = z, or 1 when orthographic."""
        if not self.orthographic:
            return points_camera
        return torch.cat([points_camera[..., :2], torch.ones_like(points_camera[..., 2:])], dim=-1)

    def project(self, points: Tensor, near: float = 1e-2) -> tuple[Tensor, Tensor]:
        """World points (..., 3) to pixels (..., 2) and depth along +z (...), metres, clamped for the division."""
        camera_points = self.to_camera(points)
        h = self.homogeneous(camera_points)
        xy = h[..., :2] / h[..., 2:].clamp(min=near)
        focal = torch.stack([self.K[0, 0], self.K[1, 1]])
        skewed = xy * focal + self.K[:2, 2]
        return skewed, camera_points[..., 2]

    def crop(self, left: int, top: int, width: int, height: int) -> "Camera":
        """The same view through a window of the image; the window may reach outside."""
        K = self.K.clone()
        K[0, 2] -= left
        K[1, 2] -= top
        return replace(self, K=K, width=int(width), height=int(height))

    def resize(self, width: int, height: int) -> "Camera":
        """The same view with another number of pixels."""
        scale = torch.tensor([[width / self.width], [height / self.height], [1.0]], device=self.device)
        return replace(self, K=self.K * scale, width=int(width), height=int(height))

    def to_json(self) -> dict:
        return {
            "K": self.K.tolist(),
            "R": self.R.tolist(),
            "t": self.t.tolist(),
            "width": self.width,
            "height": self.height,
            "orthographic": self.orthographic,
        }

    @staticmethod
    def from_json(data: dict) -> "Camera":
        def matrix(key: str, *shape: int) -> Tensor:
            return torch.tensor(data[key], dtype=torch.float32).reshape(shape)

        return Camera(
            K=matrix("K", 3, 3),
            R=matrix("R", 3, 3),
            t=matrix("t", 3),
            width=int(data["width"]),
            height=int(data["height"]),
            orthographic=bool(data.get("orthographic", False)),
        )


def look_at(position: Tensor, target: Tensor, focal: float, width: int, height: int) -> Camera:
    """A pinhole camera at `position` (3,) that sees `target` (3,) in its centre, upright in a y-up world."""
    forward = torch.nn.functional.normalize(target - position, dim=0)
    up = torch.tensor([0.0, 1.0, 0.0], device=position.device)
    right = torch.nn.functional.normalize(torch.linalg.cross(forward, up), dim=0)
    down = torch.linalg.cross(forward, right)
    R = torch.stack([right, down, forward])
    camera = Camera.pinhole(focal, width, height).to(position.device)
    return replace(camera, R=R, t=-R @ position)
