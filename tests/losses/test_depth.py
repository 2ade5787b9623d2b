import numpy as np
import pytest
import torch

from depthg.losses.depth import KERNELS


def test_product_of_every_pair():
    rng = np.random.default_rng(0)
    a, b = rng.random((2, 3)), rng.random((2, 4))
    found = KERNELS["product"](torch.from_numpy(a), torch.from_numpy(b))
    assert found.shape == (2, 3, 4)
    for crop in range(2):
        for i in range(3):
            for j in range(4):
                assert found[crop, i, j].item() == pytest.approx(a[crop, i] * b[crop, j])


@pytest.mark.parametrize("name", KERNELS)
def test_kernels_depend_on_depth(name):
    near, far = torch.tensor([[0.2, 0.3]]), torch.tensor([[0.2, 0.9]])
    assert not torch.allclose(KERNELS[name](near, near), KERNELS[name](far, far))


@pytest.mark.parametrize("name", KERNELS)
def test_kernels_are_symmetric_and_stay_in_range(name):
    d = torch.rand(3, 6, generator=torch.Generator().manual_seed(0))
    found = KERNELS[name](d, d)
    torch.testing.assert_close(found, found.transpose(1, 2))
    assert found.min() >= 0 and found.max() <= 1
