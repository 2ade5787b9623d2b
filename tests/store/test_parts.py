"""A store written in parts: the same bytes in however many, each part resumed by itself, none forgotten."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from depthg.errors import DepthGError
from depthg.store.arrays import Array
from depthg.store.completion import complete
from depthg.store.parts import WHOLE, Part
from depthg.store.reader import Store
from depthg.store.resume import unfinished_ranges
from depthg.store.writer import Writer

# 8 rows a shard; with batches of 3, parts begin at multiples of 24.
ARRAYS = {"maps": Array((1800,), "float32", compress=False), "ids": Array((1000,), "int32")}
ROWS = 200
PROVENANCE = {"settings": 1}
WRITE = """
import sys, time
from pathlib import Path
import numpy as np
from depthg.store.parts import Part
from depthg.store.arrays import Array
from depthg.store.writer import Writer
arrays = {"maps": Array((1800,), "float32", compress=False), "ids": Array((1000,), "int32")}
writer = Writer(Path(sys.argv[1]), 200, arrays, {"settings": 1}, Part.parse(sys.argv[2]), unit=3)
print("begun", flush=True)
for rows in writer.pending(3):
    ids = np.repeat(np.arange(rows.start, rows.stop)[:, None], 1000, 1)
    writer.write(rows, maps=np.repeat(ids[:, :1] + 0.5, 1800, 1), ids=ids)
    print(rows.stop, flush=True)
    time.sleep(float(sys.argv[3]))
writer.finish()
"""


def open_part(path: Path, part: str = "1/1", **options) -> Writer:
    return Writer(path, ROWS, ARRAYS, PROVENANCE, Part.parse(part), **{"unit": 3} | options)


def write(path: Path, part: str = "1/1", batches: int | None = None) -> None:
    """Write a part; after so many batches its process is as good as killed."""
    writer = open_part(path, part)
    for count, rows in enumerate(writer.pending(3)):
        if count == batches:
            return
        ids = np.repeat(np.arange(rows.start, rows.stop)[:, None], 1000, 1)
        writer.write(rows, maps=np.repeat(ids[:, :1] + 0.5, 1800, 1), ids=ids)
    writer.finish()


def in_another_process(path: Path, part: str, pause: float = 0.0) -> subprocess.Popen:
    command = [sys.executable, "-c", WRITE, path, part, str(pause)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def content(store: Path) -> dict[str, bytes]:
    """Every file of a store but those that say which parts are written."""
    files = {str(path.relative_to(store)): path for path in store.rglob("*") if path.is_file()}
    return {name: path.read_bytes() for name, path in files.items() if not name.startswith("parts/")}


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> dict[str, bytes]:
    path = tmp_path_factory.mktemp("whole") / "a.zarr"
    write(path)
    return content(path)


def test_jobs_that_compute_other_numbers_of_rows_together_divide_a_store_alike(tmp_path):
    """As jobs on cards of different memory do: the first one says where parts begin."""
    one, other = (open_part(tmp_path / "a.zarr", part, unit=unit) for part, unit in (("1/2", 3), ("2/2", 16)))
    assert one.own == range(0, 96) and other.own == range(96, 200) and other.unit == 3


@given(rows=st.integers(0, 5000), unit=st.integers(1, 300), of=st.integers(1, 40))
def test_parts_cover_all_rows_once_and_begin_at_units(rows, unit, of):
    parts = [Part(number, of).rows(rows, unit) for number in range(1, of + 1)]
    assert [row for part in parts for row in part] == list(range(rows))
    assert all(part.start % unit == 0 for part in parts if part)
    blocks = [-(-len(part) // unit) for part in parts]
    assert max(blocks) - min(blocks) <= 1


@settings(max_examples=6)
@given(data=st.data(), of=st.integers(2, 9))
def test_any_division_in_any_order_gives_the_same_bytes(tmp_path_factory, whole, data, of):
    path = tmp_path_factory.mktemp("parts") / "a.zarr"
    for number in data.draw(st.permutations(range(1, of + 1))):
        write(path, f"{number}/{of}")
    complete(path, of)
    assert content(path) == whole
    np.testing.assert_array_equal(Store(path).read("ids")[:, 0], np.arange(ROWS))


def test_parts_begin_where_a_shard_and_a_batch_begin(tmp_path):
    starts = [open_part(tmp_path / "a.zarr", f"{number}/3").own.start for number in (1, 2, 3)]
    assert starts == [0, 72, 144]


def test_more_parts_than_blocks_are_empty_and_succeed(tmp_path, whole):
    for number in range(1, 9):
        write(tmp_path / "a.zarr", f"{number}/8")
    complete(tmp_path / "a.zarr", 8)
    assert content(tmp_path / "a.zarr") == whole


def test_a_killed_part_goes_on_and_the_others_are_left_alone(tmp_path, whole):
    write(tmp_path / "a.zarr", "1/3")
    write(tmp_path / "a.zarr", "2/3", batches=2)
    assert list(open_part(tmp_path / "a.zarr", "1/3").pending(3)) == []
    assert next(open_part(tmp_path / "a.zarr", "2/3").pending(3)) == range(78, 81)
    write(tmp_path / "a.zarr", "2/3")
    write(tmp_path / "a.zarr", "3/3")
    complete(tmp_path / "a.zarr", 3)
    assert content(tmp_path / "a.zarr") == whole


def test_another_division_keeps_what_is_written(tmp_path, whole):
    write(tmp_path / "a.zarr", "1/3", batches=4)
    write(tmp_path / "a.zarr", "2/3")
    assert list(unfinished_ranges(tmp_path / "a.zarr", range(ROWS))) == [range(12, 72), range(144, ROWS)]
    writer = open_part(tmp_path / "a.zarr")
    assert writer.done == 12 + 72 and [rows.start for rows in writer.pending(3)][:2] == [12, 15]
    del writer
    write(tmp_path / "a.zarr")
    assert content(tmp_path / "a.zarr") == whole
    assert not list((tmp_path / "a.zarr/parts").iterdir())


def test_a_complete_store_opened_in_parts_computes_nothing(tmp_path, whole):
    write(tmp_path / "a.zarr")
    for number in (1, 2):
        assert not list(open_part(tmp_path / "a.zarr", f"{number}/2").pending(3))
        write(tmp_path / "a.zarr", f"{number}/2")
    complete(tmp_path / "a.zarr", 2)
    assert content(tmp_path / "a.zarr") == whole


def test_a_store_without_a_part_is_not_completed(tmp_path):
    path = tmp_path / "a.zarr"
    with pytest.raises(DepthGError, match=r"a\.zarr: part 1/3 is not finished"):
        complete(path, 3)
    write(path, "1/3")
    write(path, "3/3")
    write(path, "2/3", batches=2)
    with pytest.raises(
        DepthGError, match=r"a\.zarr: part 2/3 is not finished.*snakemake .*/parts/2of3\.json"
    ):
        complete(path, 3)
    with pytest.raises(DepthGError, match="is not complete"):
        Store(path)


def test_other_settings_begin_all_parts_anew(tmp_path):
    write(tmp_path / "a.zarr", "1/2")
    Writer(tmp_path / "a.zarr", ROWS, ARRAYS, {"settings": 2}, Part(2, 2), unit=3)
    with pytest.raises(DepthGError, match="part 1/2 is not finished"):
        complete(tmp_path / "a.zarr", 2)


def test_parts_that_start_together_in_several_processes(tmp_path, whole):
    running = [in_another_process(tmp_path / "a.zarr", f"{number}/3") for number in (1, 2, 3)]
    told = [process.communicate()[1] for process in running]
    assert [process.returncode for process in running] == [0, 0, 0], told
    complete(tmp_path / "a.zarr", 3)
    assert content(tmp_path / "a.zarr") == whole


def test_a_part_has_one_writer_and_a_store_one_division(tmp_path):
    path = tmp_path / "a.zarr"
    with in_another_process(path, "2/3", pause=60) as other:
        assert other.stdout.readline().startswith(str(path)) and other.stdout.readline() == "begun\n"
        held = rf"is being written by process {other.pid} on \S+: .*2of3\.lock\)"
        for part in ("2/3", "1/1", "1/4"):
            with pytest.raises(DepthGError, match=held):
                open_part(path, part)
        with pytest.raises(DepthGError, match=held):
            complete(path, 3)
        assert open_part(path, "1/3").own == range(72)
        os.kill(other.pid, signal.SIGKILL)
    assert open_part(path, "2/3").own == range(72, 144)
    assert open_part(path, "1/4").own == range(48)  # what a dead process left is in nobody's way


def test_a_store_that_is_being_written_is_not_replaced(tmp_path, whole):
    path = tmp_path / "a.zarr"
    with in_another_process(path, "2/3", pause=0.02) as other:
        assert other.stdout.readline().startswith(str(path)) and other.stdout.readline() == "begun\n"
        with pytest.raises(
            DepthGError, match=rf"is being written by process {other.pid} on \S+: .*2of3\.lock\)"
        ):
            Writer(path, ROWS, ARRAYS, {"settings": 2}, Part(1, 3), unit=3)
        told = other.communicate()[1]
        assert other.returncode == 0, told
    for part in ("1/3", "3/3"):
        write(path, part)
    complete(path, 3)
    assert content(path) == whole


def test_notation_and_what_covers_the_whole_store():
    parts = {text: Part.parse(text) for text in ("1/1", "1/2", "2/2", "10/10", "all/3")}
    assert [str(part) for part in parts.values()] == list(parts) and parts["1/1"] == WHOLE
    assert [text for text, part in parts.items() if part.is_alone] == ["1/1", "all/3"]


def test_a_claimed_part_is_named(tmp_path):
    for part, name in (("2/3", "a.zarr (part 2/3)"), ("1/1", "a.zarr")):
        message = f"^{re.escape(str(tmp_path / name))} is being written by process"
        with Part.parse(part).claim(tmp_path / "a.zarr"), pytest.raises(DepthGError, match=message):
            Part.parse(part).claim(tmp_path / "a.zarr")


@pytest.mark.parametrize("text", ["5/4", "0/4", "4", "a/b", "1/0", "all/0", "-1/4", "1/4/2", ""])
def test_a_part_that_is_none_is_refused(text):
    with pytest.raises(DepthGError, match=r"no such part: write 1/4 … 4/4"):
        Part.parse(text)


def test_a_part_reads_as_it_is_written():
    assert (str(Part.parse("2/3")), str(Part.parse("all/3"))) == ("2/3", "all/3")
