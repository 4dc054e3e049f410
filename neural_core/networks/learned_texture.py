"""The learned texture of a photo (DINAR 3.1): the person's crop becomes one vector w, w channels all over the atlas."""

from functools import lru_cache

import torch
from torch import Tensor
from torch.nn import functional as F

from neural_core.body.model import BodyModel
from neural_core.camera import Camera
from neural_core.networks.files import shipped
from neural_core.networks.stylegan import TextureEncoder, TextureGenerator, load_generator
from neural_core.texture import Atlas

# A person as training shows them to the encoder (training.people.cameras): the fitted body fills this much of a crop.
_HEIGHT, _WIDTH = 256, 160
_FILL = 0.89, 0.96  # of height and width, whichever is reached first
_SAMPLES = 4  # per pixel and axis: photos are larger


@torch.no_grad()
def learned_texture(
    networks: tuple[TextureEncoder, TextureGenerator],
    image: Tensor,
    mask: Tensor,
    vertices: Tensor,
    body: BodyModel,
    camera: Camera,
    resolution: int,
) -> Tensor:
    """Latent channels (C, resolution, resolution) of the person in a photo, dilated between the charts.

    Args:
        image: (3, H, W) sRGB in [0, 1]. mask: (H, W) of the person. vertices: (V, 3) the fitted, clothed body.
    """
    encoder, generator = networks
    rgb, person = person_crop(image, mask, vertices, camera)
    latent = generator(encoder(rgb[None].to(body.device), person[None, None].to(body.device))).float()
    size = (resolution, resolution)
    return Atlas.of(body, resolution).dilate(F.interpolate(latent, size, mode="bilinear")[0])


def person_crop(image: Tensor, mask: Tensor, vertices: Tensor, camera: Camera) -> tuple[Tensor, Tensor]:
    """The photo around the fitted body, (3, 256, 160) and (256, 160), black where the photo has ended.

    Framed by the body and not by the mask: legs that a photo cuts off stay where legs are.
    """
    pixels, _ = camera.project(vertices)
    low, high = pixels.min(0).values, pixels.max(0).values
    reach = high - low
    scale = float(torch.maximum(reach[1] / (_FILL[0] * _HEIGHT), reach[0] / (_FILL[1] * _WIDTH)))  # photo pixels
    centre = ((low + high) / 2).to(image.device)
    rows, columns = (
        (torch.arange(n * _SAMPLES, device=image.device) + 0.5) / _SAMPLES - n / 2 for n in (_HEIGHT, _WIDTH)
    )
    x, y = centre[0] + columns * scale, centre[1] + rows * scale
    height, width = mask.shape
    grid = torch.stack(torch.meshgrid(2 * x / width - 1, 2 * y / height - 1, indexing="xy"), -1)
    layers = torch.cat([image * mask, mask[None]])[None]
    fine = F.grid_sample(layers, grid[None], mode="bilinear", padding_mode="zeros", align_corners=False)
    small = F.avg_pool2d(fine, _SAMPLES)[0]
    return (small[:3] / small[3:].clamp(min=1 / 255)).clamp(0, 1), small[3]


@lru_cache(maxsize=2)
def shipped_generator(device: torch.device | str = "cpu") -> tuple[TextureEncoder, TextureGenerator] | None:
    """Encoder and generator that ship, kept for the next photo; None where they are missing; raises WeightsError."""
    return load_generator(device=device) if shipped("generator").is_file() else None
