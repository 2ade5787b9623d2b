"""What a data set needs is asked for before anything runs."""

import pytest

from depthg.config import Dataset
from depthg.datasets.required import check_root
from depthg.errors import DepthGError


def test_all_that_is_missing_is_named_with_what_it_is(tmp_path):
    (tmp_path / "images").mkdir()
    needs = {"images": "photographs", "labels": "ids", "classes.txt": "names"}
    dataset = Dataset(root=str(tmp_path), needs=needs)
    with pytest.raises(DepthGError, match=r"coco: missing: .*labels \(ids\); .*classes\.txt \(names\): put"):
        check_root("coco", dataset)


def test_what_is_there_or_not_needed_passes(tmp_path):
    (tmp_path / "images").mkdir()
    check_root("a", Dataset(root=str(tmp_path), needs={"images": "photographs"}))
    check_root("b", Dataset(root=str(tmp_path / "none")))
