"""The checkpoint of a training, from which an interrupted training resumes and reaches exactly the same result."""

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import torch

from depthg.runtime.files import fingerprint, replacing
from depthg.runtime.progress import info, warn


class Stateful(Protocol):
    """An object with a state to checkpoint: model, optimizer, objective, selection."""

    def state_dict(self) -> dict[str, Any]:
        """The state to save."""

    def load_state_dict(self, state: Any) -> Any:
        """Restore a saved state."""


class TrainingCheckpoint:
    """Keeps the latest state of a training run in one file, which is replaced atomically.

    Args:
        path: path of the checkpoint file.
        run: settings, seed and input fingerprints; a checkpoint that was saved with others is ignored.
        device: device to which tensors are restored.
        **parts: objects to checkpoint, by name.
    """

    def __init__(self, path: Path, run: Mapping[str, Any], device: torch.device, **parts: Stateful):
        self.path, self.run, self.device, self.parts = path, fingerprint(run), device, parts

    def save(self, step: int, history: list[str]) -> None:
        """Save the state before a step, and the history so far, because Snakemake deletes history.jsonl on a rerun."""
        states = {name: part.state_dict() for name, part in self.parts.items()}
        content = io.BytesIO()  # torch's own writer does not say that a disk is full
        torch.save({"run": self.run, "step": step, "history": history, **states}, content)
        with replacing(self.path) as draft:
            draft.write_bytes(content.getbuffer())

    def restore(self) -> tuple[int, list[str]]:
        """Restore the state of an interrupted run.

        Returns:
            The next step and the history lines before it; (0, []) without a checkpoint of this run.
        """
        if not self.path.is_file():
            return 0, []
        try:
            state = torch.load(self.path, map_location=self.device, weights_only=True)
        except Exception:  # torch raises many kinds
            # The machine went down before all of it was on the disk.
            warn(f"{self.path}: damaged: training begins again at step 0")
            return 0, []
        if state["run"] != self.run:
            return 0, []
        for name, part in self.parts.items():
            part.load_state_dict(state[name])
        info(f"{self.path}: resumed at step {state['step']}")
        return state["step"], state["history"]
