"""The training loop (Sec. 3): sample cached tokens, compute the loss, update the head; the backbone never runs.

The draws of a step depend only on (seed, step): an interrupted run resumes from its checkpoint and ends with
the same weights. Besides the model, it writes `history.jsonl`, one line every few steps, and `config.yaml`. The CPU
does not wait for the GPU in every step: batches are prefetched, and losses are read every few steps.
"""

from collections.abc import Hashable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from torch import Tensor
from torch.nn.utils import clip_grad_norm_

from depthg.config.settings import TrainSettings
from depthg.errors import DepthGError
from depthg.models.adam import AdamW, Group
from depthg.models.checkpoint import Model, save_model
from depthg.models.codebook import LEARNING_RATE
from depthg.runtime.device import announce, device
from depthg.runtime.files import replacing
from depthg.runtime.prefetch import prefetch
from depthg.runtime.progress import track
from depthg.runtime.provenance import provenance
from depthg.runtime.threads import allowed_threads
from depthg.store.lock import Lock
from depthg.store.tokens import backbone_of
from depthg.training.batch import Batch
from depthg.training.batches import Batches
from depthg.training.captured import CapturedStep, Step
from depthg.training.checkpoint import TrainingCheckpoint
from depthg.training.criteria import LabelledSplit
from depthg.training.guidance import active_terms
from depthg.training.history import History
from depthg.training.inputs import Inputs, open_inputs
from depthg.training.objective import OBJECTIVES, Objective
from depthg.training.selection import CRITERIA, Selection

CHECKPOINT = "checkpoint.pt"
HISTORY, MODEL = "history.jsonl", "model.safetensors"
CHECKPOINT_EVERY = 100  # steps
THREADS = min(2, allowed_threads())  # that make batches for a GPU: more would wait for Python's lock


def train(
    features: Path,
    neighbors: Path,
    out: Path,
    settings: TrainSettings,
    seed: int,
    clusters: int | None = None,
    labelled: LabelledSplit | None = None,
    **stores: Path | None,
) -> None:
    """Train one model.

    Args:
        features: store with `tokens`.
        neighbors: store of the nearest crops, with `ids`.
        out: folder for `model.safetensors`, `history.jsonl` and `config.yaml`, created if missing.
        settings: training settings; `steps: 0` saves the model untrained.
        seed: seed of the initial weights and of all random draws.
        clusters: number of clusters, at least 1; required if the settings train a codebook, or select by stability.
        labelled: labelled validation crops; required if the settings select weights by labels.
        **stores: paths of `geometry`, `attention`, `view`, `mean` and `schedule`, as far as the settings need them.

    Raises:
        DepthGError: the stores do not fit the settings or each other, a loss is not finite, or another process is
            training the same model.
    """
    inputs = open_inputs(features, neighbors, settings, **stores)
    out.mkdir(parents=True, exist_ok=True)
    lock = Lock(out / "training.lock", out / MODEL)  # a second training would write the same files
    try:
        _train(inputs, out, settings, seed, clusters, labelled)
    finally:
        lock.release()


def _train(
    inputs: Inputs,
    out: Path,
    settings: TrainSettings,
    seed: int,
    clusters: int | None,
    labelled: LabelledSplit | None,
) -> None:
    """Train one model on opened stores. See `train`."""
    torch.manual_seed(seed)
    online = settings.codebook and settings.steps > 0  # without steps a codebook would stay untrained
    if online and not clusters:
        raise DepthGError("training: codebook: how many clusters is open: set `clusters`")
    model = Model(settings, inputs.channels, clusters if online else None, inputs.mean_token).to(device())
    model.made_from = {**inputs.fingerprints, "seed": seed, "backbone": backbone_of(inputs.features)}
    read = inputs.fingerprints | (labelled.fingerprints if labelled else {})
    run = {"settings": settings.model_dump(), "seed": seed, "clusters": clusters, "inputs": read}
    (out / HISTORY).write_text("")  # also expected of an untrained model
    if settings.steps:
        _optimise(model, inputs, out, run, labelled=labelled, clusters=clusters)
    with replacing(out / "config.yaml") as draft:
        draft.write_text(yaml.safe_dump({**run, **provenance()}, sort_keys=False))
    save_model(model, out / MODEL)
    (out / CHECKPOINT).unlink(missing_ok=True)


def _optimise(model: Model, inputs: Inputs, out: Path, run: Mapping[str, Any], **by: Any) -> None:
    """Run the steps that remain after the last checkpoint, and restore the selected weights."""
    settings, seed = model.settings, run["seed"]
    _check_trainable(model)
    announce("training")
    objective, optimizer = OBJECTIVES[settings.objective](model, inputs, seed), _optimizer(model)
    criterion = CRITERIA[settings.selection](
        inputs=inputs, settings=settings, objective=objective, seed=seed, **by
    )
    selection = Selection(criterion, settings.batches)
    checkpoint = TrainingCheckpoint(
        out / CHECKPOINT,
        run,
        device(),
        model=model,
        optimizer=optimizer,
        objective=objective,
        selection=selection,
    )
    start, lines = checkpoint.restore()
    make_batch = Batches(inputs, settings, seed, device())
    history = History(out / HISTORY, settings, lines, make_batch.draws.anchors)
    take_step = _step(model, objective, optimizer)
    threads = 1 if device().type == "cpu" else THREADS
    steps = range(start, settings.batches)
    batches = prefetch(lambda step: make_batch(step).to(device()), steps, ahead=threads + 1, threads=threads)
    with closing(batches), closing(history):
        for step, batch in enumerate(
            track(batches, settings.batches, f"training, seed {seed}", start), start
        ):
            torch.manual_seed(step_seed(seed, step))
            losses = take_step(batch, step)
            history.add(step, losses)
            if history.due(step) or selection.due(step):
                history.check()
                history.write(step, losses, selection.update(model, step))
            if (step + 1) % CHECKPOINT_EVERY == 0:
                history.check()
                checkpoint.save(step + 1, history.lines)
    selection.restore_best(model)


def _step(model: Model, objective: Objective, optimizer: AdamW) -> Step:
    """The function that takes a step: as a CUDA graph where there is a GPU and the objective keeps no state."""

    def take(batch: Batch, step: int) -> dict[str, Tensor]:
        losses = objective(batch, step)
        _optimizer_step(losses["total"], model, optimizer)
        return {name: loss.detach() for name, loss in losses.items()}

    if device().type == "cpu" or model.settings.objective != "correlation":
        return take
    state = [
        *model.parameters(),
        *(value for values in optimizer.state.values() for value in values.values()),
    ]

    def regime(step: int) -> Hashable:
        terms = active_terms(model.settings, step)
        return tuple((name, term.weight, term.shift) for name, term in terms.items())

    return CapturedStep(take, objective, state, regime, torch.cuda.Stream())


def _optimizer_step(loss: Tensor, model: Model, optimizer: AdamW) -> None:
    """Backpropagate a loss, clip gradients if set, and take one optimizer step."""
    optimizer.zero_grad()
    loss.backward()
    if model.settings.clip is not None:
        clip_grad_norm_(model.parameters(), model.settings.clip)
    optimizer.step()


def _optimizer(model: Model) -> AdamW:
    """AdamW (Adam if the weight decay is 0), with a separate learning rate for the codebook."""
    settings, codebook = model.settings, model.codebook
    centroids = list(codebook.parameters()) if codebook is not None else []
    own = {id(weight) for weight in centroids}
    weights = [w for w in model.parameters() if w.requires_grad and id(w) not in own]
    return AdamW(
        Group(weights, settings.learning_rate, settings.weight_decay), Group(centroids, LEARNING_RATE)
    )


def step_seed(seed: int, step: int) -> int:
    """64-bit random seed of a step, for dropout and other draws on the device; independent of earlier steps."""
    return int(np.random.SeedSequence([seed, 2, step]).generate_state(1, np.uint64)[0])


def _check_trainable(model: Model) -> None:
    """Check that the head has parameters, and that at least one loss term has a weight above 0."""
    settings = model.settings
    if not list(model.head.parameters()):
        raise DepthGError(f"settings: head: '{settings.head}' has nothing to train: set steps to 0")
    if settings.objective == "correlation" and not active_terms(settings, 0):
        raise DepthGError("settings: terms: every weight is 0: give one a weight, or set steps to 0")
