"""Checking a store: every damaged row is named, and made again without the others."""

import numpy as np
import pytest

from depthg.cli import main
from depthg.errors import DepthGError
from depthg.store.arrays import MARKER, Array
from depthg.store.reader import Store
from depthg.store.verify import find_damage, reopen
from depthg.store.writer import Writer

ARRAYS = {"tokens": Array((8, 4000), "float16", compress=False), "ids": Array((), "int32", compress=False)}
ROWS = 70  # in shards of 4


def write(path):
    """Write what is unfinished; returns the rows that were."""
    writer, made = Writer(path, ROWS, ARRAYS, {"settings": 1}), []
    for rows in writer.pending(3):
        ids = np.arange(rows.start, rows.stop)
        writer.write(rows, tokens=np.broadcast_to(ids[:, None, None], (len(ids), 8, 4000)), ids=ids)
        made += list(rows)
    writer.finish()
    return made


@pytest.fixture
def store(tmp_path):
    write(tmp_path / "a.zarr")
    return tmp_path / "a.zarr"


def spoil(file, place):
    content = bytearray(file.read_bytes())
    content[place] ^= 255
    file.write_bytes(content)


def test_a_good_store_has_no_damage(store, capsys):
    assert list(find_damage(Store(store))) == []
    assert main(["verify", str(store)]) == 0
    assert "all 70 rows of ids, tokens agree" in capsys.readouterr().out


def test_damaged_rows_are_named_and_made_again(store, capsys):
    content = {file: file.read_bytes() for file in store.rglob("c.*")}
    spoil(store / "tokens/c.2.0.0", 68 + 100)  # its first row, 8
    spoil(store / "tokens/c.2.0.0", 68 + 2 * 64004 + 100)
    spoil(store / "ids/c.9", 30)
    (store / "tokens/c.17.0.0").unlink()  # the last shard, of two rows
    assert main(["verify", str(store)]) == 1
    out, err = capsys.readouterr()
    assert [line.split(": ", 1)[1] for line in out.splitlines()] == [
        "ids: rows 36–39: damaged",
        "tokens: row 8: damaged",
        "tokens: row 10: damaged",
        f"tokens: rows 68–69: {store}/tokens/c.17.0.0 is missing",
    ]
    assert f"`depthg verify --reopen {store}`, `snakemake --cores 2 {store}/complete.json` makes" in err
    assert main(["verify", "--reopen", str(store)]) == 0
    with pytest.raises(DepthGError, match="is not complete"):
        Store(store)
    assert write(store) == [8, 9, 10, 11, 36, 37, 38, 39, 68, 69]
    assert {file: file.read_bytes() for file in store.rglob("c.*")} == content


def test_rows_that_were_computed_together_are_made_again_together(tmp_path):
    path = tmp_path / "a.zarr"
    for rows in (writer := Writer(path, ROWS, ARRAYS, {}, unit=6)).pending(6):
        ids = np.arange(rows.start, rows.stop)
        writer.write(rows, tokens=np.broadcast_to(ids[:, None, None], (len(ids), 8, 4000)), ids=ids)
    writer.finish()
    spoil(path / "tokens/c.10.0.0", 68 + 100)  # row 40, in shards of 4
    reopen(Store(path), list(find_damage(Store(path))))
    assert list(Writer(path, ROWS, ARRAYS, {}, unit=6).pending(6)) == [range(36, 42), range(42, 48)]


def test_the_first_shard_can_be_made_again(store):
    spoil(store / "ids/c.0", 9)
    damages = list(find_damage(Store(store)))
    assert [damage.reason.split()[:2] for damage in damages] == [["the", "index"]]
    reopen(Store(store), damages)
    assert write(store) == [0, 1, 2, 3]


def test_damage_of_rows_that_share_chunks(tmp_path):
    """Eight rows of 8,000 bytes a chunk, four chunks a shard; neighbours of one reason are one damage."""
    path, values = tmp_path / "a.zarr", np.zeros((515, 2000), np.float32)
    writer = Writer(path, 515, {"means": Array((2000,), "float32", compress=False)}, {})
    writer.write(range(515), means=values)
    writer.finish()
    first, chunk = 4 * 16 + 4, 64_004
    for number in (1, 2):
        spoil(path / "means/c.1.0", first + number * chunk)
    spoil(path / "means/c.16.0", first)  # rows 512–514, and five beyond the last
    found = [str(damage) for damage in find_damage(Store(path))]
    assert found == ["means: rows 40–55: damaged", "means: rows 512–514: damaged"]


def test_a_store_that_is_made_again_is_that_of_no_parts(store):
    damages = list(find_damage(Store(store)))
    (store / "parts").mkdir()
    (store / "parts/1of1.json").write_text("{}")
    reopen(Store(store), damages)
    assert not (store / "parts").exists() and not (store / MARKER).exists()
    assert write(store) == []
    assert not store.with_name("a.zarr.lock").exists()
