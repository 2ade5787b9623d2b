"""Medians, ratios, targets and exponents; no time is asserted."""

import json

import pytest
import torch

from benchmarks.machine import machine, machine_name, short_name
from benchmarks.measure import Cost, Count, Growth, Row, Target, alternate
from benchmarks.report import described


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


def test_a_count_is_met_up_to_its_bound():
    assert Count("store", "", "files", 5, most=5).met and not Count("store", "", "files", 6, most=5).met
    assert Count("store", "", "files", 5).met is None


def test_results_are_tables_and_json(tmp_path):
    row = Row("stage", "small", Cost((0.5,), 10.0), target=Target("ratio", 2), note="a note")
    count = Count("store", "large", "files", 1909, most=5000)
    text = described(tmp_path / "made/cpu", [row, count, Growth("stage", "N", (1.0, 2.0), (1.0, 2.0))])
    assert (tmp_path / "made/cpu.md").read_text() == text
    assert "| stage (1) | small | 500 ms |" in text and "1. a note" in text
    assert "| store | large | files | 1,909 | 5,000 | yes |" in text
    content = json.loads((tmp_path / "made/cpu.json").read_text())
    assert content["rows"][0]["seconds"] == 0.5 and content["rows"][0]["met"] is None
    assert content["counts"][0]["number"] == 1909
    assert content["growth"][0]["exponent"] == pytest.approx(1)


@pytest.mark.parametrize(
    ("card", "name"),
    [
        ("NVIDIA H100 80GB HBM3", "h100"),
        ("NVIDIA A100-SXM4-40GB", "a100"),
        ("NVIDIA L40S", "l40s"),
        ("NVIDIA GeForce RTX 4090", "rtx4090"),
    ],
)
def test_results_are_filed_under_the_card(card, name):
    assert short_name(card) == name


def test_without_a_card_they_are_filed_under_cpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert machine_name() == "cpu" and "card" not in machine()
