"""LPIPS (Zhang et al. 2018) where the user has its package and weights; nothing of it ships."""

from collections.abc import Callable

import torch
from torch import Tensor

from neural_core.errors import WeightsError


def load_lpips(device: torch.device | str = "cpu") -> Callable[[Tensor, Tensor], Tensor]:
    """A differentiable distance of pictures (B, 3, H, W) in [0, 1]; mean over the batch.

    Raises:
        WeightsError: the package, a matching torchvision or the pretrained backbone is not on this machine.
    """
    try:
        import lpips  # brings torchvision, which must match the torch build

        network = lpips.LPIPS(net="vgg", verbose=False).to(device).eval().requires_grad_(False)
    except ImportError as error:
        raise WeightsError(f"Install likeness[lpips] with a matching torchvision to use LPIPS ({error}).") from error
    except (OSError, RuntimeError) as error:
        raise WeightsError(
            f"LPIPS cannot load its VGG weights ({error}): put vgg16-397923af.pth into "
            f"'{torch.hub.get_dir()}/checkpoints' or leave the lpips weight at 0."
        ) from error
    return lambda a, b: network(a, b, normalize=True).mean()
