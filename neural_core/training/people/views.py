"""What a training sample holds: a person in several views, the fitted body in each, and the texture each view shows."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

import numpy as np
import torch
from torch import Tensor

from neural_core.body.model import BodyModel
from neural_core.body.open_body import load_open_body
from neural_core.camera import Camera
from neural_core.texture.atlas import Atlas
from neural_core.texture.sampling import SamplingConfig, sample_texture, vertex_normals
from neural_core.training.people import zbuffer
from neural_core.training.people.cameras import random_camera
from neural_core.training.people.dressed import dressed_by_product
from neural_core.training.people.estimate import FitNoise, estimate_poses, estimate_shape, estimated_bodies
from neural_core.training.people.evidence import true_evidence
from neural_core.training.people.lights import random_light
from neural_core.training.people.offsets import outward
from neural_core.training.people.person import GARMENTS, Person, make_person, pose_person
from neural_core.training.people.photograph import photograph, reduce_picture
from neural_core.training.people.poses import random_pose
from neural_core.training.people.sensor import SensorConfig, take_picture
from neural_core.training.people.truth import TruthConfig, true_texture
from neural_core.training.people.wardrobe import load_wardrobe

HELD_OUT_FIRST_SEED = 1_000_000  # people from here on are for evaluation only, never trained on


@dataclass(frozen=True)
class PeopleConfig:
    """Sizes of a training sample."""

    height: int = 256
    width: int = 160  # a person with hanging arms at 90 % of the height takes half of it
    texture: int = 256  # what the networks read
    supersampling: float = 1.5  # samples per pixel along an axis; the textures are sampled at this finer size
    leg_freedom_in_skirts: float = 0.6
    product_clothes: bool = False  # the clothed shape that the product fits to view 0, in all views
    fit_noise: FitNoise = field(default_factory=FitNoise)
    sensor: SensorConfig = field(default_factory=SensorConfig)
    truth: TruthConfig = field(default_factory=TruthConfig)

    def to_json(self) -> dict:
        return asdict(self)


@dataclass(frozen=True)
class PersonViews:
    """One person in N views, on the CPU, in compact types.

    Attributes:
        rgb: (N, 3, H, W) uint8 sRGB times coverage, black outside the person.
        mask: (N, H, W) uint8, true coverage * 255.
        photo_mask: (N, H, W) uint8, what a segmenter would make of it; the textures were sampled with it.
        uv: (N, H, W, 2) float16 and body_mask: (N, H, W) bool of the fitted (clothed) body in that view.
        texture_rgb: (N, 3, R, R) uint8, sampled from that view's photo on the fitted body.
        sampled: (N, R, R) uint8 confidence * 255.
        filled: (N, R, R) uint8, 1 where the texture is known: sampled, or a gap filled next to it.
        truth_rgb: (3, R, R) uint8, the whole texture in the light of view 0 (truth.py); 0 between the charts.
        truth_known: (R, R) uint8, 1 where some view saw it; elsewhere truth_rgb is a smooth guess.
        truth_offset: (R, R) float16, metres the outermost cloth or hair stands off the naked body along its normal,
            in the rest pose, 0 where bare.
        garments: (len(GARMENTS),) uint8, 1 for what the person wears.
    """

    rgb: Tensor
    mask: Tensor
    photo_mask: Tensor
    uv: Tensor
    body_mask: Tensor
    texture_rgb: Tensor
    sampled: Tensor
    filled: Tensor
    truth_rgb: Tensor
    truth_known: Tensor
    truth_offset: Tensor
    garments: Tensor


def make_person_views(
    seed: int,
    config: PeopleConfig = PeopleConfig(),
    views: int = 4,
    body: BodyModel | None = None,
) -> PersonViews:
    """The person of a seed. Views 0 and 1 share a pose, 0 near-frontal; the others have poses and yaws of their own.

    The same seed, configuration and body give the same bytes on the CPU. The work is done on the body's device.
    """
    with torch.no_grad():
        body = load_open_body() if body is None else body
        wardrobe = load_wardrobe(body)
        rng = np.random.default_rng(seed)
        person = make_person(wardrobe, rng)
        light = random_light(rng)
        freedom = config.leg_freedom_in_skirts if person.drapes else 1.0
        pose_of_view = torch.tensor([max(0, view - 1) for view in range(views)], device=body.device)
        poses = torch.stack([random_pose(rng, leg_freedom=freedom) for _ in range(max(1, views - 1))]).to(body.device)
        posed = pose_person(person, poses)
        seen = posed.vertices[:, person.level > 0].cpu()
        cameras = [
            random_camera(rng, seen[int(pose)], config.height, config.width, frontal=view == 0)
            for view, pose in enumerate(pose_of_view)
        ]
        fine_size = round(config.width * config.supersampling), round(config.height * config.supersampling)
        fine_cameras = [camera.resize(*fine_size) for camera in cameras]
        fine = photograph(person, posed, pose_of_view, fine_cameras, light).cpu()
        picture = reduce_picture(fine, config.height, config.width)
        shape = estimate_shape(person, rng, config.fit_noise)
        found = estimate_poses(person, shape, poses[pose_of_view], cameras, rng, config.fit_noise)
        photos = [take_picture(view, rng, config.sensor) for view in fine]
        if config.product_clothes:
            seen_by_product = [
                true_evidence(person, poses[pose], camera, *photo, view[3])
                for pose, camera, photo, view in zip(pose_of_view, fine_cameras, photos, fine)
            ]
            photos = [(image, torch.from_numpy(e.mask)) for (image, _), e in zip(photos, seen_by_product)]
            shape = dressed_by_product(person, shape, found, 0, fine_cameras[0], seen_by_product[0])
        fitted = estimated_bodies(person, shape, found)
        uv, body_mask = _fitted_views(body, fitted, cameras)
        textures = [
            _texture(body, vertices, camera, *photo, config)
            for vertices, camera, photo in zip(fitted, fine_cameras, photos)
        ]
        truth_rgb, truth_known = true_texture(person, shape, light, config.texture, config.truth)
    return PersonViews(
        rgb=_byte(picture[:, :3]),
        mask=_byte(picture[:, 3]),
        photo_mask=_byte(
            reduce_picture(torch.stack([mask for _, mask in photos])[:, None], config.height, config.width)[:, 0]
        ),
        uv=uv,
        body_mask=body_mask,
        texture_rgb=torch.stack([t[0] for t in textures]),
        sampled=torch.stack([t[1] for t in textures]),
        filled=torch.stack([t[2] for t in textures]),
        truth_rgb=_byte(truth_rgb).cpu(),
        truth_known=truth_known.byte().cpu(),
        truth_offset=offset_texture(person, config.texture),
        garments=torch.tensor([person.wears(name) for name in GARMENTS], dtype=torch.uint8),
    )


def stack_people(people: Sequence[PersonViews]) -> PersonViews:
    """Several people as one, every field with a leading axis."""
    names = PersonViews.__dataclass_fields__
    return PersonViews(**{name: torch.stack([getattr(p, name) for p in people]) for name in names})


def _byte(values: Tensor) -> Tensor:
    return (values.clamp(0, 1) * 255).round().byte()


def offset_texture(person: Person, resolution: int) -> Tensor:
    """(R, R) float16 metres that clothes and hair stand off the naked body."""
    body = person.wardrobe.body
    atlas = Atlas.of(body, resolution)
    stands_off = outward(person.garment_offsets, vertex_normals(person.body_rest, body.faces))
    return atlas.image(atlas.on_surface(stands_off[:, None], body.faces)[:, 0]).half().cpu()


def _fitted_views(body: BodyModel, vertices: Tensor, cameras: list[Camera]) -> tuple[Tensor, Tensor]:
    """uv (N, H, W, 2) float16 and mask (N, H, W) of the fitted bodies (N, V, 3)."""
    one_sided = torch.ones(len(body.faces), dtype=torch.bool, device=vertices.device)
    hits = zbuffer.draw(vertices, body.faces, torch.ones_like(vertices[0, :, 0]), cameras, one_sided)
    at = hits.view, hits.row, hits.column
    uv = torch.zeros(len(cameras), cameras[0].height, cameras[0].width, 2, device=vertices.device)
    uv[at] = (body.uv[body.face_uv[hits.triangle]] * hits.barycentric[..., None]).sum(1)
    mask = torch.zeros(uv.shape[:3], dtype=torch.bool, device=vertices.device)
    mask[at] = True
    return uv.half().cpu(), mask.cpu()


def _texture(
    body: BodyModel, vertices: Tensor, camera: Camera, image: Tensor, mask: Tensor, config: PeopleConfig
) -> tuple[Tensor, Tensor, Tensor]:
    """What a photo shows of the fitted body, by the product's own sampling: rgb, confidence, known."""
    device = vertices.device
    atlas = Atlas.of(body, config.texture)
    partial = sample_texture(image.to(device), mask.to(device), vertices, body, camera.to(device), atlas, SAMPLING)
    known = partial.known
    confidence = _byte(partial.confidence * partial.sampled)
    return _byte(partial.rgb * known).cpu(), confidence.cpu(), known.byte().cpu()


# Photos have several pixels per texel, these pictures have not: look every texel up instead of leaving holes.
SAMPLING = SamplingConfig(method="gather")
