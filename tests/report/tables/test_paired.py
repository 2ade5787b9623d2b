import math

import numpy as np
import pytest
from scipy.stats import ttest_rel

from depthg.report.tables.paired import Difference, paired_difference


def test_interval_by_hand():
    found = paired_difference([41.0, 44.0, 46.0], [40.0, 41.0, 41.0])
    # differences 1, 3, 5: mean 3, s = 2, t(0.975, 2) = 4.302653
    reach = 4.302653 * 2 / math.sqrt(3)
    assert found.mean == 3.0
    assert (found.low, found.high) == pytest.approx((3 - reach, 3 + reach))


def test_interval_is_that_of_the_paired_t_test():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 7))
    found = paired_difference(a.tolist(), b.tolist())
    low, high = ttest_rel(a, b).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((low, high))


def test_a_single_seed_has_no_interval():
    assert paired_difference([40.0], [41.5]) == Difference(-1.5)


def test_other_seeds_cannot_be_paired():
    with pytest.raises(ValueError, match="2 scores against 1: the same seeds are needed"):
        paired_difference([1.0, 2.0], [1.0])
