"""A killed writer, a full disk, a second writer, a store of an earlier form: one line, and the same bytes after."""

import errno
import gc
import json
import os
import random
import re
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import zarr

from depthg.cli import COMMANDS, main
from depthg.store import begun, shards
from depthg.store.arrays import MARKER, Array
from depthg.store.completion import complete
from depthg.store.parts import Part
from depthg.store.reader import Store
from depthg.store.resume import finished_ranges
from depthg.store.verify import find_damage
from depthg.store.writer import Writer

# 32 rows a shard: long ones, short ones that share chunks with those of other batches, and compressed ones.
ARRAYS = {
    "tokens": Array((8, 1000), "float16", compress=False),
    "means": Array((100,), "float32", compress=False),
    "ids": Array((1000,), "int32"),
}
ROWS, BATCH = 600, 5
PWRITEV = os.pwritev
WRITE = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
from test_interrupted import *
print("ready", flush=True)
sys.stdin.readline()
write(Path(sys.argv[1]), sys.argv[2], made=lambda row: print(row, flush=True))
"""


def row_values(rows: range) -> dict[str, np.ndarray]:
    ids = np.arange(rows.start, rows.stop)
    random_rows = [np.random.default_rng(row).integers(0, 2000, 1000) for row in ids.tolist()]
    return {
        "tokens": np.stack([np.tile(row, (8, 1)) / 8 for row in random_rows]),
        "means": ids[:, None] + np.arange(100) / 100,
        "ids": np.stack(random_rows),
    }


def write(path: Path, part: str = "1/1", made=lambda row: None) -> None:
    """Write what is unfinished of a store or a part; calls `made` with the first row of every batch."""
    writer = Writer(path, ROWS, ARRAYS, {"settings": 1}, Part.parse(part), unit=BATCH)
    for rows in writer.pending(BATCH):
        made(rows.start)
        writer.write(rows, **row_values(rows))
    writer.finish()


def shards_of(path: Path) -> dict[str, bytes]:
    return {str(file.relative_to(path)): file.read_bytes() for file in path.rglob("c.*")}


@pytest.fixture(autouse=True)
def no_collection():
    """No garbage collection, which would end what an error keeps alive, such as a lock."""
    gc.disable()
    yield
    gc.enable()


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory) -> dict[str, bytes]:
    path = tmp_path_factory.mktemp("undisturbed") / "a.zarr"
    write(path)
    return shards_of(path)


def is_noted(path: Path, row: int) -> bool:
    return path.is_dir() and any(row in rows for rows in finished_ranges(path))


def begin(path: Path, part: str) -> subprocess.Popen:
    """A process that will write; it has done its imports."""
    command = [sys.executable, "-c", WRITE, path, part]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "ready\n"
    return process


def made_by(process: subprocess.Popen) -> list[int]:
    """The batches that an ended process began to make."""
    return [int(line) for line in process.communicate()[0].split() if line.isdecimal()]


@pytest.mark.parametrize("seed", range(3))
def test_a_writer_killed_at_any_moment_goes_on_to_the_same_bytes(tmp_path, undisturbed, seed):
    path, moments = tmp_path / "a.zarr", random.Random(seed)
    for _ in range(4):
        noted = [row for row in range(0, ROWS, BATCH) if is_noted(path, row)]
        with begin(path, "1/1") as process:
            process.stdin.write("go\n")
            process.stdin.flush()
            while process.stdout.readline().startswith(str(path)):  # how much room there is
                pass
            time.sleep(moments.uniform(0, 0.15))
            process.kill()
            assert not set(made_by(process)) & set(noted)
    noted, made = [row for row in range(0, ROWS, BATCH) if is_noted(path, row)], []
    write(path, made=made.append)
    assert sorted(noted + made) == list(range(0, ROWS, BATCH))
    assert shards_of(path) == undisturbed and not list(find_damage(Store(path)))


def test_parts_killed_together_go_on_to_the_same_bytes(tmp_path, undisturbed):
    path, parts = tmp_path / "a.zarr", ("1/2", "2/2")
    processes = [begin(path, part) for part in parts]
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in processes:
        while process.stdout.readline().startswith(str(path)):
            pass
    time.sleep(0.1)
    for process in processes:
        process.kill()
        process.communicate()
    noted, made = [row for row in range(0, ROWS, BATCH) if is_noted(path, row)], []
    for part in parts:
        write(path, part, made.append)
    complete(path, 2)
    assert sorted(noted + made) == list(range(0, ROWS, BATCH))
    assert shards_of(path) == undisturbed


@pytest.mark.parametrize("lost", ["cut", "zeros", "gone"])
def test_what_a_machine_that_went_down_has_lost_is_written_again(tmp_path, undisturbed, capsys, lost):
    """The notes of progress reached the disk, the rows did not: the shard in the making is begun again."""
    path = tmp_path / "a.zarr"
    writer = Writer(path, ROWS, ARRAYS, {"settings": 1}, unit=BATCH)
    for rows in range(0, 50, BATCH):
        writer.write(range(rows, rows + BATCH), **row_values(range(rows, rows + BATCH)))
    writer._lock.release()
    file = path / "tokens/c.1.0.0"  # rows 32–49
    content = file.read_bytes()
    if lost == "gone":
        file.unlink()
    else:
        file.write_bytes(content[:-20_000] + (b"" if lost == "cut" else bytes(20_000)))
    made = []
    write(path, made=made.append)
    assert made[0] == 32 and shards_of(path) == undisturbed
    assert "rows 32–49 are made again" in capsys.readouterr().out


class Disk:
    """A disk with room for so many bytes: a write that reaches its end is cut short, the next one fails."""

    def __init__(self, monkeypatch, room: int):
        self.room = room
        for name in ("pwrite", "pwritev"):
            monkeypatch.setattr(shards.os, name, self._limited(getattr(os, name)))

    def _limited(self, call):
        def write(file, content, *place):
            content = b"".join(content) if isinstance(content, list) else bytes(content)
            if not self.room:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            taken = content[: self.room]
            self.room -= len(taken)
            return call(file, [taken] if call is PWRITEV else taken, *place)

        return write


def run(path: Path, monkeypatch, capsys, **options) -> str:
    """Write as a command of depthg would; returns its error message."""

    def command(out: Path) -> None:
        write(out, **options)

    monkeypatch.setitem(COMMANDS, "scores", command)
    failed = main(["scores", "--out", str(path)])
    message = capsys.readouterr().err
    assert bool(failed) == bool(message)
    return message


def gives_up(path: Path) -> bool:
    """Whether a writer that has failed releases its lock; a thread of it may still hold its error for a moment."""
    until = time.monotonic() + 20
    while path.with_name("a.zarr.lock").exists() and time.monotonic() < until:
        time.sleep(0.01)
    return not path.with_name("a.zarr.lock").exists()


@pytest.mark.parametrize("room", [0, 1, 10_000, 16_500, 82_000, 600_001, 1_300_000])
def test_after_a_full_disk_the_same_bytes(tmp_path, undisturbed, monkeypatch, capsys, room):
    path = tmp_path / "a.zarr"
    disk = Disk(monkeypatch, room)
    message = run(path, monkeypatch, capsys)
    pattern = (
        rf"error: {re.escape(str(path))}/\w+/c\.\d+[.0]*: the disk is full: make room and run the same .*\n"
    )
    assert re.fullmatch(pattern, message) and gives_up(path)
    noted, made = [row for row in range(0, ROWS, BATCH) if is_noted(path, row)], []
    disk.room = 10**9
    assert not run(path, monkeypatch, capsys, made=made.append)
    assert sorted(noted + made) == list(range(0, ROWS, BATCH))
    assert shards_of(path) == undisturbed and not list(find_damage(Store(path)))


@pytest.fixture
def small_disk(tmp_path):
    """A real file system of three megabytes."""
    folder = tmp_path / "small"
    folder.mkdir()
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=3m", "none", folder], capture_output=True
    ).returncode:
        pytest.skip("needs the right to mount")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


def test_on_a_file_system_that_is_full(small_disk, undisturbed, monkeypatch, capsys):
    monkeypatch.setattr(begun, "check_room", lambda *_: None)  # another program takes the room
    path = small_disk / "a.zarr"
    assert re.search(r"a\.zarr/\S+: the disk is full: make room", run(path, monkeypatch, capsys))
    assert not (path / MARKER).exists() and gives_up(path)
    subprocess.run(["mount", "-o", "remount,size=32m", small_disk], check=True)
    noted, made = [row for row in range(0, ROWS, BATCH) if is_noted(path, row)], []
    assert not run(path, monkeypatch, capsys, made=made.append)
    assert noted and sorted(noted + made) == list(range(0, ROWS, BATCH))
    assert shards_of(path) == undisturbed


def test_notes_of_progress_that_find_no_room_name_their_file(tmp_path, monkeypatch, capsys):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_text", full)
    assert "a.zarr/progress.json: the disk is full" in run(tmp_path / "a.zarr", monkeypatch, capsys)


@pytest.mark.parametrize(("part", "lock"), [("1/1", "a.zarr.lock"), ("2/3", "a.zarr.2of3.lock")])
def test_a_second_writer_is_told_in_one_line(tmp_path, monkeypatch, capsys, part, lock):
    path = tmp_path / "a.zarr"
    first = Writer(path, ROWS, ARRAYS, {"settings": 1}, Part.parse(part), unit=BATCH)
    named = f"{path}" if part == "1/1" else f"{path} (part {part})"
    message = run(path, monkeypatch, capsys, part=part)
    assert message.startswith(f"error: {named} is being written by process {os.getpid()} on ")
    assert message.endswith(f"remove {tmp_path / lock})\n") and message.count("\n") == 1
    assert not first.done


@pytest.fixture
def earlier(tmp_path) -> Path:
    """A complete store as earlier versions wrote it: one file a chunk."""
    path = tmp_path / "train/earlier.zarr"
    group = zarr.open_group(path, mode="w", zarr_format=3)
    for name, shape, dtype in (
        ("images", (16, 16, 3), "uint8"),
        ("pooled", (8,), "float32"),
        ("image", (), "int32"),
    ):
        group.create_array(name, shape=(4, *shape), chunks=(1, *shape), dtype=dtype)[:] = 1
    (path / "fingerprint.json").write_text(json.dumps({"fingerprint": "0", "made_from": {"crops": "0"}}))
    (path / MARKER).write_text(json.dumps({"fingerprint": "0", "rows": 4}))
    return path


@pytest.mark.parametrize("command", ["neighbors --features", "verify"])
def test_a_store_of_an_earlier_form_names_the_command_that_makes_it(earlier, tmp_path, capsys, command):
    more = ["--crops", str(earlier), "--settings", "{}", "--out", str(tmp_path / "out.zarr")]
    more = [] if command == "verify" else more
    assert main([*command.split(), str(earlier), *more]) == 1
    message = capsys.readouterr().err
    assert message.startswith(f"error: {earlier} has one file a chunk") and message.count("\n") == 1
    assert message.endswith(f"`snakemake --cores 2 {earlier / MARKER}`\n")
