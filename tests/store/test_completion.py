"""A store is complete when each of its parts says that it is finished, and all rows are."""

import json

import pytest

from depthg.errors import DepthGError
from depthg.store.arrays import MARKER, Array
from depthg.store.begun import begin
from depthg.store.completion import complete, forget, mark_complete, mark_part
from depthg.store.lock import Lock
from depthg.store.parts import WHOLE, Part
from depthg.store.resume import finished_ranges, mark_finished

ROWS = 10


@pytest.fixture
def store(tmp_path):
    """A store of ten rows in two parts, both finished; and its fingerprint."""
    path = tmp_path / "a.zarr"
    digest = begin(path, ROWS, {"ids": Array((), "int32")}, {"settings": 1})
    for number, rows in ((1, range(0, 5)), (2, range(5, ROWS))):
        mark_finished(path, rows)
        mark_part(path, Part(number, 2), digest, ROWS)
    return path, digest


def notes(path):
    return sorted(note.name for note in (path / "parts").iterdir())


def test_a_part_says_of_which_store_it_is(store):
    path, digest = store
    assert json.loads((path / "parts/2of2.json").read_text()) == {"fingerprint": digest, "rows": ROWS}


def test_of_its_parts_a_store_is_made_complete(store):
    path, digest = store
    complete(path, 2)
    assert json.loads((path / MARKER).read_text()) == {"fingerprint": digest, "rows": ROWS}
    assert finished_ranges(path) == [range(ROWS)]
    assert notes(path) == ["1of2.json", "2of2.json"]  # outputs of rules
    assert not path.with_name("a.zarr.lock").exists()


def told(path, of=2) -> str:
    with pytest.raises(DepthGError) as error:
        complete(path, of)
    assert not (path / MARKER).exists()
    return str(error.value)


@pytest.mark.parametrize("number", [1, 2])
@pytest.mark.parametrize("lost", [True, False])
def test_a_part_that_is_not_finished_is_named(store, number, lost):
    path, _ = store
    note = path / f"parts/{number}of2.json"
    note.unlink() if lost else note.write_text("{")
    assert told(path).startswith(f"{path}: part {number}/2 is not finished")
    assert told(path).endswith(f"`snakemake --cores 2 {note}`")


def test_a_part_of_other_settings_is_not_finished(store):
    path, _ = store
    mark_part(path, Part(2, 2), "0123", ROWS)
    assert "part 2/2 is not finished" in told(path)


def test_of_no_store_the_first_part_is_missing(tmp_path):
    assert "part 1/3 is not finished" in told(tmp_path / "a.zarr", 3)


def test_rows_that_no_part_wrote_are_named(store):
    path, _ = store
    mark_finished(path, range(5, 7))
    assert f"rows 7–9 are in none of its 2 parts: remove {path / 'parts'} and run the same" in told(path)


def test_a_store_of_which_a_part_is_being_written_is_not_completed(store):
    path, _ = store
    held = Part(1, 3).claim(path)
    assert "is being written" in told(path)
    held.release()
    held = Lock(path.with_name("a.zarr.lock"), path)
    assert "is being written" in told(path)
    held.release()


def test_a_writer_takes_away_what_no_longer_holds(store):
    path, digest = store
    mark_complete(path, digest, ROWS)
    mark_part(path, Part(3, 3), digest, ROWS)
    forget(path, Part(1, 2))
    assert not (path / MARKER).exists() and notes(path) == ["1of2.json", "2of2.json"]
    forget(path, Part(1, 2))  # there is no marker now
    mark_part(path, Part(1, 12), digest, ROWS)
    forget(path, Part(3, 12))
    assert notes(path) == ["1of12.json"]
    mark_part(path, Part(1, 1), digest, ROWS)
    forget(path, WHOLE)
    assert notes(path) == []
