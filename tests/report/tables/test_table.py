"""The numbers of a table, worked out by hand, and the marks where there are none."""

from pathlib import Path

import pytest

from depthg.report.tables.contents import plan
from depthg.report.tables.table import fill


def cells(config, *of):
    return {entry.row.system: entry for entry in fill(plan(config, *of))}


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
        ("train/depth/zoe.log", "error: no network\n", "failed"),  # what it is made from
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
