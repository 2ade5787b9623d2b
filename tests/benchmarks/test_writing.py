"""Writing at tiny sizes: all ways leave the same tokens; no time is asserted."""

import numpy as np
import pytest
import zarr

from benchmarks import writing
from benchmarks.measure import Row

SHAPE = (2, 3, 4)


@pytest.fixture(autouse=True)
def small(monkeypatch):
    for name, value in {"SHAPE": SHAPE, "CROPS": 12, "BATCH": 4, "ROUNDS": 1}.items():
        monkeypatch.setattr(writing, name, value)


def test_rows_against_both_other_ways(tmp_path):
    rows = [one for one in writing.measured(tmp_path) if isinstance(one, Row)]
    on_disk = [row for row in rows if "on disk" in row.size]
    assert [row.against for row in on_disk] == [writing.PLAIN, writing.ZARR]
    assert sum(row.target is not None for row in on_disk) == 1
    assert on_disk[0].items == pytest.approx(12 * 24 * 2 / 1e6)


def test_all_ways_write_the_same_tokens(tmp_path):
    batch = np.random.default_rng(0).standard_normal((4, *SHAPE)).astype(np.float16)
    expected = np.concatenate([batch] * 3)
    for begin in (writing._ours, writing._zarr, writing._plain):
        folder = tmp_path / str(begin)
        folder.mkdir()
        begin(folder, batch)()
        if begin is writing._plain:
            found = np.concatenate(
                [np.fromfile(folder / "written" / str(start), np.float16) for start in (0, 4, 8)]
            )
        else:
            stored = folder / "written.zarr"
            found = zarr.open_array(stored / "tokens" if (stored / "tokens").exists() else stored, mode="r")[
                :
            ]
        np.testing.assert_array_equal(found.reshape(expected.shape), expected)


def test_a_large_store_has_few_files(monkeypatch):
    """A shard of tokens has 256 rows of 0.6 MB, and ⌈488,510 / 256⌉ = 1,909."""
    monkeypatch.setattr(writing, "SHAPE", (28, 28, 384))
    counts = writing.counts()
    assert [count.number for count in counts] == [1909, 1909] and all(count.met for count in counts)
