from pathlib import Path

import numpy as np
import pytest

from depthg.store.arrays import Array
from depthg.store.writer import Writer


@pytest.fixture
def write_small_store():
    """Write a store of an uncompressed array `a` and a compressed one `b`, three rows each."""

    def write(path: Path) -> Path:
        values = np.arange(12, dtype=np.float32).reshape(3, 4)
        arrays = {"a": Array((4,), "float32", compress=False), "b": Array((4,), "float32")}
        writer = Writer(path, 3, arrays, {"made": "for a test"})
        writer.write(range(3), a=values, b=values)
        writer.finish()
        return path

    return write
