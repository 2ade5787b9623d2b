"""A store that keeps what was read: training comes back to the same crops many times."""

from pathlib import Path

import numpy as np

from depthg.store import Rows, Store
from depthg.tokens import TokenStore

ROOM = 1 << 30  # bytes a store; a set of some 1700 crops at 28×28×384 is read from the disk only once


class CachedStore(Store):
    """A complete store whose rows stay in memory once they were read, as long as there is room.

    Args:
        path: folder of the store, or its marker file.
        room: bytes for rows.

    Raises:
        DepthGError: the store is missing or incomplete.
    """

    def __init__(self, path: Path, room: int = ROOM):
        super().__init__(path)
        self._room, self._rows = room, dict[tuple[str, int], np.ndarray]()

    def read(self, name: str, rows: Rows = slice(None)) -> np.ndarray:
        """Rows of one array, in the order asked for; see `Store.read`."""
        if isinstance(rows, slice):  # read once, as a whole: half a million rows one by one take minutes
            return super().read(name, rows)
        wanted = [int(row) for row in rows]
        missing = [row for row in dict.fromkeys(wanted) if (name, row) not in self._rows]
        fresh = dict(zip(missing, super().read(name, missing), strict=True))
        for row, value in fresh.items():
            if value.nbytes <= self._room:
                self._rows[name, row] = value.copy()  # a view would keep all it was read with
                self._room -= value.nbytes
        return np.stack([fresh[row] if row in fresh else self._rows[name, row] for row in wanted])


class CachedTokens(TokenStore, CachedStore):
    """The same for tokens: they stay in memory as they are kept on the disk, and become floats when read."""
