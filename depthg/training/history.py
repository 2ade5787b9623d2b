"""The losses of a training run: `history.jsonl`, a line every few steps.

To look at a loss is to wait for the GPU. So those of a step are put by, and looked at when a line is due or weights
are to be kept: no other step waits, and nothing is kept of a run whose loss is no longer finite.
"""

import json
from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from depthg.config.settings import TrainSettings
from depthg.errors import DepthGError
from depthg.training.guidance import guided

HISTORY_EVERY = 10  # steps


class History:
    """Writes the file of one run.

    Args:
        path: of the file, which is begun anew.
        settings: of the run.
        lines: of the steps that it has taken already.
    """

    def __init__(self, path: Path, settings: TrainSettings, lines: list[str]):
        self.settings, self.lines = settings, lines
        self._unseen: dict[int, dict[str, Tensor]] = {}
        self._file = path.open("w", buffering=1)
        self._file.writelines(lines)

    def add(self, step: int, losses: Mapping[str, Tensor]) -> None:
        """Put by the losses of a step, scalars by name."""
        self._unseen[step] = {name: loss.detach() for name, loss in losses.items()}

    def due(self, step: int) -> bool:
        """Whether a step is one of those that have a line anyway."""
        return step % HISTORY_EVERY == 0 or step == self.settings.batches - 1

    def check(self) -> None:
        """Look at what was put by.

        Raises:
            DepthGError: a loss is NaN or infinite; the first such is named.
        """
        for step, losses in self._unseen.items():
            if not losses["total"].isfinite():
                bad = [name for name, loss in losses.items() if not loss.isfinite() and name != "total"]
                raise DepthGError(
                    f"training: step {step}: the loss term {bad[0] if bad else 'total'} is not finite: "
                    "lower learning_rate, or make the features again"
                )
        self._unseen.clear()

    def write(self, step: int, losses: Mapping[str, Tensor], score: float | None) -> None:
        """Write the line of a step; `score` is that of the weights after it, where they were judged."""
        depth = guided(self.settings, step).get("depth")
        content = {
            "step": step,
            **{name: loss.item() for name, loss in losses.items()},
            "lambda_depth": depth.weight if depth else 0.0,
            "learning_rate": self.settings.learning_rate,
            **({} if score is None else {"score": score}),
        }
        self.lines.append(json.dumps(content) + "\n")
        self._file.write(self.lines[-1])

    def close(self) -> None:
        """Close the file."""
        self._file.close()
