"""int8 tokens: half a step of error at most, cosines kept, and read as floats by whoever reads tokens."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from depthg.errors import DepthGError
from depthg.stages.components import find_axes, make_projected
from depthg.store.arrays import Array, row_bytes
from depthg.store.reader import Store
from depthg.store.tokens import TokenStore, as_stored, backbone_of, packed, token_arrays, unpacked
from depthg.store.writer import Writer

SHAPE = (24, 24, 64)  # a chunk each, while scales share one


def numpy_packed(tokens, stored):
    return {name: value.numpy() for name, value in packed(torch.from_numpy(tokens), stored).items()}


def write(path, tokens, stored):
    writer = Writer(path, len(tokens), token_arrays(tokens.shape[1:], stored), {"crops": "c"})
    writer.write(range(len(tokens)), **numpy_packed(tokens, stored))
    writer.finish()
    return path


@pytest.fixture
def tokens():
    spread = np.exp(np.random.default_rng(1).normal(size=(70, 24, 24, 1)))
    return (spread * np.random.default_rng(0).normal(size=(70, *SHAPE))).astype(np.float32)


@given(arrays(np.float32, (2, 3, 2, 5), elements=st.floats(-60_000, 60_000, width=32)))
def test_no_value_is_off_by_more_than_half_a_step(values):
    found = numpy_packed(values, "int8")
    assert found["tokens"].dtype == np.int8 and found["scales"].dtype == np.float16
    error = np.abs(unpacked(**found).astype(np.float64) - values)
    assert (error <= 0.5 * found["scales"][..., None].astype(np.float64) * (1 + 1e-6)).all()


def test_a_step_is_a_127th_of_the_largest_value(tokens):
    scales = numpy_packed(tokens, "int8")["scales"].astype(np.float64)
    np.testing.assert_allclose(scales, np.abs(tokens).max(-1) / 127, rtol=1e-3)


def test_cosines_are_kept(tokens):
    def unit(values):
        return values / np.linalg.norm(values, axis=-1, keepdims=True)

    rows = tokens.reshape(-1, SHAPE[-1])[:2000].astype(np.float64)
    kept = unpacked(**numpy_packed(tokens, "int8")).reshape(-1, SHAPE[-1])[:2000]
    error = np.abs(unit(kept) @ unit(kept).T - unit(rows) @ unit(rows).T)
    assert error.max() < 0.01


def test_tokens_are_read_as_floats_in_any_order(tmp_path, tokens):
    store = TokenStore(write(tmp_path / "f.zarr", tokens, "int8"))
    expected = unpacked(**numpy_packed(tokens, "int8"))
    for rows in ([69, 0, 42, 0], np.array([41, 40]), slice(38, 44), range(3, 5)):
        for _ in range(2):
            np.testing.assert_array_equal(store.read("tokens", rows), expected[rows])
    assert store.read("tokens", [0]).dtype == np.float32
    assert store.read("scales", [5]).dtype == np.float16


def test_float16_stores_are_read_as_before_byte_for_byte(tmp_path, tokens):
    path = write(tmp_path / "f.zarr", tokens, "float16")
    assert sorted(entry.name for entry in path.iterdir() if entry.is_dir()) == ["tokens"]
    for rows in ([3, 1, 3], slice(None)):
        read = TokenStore(path).read("tokens", rows)
        assert read.dtype == np.float16
        assert read.tobytes() == Store(path).read("tokens", rows).tobytes()
        assert read.tobytes() == tokens[rows].astype(np.float16).tobytes()


def test_tokens_and_scales_are_not_compressed_and_read_at_random():
    tokens = Array((4, 6, 3), "float16", compress=False)
    assert token_arrays((4, 6, 3), "float16") == {"tokens": tokens}
    scales = Array((4, 6), "float16", compress=False)
    assert token_arrays((4, 6, 3), "int8") == {
        "tokens": Array((4, 6, 3), "int8", compress=False),
        "scales": scales,
    }


@pytest.mark.parametrize("stored", ["float16", "int8"])
def test_tokens_in_memory_are_those_that_are_read(tmp_path, tokens, stored):
    read = TokenStore(write(tmp_path / "f.zarr", tokens, stored)).read("tokens")
    kept = as_stored(torch.from_numpy(tokens), stored)
    assert kept.dtype == torch.float32 and np.array_equal(kept.numpy(), read.astype(np.float32))


def test_selected_tokens_are_those_of_whole_rows(tmp_path, tokens):
    rows, at = np.array([3, 0]), np.array([[0, 575], [24, 25]])
    for stored in ("float16", "int8"):
        store = TokenStore(write(tmp_path / f"{stored}.zarr", tokens[:5], stored))
        whole = store.read("tokens", rows).reshape(2, 576, 64)
        found = store.take("tokens", rows, at)
        assert found.dtype == whole.dtype and np.array_equal(found, whole[np.arange(2)[:, None], at])


def test_the_largest_value_takes_all_127_steps():
    """By hand: a step is the smallest float16 with 127 of which the largest value is reached."""
    values = torch.tensor([[[[1.0, -2.0, 0.25]], [[0.0, 0.0, 0.0]]]])
    found = packed(values, "int8")
    step = np.float16(2 / 127)
    step = step if 127 * float(step) >= 2 else np.nextafter(step, np.float16(1))
    assert packed(127 * torch.ones(1, 1, 1, 3), "int8")["scales"].tolist() == [[[1.0]]]
    assert found["scales"].tolist() == [[[float(step)], [0.0]]]
    assert found["tokens"].tolist() == [
        [[[round(1 / float(step)), -127, round(0.25 / float(step))]], [[0, 0, 0]]]
    ]


def test_what_the_tokens_are_of(tmp_path):
    arrays = token_arrays((1, 1, 2), "float16")
    for name, made_from in (("a", {"weights": "w", "mirrored": True}), ("b", {"axes": "x"}), ("c", {})):
        writer = Writer(tmp_path / name, 1, arrays, made_from)
        writer.write(range(1), tokens=np.zeros((1, 1, 1, 2)))
        writer.finish()
    stores = [TokenStore(tmp_path / name) for name in "abc"]
    assert [store.mirrored for store in stores] == [True, False, False]
    assert [backbone_of(store) for store in stores] == ["w", "x", None]


def test_half_the_bytes():
    whole, half = (row_bytes(token_arrays((28, 28, 384), stored)) for stored in ("float16", "int8"))
    assert 0.5 < half / whole < 0.503


def test_rows_that_were_never_written_are_noticed(tmp_path, tokens):
    path = write(tmp_path / "f.zarr", tokens, "int8")
    (path / "tokens/c.1.0.0.0").unlink()
    for rows in ([4], slice(3, 6)):
        with pytest.raises(DepthGError, match="row 4 of 'tokens' cannot be read"):
            TokenStore(path).read("tokens", rows)


def test_tokens_of_zeros_are_kept(tmp_path):
    path = write(tmp_path / "f.zarr", np.zeros((3, *SHAPE), np.float32), "int8")
    assert not TokenStore(path).read("tokens", [0, 2]).any()


def test_projected_features_from_int8_to_int8(tmp_path, tokens):
    path = write(tmp_path / "f.zarr", tokens, "int8")
    find_axes(path, 64, tmp_path / "axes.npy")
    make_projected(path, tmp_path / "axes.npy", tmp_path / "p.zarr", "int8")
    found = TokenStore(tmp_path / "p.zarr").read("tokens", [7]) @ np.load(tmp_path / "axes.npy").T
    steps = np.abs(tokens[7]).max(-1, keepdims=True) / 127
    assert (np.abs(found[0] - tokens[7]) / steps).max() < 5
    assert set(Store(tmp_path / "p.zarr").provenance) == {"features", "axes", "crops"}
