"""The rolling checkpoint: where a killed training goes on, to exactly the same result."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import torch

from depthg.runtime.files import fingerprint
from depthg.runtime.progress import info


class Stateful(Protocol):
    """Anything whose state can be kept: the model, the optimizer, the objective, the selection."""

    def state_dict(self) -> dict[str, Any]:
        """The state."""

    def load_state_dict(self, state: Any) -> Any:
        """Take it up."""


class RollingCheckpoint:
    """Keeps the state of a training run in one file, replaced in one piece.

    Args:
        path: of the file.
        run: settings, seed and inputs; the state of another run is not taken up.
        device: where the state belongs.
        **parts: all whose state is kept, by name.
    """

    def __init__(self, path: Path, run: Mapping[str, Any], device: torch.device, **parts: Stateful):
        self.path, self.run, self.device, self.parts = path, fingerprint(run), device, parts

    def save(self, step: int, history: list[str]) -> None:
        """Keep the state before a step, and the lines of the history (Snakemake deletes the file itself)."""
        states = {name: part.state_dict() for name, part in self.parts.items()}
        draft = self.path.with_name(self.path.name + ".tmp")
        torch.save({"run": self.run, "step": step, "history": history, **states}, draft)
        os.replace(draft, self.path)

    def restore(self) -> tuple[int, list[str]]:
        """Take up the state of an earlier, killed run.

        Returns:
            The step to go on with and the history before it; (0, []) where there is none.
        """
        if not self.path.is_file():
            return 0, []
        state = torch.load(self.path, map_location=self.device, weights_only=True)
        if state["run"] != self.run:
            return 0, []
        for name, part in self.parts.items():
            part.load_state_dict(state[name])
        info(f"{self.path}: resumed at step {state['step']}")
        return state["step"], state["history"]
