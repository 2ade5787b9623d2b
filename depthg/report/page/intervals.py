"""A score over seeds with its confidence interval."""

import math
from dataclasses import dataclass

from scipy.special import stdtrit

from depthg.report.tables.results import Value
from depthg.report.tables.table import CONFIDENCE


@dataclass(frozen=True)
class Interval:
    """Mean of a score in percent, the bounds of its 95 % interval (the mean itself for one seed), and its values."""

    mean: float
    low: float
    high: float
    values: tuple[float, ...]

    @property
    def text(self) -> str:
        """The mean, and the interval where there is one."""
        if self.low == self.high:
            return f"{self.mean:.1f}"
        return f"{self.mean:.1f} [{self.low:.1f}, {self.high:.1f}]"


def interval(value: Value | None) -> Interval | None:
    """The interval of the mean over seeds (Student's t); None of no score."""
    if value is None:
        return None
    count = len(value.values)
    half = stdtrit(count - 1, (1 + CONFIDENCE) / 2) * value.std / math.sqrt(count) if count > 1 else 0.0
    return Interval(value.mean, value.mean - float(half), value.mean + float(half), value.values)
