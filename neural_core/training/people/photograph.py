"""From a posed person, cameras and light to pictures: clipped shells, ambient light with occlusion, a shadowed sun."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from neural_core.camera import Camera
from neural_core.training.people import zbuffer
from neural_core.training.people.cloth import cloth_colour, fabric_coordinates, fold_slope, quilted_slope
from neural_core.training.people.lights import Light, ambient_basis, sky_directions, visibility
from neural_core.training.people.noise import noise
from neural_core.training.people.person import Person, PosedPerson
from neural_core.training.people.skin import skin_colour

_HAIR_LAYERS = ("hair", "curtain", "knot")
_SKY_SAMPLES = 8  # directions of ambient occlusion: more cost time and do not show at 256 pixels


@dataclass(frozen=True)
class Surface:
    """Attributes of all covered samples (m, ...): posed position and normal, canonical point, level, light, layer."""

    hits: zbuffer.Hits
    position: Tensor
    normal: Tensor
    canonical: Tensor
    level: Tensor
    ambient: Tensor
    sunlight: Tensor
    rotation: Tensor
    layer: Tensor
    eyes: Tensor


def photograph(person: Person, posed: PosedPerson, pose_of_view: Tensor, cameras: list[Camera], light: Light) -> Tensor:
    """Render views of one person, one sample per pixel: (N, 4, H, W) sRGB and hard coverage, 0 outside the person.

    Args:
        pose_of_view: (N,) index into the P poses. cameras: N of one size.
    """
    surface = _surface(person, posed, pose_of_view, cameras, light)
    eye = torch.stack([c.position for c in cameras]).to(surface.position.device)[surface.hits.view]
    colour = shade(person, surface, eye, light)
    picture = colour.new_zeros(len(cameras), cameras[0].height, cameras[0].width, 4)
    hits = surface.hits
    picture[hits.view, hits.row, hits.column] = F.pad(colour, (0, 1), value=1.0)
    return picture.permute(0, 3, 1, 2)


def reduce_picture(picture: Tensor, height: int, width: int) -> Tensor:
    """(N, 4, H, W) with hard coverage to (N, 4, height, width) premultiplied with soft coverage, by area."""
    return F.interpolate(picture, size=(height, width), mode="area")


def _surface(person: Person, posed: PosedPerson, pose_of_view: Tensor, cameras: list[Camera], light: Light) -> Surface:
    hits = zbuffer.draw(
        posed.vertices[pose_of_view],
        person.faces,
        person.level,
        cameras,
        one_sided=person.face_layer == 0,
        fringe=(person.fringe, strand_coordinates(person, person.canonical)),
    )
    device = posed.vertices.device
    directions = torch.cat([sky_directions(_SKY_SAMPLES, device), light.sun.to(device)[None]])
    free = visibility(posed.vertices, person.level > 0, directions, cell=0.026, bias=0.04)
    facing = torch.einsum("pnc,dc->pnd", posed.normals, directions[:-1]).clamp(min=0)
    ambient = (0.05 + (free[..., :-1] * facing).sum(-1)) / (0.05 + facing.sum(-1))
    poses, count = posed.vertices.shape[:2]
    shared = torch.cat([person.canonical, person.level[:, None]], 1).expand(poses, -1, -1)
    table = torch.cat(
        [posed.vertices, posed.normals, ambient[..., None], free[..., -1:], posed.rotations.flatten(2), shared], 2
    ).flatten(0, 1)
    corners = person.faces[hits.triangle] + (pose_of_view[hits.view] * count)[:, None]
    weights = hits.barycentric
    a = table.index_select(0, corners[:, 0]) * weights[:, 0, None]
    for k in (1, 2):
        a += table.index_select(0, corners[:, k]) * weights[:, k, None]
    return Surface(
        hits=hits,
        position=a[:, :3],
        normal=F.normalize(a[:, 3:6], dim=1),
        canonical=a[:, 17:20],
        level=a[:, 20],
        ambient=a[:, 6],
        sunlight=a[:, 7],
        rotation=a[:, 8:17].view(-1, 3, 3),
        layer=person.face_layer[hits.triangle],
        eyes=person.eyes[person.faces[hits.triangle, 0]],
    )


def shade(person: Person, surface: Surface, eye: Tensor, light: Light) -> Tensor:
    """(m, 3) sRGB of every sample."""
    device = surface.position.device
    to_eye = F.normalize(eye - surface.position, dim=1)
    # Cloth is seen from inside too (an open coat, a hood): turn the normal to the eye and darken.
    inside = ((surface.normal * to_eye).sum(1) < -0.05) & (surface.layer > 0)
    normal = torch.where(inside[:, None], -surface.normal, surface.normal)
    ambient = torch.where(inside, surface.ambient * 0.35, surface.ambient)
    sunlight = torch.where(inside, surface.sunlight * 0.3, surface.sunlight)
    albedo = torch.zeros_like(normal)
    gloss, sharpness = torch.zeros_like(ambient), torch.full_like(ambient, 20.0)
    wardrobe = person.wardrobe
    cloth: list[tuple[str, Tensor]] = []
    for index, layer in enumerate(wardrobe.layers):
        at = torch.nonzero(surface.layer == index).squeeze(1)
        if len(at) == 0:
            continue
        points = surface.canonical[at]
        if layer == "body":
            albedo[at] = skin_colour(person.look, wardrobe.body, wardrobe.face, points, surface.eyes[at], person.shift)
            gloss[at] = 0.10
        elif layer in _HAIR_LAYERS:
            albedo[at], normal[at] = _hair(person, points, normal[at])
            gloss[at], sharpness[at] = person.look.hair_gloss, 12.0
        else:
            cloth.append((layer, at))
            material = person.materials[layer]
            albedo[at] = cloth_colour(
                wardrobe, person.outfit, person.accessories, layer, material, points, surface.level[at], person.shift
            )
            gloss[at] = material.fabric.gloss
            sharpness[at] = 40.0 if material.fabric.kind == "leather" else 20.0
    if cloth:
        at = torch.cat([rows for _, rows in cloth])
        normal[at], steepness = _fold(person, cloth, surface, at, normal[at])
        ambient[at] = ambient[at] * (1 - 0.10 * steepness)
    sun, sun_colour = light.sun.to(device), light.sun_colour.to(device)
    fill = (ambient_basis(normal) @ light.ambient.to(device)).clamp(min=0.02) * (0.25 + 0.75 * ambient)[:, None]
    lambert = (normal @ sun).clamp(min=0) * sunlight
    halfway = F.normalize(to_eye + sun, dim=1)
    highlight = gloss * (normal * halfway).sum(1).clamp(min=0) ** sharpness * sunlight
    rim = 0.03 * (1 - (normal * to_eye).sum(1).clamp(0, 1)) ** 4
    linear = albedo.clamp(0, 1) ** 2.2 * (fill + lambert[:, None] * sun_colour)
    linear = linear + highlight[:, None] * sun_colour + rim[:, None] * fill
    linear = linear * light.exposure
    return (linear / (1 + 0.15 * linear)).clamp(0, 1) ** (1 / 2.2)


def strand_coordinates(person: Person, points: Tensor) -> Tensor:
    """(n, 3) coordinates in which noise looks like strands: many features around the head, few along the hair."""
    centre = person.wardrobe.joint("head") + points.new_tensor([0.0, 0.05, -0.018])
    away = points - centre
    around = F.normalize(away * away.new_tensor([1.0, 0.0, 1.0]), dim=1, eps=1e-3) * 34
    return around + points * points.new_tensor([0.0, 9.0, 0.0]) + person.shift


def _hair(person: Person, points: Tensor, normal: Tensor) -> tuple[Tensor, Tensor]:
    """Strands: noise drawn out along the fall of the hair; wisps of lighter and darker hair."""
    along = strand_coordinates(person, points)
    wisps, strands, fine = noise(along * 0.35), noise(along), noise(along * 2.3)
    shade = 0.30 * wisps + 0.34 * strands + 0.26 * fine
    colour = person.look.hair.to(points.device) * (1 + 0.45 * shade)[:, None] + 0.015 * shade.clamp(min=0)[:, None]
    bend = torch.stack([noise(along + k) for k in (1.0, 9.0, 17.0)], 1)
    return colour.clamp(0.005, 1), F.normalize(normal + 0.30 * bend, dim=1)


def _fold(
    person: Person, cloth: list[tuple[str, Tensor]], surface: Surface, at: Tensor, normal: Tensor
) -> tuple[Tensor, Tensor]:
    """Normals (m, 3) bent by folds, turned into the pose, and how steep they are; for all cloth together.

    Args:
        cloth: layers and their samples, which `at` (m,) strings together.
    """
    points = surface.canonical[at]
    sleeve = torch.cat(
        [fabric_coordinates(person.wardrobe, layer, surface.canonical[rows])[1] for layer, rows in cloth]
    )
    fabrics = [person.materials[layer].fabric for layer, _ in cloth]
    quilted = [float(fabric.kind == "puffer") for fabric in fabrics]
    depth = [0.036 * fabric.wrinkles * (1 - 0.5 * q) for fabric, q in zip(fabrics, quilted)]
    table = torch.tensor([depth, quilted], device=points.device)
    of_sample = surface.layer.new_zeros(len(person.wardrobe.layers))
    of_sample[[person.wardrobe.layers.index(layer) for layer, _ in cloth]] = torch.arange(len(cloth), device=at.device)
    depth, padding = table[:, of_sample[surface.layer[at]]]
    slope = depth[:, None] * fold_slope(person.wardrobe, points, sleeve, person.shift)
    slope = slope + 0.35 * padding[:, None] * quilted_slope(points, sleeve)
    slope = (surface.rotation[at] @ slope[..., None])[..., 0]
    slope = slope - (slope * normal).sum(1, keepdim=True) * normal
    steepness = slope.norm(dim=1, keepdim=True)
    slope = slope / (1 + steepness / 0.8)
    return F.normalize(normal - slope, dim=1), steepness[:, 0].clamp(max=1.5)
