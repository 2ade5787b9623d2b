"""When the losses of a run are looked at, and what is said of one that is not finite."""

import json
import math

import pytest
import torch

from depthg.errors import DepthGError
from depthg.training.history import History


def crops_of(step):
    return [step, 100 + step]


@pytest.fixture
def make(tmp_path, settings):
    opened = []

    def make(steps=25, lines=()):
        opened.append(
            History(tmp_path / "h.jsonl", settings.model_copy(update={"steps": steps}), list(lines), crops_of)
        )
        return opened[-1]

    yield make
    for history in opened:
        history.close()


def losses(total, **terms):
    return {name: torch.tensor(value) for name, value in {"total": total, **terms}.items()}


def test_every_tenth_step_and_the_last_have_a_line(make):
    history = make()
    assert [step for step in range(25) if history.due(step)] == [0, 10, 20, 24]


def test_lines_of_a_resumed_run_follow_those_before_it(make, tmp_path):
    history = make(lines=["before\n"])
    history.write(10, losses(0.5), score=None)
    history.write(20, losses(0.25), score=3.0)
    before, *lines = (tmp_path / "h.jsonl").read_text().splitlines()
    assert before == "before" and len(history.lines) == 3
    first, second = map(json.loads, lines)
    assert (first["step"], first["total"], first.get("score")) == (10, 0.5, None)
    assert (second["step"], second["total"], second["score"]) == (20, 0.25, 3.0)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_the_first_loss_that_is_not_finite_is_named_though_later_steps_were_taken(make, value):
    history = make()
    history.add(11, losses(0.5, knn=0.5))
    history.add(12, losses(value, knn=0.5, random=value))
    history.add(13, losses(math.nan, knn=math.nan, random=math.nan))
    message = r"step 12: the loss term random is not finite \(anchors: crops 12, 112\): lower learning_rate"
    with pytest.raises(DepthGError, match=message):
        history.check()


def test_what_was_looked_at_is_let_go(make):
    history = make()
    history.add(0, losses(0.5))
    history.check()
    history.add(1, losses(math.nan))
    with pytest.raises(DepthGError, match="step 1: the loss term total"):
        history.check()


def test_no_step_keeps_its_graph(make):
    history, weight = make(), torch.ones((), requires_grad=True)
    history.add(0, {"total": weight * 2})
    assert not any(loss.requires_grad for kept in history._buffer.values() for loss in kept.values())
