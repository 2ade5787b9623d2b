"""The number of clusters suggested without labels, where it is known: the planted classes are three tight groups."""

import json

import numpy as np
import pytest

from depthg.cli import main
from depthg.errors import DepthGError
from depthg.report.folder import ResultFolder
from depthg.report.stability import numbers_between
from depthg.store.reader import Store
from tests.evaluation.conftest import write_store


@pytest.fixture
def sweep(copied, tmp_path):
    """Try numbers of clusters on the planted training crops, two an image."""
    folder = ResultFolder(copied)
    features = folder.resource("train/features/vit.zarr")
    images = np.arange(12, dtype=np.int32)[:, None] // 2
    ids = np.tile(np.arange(3, dtype=np.int32), (12, 1))
    made = {"features": Store(features).fingerprint}
    write_store(tmp_path / "neighbors.zarr", {"ids": ids, "image": images[:, 0]}, **made)

    def sweep(low: int, high: int, threads: int = 2) -> tuple[int, dict]:
        out = tmp_path / f"{low}-{high}.png"
        stores = ["--features", str(features), "--neighbors", str(tmp_path / "neighbors.zarr")]
        numbers = ["--low", str(low), "--high", str(high), "--threads", str(threads), "--out", str(out)]
        status = main(
            ["clusters", "sweep", *stores, "--model", str(folder.seed / "model.safetensors"), *numbers]
        )
        return status, json.loads(out.with_suffix(".json").read_text()) if out.is_file() else {}

    return sweep


def test_the_number_of_planted_groups_is_suggested(sweep, capsys):
    status, found = sweep(2, 6)
    assert status == 0 and found["suggested"] == 3
    assert found["clusters"] == [2, 3, 4, 5, 6] and found["agreement"][1] == pytest.approx(1, abs=0.01)
    assert all(score <= found["score"][1] for score in found["score"])
    assert "3 clusters; peaks of agreement: " in capsys.readouterr().out


def test_the_result_does_not_depend_on_the_threads(sweep):
    assert sweep(3, 5, threads=1) == sweep(3, 5, threads=3)


@pytest.mark.parametrize("numbers", [(1, 5), (6, 5)])
def test_no_range_is_told_in_one_line(sweep, numbers, capsys):
    assert sweep(*numbers) == (1, {})
    assert "give a range from 2 upwards, as 2-20" in capsys.readouterr().err


def test_of_a_wide_range_some_are_tried():
    tried = numbers_between(20, 200)
    assert len(tried) == 24 and tried[0] == 20 and tried[-1] == 200
    assert set(np.diff(tried)) == {7, 8}
    assert numbers_between(7, 7) == [7]
    with pytest.raises(DepthGError):
        numbers_between(0, 3)
