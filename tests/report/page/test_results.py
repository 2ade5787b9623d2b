"""Scores of the report: beside the floor and the paper, and the confusion of classes."""

from types import SimpleNamespace

import numpy as np
import pytest

from depthg.config import load_config
from depthg.report.figures.palette import Palette
from depthg.report.page.results import confusion_shares, score_rows
from depthg.report.tables.contents import published


def folder(name: str, miou: list[float], seeds: int | None = None):
    """Stands for the folder of an experiment with some mIoU."""

    def score(values):
        return {"mean": sum(values) / len(values), "std": float(np.std(values, ddof=1)), "values": values}

    block = {"accuracy": score(miou), "miou": score(miou)} if miou else None
    blocks = {"unsupervised": block, "unsupervised_crf": None, "linear": None, "linear_crf": None}
    return SimpleNamespace(name=name, metrics={"seeds": list(range(seeds or len(miou))), **blocks})


def test_rows_have_intervals_and_paired_differences_to_the_floor():
    floor, own = score_rows(
        [folder("kmeans", [40.0, 42.0]), folder("own", [43.0, 46.0])], {"own": {"miou": 20.0}}
    )
    assert floor.over_floor == "–" and floor.cells["miou"] == "41.0 [28.3, 53.7]"  # 12.706 · 1.4142 / √2
    assert own.over_floor == "+3.5 [−2.9, +9.9]" and own.paper == "20.0" and own.cells["lin_acc"] == "–"


def test_seeds_that_do_not_pair_have_a_difference_without_interval():
    _, own = score_rows([folder("kmeans", [40.0, 42.0]), folder("own", [39.0, 39.0, 39.0])], {})
    assert own.over_floor == "−2.0"
    others = folder("own", [43.0, 46.0])
    others.metrics["seeds"] = [3, 4]  # as many, but not the floor's
    _, own = score_rows([folder("kmeans", [40.0, 42.0]), others], {})
    assert own.over_floor == "+3.5"


def test_without_labels_cells_are_blank():
    (row,) = score_rows([folder("auto", [], seeds=1)], {})
    assert set(row.cells.values()) == {"–"} and row.over_floor == "–"


def test_the_highest_miou_is_shown_first_and_without_scores_what_was_trained():
    scored = score_rows([folder("kmeans", [50.0, 52.0]), folder("own", [40.0, 42.0])], {})
    assert max(scored, key=lambda row: row.rank).name == "kmeans"
    plain = score_rows([folder("kmeans", [], seeds=1), folder("auto", [], seeds=1)], {})
    assert max(plain, key=lambda row: row.rank).name == "auto"


def shown(counts, matching):
    palette = Palette(("sky", "road", "car"), ((0, 0, 0),) * 3, "void")
    return SimpleNamespace(
        content={"confusion": np.array(counts), "matching": np.array(matching)}, palette=palette
    )


def test_confusion_is_in_shares_of_the_true_class():
    shares, rows, columns = confusion_shares(shown([[6, 0, 0], [2, 5, 0], [2, 5, 0]], [0, 1, -1]))
    assert rows == ["sky", "road"] and columns == ["sky", "road", "car", "no class"]  # no car in these images
    np.testing.assert_allclose(shares, [[0.6, 0.2, 0, 0.2], [0, 0.5, 0, 0.5]])


def test_clusters_of_one_class_add_up_and_without_others_there_is_no_column():
    shares, _, columns = confusion_shares(shown([[1, 0, 0], [1, 2, 0], [0, 2, 3]], [0, 0, 1]))
    assert columns == ["sky", "road", "car"]
    np.testing.assert_allclose(shares, [[1, 0, 0], [0.5, 0.5, 0], [0, 1, 0]])


@pytest.mark.parametrize("counts", [np.zeros((2, 0)), np.zeros((2, 3))])
def test_without_labels_there_is_no_confusion(counts):
    assert confusion_shares(shown(counts.astype(int), [-1, -1])) is None


def test_the_papers_scores_are_those_of_its_own_data_set():
    found = published(load_config({}), "demo")
    assert found == {}
