import pytest
import torch

from depthg.errors import DepthGError
from depthg.models.checkpoint import Model
from depthg.training.criteria import evenly
from depthg.training.selection import CRITERIA, Selection


class Scripted:
    """A criterion that says what it was told to, and marks the weights it saw."""

    looks = staticmethod(evenly)

    def __init__(self, scores):
        self.scores, self.seen = iter(scores), []

    def __call__(self, model):
        assert not model.training
        self.seen.append(next(self.scores))
        with torch.no_grad():
            model.head.linear.bias.fill_(self.seen[-1])
        return self.seen[-1]


def test_the_best_of_ten_looks_is_kept(settings):
    model = Model(settings, 8)
    criterion = Scripted([3, 7, 7, 5, 1, 2, 6, 0, 4, 6.5])
    selection = Selection(criterion, 40)
    found = [selection.update(model, step) for step in range(40)]
    assert [step for step, score in enumerate(found) if score is not None] == list(range(3, 40, 4))
    assert model.training
    selection.restore_best(model)
    assert set(model.head.linear.bias.tolist()) == {7}


def test_without_a_criterion_the_last_weights_stand(settings):
    model = Model(settings, 8)
    before = model.head.linear.bias.clone()
    selection = Selection(CRITERIA["last"](), 10)
    assert [selection.update(model, step) for step in range(10)] == [None] * 10
    selection.restore_best(model)
    assert torch.equal(model.head.linear.bias, before)


def test_weights_that_cannot_be_compared_are_not_taken_for_the_last(settings):
    selection = Selection(Scripted([float("nan")]), 1)
    with pytest.raises(DepthGError, match=r"after step 1 is nan, .* set selection to last"):
        selection.update(Model(settings, 8), 0)
