"""The whole texture of a person: views all round in one light, merged by facing (DINAR 3.2-3.3)."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from neural_core.body.skeleton import JOINT_INDEX
from neural_core.body.skinning import joint_transforms, rotation_matrices
from neural_core.camera import Camera
from neural_core.texture.atlas import Atlas
from neural_core.texture.push_pull import push_pull
from neural_core.texture.sampling import vertex_normals
from neural_core.training.people import zbuffer
from neural_core.training.people.cameras import cameras_all_round
from neural_core.training.people.estimate import EstimatedShape, pose_shape
from neural_core.training.people.lights import Light
from neural_core.training.people.person import Person, pose_person
from neural_core.training.people.photograph import photograph


@dataclass(frozen=True)
class TruthConfig:
    """Sizes of the views and how they are merged."""

    height: int = 384  # about one pixel a texel of a 256 atlas
    width: int = 288
    sharpness: float = 0.05  # tau of eq. 6: the cosine by which a view must face better to outweigh another e-fold
    least_facing: float = 0.12  # cosine below which a view says nothing
    slack: float = 0.015  # metres of depth within which a texel is what the pixel shows


def truth_pose(device: torch.device) -> Tensor:
    """(55, 3): arms held down and away from the trunk, legs apart, so that everything can be seen."""
    pose = torch.zeros(55, 3)
    for side, sign in (("left", 1.0), ("right", -1.0)):
        pose[JOINT_INDEX[f"{side}_shoulder"], 2] = -0.75 * sign
        pose[JOINT_INDEX[f"{side}_hip"], 2] = 0.16 * sign
    return pose.to(device)


def true_texture(
    person: Person, shape: EstimatedShape, light: Light, resolution: int, config: TruthConfig = TruthConfig()
) -> tuple[Tensor, Tensor]:
    """The texture as photos from all sides would fill it on the fitted, clothed body, standing in view 0's light.

    Returns:
        rgb (3, R, R) sRGB in [0, 1], the unseen filled smoothly, 0 between the charts; known (R, R) bool.
    """
    body = person.wardrobe.body
    atlas = Atlas.of(body, resolution)
    pose = truth_pose(body.device)[None]
    posed = pose_person(person, pose)
    cameras = cameras_all_round(posed.vertices[0, person.level > 0].cpu(), config.height, config.width)
    pose_of_view = torch.zeros(len(cameras), dtype=torch.long, device=body.device)
    pictures = photograph(person, posed, pose_of_view, cameras, light)
    standing = rotation_matrices(pose)
    vertices, found = pose_shape(person, shape, standing)
    _, truth = joint_transforms(standing, person.joints[None])
    fitted = (vertices + (truth - found)[:, :22].mean(1, keepdim=True))[0]
    colours, facing, seen = look_up(pictures, fitted, body.faces, cameras, atlas, config)
    logits = (facing / config.sharpness).masked_fill(~seen, float("-inf"))
    known = seen.any(0)
    weights = torch.nan_to_num(torch.softmax(logits, 0))  # eq. 6
    merged = (colours * weights[..., None]).sum(0)
    rgb, known = atlas.image(merged), atlas.image(known)
    rgb = push_pull(rgb[None], known.float()[None, None])[0] * atlas.covered
    return rgb, known


def look_up(
    pictures: Tensor, vertices: Tensor, faces: Tensor, cameras: list[Camera], atlas: Atlas, config: TruthConfig
) -> tuple[Tensor, Tensor, Tensor]:
    """What each of N pictures (N, 4, H, W) shows at the atlas's n texels on a posed body (V, 3).

    Returns:
        colours (N, n, 3), facing (N, n) cosine to the view, seen (N, n) bool.
    """
    views, _, height, width = pictures.shape
    device = vertices.device
    both = atlas.on_surface(torch.cat([vertices, vertex_normals(vertices, faces)], 1), faces)
    position, normal = both[:, :3], F.normalize(both[:, 3:], dim=1)
    eye = torch.stack([c.position for c in cameras]).to(device)
    R, t, K = (torch.stack([getattr(c, name) for c in cameras]).to(device) for name in ("R", "t", "K"))
    facing = (normal * F.normalize(eye[:, None] - position, dim=-1)).sum(-1)
    local = position @ R.transpose(1, 2) + t[:, None]
    depth = local[..., 2]
    pixels = local[..., :2] / depth[..., None] * K[:, None, [0, 1], [0, 1]] + K[:, None, :2, 2]
    grid = 2 * pixels / pixels.new_tensor([width, height]) - 1

    # Nearest body surface in a window of three pixels: an edge of something nearer bleeds one pixel far.
    hits = zbuffer.draw(
        vertices.expand(views, -1, -1),
        faces,
        torch.ones(len(vertices), device=device),
        cameras,
        one_sided=torch.ones(len(faces), dtype=torch.bool, device=device),
    )
    corners = ((vertices @ R.transpose(1, 2))[..., 2] + t[:, 2:]).reshape(-1)
    at = faces[hits.triangle] + (hits.view * len(vertices))[:, None]
    hit_depth = (corners[at] * hits.barycentric).sum(1)
    nearest = torch.full((views, 1, height, width), float("inf"), device=device)
    nearest[hits.view, 0, hits.row, hits.column] = hit_depth
    nearest = -F.max_pool2d(-nearest, 3, stride=1, padding=1)
    inside = -F.max_pool2d(-pictures[:, 3:], 3, stride=1, padding=1)

    def sample(picture: Tensor, mode: str) -> Tensor:
        return F.grid_sample(picture, grid[:, None], mode=mode, align_corners=False)[:, :, 0].transpose(1, 2)

    slope = (1 - facing**2).clamp(min=0).sqrt() / facing.clamp(min=config.least_facing)
    pixel = depth / K[:, None, 1, 1]  # metres
    blocker, whole = sample(nearest.nan_to_num(posinf=1e4), "nearest"), sample(inside, "nearest")
    visible = depth < blocker[..., 0] + config.slack + 2 * pixel * slope
    seen = (facing > config.least_facing) & visible & (whole[..., 0] > 0.5)
    return sample(pictures[:, :3], "bilinear"), facing, seen
