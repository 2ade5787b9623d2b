"""Rows and tokens that memory keeps are those that are read from the store."""

import numpy as np
import pytest
import torch

from depthg.store.arrays import Array
from depthg.store.tokens import TokenStore, token_arrays
from depthg.store.writer import Writer
from depthg.training import memory as module
from depthg.training.memory import Memory

ROWS = np.array([5, 3, 88, 3])


@pytest.fixture(params=["float16", "int8"])
def store(tmp_path, request):
    rng = np.random.default_rng(0)
    arrays = token_arrays((4, 5, 8), request.param) | {"order": Array((7,), "uint16")}
    writer = Writer(tmp_path / "some.zarr", 90, arrays, {})
    values = {
        "tokens": rng.integers(-120, 120, (90, 4, 5, 8)),
        "scales": rng.random((90, 4, 5)),
        "order": rng.integers(1 << 16, size=(90, 7)),
    }
    writer.write(range(90), **{name: values[name] for name in writer.arrays})
    writer.finish()
    return TokenStore(writer.path)


@pytest.fixture(params=["kept", "read", "too large"])
def memory(request, monkeypatch):
    """On the CPU, as a GPU keeps arrays, as the CPU reads them, and as a GPU reads what does not fit."""
    found = Memory()
    assert not found.keeps
    found.keeps = request.param != "read"
    if request.param == "too large":
        monkeypatch.setattr(module, "MAIN", 100)
    return found


def test_rows_and_tokens_are_those_of_the_store(store, memory):
    at = torch.from_numpy(np.random.default_rng(1).integers(20, size=(len(ROWS), 6)))
    tokens = memory.tokens(store, ROWS, at)
    expected = store.take("tokens", ROWS, at.numpy())
    assert tokens.numpy().dtype == expected.dtype and np.array_equal(tokens, expected)
    assert np.array_equal(memory.rows(store, "tokens", ROWS), store.read("tokens", ROWS))
    for found in (memory.rows(store, "order", ROWS), memory.values(store, "order", ROWS)):
        assert np.array_equal(np.asarray(found), store.read("order", ROWS))


def test_what_is_kept_is_read_once(store, memory, monkeypatch):
    memory.rows(store, "order", ROWS)
    reads = []
    monkeypatch.setattr(TokenStore, "read", lambda self, name, rows: reads.append(name) or np.zeros((4, 7)))
    memory.rows(store, "order", ROWS)
    assert len(reads) == (0 if any(kept is not None for kept in memory._kept.values()) else 1)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_card_keeps_them(store):
    memory, at = Memory(torch.device("cuda")), torch.tensor([[0, 19], [3, 4], [5, 6], [7, 8]])
    assert memory.keeps
    tokens = memory.tokens(store, ROWS, at.cuda())
    assert tokens.is_cuda and np.array_equal(tokens.cpu(), store.take("tokens", ROWS, at.numpy()))
    assert np.array_equal(memory.rows(store, "order", ROWS).cpu(), store.read("order", ROWS))
