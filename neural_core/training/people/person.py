"""One synthetic person from a seed: shape, clothes, hair, materials and light; and that person in any pose."""

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from neural_core.body.parameters import BodyParameters
from neural_core.body.skinning import joint_transforms, rotation_matrices
from neural_core.training.people import bags, drapes, garments, hair
from neural_core.training.people.accessories import Accessories, draw_accessories
from neural_core.training.people.cloth import Material, draw_materials
from neural_core.training.people.drapes import CYLINDER, Drape
from neural_core.training.people.garments import Sewing
from neural_core.training.people.offsets import true_offsets
from neural_core.training.people.outfit import Outfit, draw_outfit
from neural_core.training.people.shoes import put_on_shoes
from neural_core.training.people.skin import Look, draw_look
from neural_core.training.people.wardrobe import TUBES, Wardrobe

# What evaluation groups people by (Person.wears); the order is that of the shards' field `garments`.
GARMENTS = (
    "skirt", "dress", "coat", "jacket", "open", "trousers", "wide", "shorts", "leggings", "bare_arms", "hood_up", "hat",
    "scarf", "boots", "barefoot", "bald", "long_hair", "tied_hair", "afro", "beard", "glasses", "backpack", "bag",
)  # fmt: skip

BETA_SPREAD = 0.9  # standard deviations; the first coefficient (overall build) spreads less, as clothes add volume
_FIRST_BETA = 0.6
EXPRESSION_SPREAD = 0.9  # standard deviations, of people who are not neutral


@dataclass(frozen=True)
class Person:
    """A dressed person at rest; only what can be seen of the merged mesh is kept.

    Attributes:
        betas: (20,). expression: (10,), worn in every view. body_rest: (V, 3) shaped skin; joints: (55, 3).
        garment_offsets: (V, 3) skin to outermost cloth.
        rest: (n, 3); level: (n,) metres inside the hem, the surface exists where positive.
        faces: (f, 3); face_layer: (f,) into wardrobe.layers; vertex_faces: (n, K), f where there are fewer.
        source: (n,) body vertex, -1 on tubes. weights: (n, 55). canonical: (n, 3) mean-body position, for textures.
        fringe: (f,) metres by which strands of hair fray a face's edge.
        eyes: (n,) bool. drapes: tubes shaped in every pose, with the vertices they fill. shift: (3,) into the noise.
    """

    wardrobe: Wardrobe
    outfit: Outfit
    hairstyle: hair.HairStyle
    accessories: Accessories
    look: Look
    materials: dict[str, Material]
    betas: Tensor
    expression: Tensor
    body_rest: Tensor
    joints: Tensor
    garment_offsets: Tensor
    rest: Tensor
    level: Tensor
    faces: Tensor
    face_layer: Tensor
    vertex_faces: Tensor
    source: Tensor
    weights: Tensor
    canonical: Tensor
    fringe: Tensor
    eyes: Tensor
    drapes: tuple[tuple[Drape, Tensor], ...]
    shift: Tensor

    def wears(self, garment: str) -> bool:
        """Whether one of GARMENTS is seen on this person."""
        outfit, style = self.outfit, self.hairstyle.style
        return {
            "skirt": outfit.skirt == "skirt",
            "dress": outfit.skirt == "dress",
            "coat": outfit.jacket == "coat",
            "jacket": outfit.jacket == "jacket",
            "open": outfit.jacket is not None and outfit.opening > 0,
            "trousers": outfit.trousers == "long",
            "wide": outfit.trousers == "long" and outfit.looseness > 0.5,
            "shorts": outfit.trousers == "shorts",
            "leggings": outfit.trousers == "leggings",
            "bare_arms": outfit.jacket is None and outfit.sleeves != "long",
            "hood_up": outfit.hood_up,
            "hat": outfit.hat is not None,
            "scarf": outfit.collar == "scarf",
            "boots": outfit.shoes == "boots",
            "barefoot": outfit.shoes is None,
            "bald": style == "bald",
            "long_hair": style == "long" and not outfit.hood_up,
            "tied_hair": style in ("bun", "pony") and not outfit.hood_up,
            "afro": style == "afro",
            "beard": self.look.beard > 0,
            "glasses": self.look.glasses is not None,
            "backpack": self.accessories.bag == "backpack",
            "bag": self.accessories.bag in ("shoulder", "crossbody"),
        }[garment]


@dataclass(frozen=True)
class PosedPerson:
    """vertices, normals: (P, n, 3); rotations: (P, n, 3, 3) rest to posed, for bent normals."""

    vertices: Tensor
    normals: Tensor
    rotations: Tensor


def vertex_normals(vertices: Tensor, faces: Tensor, vertex_faces: Tensor) -> Tensor:
    """(P, n, 3) area-weighted unit normals as a gather, so that sums have one order on every device."""
    a, b, c = vertices.index_select(1, faces.reshape(-1)).unflatten(1, (-1, 3)).unbind(2)
    normal = F.pad(torch.linalg.cross(b - a, c - a), (0, 0, 0, 1))
    around = normal.index_select(1, vertex_faces.reshape(-1)).unflatten(1, vertex_faces.shape)
    return F.normalize(around.sum(2), dim=-1)


def make_person(wardrobe: Wardrobe, rng: np.random.Generator) -> Person:
    """Draw and dress a person."""
    device = wardrobe.device
    betas = rng.standard_normal(20) * BETA_SPREAD
    betas[0] *= _FIRST_BETA
    outfit, hairstyle, look = draw_outfit(rng), hair.draw_hair(rng), draw_look(rng)
    accessories = draw_accessories(rng, outfit)
    materials = draw_materials(rng, outfit, accessories, look.tone)
    expression = rng.standard_normal(10) * (EXPRESSION_SPREAD if rng.random() < 0.6 else 0.2)
    shape = torch.from_numpy(np.concatenate([betas, expression])).float().to(device)[None]
    parameters = BodyParameters.zeros(device=device, betas=shape[:, :20], expression=shape[:, 20:])
    rest, joints = wardrobe.body.rest(parameters)
    size, count = wardrobe.size, wardrobe.body.num_vertices
    around = wardrobe.vertex_faces[:count].clamp(max=len(wardrobe.body.faces))
    normals = vertex_normals(rest, wardrobe.body.faces, around)[0]
    sewing = Sewing(
        wardrobe=wardrobe,
        rest=torch.zeros(size, 3, device=device),
        level=torch.full((size,), -1.0, device=device),
        body=rest[0],
        normals=normals,
        joints=joints[0],
        shift=torch.from_numpy(rng.uniform(0, 16, 3)).float().to(device),
    )
    sewing.rest[:count] = rest[0]
    sewing.level[:count] = 1.0
    tubes, hanging = dress(sewing, outfit, hairstyle, accessories, rng)
    return _compact(sewing, outfit, hairstyle, accessories, look, materials, parameters, tubes, hanging)


def dress(
    sewing: Sewing, outfit: Outfit, hairstyle: hair.HairStyle, accessories: Accessories, rng: np.random.Generator
) -> tuple[dict[str, Tensor], list[Drape]]:
    """Lay every garment from the skin outwards; returns weights of skinned tubes by layer, and hanging tubes."""
    hanging = []
    if outfit.trousers:
        garments.trousers(sewing, outfit)
    garments.top(sewing, outfit, rng)
    if outfit.skirt:
        hanging.append(drapes.hang_skirt(sewing, outfit))
    template, pelvis = sewing.wardrobe.body.template, sewing.wardrobe.height("pelvis")
    if outfit.tucked and outfit.trousers is None:
        sewing.cut("top", template[:, 1] - pelvis - outfit.waist + 0.03)
    if outfit.trousers and not outfit.tucked:
        # Trousers end inside the shirt, or they would show through its thin cloth.
        sewing.cut("pants", pelvis + outfit.top_hem + 0.05 - template[:, 1])
    if outfit.jacket:
        garments.jacket(sewing, outfit, rng)
    if outfit.jacket == "jacket" and outfit.skirt:
        drapes.cut_skirt_under(sewing, outfit, outfit.jacket_hem)
    if outfit.jacket == "coat":
        hanging.append(drapes.hang_coat_tails(sewing, outfit))
    if outfit.shoes:
        put_on_shoes(sewing, outfit)
    tubes = hair.grow(sewing, hairstyle, rng)
    if outfit.collar and not outfit.hood_up:
        tubes["collar"] = drapes.lay_collar(sewing, outfit, rng)
    if outfit.hat:
        tubes.update(hair.put_on_hat(sewing, outfit.hat, rng))
    if accessories.bag:
        tubes["bag"] = bags.hang_bag(sewing, accessories)
    if outfit.hood_up:
        hair.put_hood_up(sewing, rng)
        for layer in {"curtain", "knot"} & set(tubes):
            sewing.level[sewing.wardrobe.slices[layer]] = -1.0
    return tubes, hanging


def _compact(sewing, outfit, hairstyle, accessories, look, materials, parameters, tubes, hanging) -> Person:
    """Drop every face that lies wholly beyond its hem, and the vertices that nothing uses."""
    wardrobe, level = sewing.wardrobe, sewing.level
    device, size, count = wardrobe.device, wardrobe.size, wardrobe.body.num_vertices
    kept_faces = torch.nonzero((level[wardrobe.faces] > 0).any(1)).squeeze(1)
    used = torch.zeros(size, dtype=torch.bool, device=device)
    used[wardrobe.faces[kept_faces].reshape(-1)] = True
    for drape in hanging:
        used[drape.inside] = True
        used[wardrobe.slices[drape.layer]] = True
    vertices = torch.nonzero(used).squeeze(1)
    new_vertex = torch.full((size,), -1, dtype=torch.long, device=device)
    new_vertex[vertices] = torch.arange(len(vertices), device=device)
    new_face = torch.full((len(wardrobe.faces) + 1,), len(kept_faces), dtype=torch.long, device=device)
    new_face[kept_faces] = torch.arange(len(kept_faces), device=device)

    source = torch.full((size,), -1, dtype=torch.long, device=device)
    source[: len(wardrobe.source)] = wardrobe.source
    weights = torch.zeros(size, 55, device=device)
    weights[: len(wardrobe.source)] = wardrobe.body.weights[wardrobe.source]
    canonical = torch.zeros(size, 3, device=device)
    canonical[: len(wardrobe.source)] = wardrobe.body.template[wardrobe.source]
    for layer in TUBES:
        where = wardrobe.slices[layer]
        weights[where, 0] = 1.0
        if layer in tubes:
            weights[where] = tubes[layer]
        canonical[where] = _on_cylinder(wardrobe, layer, sewing.rest[where])
    eyes = torch.zeros(size, dtype=torch.bool, device=device)
    eyes[:count] = wardrobe.eyes
    return Person(
        wardrobe=wardrobe,
        outfit=outfit,
        hairstyle=hairstyle,
        accessories=accessories,
        look=look,
        materials=materials,
        betas=parameters.betas[0],
        expression=parameters.expression[0],
        body_rest=sewing.body,
        joints=sewing.joints,
        garment_offsets=true_offsets(sewing),
        rest=sewing.rest[vertices],
        level=level[vertices],
        faces=new_vertex[wardrobe.faces[kept_faces]],
        face_layer=wardrobe.face_layer[kept_faces],
        vertex_faces=new_face[wardrobe.vertex_faces[vertices]],
        source=source[vertices],
        weights=weights[vertices],
        canonical=canonical[vertices],
        fringe=_fringe(wardrobe)[kept_faces],
        eyes=eyes[vertices],
        drapes=tuple(
            (
                Drape(d.layer, new_vertex[d.inside], d.heights, d.slope, d.margin, d.folds),
                new_vertex[torch.arange(wardrobe.slices[d.layer].start, wardrobe.slices[d.layer].stop, device=device)],
            )
            for d in hanging
        ),
        shift=sewing.shift,
    )


def _fringe(wardrobe: Wardrobe) -> Tensor:
    """(F,) metres by which a face's hem is frayed: strands at a hairline and at the tips of long hair."""
    by_layer = torch.tensor([hair.FRINGE.get(layer, 0.0) for layer in wardrobe.layers], device=wardrobe.device)
    return by_layer[wardrobe.face_layer]


def _on_cylinder(wardrobe: Wardrobe, layer: str, points: Tensor) -> Tensor:
    """Canonical points of a tube: a standard cylinder about the trunk, on which fabric runs without distortion."""
    around, rows = TUBES[layer]
    angles = torch.arange(around, device=points.device) / around * 2 * torch.pi
    angles = angles.expand(rows, around).reshape(-1)
    centre = wardrobe.joint("neck")[2] - 0.005
    return torch.stack([CYLINDER * angles.sin(), points[:, 1], centre + CYLINDER * angles.cos()], 1)


def pose_person(person: Person, poses: Tensor) -> PosedPerson:
    """The person in poses (P, 55, 3): skinned with the body's own correctives, then skirts and coats draped."""
    body = person.wardrobe.body
    number = len(poses)
    local = rotation_matrices(poses)
    correctives = body.pose_correctives(local)  # (P, V, 3)
    on_body = person.source >= 0
    rest = person.rest.expand(number, -1, -1).clone()
    rest[:, on_body] += correctives[:, person.source[on_body]]
    rotations, positions = joint_transforms(local, person.joints.expand(number, -1, -1))
    translation = positions - (rotations @ person.joints[..., None])[..., 0]
    motion = torch.cat([rotations.reshape(number, 55, 9), translation], -1)
    blended = person.weights @ motion
    turned = blended[..., :9].reshape(number, -1, 3, 3)
    vertices = (turned @ rest[..., None])[..., 0] + blended[..., 9:]
    for drape, where in person.drapes:
        for k in range(number):
            vertices[k, where] = drape.drape(vertices[k], rotations[k, 0], positions[k, 0])
    normals = vertex_normals(vertices, person.faces, person.vertex_faces)
    return PosedPerson(vertices, normals, turned)
