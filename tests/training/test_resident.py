"""Tokens gathered on a device are those that are read from the store."""

import numpy as np
import torch

from depthg.store.tokens import TokenStore, token_arrays
from depthg.store.writer import Writer
from depthg.training.resident import gather_rows, load_tokens, token_reader


def test_gathered_tokens_are_those_of_the_store(tmp_path):
    rng = np.random.default_rng(0)
    for stored in ("float16", "int8"):
        writer = Writer(tmp_path / f"{stored}.zarr", 90, token_arrays((4, 5, 8), stored), {})
        values = {"tokens": rng.integers(-120, 120, (90, 4, 5, 8)), "scales": rng.random((90, 4, 5))}
        writer.write(range(90), **{name: values[name] for name in writer.arrays})
        writer.finish()
        store = TokenStore(writer.path)
        rows, at = rng.integers(90, size=6), torch.from_numpy(rng.integers(20, size=(6, 7)))
        read = token_reader(store, torch.device("cpu"))(rows, at)
        found = gather_rows(load_tokens(store, torch.device("cpu")), rows, at)
        assert found.dtype == read.dtype and torch.equal(found, read)
