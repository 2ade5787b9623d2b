"""Tokens → codes by a trained head, read from the stores when they are needed."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Generic, TypeVar

import numpy as np
import torch
from torch import Tensor

from depthg.errors import DepthGError
from depthg.models.checkpoint import load_model
from depthg.models.sealed import check_origin
from depthg.runtime.device import as_tensor, device, send
from depthg.store.arrays import MARKER
from depthg.store.reader import Store
from depthg.store.tokens import TokenStore, backbone_of

Head = Callable[[Tensor], Tensor]  # tokens [B, P, C] → codes [B, P, Q], token by token
CACHE_BYTES = 1 << 30
SHARED = ("crops", "settings", "weights", "axes")  # provenance of features and of those of the mirrored crops
Row = TypeVar("Row", np.ndarray, Tensor)


def encode(head: Head, tokens: np.ndarray) -> Tensor:
    """Apply a head to tokens float [B, P, C] without gradient.

    Returns:
        Codes float32 [B, P, Q] on the device of the head; of one that has no tensors, on this process's.
    """
    own = chain(head.parameters(), head.buffers()) if isinstance(head, torch.nn.Module) else ()
    where = next((tensor.device for tensor in own), None) or device()
    with torch.no_grad():
        return head(send(as_tensor(tokens), where).float())


class RowCache(Generic[Row]):
    """Reads rows, and keeps them up to a memory limit; later rows are read again at every call.

    Args:
        read: row numbers → a value for each, which has `nbytes`.
        limit: bytes to keep.
    """

    def __init__(self, read: Callable[[list[int]], Iterable[Row]], limit: int = CACHE_BYTES):
        self._read: Callable[[list[int]], Iterable[Row]] = read
        self._kept: dict[int, Row] = {}
        self._free = limit

    def __call__(self, rows: Iterable[int]) -> list[Row]:
        """The values of rows, in the given order."""
        ids = [int(row) for row in rows]
        new = [row for row in dict.fromkeys(ids) if row not in self._kept]
        fresh = dict(zip(new, self._read(new), strict=True)) if new else {}
        for row, value in fresh.items():
            if self._free >= value.nbytes:
                self._kept[row] = value
                self._free -= value.nbytes
        return [fresh[row] if row in fresh else self._kept[row] for row in ids]


class CodeReader:
    """Reads the codes of crops by row; codes are cached up to a memory limit.

    Args:
        features: store with `tokens` [M, h, w, C].
        head: segmentation head in evaluation mode.
        cache_bytes: bytes of codes to keep; later crops are computed again at every call.
        mirrored: the same of mirrored crops, mirrored back: codes are the mean of both (flip averaging).
    """

    def __init__(
        self, features: Store, head: Head, cache_bytes: int = CACHE_BYTES, mirrored: Store | None = None
    ):
        self.features, self.head = features, head
        height, width = features.shape("tokens")[:2]
        self.grid: tuple[int, int] = (height, width)
        # No method of this object: in a ring of both, codes and open files would outlive their use.
        self._cached = RowCache(partial(_encoded, features, head, mirrored), cache_bytes)

    def __len__(self) -> int:
        return len(self.features)

    def tokens(self, rows: Sequence[int] | np.ndarray) -> np.ndarray:
        """Tokens float [B, P, C] of crops, in the order of `rows`."""
        return _read_tokens(self.features, rows)

    def codes(self, rows: Sequence[int] | np.ndarray) -> Tensor:
        """Codes float32 [B, P, Q] of crops, in the given order, on the device of the head."""
        return torch.stack(self._cached(rows))


def _encoded(features: Store, head: Head, mirrored: Store | None, rows: list[int]) -> list[Tensor]:
    codes = encode(head, _read_tokens(features, rows))
    if mirrored is not None:
        codes = (codes + encode(head, _read_tokens(mirrored, rows))) / 2
    # A view would keep the whole batch in memory.
    return [code.clone() for code in codes]


def _read_tokens(features: Store, rows: Sequence[int] | np.ndarray) -> np.ndarray:
    tokens = features.read("tokens", rows)
    return tokens.reshape(len(tokens), -1, tokens.shape[-1])


def open_split(features: Path, crops: Path) -> tuple[Store, Store]:
    """Open the feature store and the crop store of one split.

    Raises:
        DepthGError: a store is missing, incomplete or empty, or the features were computed from other crops, or from
            mirrored ones.
    """
    feature_store, crop_store = TokenStore(features), Store(crops)
    feature_store.expect(crops=crop_store)
    if feature_store.mirrored:
        raise DepthGError(
            f"--features: {feature_store.path} is of mirrored crops: give the store that `depthg features` made"
        )
    if len(feature_store) == 0:
        raise DepthGError(f"{crop_store.path}: holds no crops: check the images of this split")
    return feature_store, crop_store


def open_mirrored(path: Path | None, features: Store) -> Store:
    """Open the store of mirrored crops' features that belongs to the features of the crops themselves.

    Raises:
        DepthGError: none is given, it is not of mirrored crops, or it is of other crops or of another backbone.
    """
    if path is None:
        raise DepthGError("settings: flip needs the features of mirrored crops: give --mirrored")
    store = TokenStore(path)
    if not store.mirrored:
        raise DepthGError(
            f"--mirrored: {store.path} is of crops as they are: give the store that `depthg mirrored` made"
        )
    if any(store.provenance.get(part) != features.provenance.get(part) for part in SHARED):
        raise DepthGError(
            f"{store.path} and {features.path} are of other crops or backbones: make the first again with "
            f"`snakemake --cores 2 --force {store.path / MARKER}`"
        )
    return store


def open_reader(
    features: Store,
    model: Path,
    cache_bytes: int = CACHE_BYTES,
    mirrored: Store | None = None,
    trained_on: bool = False,
) -> CodeReader:
    """Open a trained head and return the reader of its codes for a feature store. See `CodeReader`.

    `trained_on` says that it is this very store on which the head must have been trained.

    Raises:
        DepthGError: the model is missing, or was trained on other features, or those of another backbone.
    """
    head = load_model(model, features.shape("tokens")[-1])
    store = features.fingerprint if trained_on else None
    check_origin(model, head.made_from, features=store, backbone=backbone_of(features))
    return CodeReader(features, head.to(device()), cache_bytes, mirrored)
