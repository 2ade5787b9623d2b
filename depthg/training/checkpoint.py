"""The rolling checkpoint, from which a killed training resumes to exactly the same result."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import torch

from depthg.runtime.files import fingerprint
from depthg.runtime.progress import info


class Stateful(Protocol):
    """Anything with a state to checkpoint: model, optimizer, objective, selection."""

    def state_dict(self) -> dict[str, Any]:
        """The state."""

    def load_state_dict(self, state: Any) -> Any:
        """Restore it."""


class RollingCheckpoint:
    """Keeps the state of a training run in one file, replaced in one piece.

    Args:
        path: of the file.
        run: settings, seed and inputs; a checkpoint of another run is ignored.
        device: where the state belongs.
        **parts: everything to checkpoint, by name.
    """

    def __init__(self, path: Path, run: Mapping[str, Any], device: torch.device, **parts: Stateful):
        self.path, self.run, self.device, self.parts = path, fingerprint(run), device, parts

    def save(self, step: int, history: list[str]) -> None:
        """Write the state before a step, and the history so far, as Snakemake deletes its file before a rerun."""
        states = {name: part.state_dict() for name, part in self.parts.items()}
        draft = self.path.with_name(self.path.name + ".tmp")
        torch.save({"run": self.run, "step": step, "history": history, **states}, draft)
        os.replace(draft, self.path)

    def restore(self) -> tuple[int, list[str]]:
        """Restore the state of a killed run.

        Returns:
            The step to resume at and the history before it; (0, []) without a checkpoint.
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
