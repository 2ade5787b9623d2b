"""The numbers of a table, worked out by hand, and the marks where there are none."""

import math
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import ttest_rel

from depthg.report.tables.contents import plan_table
from depthg.report.tables.table import Difference, fill_table, paired_difference


def cells(config, *of):
    return {entry.row.system: entry for entry in fill_table(plan_table(config, *of))}


def test_mean_spread_and_difference_to_the_paper(config, finish):
    finish("coco", "stego", acc=[50.0, 52.0], miou=[24.0, 26.0])
    stego = cells(config, "table1")["STEGO"]
    assert stego.result.seeds == (0, 1) and stego.result.state == ""
    acc, miou = stego.cells["acc"], stego.cells["miou"]
    assert (acc.ours.mean, acc.ours.std) == (51, pytest.approx(2**0.5))
    assert (acc.paper, acc.difference.mean) == (48.3, pytest.approx(2.7))
    assert miou.difference.mean == pytest.approx(0.5)


def test_no_difference_where_the_paper_has_no_figure(config, finish):
    finish("coco", "ours", acc=[57.0], miou=[25.0])
    ours = cells(config, "table1")["Ours"].cells
    assert ours["miou"].paper is None and ours["miou"].difference is None
    assert ours["acc"].difference.mean == pytest.approx(0.7)


def test_elsewhere_the_difference_is_to_the_reference(config, finish):
    finish("demo", "stego", acc=[40.0], miou=[20.0])
    finish("demo", "ours", acc=[43.5], miou=[19.0])
    rows = cells(config, "table1", "demo")
    assert rows["STEGO"].cells["acc"].difference is None
    assert rows["own"].cells["acc"].difference.mean == pytest.approx(3.5)
    assert rows["own"].cells["miou"].difference.mean == pytest.approx(-1)


def test_without_the_reference_there_is_no_difference(config, finish):
    finish("demo", "ours", acc=[43.5], miou=[19.0])
    assert cells(config, "table1", "demo")["own"].cells["acc"].difference is None


def test_the_crf_is_used_where_there_is_one(config, finish):
    finish("coco", "stego", acc=[50.0], miou=[24.0])
    finish("coco", "ours", acc=[50.0], miou=[24.0], unsupervised_crf=None)
    rows = cells(config, "table1")
    assert rows["STEGO"].cells["acc"].ours.refined and rows["STEGO"].cells["acc"].ours.mean == 50
    assert not rows["Ours"].cells["acc"].ours.refined and rows["Ours"].cells["acc"].ours.mean == 1


def states(config, *of):
    return {system: entry.result.state for system, entry in cells(config, *of).items()}


def test_what_has_no_scores_says_why(config, finish):
    finish("coco", "stego", acc=[50.0], miou=[24.0])
    found = states(config, "table1")
    assert found["IIC"] == found["STEGO"] == ""
    assert found["Ours"] == "not run" and found["MiDaS"] == "not available here"


@pytest.mark.parametrize(
    ("log", "text", "state"),
    [
        ("ours/seed1/train.log", "step 3\nerror: the disk is full\n", "failed"),
        ("train/depth/zoe.log", "error: no network\n", "failed"),  # a job that the run depends on
        ("train/depth/zoe.2of3.log", "error: no network\n", "failed"),  # a part of it
        ("ours/seed0/train.log", "error: interrupted: the same command goes on\n", "not run"),
        ("ours/seed0/train.log", "error: Snakemake 7 has ended, and this process with it\n", "not run"),
        ("train/depth/exact.log", "error: no network\n", "not run"),  # of another depth source
        ("ours/seed7/train.log", "error: old\n", "not run"),  # no seed of it
        ("ours/seed0/train.log", "warning: an error: of no weight\n", "not run"),
    ],
)
def test_a_log_that_tells_an_error_marks_a_failed_run(config, finish, log, text, state):
    path = Path("logs/coco") / log
    path.parent.mkdir(parents=True)
    path.write_text(text)
    assert states(config, "table1")["Ours"] == state


def test_scores_outlive_the_log_of_an_earlier_failure(config, finish):
    path = Path("logs/coco/stego/seed0/train.log")
    path.parent.mkdir(parents=True)
    path.write_text("error: once\n")
    finish("coco", "stego", acc=[50.0], miou=[24.0])
    assert states(config, "table1")["STEGO"] == ""


def test_unlabelled_sets_have_no_scores(config, finish):
    finish(
        "coco",
        "stego",
        [1.0],
        [1.0],
        **dict.fromkeys(("unsupervised", "unsupervised_crf", "linear", "linear_crf")),
    )
    assert states(config, "table1")["STEGO"] == "no scores"


def test_results_of_other_settings_are_told(config, finish):
    finish("coco", "stego", acc=[50.0], miou=[24.0], configuration_hash="of long ago")
    assert cells(config, "table1")["STEGO"].result.outdated


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
