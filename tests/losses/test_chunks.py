import torch

from depthg.losses.chunks import mean_over_chunks


def power(values, piece):
    return (values ** (piece + 1)).sum(-1)


def test_mean_and_gradient_are_those_of_the_whole():
    values = torch.rand(2, 5, dtype=torch.float64).requires_grad_()
    whole = torch.stack([power(values, piece) for piece in range(3)]).mean(0)
    torch.testing.assert_close(mean_over_chunks(values, power, 3), whole)
    shares = values.new_tensor([0.3, -2.0])
    expected = torch.autograd.grad(whole @ shares, values)[0]
    found = torch.autograd.grad(mean_over_chunks(values, power, 3) @ shares, values)[0]
    torch.testing.assert_close(found, expected)


def test_no_gradient_is_taken_where_none_is_asked_for():
    seen = []

    def loss(values, piece):
        seen.append(torch.is_grad_enabled())
        return power(values, piece)

    assert not mean_over_chunks(torch.rand(1, 3), loss, 2).requires_grad
    assert seen == [False, False]
