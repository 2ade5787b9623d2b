"""A training step as a CUDA graph: one launch in place of several hundred, which take longer than their kernels.

A graph repeats the same kernels on the same memory. It is recorded for every combination of shapes and loss weights,
after a few ordinary steps and a rehearsal; a step then copies its batch into the graph's own tensors and replays it.

All steps run on one stream of their own. Autograd computes the gradient of a weight on the stream where it first met
the weight: were that the common one, a recording would take in, and never run, what other threads do there meanwhile.
"""

from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields, replace
from typing import Any

import torch
from torch import Tensor

from depthg.runtime.progress import info
from depthg.training.batch import Batch

Losses = dict[str, Tensor]
Step = Callable[[Batch, int], Losses]
Key = tuple[Hashable, Hashable]  # the regime of a step, and the shapes of its batch

ORDINARY = 3  # steps before a recording: they allocate what is kept between steps
TOLERANCE = 1e-3  # relative difference of the first replayed loss from that of an ordinary step


class CapturedStep:
    """Takes training steps, by graphs where they can be recorded.

    Args:
        step: computes the losses of a batch and updates the weights, without a value from the GPU.
        losses: computes the losses alone, to check a recording with.
        state: all tensors that a step changes.
        regime: what a step depends on besides its batch, by its number: weights and shifts of the terms.
        stream: where the steps run; not the common stream.
    """

    def __init__(
        self,
        step: Step,
        losses: Step,
        state: Sequence[Tensor],
        regime: Callable[[int], Hashable],
        stream: torch.cuda.Stream,
    ):
        self.stream = stream
        self.step, self.losses, self.state, self.regime = step, losses, list(state), regime
        self.taken, self.graphs, self.works = Counter[Key](), dict[Key, Graph](), True

    def __call__(self, batch: Batch, step: int) -> Losses:
        """Take one step: its losses, scalars by name.

        Recorded or not, negatives are found by their indices: another operator would round their gradients otherwise,
        and a training that goes on after a kill takes ordinary steps where the first one replayed.
        """
        with aside(self.stream):
            return self._take(with_partners(batch), step)

    def _take(self, batch: Batch, step: int) -> Losses:
        key = (self.regime(step), tuple(shapes(batch)))
        if key in self.graphs:
            return self.graphs[key](batch)
        self.taken[key] += 1
        if self.works and self.taken[key] > ORDINARY:
            self.graphs = {old: graph for old, graph in self.graphs.items() if old[0] == key[0]}
            losses = self._record(key, batch, step)
            if losses is not None:
                return losses
        return self.step(batch, step)

    def _record(self, key: Key, batch: Batch, step: int) -> Losses | None:
        """Record a graph and take the step by it; None, and never again, if that fails or gives another loss."""
        before, random = [value.clone() for value in self.state], torch.cuda.get_rng_state()

        def restore() -> None:
            with torch.no_grad():
                torch._foreach_copy_(self.state, before)
            torch.cuda.set_rng_state(random)

        with torch.no_grad():
            expected = self.losses(batch, step)["total"].item()
        torch.cuda.set_rng_state(random)
        try:
            graph = Graph(self.step, batch, step)
        except RuntimeError as error:
            end_recording()
            restore()
            self._refuse(str(error).splitlines()[0])
            return None
        restore()  # from the rehearsal
        losses = graph(batch)
        found = losses["total"].item()
        if abs(found - expected) > TOLERANCE * max(abs(expected), TOLERANCE):
            restore()
            self._refuse(f"a loss of {found:.6g} in place of {expected:.6g}")
            return None
        self.graphs[key] = graph
        return losses

    def _refuse(self, reason: str) -> None:
        info(f"training: its steps are not recorded as CUDA graphs ({reason}): they take longer")
        self.works = False


class Graph:
    """The recorded graph of a step, with the tensors that it reads and writes."""

    def __init__(self, step: Step, batch: Batch, number: int):
        self.batch = batch.map(torch.clone)
        self.graph = torch.cuda.CUDAGraph()
        step(self.batch, number)  # a rehearsal: what is loaded at a first call cannot be recorded
        # Other threads prepare batches meanwhile, and may allocate memory.
        here = torch.cuda.current_stream()
        with torch.cuda.graph(self.graph, stream=here, capture_error_mode="thread_local"):
            self.losses = step(self.batch, number)

    def __call__(self, batch: Batch) -> Losses:
        """Replay it for another batch of the same shapes."""
        torch._foreach_copy_(tensors(self.batch), tensors(batch))
        self.graph.replay()
        return {name: loss.clone() for name, loss in self.losses.items()}


@contextmanager
def aside(stream: torch.cuda.Stream) -> Iterator[None]:
    """Compute on a stream, after what the present stream was given before, and before what it is given afterwards."""
    here = torch.cuda.current_stream()
    stream.wait_stream(here)
    with torch.cuda.stream(stream):
        yield
    here.wait_stream(stream)


def end_recording() -> None:
    """Record nothing: else the random generator waits for the end of a recording that failed, and draws no more."""
    nothing = torch.zeros((), device="cuda")
    with torch.cuda.graph(torch.cuda.CUDAGraph(), capture_error_mode="thread_local"):
        nothing.zero_()


def with_partners(batch: Batch) -> Batch:
    """The batch with the indices of its negatives, int64 [negatives, B], in place of shifts: a graph can read them."""
    size = len(batch.anchor.tokens)
    partners = (torch.arange(size) - torch.as_tensor(batch.rolls)[:, None]) % size
    return replace(batch, rolls=partners.to(batch.anchor.tokens.device, non_blocking=True))


def tensors(batch: Any) -> list[Tensor]:
    """All tensors of a batch, in a fixed order."""
    found = []
    for value in (getattr(batch, field.name) for field in fields(batch)):
        found += [value] if isinstance(value, Tensor) else tensors(value) if hasattr(value, "map") else []
    return found


def shapes(batch: Batch) -> list[Hashable]:
    """The shapes of all tensors of a batch."""
    return [tuple(value.shape) for value in tensors(batch)]
