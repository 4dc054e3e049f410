"""Pixels that a forearm or hand must not share with what lies behind it, whatever the fit says.

`limbs.find_limbs` says which they are; sampling takes a pixel's trust away where the fit shows the other one there.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import interpolate as resize_picture

from neural_core.body.model import BodyModel
from neural_core.body.skeleton import JOINT_INDEX, JOINT_NAMES
from neural_core.rasterizer import Fragments, interpolate

_FINGERS = ("thumb", "index", "middle", "ring", "pinky")
HANDS = [i for i, name in enumerate(JOINT_NAMES) if "wrist" in name or any(finger in name for finger in _FINGERS)]
FOREARMS = [JOINT_INDEX["left_elbow"], JOINT_INDEX["right_elbow"]]


@dataclass(frozen=True)
class LimbPixels:
    """limb: (H, W) bool, shows a bare forearm or hand. behind: (H, W) bool, the fit has one there, the photo none."""

    limb: Tensor
    behind: Tensor

    def cut(self, top: int, bottom: int, left: int, right: int) -> "LimbPixels":
        """The same of a part of the photo."""
        return LimbPixels(self.limb[top:bottom, left:right], self.behind[top:bottom, left:right])

    def resize(self, height: int, width: int) -> "LimbPixels":
        """The same of the photo in another size; a pixel is one if half of it is."""
        if self.limb.shape == (height, width):
            return self
        both = torch.stack([self.limb, self.behind]).float()[None]
        both = resize_picture(both, (height, width), mode="bilinear", antialias=True, align_corners=False)[0]
        return LimbPixels(both[0] >= 0.5, both[1] >= 0.5)

    def others_pixels(self, fragments: Fragments, body: BodyModel) -> Tensor:
        """(H, W) bool, where the fitted body shows an arm or hand and the photo does not, or the other way round."""
        weight = body.weights[:, [*FOREARMS, *HANDS]].sum(1, keepdim=True)
        on_limb = interpolate(fragments, body.faces, weight)[..., 0] > 0.5
        return fragments.mask & torch.where(on_limb, self.behind, self.limb)
