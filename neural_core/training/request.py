"""What `likeness train STAGE` was asked for, as a stage's `build` receives it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

import torch

from neural_core.errors import LikenessError
from neural_core.networks.files import shipped
from neural_core.training.stage import LoopConfig

Settings = TypeVar("Settings", bound=LoopConfig)


@dataclass(frozen=True)
class TrainingRequest:
    """A command line, checked.

    Attributes:
        data: folder of shards. config: tiny, small or base. device: where to train. fine_tune: weights to start from.
        uses: weights of other stages by name, where not those that ship. changes: settings given by the user.
    """

    data: Path
    config: str
    device: torch.device
    fine_tune: Path | None = None
    uses: Mapping[str, Path] = field(default_factory=dict)
    changes: Mapping[str, Any] = field(default_factory=dict)

    def settings(self, defaults: Mapping[str, LoopConfig], kind: type[Settings]) -> Settings:
        """The stage's settings of this config with the user's changes."""
        settings = defaults[self.config]
        assert isinstance(settings, kind)
        return replace(settings, **self.changes)

    def weights(self, name: str) -> Path:
        """The file of another stage's weights: the one given, or the one that ships; raises LikenessError."""
        path = self.uses.get(name, shipped(name))
        if not path.is_file():
            raise LikenessError(
                f"This stage needs the weights '{name}' and there are none at '{path}': train that stage first "
                f"and give --use {name}=FILE."
            )
        return path
