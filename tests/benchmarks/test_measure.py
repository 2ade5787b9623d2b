"""Medians, ratios, targets and exponents; no time is asserted."""

import json

import pytest

from benchmarks.measure import Cost, Growth, Row, Target, alternate
from benchmarks.report import write


def test_works_run_in_turn():
    ran = []
    costs = alternate({name: lambda name=name: ran.append(name) for name in "ab"}, rounds=3)
    assert "".join(ran) == "ab" + "ababab" + "ab"  # warm-up, rounds, memory
    assert all(len(cost.times) == 3 for cost in costs.values())


def test_a_work_may_tell_what_counts():
    assert alternate({"a": lambda: 7.0}, rounds=2)["a"].times == (7.0, 7.0)


def test_ratio_is_that_of_neighbouring_rounds():
    """A machine that slows down by half during a run changes every time, and no ratio."""
    row = Row("stage", "", Cost((1.0, 2.0, 4.0)), Cost((3.0, 6.0, 12.0)), items=8)
    assert row.ratio == 3 and row.ours.seconds == 2 and row.throughput == 4


@pytest.mark.parametrize(
    ("target", "met"),
    [
        (Target("seconds", 2.0), True),
        (Target("seconds", 1.9), False),
        (Target("ratio", 3.0), True),
        (Target("throughput", 5), False),
    ],
)
def test_targets(target, met):
    assert Row("stage", "", Cost((2.0,)), Cost((6.0,)), items=8, target=target).met is met


def test_exponent_is_the_slope_of_the_logarithms():
    assert Growth("stage", "tokens", (1.0, 2.0, 4.0), (3.0, 12.0, 48.0)).exponent == pytest.approx(2)


def test_results_are_a_table_and_json(tmp_path):
    row = Row("stage", "small", Cost((0.5,), 10.0), target=Target("ratio", 2), note="a note")
    text = write(tmp_path / "results", [row], [Growth("stage", "N", (1.0, 2.0), (1.0, 2.0))])
    assert (tmp_path / "results.md").read_text() == text
    assert "| stage (1) | small | 500 ms |" in text and "1. a note" in text
    content = json.loads((tmp_path / "results.json").read_text())
    assert content["rows"][0]["seconds"] == 0.5 and content["rows"][0]["met"] is None
    assert content["growth"][0]["exponent"] == pytest.approx(1)
