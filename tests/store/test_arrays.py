"""The layout of a store, by hand: bytes of a row, rows of a chunk and of a shard, names of files, metadata."""

import json

import numpy as np
import pytest

from depthg.errors import DepthGError
from depthg.store.arrays import Array, ShardLayout, power_of_two, read_json, row_bytes, shard_rows
from depthg.store.begun import begin


def raw(*shape: int, dtype: str = "uint8") -> Array:
    return Array(shape, dtype, compress=False)


def test_bytes_of_a_row():
    assert raw(28, 28, 384, dtype="float16").row_bytes == 28 * 28 * 384 * 2
    assert Array((), "int32").row_bytes == 4
    assert row_bytes({"a": raw(3, 5), "b": Array((), "int64")}) == 15 + 8


@pytest.mark.parametrize(
    ("dtype", "fill"), [("float16", np.nan), ("float32", np.nan), ("int8", -128), ("uint8", 0), ("int32", 0)]
)
def test_what_was_never_written_is_no_number_where_there_is_one_to_spare(dtype, fill):
    np.testing.assert_equal(Array((), dtype).fill, fill)


@pytest.mark.parametrize(
    ("bytes_", "rows"), [(1, 256), (256, 256), (257, 128), (20_000, 2), (32_768, 2), (32_769, 1), (10**6, 1)]
)
def test_small_rows_share_chunks_of_64_kb(bytes_, rows):
    """As many as fit, a power of two, and no more than a shard has."""
    layout = raw(bytes_).sharded(256)
    assert (layout.chunk_rows, layout.chunks, layout.shard_rows) == (rows, 256 // rows, 256)
    assert Array((bytes_,), "uint8").sharded(256).chunk_rows == 1  # compressed: a row a chunk


@pytest.mark.parametrize(
    ("rows", "bytes_", "expected"),
    [
        (1, 1, 1),
        (31, 1, 1),
        (32, 1, 2),
        (160, 1, 8),  # sixteen shards, if there are rows for them
        (10**6, 1, 1024),
        (10**6, 250_000, 1024),  # at most 256 MB: 1,024 rows of them
        (10**6, 250_001, 512),
        (10**6, 500_001, 256),
        (10**6, 10**9, 1),
    ],
)
def test_rows_of_a_shard(rows, bytes_, expected):
    assert shard_rows(rows, {"small": raw(1), "large": raw(bytes_)}) == expected


def test_powers_of_two():
    assert [power_of_two(n) for n in (0, 1, 2, 3, 4, 7, 8, 1023, 1024)] == [1, 1, 2, 2, 4, 4, 8, 512, 1024]


def test_a_shard_has_the_name_that_zarr_gives_it():
    assert raw(2, 3).sharded(4).file(7) == "c.7.0.0" and Array((), "int32").sharded(4).file(0) == "c.0"


@pytest.mark.parametrize("compress", [True, False])
@pytest.mark.parametrize(("shape", "dtype"), [((), "int32"), ((3, 2), "float16"), ((7,), "uint8")])
def test_metadata_is_read_as_it_was_written(tmp_path, shape, dtype, compress):
    array = Array(shape, dtype, compress)
    begin(tmp_path / "a.zarr", 100, {"values": array}, {})
    assert ShardLayout.read(tmp_path / "a.zarr/values") == array.sharded(4)


def spoilt(path, change):
    begin(path, 100, {"values": Array((3,), "float16", compress=False)}, {})
    metadata = json.loads((path / "values/zarr.json").read_text())
    change(metadata)
    (path / "values/zarr.json").write_text(json.dumps(metadata))
    return path / "values"


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        (lambda all_: all_.pop("codecs"), "KeyError"),
        (lambda all_: all_.update(codecs=[]), "IndexError"),
        (lambda all_: all_.update(shape=3), "TypeError"),
        (lambda all_: all_["codecs"][0]["configuration"]["codecs"].append({"name": "gzip"}), "ValueError"),
        (lambda all_: all_.update(data_type="object"), "ValueError"),
    ],
)
def test_metadata_of_another_kind_names_file_and_remedy(tmp_path, change, kind):
    values = spoilt(tmp_path / "a.zarr", change)
    remedy = rf"zarr\.json: damaged \({kind}\): remove {tmp_path}/a\.zarr, and make it again with `snakemake"
    with pytest.raises(DepthGError, match=remedy):
        ShardLayout.read(values)


def test_chunks_without_shards_are_of_an_earlier_version(tmp_path):
    values = spoilt(tmp_path / "a.zarr", lambda all_: all_["codecs"][0].update(name="bytes"))
    again = (
        rf"a\.zarr has one file a chunk.*again with `snakemake --cores 2 {tmp_path}/a\.zarr/complete\.json`"
    )
    with pytest.raises(DepthGError, match=again):
        ShardLayout.read(values)


@pytest.mark.parametrize(
    ("text", "kind"), [("[1]", "ValueError"), ("{", "JSONDecodeError"), (None, "FileNotFoundError")]
)
def test_a_file_of_metadata_is_an_object(tmp_path, text, kind):
    if text:
        (tmp_path / "a.json").write_text(text)
    with pytest.raises(DepthGError, match=rf"a\.json: damaged \({kind}\): remove {tmp_path}, "):
        read_json(tmp_path / "a.json", tmp_path)
