"""The photo's colours into the texture atlas (DINAR, Algorithm 1), in float and truly accumulated.

Two ways with one result. At the networks' resolution every *pixel* adds its colour to its texel and fills gaps in the
eight around it (DINAR's scatter; a true mean, where the published code keeps the last writer). At detail resolution a
pixel is larger than a texel, so every *texel* looks up its place in the photo instead (gather).
"""

from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import interpolate as resize_picture
from torch.nn.functional import normalize

from neural_core.body.model import BodyModel
from neural_core.camera import Camera
from neural_core.rasterizer import Fragments, interpolate, rasterize
from neural_core.texture.atlas import Atlas
from neural_core.texture.limb_pixels import LimbPixels
from neural_core.texture.occlusion import OcclusionConfig, occlusion_map
from neural_core.texture.rim import ramp_from, without_backdrop


@dataclass(frozen=True)
class SamplingConfig:
    method: Literal["auto", "scatter", "gather"] = "auto"
    gather_from: int = 512  # atlas resolution from which "auto" gathers: there a texel is smaller than a photo's pixel
    height_per_texel: float = (
        1.4  # a person taller than this times the atlas's resolution is scaled down when gathering:
    )
    #                                a 1024 atlas holds about that much detail, and more would alias
    scatter_density: float = 2.0  # and than this times more when scattering: four pixels a texel make a good mean
    facing_none: float = 0.15  # cosine between normal and ray below which nothing is sampled (fitting.md 5)
    facing_full: float = 0.35  # and from which a texel is fully trusted: there 1 pixel of misfit smears over 3
    mask_inside: float = 0.5  # person mask above which a pixel is the person's
    mask_sure: float = 0.95  # and above which no background is mixed into it
    rim: float = 4.0  # pixels per 1000 px of the person's height over which confidence rises from the mask's rim
    least_rim: float = 2.0  # pixels: masks of small pictures are not better than this
    unlike: float = 0.1  # colour distance from which background and person can be told apart at the rim
    thin: float = 0.7  # in parts thinner than the rim confidence is full at this share of their half width
    occlusion: OcclusionConfig | None = field(default_factory=OcclusionConfig)  # None samples along overlaps too
    same_surface: float = 0.003  # metres of depth within which a texel is what the pixel shows (lids over eyeballs)
    same_chart: float = 0.02  # metres, where the pixel's uv agrees with the texel's, too
    uv_agrees: float = 0.022  # distance in uv that counts as agreeing (synthetic_people.md, part B)


@dataclass(frozen=True)
class PartialTexture:
    """What one photo shows of the body, in the atlas.

    Attributes:
        rgb: (3, R, R) sRGB, 0 where unknown. confidence: (R, R) in [0, 1], 0 where unknown.
        sampled: (R, R) bool, seen in the photo. filled: (R, R) bool, small gaps next to sampled texels, DINAR's
            mean of neighbours. facing: (R, R) cosine between normal and viewing ray, in [0, 1], also where not seen.
    """

    rgb: Tensor
    confidence: Tensor
    sampled: Tensor
    filled: Tensor
    facing: Tensor

    @property
    def known(self) -> Tensor:
        """(R, R) bool, sampled or filled."""
        return self.sampled | self.filled


@dataclass(frozen=True)
class _View:
    """The photo where the person is, with what the fitted body shows in each of its pixels."""

    image: Tensor  # (3, h, w)
    inside: Tensor  # (h, w) bool, the mask's inside
    trust: Tensor  # (h, w) in [0, 1], from mask and overlaps; 0 outside
    fragments: Fragments
    uv: Tensor  # (h, w, 2)
    chart: Tensor  # (h, w) long, -1 where no body
    camera: Camera
    pixel: float  # metres per pixel at the person's distance


@torch.no_grad()
def sample_texture(
    image: Tensor,
    mask: Tensor,
    vertices: Tensor,
    body: BodyModel,
    camera: Camera,
    atlas: Atlas,
    config: SamplingConfig | None = None,
    limbs: LimbPixels | None = None,
) -> PartialTexture:
    """What the photo shows of the body.

    Args:
        image: (3, H, W) sRGB in [0, 1]. mask: (H, W) person mask in [0, 1].
        vertices: (V, 3) posed and clothed, world, metres. camera: of the whole photo, H x W.
        limbs: pixels that arms and hands do not share with what lies behind them, where the fit is not believed.
    """
    config = config or SamplingConfig()
    if image.shape[1:] != mask.shape or image.shape[1:] != (camera.height, camera.width):
        raise ValueError(f"image {tuple(image.shape)}, mask {tuple(mask.shape)}, camera {camera.height}x{camera.width}")
    gather = config.method == "gather" or (config.method == "auto" and atlas.resolution >= config.gather_from)
    greatest = config.height_per_texel * (1.0 if gather else config.scatter_density) * atlas.resolution
    view = _view(image.float(), mask.float(), vertices, body, camera, atlas, config, greatest, limbs)
    position, facing = _texels_in_space(vertices, body, camera, atlas)
    if gather:
        rgb, confidence, sampled = _gather(view, atlas, config, position, facing)
        sampled &= atlas.image(_on_person(mask, camera, position, config))  # in the photo's own pixels, too
        rgb, confidence = rgb * sampled, confidence * sampled
    else:
        rgb, confidence, sampled = _scatter(view, atlas, config, facing)
    rgb, confidence, filled = _fill_gaps(rgb, confidence, sampled, atlas)
    return PartialTexture(rgb, confidence, sampled, filled, atlas.image(facing))


def vertex_normals(vertices: Tensor, faces: Tensor) -> Tensor:
    """(V, 3) unit normals, each triangle weighted by its area."""
    a, b, c = vertices[faces].unbind(1)
    cross = torch.linalg.cross(b - a, c - a)
    total = torch.zeros_like(vertices).index_add_(0, faces.reshape(-1), cross.repeat_interleave(3, 0))
    return normalize(total, dim=1, eps=1e-12)


def _texels_in_space(vertices: Tensor, body: BodyModel, camera: Camera, atlas: Atlas) -> tuple[Tensor, Tensor]:
    """Positions (n, 3) of the texels, and cosines (n,) between their normals and the rays to the camera, in [0, 1]."""
    both = atlas.on_surface(torch.cat([vertices, vertex_normals(vertices, body.faces)], 1), body.faces)
    position, normals = both[:, :3], normalize(both[:, 3:], dim=1)
    rays = camera.R[2].expand_as(normals) if camera.orthographic else normalize(position - camera.position, dim=1)
    return position, -(normals * rays).sum(1).clamp(-1, 0)


def _view(
    image, mask, vertices, body, camera, atlas, config, greatest_height: float, limbs: LimbPixels | None = None
) -> _View:
    """Photo, mask and body cropped to the body; a person taller than greatest_height, pixels, is scaled down to it."""
    pixels, depth = camera.project(vertices)
    per_metre = float(camera.K[1, 1]) / (1.0 if camera.orthographic else float(depth.clamp(min=0.05).median()))
    stature = float(body.template[:, 1].max() - body.template[:, 1].min())  # metres
    scale = min(1.0, greatest_height / (stature * per_metre))
    low = (pixels.amin(0).floor().long() - 8).clamp(min=0)
    size = torch.tensor([camera.width, camera.height], device=pixels.device)
    high = torch.minimum(pixels.amax(0).ceil().long() + 8, size)
    if bool((high - low < 2).any()):  # the body lies outside the picture: nothing is seen
        low, high = torch.zeros_like(low), torch.minimum(size, torch.full_like(size, 2))
    (left, top), (right, bottom) = low.tolist(), high.tolist()
    camera = camera.crop(left, top, right - left, bottom - top)
    image, mask = image[:, top:bottom, left:right], mask[top:bottom, left:right]
    if scale < 1:
        height, width = max(2, round(camera.height * scale)), max(2, round(camera.width * scale))
        camera = camera.resize(width, height)
        # Colours are averaged over the person only: shrinking must not mix the background in.
        weight = (mask > config.mask_inside).float()[None]
        packed = torch.cat([image * weight, weight, mask[None]])
        packed = resize_picture(packed[None], (height, width), mode="bilinear", antialias=True, align_corners=False)[0]
        image, mask = packed[:3] / packed[3:4].clamp(min=1e-6), torch.where(packed[3] > 0.5, packed[4], 0.0)
    fragments = rasterize(vertices, body.faces, camera)
    uv = interpolate(fragments, body.face_uv, body.uv)
    chart = torch.where(fragments.mask, atlas.face_chart[fragments.triangle.clamp(min=0)], -1)
    inside = mask > config.mask_inside
    pixel = 1 / (per_metre * scale)
    height = stature / pixel
    rim = max(config.least_rim, config.rim * height / 1000)
    image = without_backdrop(image, inside, rim, config.unlike)
    trust = _trust(mask, inside, fragments, body, rim, height, pixel, config)
    if limbs is not None:
        shown = limbs.cut(top, bottom, left, right).resize(*mask.shape).others_pixels(fragments, body)
        trust = torch.where(shown, 0.0, trust * ramp_from(shown, rim / 2, config.thin))
    return _View(image, inside, trust, fragments, uv, chart, camera, pixel)


def _trust(mask, inside, fragments, body, rim: float, height: float, pixel: float, config) -> Tensor:
    """(h, w) how far a pixel's colour is the body's own: rises from the mask's rim and from overlaps."""
    trust = ((mask - config.mask_inside) / (config.mask_sure - config.mask_inside)).clamp(0, 1)
    trust = trust * ramp_from(~inside, rim, config.thin)
    if config.occlusion is not None:
        occluded, edges = occlusion_map(fragments, body, height, pixel, config.occlusion)
        trust = torch.where(occluded, 0.0, trust * ramp_from(edges, rim / 2, config.thin))
    return torch.where(inside, trust, 0.0)


def _facing_trust(facing: Tensor, config: SamplingConfig) -> Tensor:
    return ((facing - config.facing_none) / (config.facing_full - config.facing_none)).clamp(0, 1)


def _scatter(view: _View, atlas: Atlas, config: SamplingConfig, facing: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Every pixel to its texel: the mean of all pixels that fall into a texel, weighted by their trust."""
    rows, columns = torch.nonzero((view.trust > 0) & view.fragments.mask, as_tuple=True)
    texel = atlas.texel_of(view.uv[rows, columns], view.chart[rows, columns])
    weight = view.trust[rows, columns] * _facing_trust(facing, config)[texel.clamp(min=0)]
    keep = (texel >= 0) & (weight > 0)
    texel, weight = texel[keep], weight[keep]
    colour = view.image[:, rows[keep], columns[keep]].T  # (m, 3)
    n = len(atlas.texels)
    total = torch.zeros(n, 3, device=colour.device).index_add_(0, texel, colour * weight[:, None])
    weights = torch.zeros(n, device=colour.device).index_add_(0, texel, weight)
    count = torch.zeros(n, device=colour.device).index_add_(0, texel, torch.ones_like(weight))
    sampled = count > 0
    rgb = total / weights.clamp(min=1e-12)[:, None]
    confidence = weights / count.clamp(min=1)
    return atlas.image(rgb), atlas.image(confidence), atlas.image(sampled)


def _gather(
    view: _View, atlas: Atlas, config: SamplingConfig, position: Tensor, facing: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Every texel from its place in the photo, where that pixel shows the same surface."""
    candidate = torch.nonzero(facing > config.facing_none).squeeze(1)
    pixels, depth = view.camera.project(position[candidate])
    column, row = pixels.floor().long().unbind(1)
    in_picture = (column >= 0) & (row >= 0) & (column < view.camera.width) & (row < view.camera.height) & (depth > 0.01)
    candidate, pixels, depth, column, row = (x[in_picture] for x in (candidate, pixels, depth, column, row))

    cosine = facing[candidate]
    slope = view.pixel * (1 - cosine**2).sqrt() / cosine  # depth that the surface gains over one pixel
    gap = (depth - view.fragments.depth[row, column]).abs()
    chart = atlas.chart.reshape(-1)[atlas.texels][candidate]
    near_uv = (view.uv[row, column] - atlas.texel_uv[candidate]).abs().amax(1) < config.uv_agrees
    agrees = (view.chart[row, column] == chart) & near_uv
    visible = gap < torch.where(agrees, config.same_chart, config.same_surface) + slope
    confidence = view.trust[row, column] * _facing_trust(cosine, config)
    keep = visible & (confidence > 0)
    candidate, pixels, confidence = candidate[keep], pixels[keep], confidence[keep]

    colour = _bilinear_inside(view.image, view.inside, pixels)
    n = len(atlas.texels)
    rgb, trust = torch.zeros(n, 3, device=colour.device), torch.zeros(n, device=colour.device)
    rgb[candidate], trust[candidate] = colour, confidence
    return atlas.image(rgb), atlas.image(trust), atlas.image(trust > 0)


def _on_person(mask: Tensor, camera: Camera, position: Tensor, config: SamplingConfig) -> Tensor:
    """(n,) bool, points (n, 3) that project into a pixel inside the mask."""
    column, row = camera.project(position)[0].floor().long().unbind(1)
    in_picture = (column >= 0) & (row >= 0) & (column < camera.width) & (row < camera.height)
    inside = mask[row.clamp(0, camera.height - 1), column.clamp(0, camera.width - 1)] > config.mask_inside
    return in_picture & inside


def _bilinear_inside(image: Tensor, inside: Tensor, pixels: Tensor) -> Tensor:
    """(m, 3) bilinear colours at pixels (m, 2), of pixels inside the mask only: background never mixes in."""
    size = torch.tensor([image.shape[2], image.shape[1]], device=image.device)
    grid = (2 * pixels / size - 1)[None, None]
    weight = inside.float()[None]
    packed = torch.cat([image * weight, weight])
    value = torch.nn.functional.grid_sample(packed[None], grid, padding_mode="border", align_corners=False)[0, :, 0]
    return (value[:3] / value[3:].clamp(min=1e-6)).T


def _fill_gaps(rgb: Tensor, confidence: Tensor, sampled: Tensor, atlas: Atlas):
    """Texels without a sample from the mean of the samples around them, in the same chart (Algorithm 1, first loop)."""
    R = atlas.resolution
    total, weights, count = torch.zeros_like(rgb), torch.zeros_like(confidence), torch.zeros_like(confidence)
    padded = torch.nn.functional.pad(
        torch.cat([rgb * confidence, confidence[None], sampled[None].float()]), (1, 1, 1, 1)
    )
    chart = torch.nn.functional.pad(torch.where(atlas.covered, atlas.chart, -1), (1, 1, 1, 1), value=-1)
    for i in range(3):
        for k in range(3):
            same = (chart[i : i + R, k : k + R] == atlas.chart).float()
            part = padded[:, i : i + R, k : k + R] * same
            total, weights, count = total + part[:3], weights + part[3], count + part[4]
    filled = (count > 0) & ~sampled & atlas.covered
    rgb = torch.where(filled, total / weights.clamp(min=1e-12), rgb)
    # A gap among eight samples is as good as they are; a texel at the end of what was seen is worth half.
    worth = weights / count.clamp(min=1) * (0.5 + 0.5 * ((count - 3) / 5).clamp(0, 1))
    return rgb, torch.where(filled, worth, confidence), filled
