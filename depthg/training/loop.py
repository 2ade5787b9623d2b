"""The training loop (Sec. 3): sample tokens, correlate, step; nothing of the backbone is touched.

Every step is a pure function of (seed, step): a killed run resumes from its rolling checkpoint and ends in
the same weights. Beside the model it leaves `history.jsonl`, a line every few steps, and `config.yaml`.
"""

import json
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from torch import Tensor

from depthg.config import Term, TrainSettings
from depthg.device import device
from depthg.errors import DepthGError
from depthg.models.checkpoint import Model, build_model, save
from depthg.progress import track
from depthg.provenance import provenance
from depthg.training.batches import Batches
from depthg.training.inputs import Inputs, open_inputs
from depthg.training.objective import objective
from depthg.training.prefetch import prefetch
from depthg.training.rolling import RollingCheckpoint
from depthg.training.schedule import guided

CHECKPOINT = "checkpoint.pt"
HISTORY = "history.jsonl"
HISTORY_EVERY = 10  # steps
CHECKPOINT_EVERY = 100  # steps


def train(
    features: Path, neighbors: Path, geometry: Path | None, out: Path, settings: TrainSettings, seed: int
) -> None:
    """Train one model.

    Args:
        features: store with `tokens`.
        neighbors: store with `ids`, made from it.
        geometry: store with `order`, `depth`, `neighbors`, `weights`; none where the settings need no depth.
        out: folder, made if missing, for `model.safetensors`, `history.jsonl` and `config.yaml`.
        settings: all of it; `steps: 0` writes the model untrained.
        seed: of the initial weights and of everything drawn.

    Raises:
        DepthGError: the stores do not fit the settings or each other, or the loss is no longer finite.
    """
    inputs = open_inputs(features, neighbors, geometry, settings)
    out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(seed)
    model = build_model(settings, inputs.channels).to(device())
    run = {"settings": settings.model_dump(), "seed": seed, "inputs": inputs.fingerprints}
    (out / HISTORY).write_text("")  # an untrained model has one as well
    if settings.steps:
        _optimise(model, inputs, out, run)
    (out / "config.yaml").write_text(yaml.safe_dump({**run, **provenance()}, sort_keys=False))
    save(model, out / "model.safetensors")
    (out / CHECKPOINT).unlink(missing_ok=True)


def _optimise(model: Model, inputs: Inputs, out: Path, run: Mapping[str, Any]) -> None:
    """Take every step that is still to be taken."""
    settings, seed = model.settings, run["seed"]
    _check_trainable(model)
    optimizer = torch.optim.Adam(model.parameters(), lr=settings.learning_rate)
    rolling = RollingCheckpoint(out / CHECKPOINT, run, model, optimizer)
    start, lines = rolling.restore()
    batches = prefetch(Batches(inputs, settings, seed), range(start, settings.steps))
    with closing(batches), (out / HISTORY).open("w", buffering=1) as history:
        history.writelines(lines)
        for step, batch in enumerate(track(batches, settings.steps, f"training, seed {seed}", start), start):
            torch.manual_seed(step_seed(seed, step))
            terms = guided(settings, step)
            losses = objective(model, batch.to(device()), terms)
            _check_finite(losses, step)
            optimizer.zero_grad()
            losses["total"].backward()
            optimizer.step()
            if step % HISTORY_EVERY == 0 or step == settings.steps - 1:
                lines.append(_line(step, losses, terms, settings.learning_rate))
                history.write(lines[-1])
            if (step + 1) % CHECKPOINT_EVERY == 0:
                rolling.save(step + 1, lines)


def step_seed(seed: int, step: int) -> int:
    """The random state of a step's dropout, 64 bits: the same whether or not earlier steps were taken."""
    return int(np.random.SeedSequence([seed, 2, step]).generate_state(1, np.uint64)[0])


def _line(step: int, losses: Mapping[str, Tensor], terms: Mapping[str, Term], learning_rate: float) -> str:
    """One line of the history."""
    values = {name: loss.item() for name, loss in losses.items()}
    guidance = terms["depth"].weight if "depth" in terms else 0.0
    content = {"step": step, **values, "lambda_depth": guidance, "learning_rate": learning_rate}
    return json.dumps(content) + "\n"


def _check_trainable(model: Model) -> None:
    """There is something to train, and something to train it for."""
    settings = model.settings
    if not list(model.head.parameters()):
        raise DepthGError(f"settings: head: '{settings.head}' has nothing to train: set steps to 0")
    if not guided(settings, 0):
        raise DepthGError("settings: terms: every weight is 0: give one a weight, or set steps to 0")


def _check_finite(losses: Mapping[str, Tensor], step: int) -> None:
    """Stop before a loss that is NaN or infinite spoils the weights."""
    if not losses["total"].isfinite():
        bad = [name for name, loss in losses.items() if not loss.isfinite() and name != "total"]
        raise DepthGError(
            f"training: step {step}: the loss term {bad[0] if bad else 'total'} is not finite: "
            "lower learning_rate, or make the features again"
        )
