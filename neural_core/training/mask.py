"""Stage `mask`: the renderer's mask head alone, on people of its own, everything else as stage (a) left it.

Colours and silhouettes want different people. Colours are learnt best on bodies that wear what the product's wear; but
there the outline of body and person nearly agree, and a mask head forgets what the garment hint is for. People fitted
half bare teach it (docs/training.md has what it is worth).
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from neural_core.training.data import PairConfig
from neural_core.training.loop import Averages, LoopConfig, adam
from neural_core.training.renderer import RendererStage, TrainingConfig
from neural_core.training.request import TrainingRequest


@dataclass(frozen=True)
class MaskTraining(TrainingConfig):
    """How to train the head.

    Attributes:
        lean: logits taken off the weights that are written. Where fits are off, Dice pays for growing; the product's
            fits follow the outline, and there this much less measured best.
    """

    lean: float = 0.3


_SMALL = MaskTraining(steps=1000, learning_rate=1e-3, weight_decay=0.0, pairs=PairConfig(same_view=0.3))
CONFIGS: dict[str, LoopConfig] = {
    "tiny": replace(_SMALL, steps=40),
    "small": _SMALL,
    "base": replace(_SMALL, steps=4000, batch=32),
}


class MaskStage(RendererStage):
    """The renderer's stage with one head to be trained."""

    name = "mask"

    def only_mask(self) -> None:
        """Everything but the mask head stays as it is."""
        self.network.requires_grad_(False)
        self.network.mask_head.requires_grad_(True)
        self.optimisers = {"network": adam(self.network.mask_head.parameters(), self.config)}

    def export(self, out: Path, averages: Averages, provenance: dict[str, Any]) -> Path:
        bias = f"mask_head.{len(self.network.mask_head) - 1}.bias"
        leaner = {**averages["network"], bias: averages["network"][bias] - self.config.lean}
        return super().export(out, {"network": leaner}, provenance)


def build(request: TrainingRequest) -> MaskStage:
    """The stage of `likeness train mask`; it begins with the given renderer, or the shipped one."""
    config = request.settings(CONFIGS, MaskTraining)
    stage = MaskStage.going_on(request, config)
    stage.only_mask()
    return stage
