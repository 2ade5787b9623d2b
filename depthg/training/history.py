"""The losses of a training run: `history.jsonl`, one line every few steps.

Reading the value of a loss synchronises with the GPU. Losses are therefore buffered, and read only when a line is
written, weights are evaluated or a checkpoint is saved, so that no weights with non-finite losses are ever saved.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from torch import Tensor

from depthg.config.settings import TrainSettings
from depthg.errors import DepthGError
from depthg.runtime.files import naming
from depthg.training.guidance import active_terms

HISTORY_EVERY = 10  # steps


class History:
    """Writes the history of one run.

    Args:
        path: path of the file, which is overwritten.
        settings: settings of the run.
        lines: lines of the steps before a resume, which are written first.
        anchors: step → ids of its anchor crops, for the message of a loss that is not finite.
    """

    def __init__(
        self,
        path: Path,
        settings: TrainSettings,
        lines: list[str],
        anchors: Callable[[int], Iterable[int]],
    ):
        self.settings, self.lines, self.anchors = settings, lines, anchors
        self._buffer: dict[int, dict[str, Tensor]] = {}
        self.path = path
        self._file = path.open("w", buffering=1)
        self._file.writelines(lines)

    def add(self, step: int, losses: Mapping[str, Tensor]) -> None:
        """Buffer the losses of a step, scalars by name, until `check`."""
        self._buffer[step] = {name: loss.detach() for name, loss in losses.items()}

    def due(self, step: int) -> bool:
        """Whether a line is written for a step even if its weights are not evaluated."""
        return step % HISTORY_EVERY == 0 or step == self.settings.batches - 1

    def check(self) -> None:
        """Check that all buffered losses are finite, and clear the buffer.

        Raises:
            DepthGError: a total loss is NaN or infinite; names the step, the first non-finite term and the anchors.
        """
        for step, losses in self._buffer.items():
            if not losses["total"].isfinite():
                bad = [name for name, loss in losses.items() if not loss.isfinite() and name != "total"]
                raise DepthGError(
                    f"training: step {step}: the loss term {bad[0] if bad else 'total'} is not finite "
                    f"(anchors: crops {', '.join(map(str, self.anchors(step)))}): "
                    "lower learning_rate, or make the features again"
                )
        self._buffer.clear()

    def write(self, step: int, losses: Mapping[str, Tensor], score: float | None) -> None:
        """Write the line of a step; `score` is the selection score of the weights after it, None if not evaluated."""
        depth = active_terms(self.settings, step).get("depth")
        content = {
            "step": step,
            **{name: loss.item() for name, loss in losses.items()},
            "lambda_depth": depth.weight if depth else 0.0,
            "learning_rate": self.settings.learning_rate,
            **({} if score is None else {"score": score}),
        }
        self.lines.append(json.dumps(content) + "\n")
        with naming(self.path):
            self._file.write(self.lines[-1])

    def close(self) -> None:
        """Close the file."""
        self._file.close()
