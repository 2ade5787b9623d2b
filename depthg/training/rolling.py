"""The rolling checkpoint: where a killed training goes on, to exactly the same result."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer

from depthg.progress import tell
from depthg.store import fingerprint


class RollingCheckpoint:
    """Keeps the state of a training run in one file, replaced in one piece.

    Args:
        path: of the file.
        run: settings, seed and inputs; the state of another run is not taken up.
        model: and
        optimizer: whose state is kept.
    """

    def __init__(self, path: Path, run: Mapping[str, Any], model: nn.Module, optimizer: Optimizer):
        self.path, self.run = path, fingerprint(run)
        self.model, self.optimizer = model, optimizer

    def save(self, step: int, history: list[str]) -> None:
        """Keep the state before a step, and the lines of the history (Snakemake deletes the file itself)."""
        states = {"model": self.model.state_dict(), "optimizer": self.optimizer.state_dict()}
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
        device = next(self.model.parameters()).device
        state = torch.load(self.path, map_location=device, weights_only=True)
        if state["run"] != self.run:
            return 0, []
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        tell(f"{self.path}: resumed at step {state['step']}")
        return state["step"], state["history"]
