"""Differences of two experiments, seed by seed: what a change does beyond what the seed does."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Difference:
    """A mean difference and, where it is of several seeds in common, its confidence interval."""

    mean: float
    low: float | None = None
    high: float | None = None


def paired_difference(values: Sequence[float], reference: Sequence[float]) -> Difference:
    """Mean and 95 % confidence interval (Student's t) of the differences.

    Args:
        values: scores, one a seed.
        reference: those of another experiment with the same seeds, in the same order.

    Raises:
        ValueError: they differ in number, or there are none.
    """
    if len(values) != len(reference) or not values:
        raise ValueError(f"{len(values)} scores against {len(reference)}: the same seeds are needed")
    differences = np.subtract(values, reference, dtype=np.float64)
    mean, count = float(differences.mean()), len(differences)
    if count == 1:
        return Difference(mean)
    reach = stdtrit(count - 1, (1 + CONFIDENCE) / 2) * differences.std(ddof=1) / math.sqrt(count)
    return Difference(mean, mean - float(reach), mean + float(reach))
