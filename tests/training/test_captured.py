"""Steps by recorded graphs are the same steps; recordings themselves need a card, and are played here by a stand-in."""

from contextlib import nullcontext
from functools import partial

import pytest
import torch

from depthg.models.checkpoint import Model
from depthg.training import captured, loop
from depthg.training.batches import Batches
from depthg.training.captured import ORDINARY, CapturedStep, tensors, with_partners
from depthg.training.objective import Correlation

CPU, CARD = torch.device("cpu"), torch.device("cuda")
needs_card = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")


class Replayed:
    """Runs the step on tensors of its own, as a graph does."""

    recorded = 0

    def __init__(self, step, batch, number):
        Replayed.recorded += 1
        self.batch, self.step = batch.map(torch.clone), partial(step, step=number)

    def __call__(self, batch):
        torch._foreach_copy_(tensors(self.batch), tensors(batch))
        return self.step(self.batch)


@pytest.fixture
def on_card(monkeypatch):
    monkeypatch.setattr(captured, "Graph", Replayed)
    monkeypatch.setattr(torch.cuda, "get_rng_state", torch.get_rng_state)
    monkeypatch.setattr(torch.cuda, "set_rng_state", torch.set_rng_state)
    monkeypatch.setattr(captured, "end_recording", lambda: None)
    monkeypatch.setattr(captured, "aside", nullcontext)
    monkeypatch.setattr(Replayed, "recorded", 0)


def training(stores, settings, captures, where=CPU, spoilt=False):
    """The steps of a training, and what is left after them; a `spoilt` step cannot be recorded."""
    torch.manual_seed(0)
    inputs = stores.open(settings)
    model = Model(settings, inputs.channels).to(where)
    objective, optimizer = Correlation(model), loop._optimizer(model)

    def take(batch, step):
        losses = objective(batch, step)
        loop._optimizer_step(losses["total"], model, optimizer)
        if spoilt and torch.cuda.is_current_stream_capturing():
            losses["total"].item()
        return {name: loss.detach() for name, loss in losses.items()}

    def ordinary(batch, step):
        return take(with_partners(batch), step)

    state = [
        *model.parameters(),
        *(value for values in optimizer.state.values() for value in values.values()),
    ]
    stream = torch.cuda.Stream() if where == CARD else None
    step = CapturedStep(take, objective, state, lambda step: step // 8, stream) if captures else ordinary
    found, make = [], Batches(inputs, settings, 0, where)
    for number in range(16):
        torch.manual_seed(loop.step_seed(0, number))
        found.append(step(make(number).to(where), number)["total"].item())
    return step, found, state


def test_the_same_losses_and_weights(stores, guided_settings, on_card):
    step, found, state = training(stores, guided_settings, True)
    _, expected, other = training(stores, guided_settings, False)
    assert step.works and Replayed.recorded >= 2  # one for each regime and shape
    assert found == expected  # so that it is no matter after which step a training goes on by ordinary ones
    assert all(torch.equal(mine, own) for mine, own in zip(state, other, strict=True))


@pytest.mark.parametrize(
    ("fault", "reason"), [("raises", "cannot be captured"), ("differs", "a loss of .* in place of")]
)
def test_a_recording_that_fails_is_left_and_nothing_is_lost(
    stores, guided_settings, on_card, monkeypatch, fault, reason, capsys
):
    class Broken(Replayed):
        def __init__(self, step, batch, number):
            super().__init__(step, batch, number)
            if fault == "raises":
                raise RuntimeError("cannot be captured\nsecond line")

        def __call__(self, batch):
            losses = super().__call__(batch)
            return {**losses, "total": losses["total"] * 1.1}

    monkeypatch.setattr(captured, "Graph", Broken)
    step, found, state = training(stores, guided_settings, True)
    _, expected, other = training(stores, guided_settings, False)
    assert not step.works and step.taken.total() == 16 and Replayed.recorded == 1
    assert found == expected
    assert all(torch.equal(mine, own) for mine, own in zip(state, other, strict=True))
    assert len(capsys.readouterr().out.split("not recorded as CUDA graphs")) == 2


def test_steps_before_a_recording_are_ordinary(stores, guided_settings, on_card):
    step, _, _ = training(stores, guided_settings.model_copy(update={"lhp": "none"}), True)
    assert Replayed.recorded == 2 and set(step.taken.values()) == {ORDINARY + 1}


@needs_card
def test_graphs_of_a_card_give_the_same_losses_and_weights(stores, guided_settings):
    step, found, state = training(stores, guided_settings, True, CARD)
    _, expected, other = training(stores, guided_settings, False, CARD)
    assert step.works and step.graphs
    assert found == pytest.approx(expected, rel=1e-4)
    for mine, own in zip(state, other, strict=True):
        torch.testing.assert_close(mine, own, rtol=1e-3, atol=1e-5)


@needs_card
def test_a_card_goes_on_after_a_recording_that_fails(stores, guided_settings, capsys):
    step, found, _ = training(stores, guided_settings, True, CARD, spoilt=True)
    _, expected, _ = training(stores, guided_settings, False, CARD)
    assert not step.works and "not recorded as CUDA graphs" in capsys.readouterr().out
    assert found == pytest.approx(expected, rel=1e-4)
