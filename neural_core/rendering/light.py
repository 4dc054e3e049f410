"""The light of a video on an avatar that carries the light of one photo.

The texture is as bright as the photo was. When the person turns, other sides come into the light; over time the camera
changes its exposure. Both are few numbers: a logarithm of brightness that depends on where the surface faces, smooth as
diffuse light is (spherical harmonics up to the second order, Ramamoorthi and Hanrahan 2001, here of the logarithm), of
which a texel shows the difference between its normal now and its normal in the photo, and one gain a frame and channel.
They are estimated from the frames themselves, at pixels whose colour the photo knows.
"""

from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn import functional as F

from neural_core.body.model import BodyModel
from neural_core.camera import Camera
from neural_core.rasterizer import interpolate, rasterize
from neural_core.rendering.frame import Frame
from neural_core.texture.atlas import lookup
from neural_core.texture.sampling import vertex_normals

_WIDTH = 180  # pixels of the small pictures: folds and misplaced edges are no light
_WHOLE = 0.97  # coverage of a small pixel that is all person, in the photo and in the drawing
_SEEN = 0.5  # confidence of texels that the photo showed
_DARK = 0.02  # sRGB: darker pixels say nothing about a ratio
_ROBUST = 0.5  # logarithm: folds and shifted edges are outliers
_CALM = 3e-3  # pull of the shading towards none, per sample
_STEADY = 1e-2  # of a frame's gain towards its neighbours', per sample
_NEUTRAL = 1e-3  # and towards one
_MOST = 0.7  # logarithm: no pixel becomes twice as bright or half
_ROUNDS = 8
_TERMS = 8


@dataclass(frozen=True)
class Turned:
    """A posed body in a small picture.

    Attributes:
        basis: (h, w, 8) change of the harmonics since the photo. covered: (h, w). seen: (h, w) bool, by the photo.
    """

    basis: Tensor
    covered: Tensor
    seen: Tensor


@dataclass(frozen=True)
class Sample:
    """What one frame says: basis (n, 8), and ratio (n, 3), the logarithm of the photo's colour over the drawn one."""

    basis: Tensor
    ratio: Tensor


@dataclass(frozen=True)
class Light:
    """shading: (8, 3) logarithms. gain: (N, 3) logarithms, of the frames it was estimated from."""

    shading: Tensor
    gain: Tensor

    def on(self, frame: Frame, turned: Turned, gain: Tensor | None = None) -> Frame:
        """A drawn frame in this light. gain: (3,) the frame's own; None leaves the photo's exposure."""
        field = (turned.basis @ self.shading) * turned.covered[..., None]
        both = torch.cat([field, turned.covered[..., None]], 2).permute(2, 0, 1)[None]
        both = F.interpolate(both, frame.alpha.shape, mode="bilinear", align_corners=False)[0]
        change = both[:3] / both[3:].clamp(min=1e-3)
        if gain is not None:
            change = change + gain[:, None, None]
        return replace(frame, rgb=(frame.rgb * change.clamp(-_MOST, _MOST).exp()).clamp(0, 1))


def turned_since(body: BodyModel, vertices: Tensor, camera: Camera, home: Tensor, sampled: Tensor) -> Turned:
    """How the normals of a posed body changed.

    Args:
        vertices: (V, 3) world. home: (V, 3) unit normals in the photo. sampled: (1, R, R) confidence of the texture.
    """
    scale = _WIDTH / camera.width
    small = camera.resize(_WIDTH, max(1, round(camera.height * scale)))
    fragments = rasterize(vertices, body.faces, small)
    now = interpolate(fragments, body.faces, vertex_normals(vertices, body.faces))
    then = interpolate(fragments, body.faces, home)
    uv = interpolate(fragments, body.face_uv, body.uv)
    seen = (lookup(sampled.float(), uv)[0] > _SEEN) & fragments.mask
    return Turned(harmonics(now) - harmonics(then), fragments.mask.float(), seen)


def sample_light(turned: Turned, frame: Frame, photo: Tensor, mask: Tensor) -> Sample:
    """Compare a drawn frame with its photo (3, H, W), person mask (H, W), where both are all person."""
    drawn = torch.cat([frame.rgb, frame.alpha[None], photo, mask[None]])
    drawn = F.interpolate(drawn[None], turned.covered.shape, mode="area")[0]
    rgb, alpha, truth, person = drawn[:3], drawn[3], drawn[4:7], drawn[7]
    whole = turned.seen & (alpha > _WHOLE) & (person > _WHOLE) & (rgb.amin(0) > _DARK) & (truth.amin(0) > _DARK)
    return Sample(turned.basis[whole], (truth.clamp(min=_DARK).log() - rgb.clamp(min=_DARK).log())[:, whole].T)


def fit_light(samples: list[Sample]) -> Light:
    """Robust least squares over all frames, in the order of their times: one shading, a steady gain a frame."""
    frames = len(samples)
    rows = []
    for k, sample in enumerate(samples):
        own = torch.zeros(len(sample.basis), frames)
        own[:, k] = 1
        rows.append(torch.cat([sample.basis, own], 1))
    design = torch.cat(rows) if rows else torch.zeros(0, _TERMS)
    ratio = torch.cat([sample.ratio for sample in samples]) if rows else torch.zeros(0, 3)
    if not len(design):
        return Light(torch.zeros(_TERMS, 3), torch.zeros(frames, 3))
    steps = torch.diff(torch.eye(frames), dim=0)
    prior = torch.zeros(_TERMS + frames, _TERMS + frames)
    prior[:_TERMS, :_TERMS] = _CALM * torch.eye(_TERMS)
    prior[_TERMS:, _TERMS:] = _NEUTRAL * torch.eye(frames) + _STEADY * steps.T @ steps
    prior = prior * len(design)
    weight = torch.ones(len(design))
    solution = torch.zeros(_TERMS + frames, 3)
    for _ in range(_ROUNDS):
        weighted = weight[:, None] * design
        solution = torch.linalg.solve(design.T @ weighted + prior, weighted.T @ ratio)
        squared = (ratio - design @ solution).square().mean(1)
        weight = 1 / (1 + squared / _ROBUST**2) ** 2
    return Light(solution[:_TERMS], solution[_TERMS:])


def harmonics(normals: Tensor) -> Tensor:
    """(..., 8): spherical harmonics of the first and second order of unit normals (..., 3), unnormalised."""
    x, y, z = normals.unbind(-1)
    return torch.stack([x, y, z, x * y, y * z, 3 * z * z - 1, x * z, x * x - y * y], -1)
