import copy

import pytest
import torch

from depthg.models.adam import AdamW, Group


def weights():
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(3, 5, generator=generator).requires_grad_() for _ in range(3)]


def descend(optimizer, own, steps):
    for step in steps:
        generator = torch.Generator().manual_seed(step)
        optimizer.zero_grad()
        losses = [(weight * torch.randn(3, 5, generator=generator)).square().sum() for weight in own]
        sum(losses[: 2 if step == 3 else 3]).backward()  # in one step the last weight has no gradient
        optimizer.step()


def ours(own):
    return AdamW(Group(own[:2], 0.01, 0.1), Group(own[2:], 0.05))


def theirs(own):
    groups = [{"params": own[:2], "weight_decay": 0.1}, {"params": own[2:], "lr": 0.05}]
    return torch.optim.AdamW(groups, lr=0.01, weight_decay=0.0)


def test_steps_are_those_of_torch_to_the_last_bit():
    own, reference = weights(), weights()
    descend(ours(own), own, range(9))
    descend(theirs(reference), reference, range(9))
    assert all(map(torch.equal, own, reference))


def test_without_decay_it_is_adam():
    own, reference = weights(), weights()
    descend(AdamW(Group(own, 0.01)), own, range(4))
    descend(torch.optim.Adam(reference, lr=0.01), reference, range(4))
    assert all(map(torch.equal, own, reference))


@pytest.mark.parametrize("make", [ours, theirs])
def test_resumes_from_its_own_state_and_from_torch_s(make):
    own = weights()
    optimizer = make(own)
    descend(optimizer, own, range(4))
    state, others = copy.deepcopy(optimizer.state_dict()), [w.detach().clone().requires_grad_() for w in own]
    again = ours(others)
    again.load_state_dict(state)
    descend(optimizer, own, range(4, 7))
    descend(again, others, range(4, 7))
    assert all(map(torch.equal, own, others))
