"""Shards byte by byte, as the format of Zarr says: an index, chunks in order, and the CRC-32C of each."""

import os
import struct

import numpy as np
import pytest

from depthg.store import shards
from depthg.store.arrays import Array, ShardLayout
from depthg.store.shards import DamageError, Shard, ShardWriter, checksum, write_all

VALUES = np.arange(40, dtype=np.int16).reshape(8, 5) * 700
LAYOUT = ShardLayout(Array((5,), "int16", compress=False), 8, 2)  # four chunks of 20 bytes
INDEX, CHUNK = 4 * 16 + 4, 20 + 4
MISSING = struct.pack("<QQ", 2**64 - 1, 2**64 - 1)


def crc(content: bytes) -> bytes:
    """CRC-32C bit by bit."""
    register = 0xFFFFFFFF
    for byte in content:
        register ^= byte
        for _ in range(8):
            register = register >> 1 ^ (0x82F63B78 if register & 1 else 0)
    return struct.pack("<I", register ^ 0xFFFFFFFF)


def summed(content: bytes) -> bytes:
    return content + crc(content)


def shard_of(*chunks: bytes) -> bytes:
    """A shard of four chunks, of which the first ones are written."""
    places = [struct.pack("<QQ", INDEX + n * CHUNK, CHUNK) for n in range(len(chunks))]
    return summed(b"".join([*places, *[MISSING] * (4 - len(chunks))])) + b"".join(map(summed, chunks))


def chunks_of(values: np.ndarray) -> list[bytes]:
    return [values[start : start + 2].tobytes() for start in range(0, len(values), 2)]


@pytest.fixture
def path(tmp_path):
    """A shard with all rows."""
    ShardWriter(tmp_path / "c.0.0", LAYOUT).write(0, VALUES, None)
    return tmp_path / "c.0.0"


def test_the_checksum_is_that_of_the_standard():
    assert checksum(b"123456789") == crc(b"123456789") == bytes.fromhex("839206e3")


def test_a_shard_in_the_making_is_a_shard_without_its_last_rows(tmp_path):
    """No pool: only compression is worth one."""
    path, half = tmp_path / "c.0.0", np.zeros((1, 5), np.int16)
    writer = ShardWriter(path, LAYOUT)
    writer.write(0, VALUES[:3], None)
    assert path.read_bytes() == shard_of(*chunks_of(np.concatenate([VALUES[:3], half])))
    writer.write(3, VALUES[3:4], None)
    assert path.read_bytes() == shard_of(*chunks_of(VALUES[:4]))
    writer.write(4, VALUES[4:7], None)
    assert path.read_bytes() == shard_of(*chunks_of(np.concatenate([VALUES[:7], half])))
    writer.write(7, VALUES[7:], None)
    assert path.read_bytes() == shard_of(*chunks_of(VALUES))


@pytest.mark.parametrize(("dtype", "fill"), [("float32", np.nan), ("int8", -128), ("uint16", 0)])
def test_rows_of_a_chunk_that_are_not_written_are_filled(tmp_path, dtype, fill):
    layout = ShardLayout(Array((2,), dtype, compress=False), 4, 4)
    ShardWriter(tmp_path / "c.0.0", layout).write(0, np.ones((3, 2), dtype), None)
    found = np.empty((4, 2), dtype)
    Shard(str(tmp_path / "c.0.0"), layout).read(0, found)
    np.testing.assert_equal(found, [[1, 1]] * 3 + [[fill, fill]])


@pytest.mark.parametrize("written", [1, 2, 3, 6, 8])
def test_a_writer_that_goes_on_keeps_the_rows_before(path, written):
    writer = ShardWriter(path, LAYOUT, written)
    kept = -(-written // 2)
    assert path.stat().st_size == INDEX + kept * CHUNK
    writer.write(written, VALUES[written:], None) if written < 8 else None
    assert path.read_bytes() == shard_of(*chunks_of(VALUES))


def test_a_writer_that_begins_forgets_what_was_there(path):
    ShardWriter(path, LAYOUT).write(0, VALUES[:2], None)
    assert path.read_bytes() == shard_of(*chunks_of(VALUES[:2]))


@pytest.mark.parametrize("left", [0, 10, INDEX, INDEX + CHUNK, INDEX + 2 * CHUNK - 1])
def test_rows_that_were_lost_are_noticed_when_a_writer_goes_on(path, left):
    path.write_bytes(path.read_bytes()[:left])
    with pytest.raises(DamageError, match="recorded as finished"):
        ShardWriter(path, LAYOUT, 3)


@pytest.mark.parametrize("word", [0, 1, 2, 3])
def test_places_and_sizes_that_no_writer_wrote_are_noticed_when_a_writer_goes_on(path, word):
    """A machine that went down may leave anything in a file: no size is taken for one, and no memory asked for it."""
    content = bytearray(path.read_bytes())
    content[8 * word : 8 * word + 8] = struct.pack("<Q", 2**62)
    path.write_bytes(content)
    with pytest.raises(DamageError, match="recorded as finished"):
        ShardWriter(path, LAYOUT, 3)


def test_rows_that_were_never_written_are_noticed_when_a_writer_goes_on(tmp_path):
    ShardWriter(tmp_path / "c.0.0", LAYOUT).write(0, VALUES[:4], None)
    ShardWriter(tmp_path / "c.0.0", LAYOUT, 4).close()
    with pytest.raises(DamageError, match=r"c\.0\.0 has not the 5 rows"):
        ShardWriter(tmp_path / "c.0.0", LAYOUT, 5)


@pytest.mark.parametrize("place", [INDEX, INDEX + CHUNK - 1, INDEX + CHUNK + 3])
def test_only_rows_that_are_kept_must_be_whole(path, place):
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)
    with pytest.raises(DamageError, match=r"c\.0\.0: rows .* are damaged"):
        ShardWriter(path, LAYOUT, 3)
    content[place] ^= 1
    content[INDEX + 2 * CHUNK] ^= 1
    path.write_bytes(content)
    ShardWriter(path, LAYOUT, 3).close()


def test_a_writer_closes_its_file(tmp_path):
    writer = ShardWriter(tmp_path / "c.0.0", LAYOUT)
    writer.close()
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(writer._file)


def test_a_shard_that_is_no_longer_used_closes_its_file(path):
    shard = Shard(str(path), LAYOUT)
    file = shard._file
    os.fstat(file)
    del shard
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(file)


def test_others_may_read_a_shard_as_the_user_wants_it(path):
    mask = os.umask(0)
    os.umask(mask)
    assert path.stat().st_mode & 0o777 == 0o666 & ~mask


def test_chunks_are_read_and_mapped(path):
    shard, found = Shard(str(path), LAYOUT), np.empty((2, 5), np.int16)
    for chunk in range(4):
        shard.read(chunk, found)
        assert np.array_equal(found, VALUES[2 * chunk :][:2])
        for check in (True, False):
            assert np.array_equal(shard.mapped(chunk, check), found.ravel())


@pytest.mark.parametrize("compress", [False, True])
def test_chunks_behind_the_first_page_are_read_and_mapped(tmp_path, compress):
    """A map of a file begins at a page."""
    values = np.random.default_rng(0).integers(0, 99, (8, 700), np.int32)
    layout = ShardLayout(Array((700,), "int32", compress), 8, 1)

    class Pool:
        map = staticmethod(map)

    ShardWriter(tmp_path / "c.0.0", layout).write(0, values, Pool)
    shard, found = Shard(str(tmp_path / "c.0.0"), layout), np.empty((1, 700), np.int32)
    for chunk in range(8):
        shard.read(chunk, found)
        assert np.array_equal(found[0], values[chunk])
        assert compress or np.array_equal(shard.mapped(chunk), values[chunk])
    assert compress == ((tmp_path / "c.0.0").stat().st_size < values.nbytes)


def test_a_chunk_that_is_not_there_is_missing(tmp_path):
    ShardWriter(tmp_path / "c.0.0", LAYOUT).write(0, VALUES[:4], None)
    shard = Shard(str(tmp_path / "c.0.0"), LAYOUT)
    shard.read(1, np.empty((2, 5), np.int16))
    for read in (lambda: shard.read(2, np.empty((2, 5), np.int16)), lambda: shard.mapped(2)):
        with pytest.raises(DamageError, match=r"^missing$"):
            read()


@pytest.mark.parametrize("place", [INDEX + CHUNK, INDEX + 2 * CHUNK - 5, INDEX + 2 * CHUNK - 1])
def test_a_flipped_bit_is_damage_of_its_chunk_alone(path, place):
    content = bytearray(path.read_bytes())
    content[place] ^= 16
    path.write_bytes(content)
    shard, found = Shard(str(path), LAYOUT), np.empty((2, 5), np.int16)
    for read in (lambda: shard.read(1, found), lambda: shard.mapped(1)):
        with pytest.raises(DamageError, match=r"^damaged$"):
            read()
    assert shard.mapped(1, check=False).size == 10
    for chunk in (0, 2, 3):
        shard.read(chunk, found)
        assert np.array_equal(shard.mapped(chunk), VALUES[2 * chunk :][:2].ravel())


@pytest.mark.parametrize("cut", [1, 4, 5, CHUNK - 1])
def test_a_chunk_that_is_cut_is_incomplete(path, cut):
    path.write_bytes(path.read_bytes()[:-cut])
    shard = Shard(str(path), LAYOUT)
    shard.mapped(2)
    for read in (lambda: shard.read(3, np.empty((2, 5), np.int16)), lambda: shard.mapped(3)):
        with pytest.raises(DamageError, match=r"^incomplete$"):
            read()


def test_a_chunk_of_another_size_than_that_of_its_rows_is_incomplete(path):
    wider = ShardLayout(Array((6,), "int16", compress=False), 8, 2)
    with pytest.raises(DamageError, match=r"^incomplete$"):
        Shard(str(path), wider).read(0, np.empty((2, 6), np.int16))


@pytest.mark.parametrize("place", [0, 17, INDEX - 1])
def test_an_index_is_checked(path, place):
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)
    with pytest.raises(DamageError, match=r"the index of .*c\.0\.0 is damaged"):
        Shard(str(path), LAYOUT)


@pytest.mark.parametrize("left", [0, INDEX - 1])
def test_an_index_that_is_cut_is_damaged(path, left):
    path.write_bytes(path.read_bytes()[:left])
    with pytest.raises(DamageError, match=r"the index of .*c\.0\.0 is damaged"):
        Shard(str(path), LAYOUT)


def test_a_shard_without_a_file_is_missing(tmp_path):
    with pytest.raises(DamageError, match=r"c\.0\.0 is missing"):
        Shard(str(tmp_path / "c.0.0"), LAYOUT)


@pytest.mark.parametrize("short", [None, 1, 700, 4999])
def test_many_parts_are_written_behind_each_other_even_if_the_system_takes_few_at_a_time(
    tmp_path, monkeypatch, short
):
    """A system call takes 1,024 buffers at most, and may write less than it is given."""
    parts = [bytes([n % 251] * (n % 5)) for n in range(2500)]
    pwritev, pwrite = os.pwritev, os.pwrite
    if short:
        monkeypatch.setattr(shards.os, "pwritev", lambda f, some, at: pwrite(f, b"".join(some)[:short], at))
        monkeypatch.setattr(shards.os, "pwrite", lambda f, some, at: pwritev(f, [some[:short]], at))
    with (tmp_path / "file").open("wb") as file:
        write_all(file.fileno(), parts, 3)
    assert (tmp_path / "file").read_bytes() == bytes(3) + b"".join(parts)
