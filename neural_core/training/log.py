"""What a training run says about itself: a CSV file, a line on the screen, and whether its losses are still numbers."""

import csv
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from neural_core.errors import LikenessError, OutputError


class TrainingDiverged(LikenessError):
    """A loss or gradient stopped being a number."""

    code = "training_diverged"


class LossLog:
    """Sums of losses between two lines. On CUDA nothing waits for the device except `write` and `check`."""

    def __init__(self, path: Path, step: int, report: Callable[[str], None], enabled: bool = True):
        """A log that goes on at `step`; only the enabled one of several processes writes."""
        self.path, self.report, self.enabled = path, report, enabled
        self._sums: dict[str, Tensor] = {}
        self._counts: dict[str, int] = {}
        self._finite: Tensor | None = None
        self._step, self._time = step, time.monotonic()

    def add(self, norm: Tensor, values: dict[str, Tensor]) -> None:
        """Losses of an optimiser's step and the norm of its gradient.

        Raises:
            TrainingDiverged: one is no number; on a CPU at once, on CUDA with the next `check`.
        """
        finite = torch.isfinite(norm)
        for key, value in values.items():
            finite = finite & torch.isfinite(value)
            self._sums[key] = self._sums[key] + value if key in self._sums else value
            self._counts[key] = self._counts.get(key, 0) + 1
        self._finite = finite if self._finite is None else self._finite & finite
        if finite.device.type == "cpu":
            self.check()

    def check(self) -> None:
        """Raise TrainingDiverged if a loss or gradient since the beginning was no number."""
        if self._finite is not None and not bool(self._finite):
            raise TrainingDiverged(
                "The loss is no longer a number; the last checkpoint is intact: resume it with a lower learning rate."
            )

    def write(
        self, step: int, steps_left: int, seconds: float, rate: float, people: int, pictures: int, seconds_left: float
    ) -> None:
        """One line about the steps since the last; `pictures` per step, `seconds_left` of the run's time."""
        self.check()
        means = {key: float(value) / self._counts[key] for key, value in self._sums.items()}
        elapsed, count = time.monotonic() - self._time, max(step - self._step, 1)
        self._sums, self._counts, self._step, self._time = {}, {}, step, time.monotonic()
        if not self.enabled:
            return
        self._append({"step": step, "seconds": f"{seconds:.1f}", "learning_rate": f"{rate:.3g}", "people": people,
                      **{key: f"{value:.5f}" for key, value in means.items()}})  # fmt: skip
        left = min(steps_left * elapsed / count, seconds_left)
        values = "  ".join(f"{name} {value:.4f}" for name, value in means.items())
        speed = f"{count * pictures / elapsed:.1f} pictures/s, {left / 60:.0f} min left"
        self.report(f"{step:6d}  {values}  {people} people, {speed}")

    def _append(self, row: dict[str, object]) -> None:
        """Add a row; a name that is new (a discriminator that joins later) becomes a column of the whole file."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            before: list[dict[str, str]] = []
            names: list[str] = []
            if self.path.is_file():
                with self.path.open(newline="") as file:
                    reader = csv.DictReader(file)
                    before, names = list(reader), list(reader.fieldnames or [])
            new = [name for name in row if name not in names]
            with self.path.open("w" if new else "a", newline="") as file:
                writer = csv.DictWriter(file, names + new, restval="")
                if new:
                    writer.writeheader()
                    writer.writerows(before)
                writer.writerow(row)
        except OSError as error:
            raise OutputError(
                f"Cannot write '{self.path}' ({error.strerror}): free some space, then resume."
            ) from error
