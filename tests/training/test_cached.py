import numpy as np
import pytest

from depthg.store import Store
from depthg.training.cached import CachedStore

ROW = 4 * 5 * 8 * 2  # bytes of the tokens of a crop


@pytest.mark.parametrize("room", [0, 3 * ROW, 1 << 20])
def test_rows_are_those_of_the_store_whatever_the_room(stores, room):
    store = CachedStore(stores.features, room)
    for rows in ([3, 1, 3], np.array([1, 7, 0]), [5, 6, 7], slice(2, 5)):
        np.testing.assert_array_equal(store.read("tokens", rows), stores.tokens[rows])


def test_a_row_is_read_once_while_there_is_room(stores, monkeypatch):
    asked = []
    read = Store.read
    monkeypatch.setattr(
        Store, "read", lambda self, name, rows: asked.append(list(rows)) or read(self, name, rows)
    )
    store = CachedStore(stores.features, 2 * ROW)
    for _ in range(2):
        store.read("tokens", [4, 2, 9])
    assert asked == [[4, 2, 9], [9]]


def test_what_was_handed_out_may_be_changed(stores):
    store = CachedStore(stores.features)
    for _ in range(2):
        store.read("tokens", [3])[:] = 0
    np.testing.assert_array_equal(store.read("tokens", [3]), stores.tokens[[3]])
