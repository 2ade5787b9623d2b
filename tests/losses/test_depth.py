import math

import numpy as np
import pytest
import torch

from depthg.losses.depth import KERNELS, NORMS

BY_HAND = {  # of places a and b, each (d, x, y, z)
    "product": lambda a, b: a[0] * b[0],
    "similarity": lambda a, b: math.exp(-abs(a[0] - b[0]) / 0.3),
    "similarity_3d": lambda a, b: math.exp(-math.dist(a[1:], b[1:]) / 0.3),
}


def places(b, n, seed):
    return np.random.default_rng(seed).random((b, n, 4)) + 0.01


@pytest.mark.parametrize("name", KERNELS)
def test_every_pair_by_hand(name):
    a, b = places(2, 3, 0), places(2, 4, 1)
    found = KERNELS[name](torch.from_numpy(a), torch.from_numpy(b), 0.3)
    assert found.shape == (2, 3, 4)
    for crop in range(2):
        for i in range(3):
            for j in range(4):
                assert found[crop, i, j].item() == pytest.approx(BY_HAND[name](a[crop, i], b[crop, j]))


@pytest.mark.parametrize("name", KERNELS)
def test_kernels_depend_on_depth(name):
    near, far = torch.rand(2, 1, 5, 4, generator=torch.Generator().manual_seed(0))
    assert not torch.allclose(KERNELS[name](near, near, 0.1), KERNELS[name](far, far, 0.1))


def test_released_depth_has_no_say_in_the_product_but_for_zeros():
    near, far = torch.rand(2, 1, 5, 4, generator=torch.Generator().manual_seed(0))
    near[0, 2, 0] = 0
    near, far = NORMS["channel"](near), NORMS["channel"](far)
    assert (KERNELS["product"](far, far, 0.1) == 1).all()
    assert (KERNELS["product"](near, far, 0.1) == 0).sum() == 5
    assert NORMS["none"](near) is near


@pytest.mark.parametrize("name", KERNELS)
def test_kernels_are_symmetric_and_stay_in_range(name):
    a = torch.from_numpy(places(3, 6, 2)).clamp_max(1)
    found = KERNELS[name](a, a, 0.1)
    torch.testing.assert_close(found, found.transpose(1, 2))
    assert found.min() >= 0 and found.max() <= 1


def test_the_released_norm_leaves_the_point_as_it_is():
    found = NORMS["channel"](torch.tensor([[[0.5, 2.0, 3.0, 4.0], [0.0, 5.0, 6.0, 7.0]]]))
    assert found.tolist() == [[[1, 2, 3, 4], [0, 5, 6, 7]]]
