"""The loop of the stages that compute arrays from rows of a store: read, compute, write, all three at once."""

from collections.abc import Callable, Mapping

import numpy as np
import torch
from torch import Tensor

from depthg.runtime.device import device, download, peak_memory, send
from depthg.runtime.prefetch import overlap
from depthg.store.arrays import power_of_two
from depthg.store.writer import THREADS, Writer

BATCH = 16  # rows computed together on a CPU
LARGEST = 128  # on a GPU; a ViT-S/8 gains nothing beyond 64
SHARE = 0.5  # of a GPU's free memory, as peaks of one batch are only known for smaller ones
TRIED = 4  # rows to measure them with

Values = dict[str, Tensor]
Check = Callable[[range, Mapping[str, np.ndarray]], None]  # of the values of some rows; raises what is wrong


def write_rows(
    writer: Writer,
    read: Callable[[range], np.ndarray],
    compute: Callable[[range, Tensor], Values],
    label: str,
    batch: int = BATCH,
    threads: int = THREADS,
    check: Check | None = None,
) -> None:
    """Compute and write the unfinished rows of a store, or of a part of it, and mark it finished.

    While a batch is computed, threads read the next ones and write those before it: a GPU receives its next batch
    before the results of the last are awaited, and copies these to the CPU beside its computation. Batches go to
    several shards in turn, as the system lets only one thread write to a file.

    Args:
        writer: writer of the store.
        read: rows → the input of the computation.
        compute: (rows, input on the device) → the values of every array by name, on any device.
        label: label of the progress bar.
        batch: rows of a batch.
        threads: how many batches may be read at the same time.
        check: looks at the values of a batch before they are written.
    """
    where, shards = device(), writer.together(batch)

    def write(rows: range, values: Callable[[], dict[str, np.ndarray]]) -> None:
        arrays = values()
        if check:
            check(rows, arrays)
        writer.write(rows, **arrays)

    overlap(
        writer.tracked(batch, label, shards),
        read=lambda rows: send(torch.from_numpy(read(rows)), where),
        compute=lambda rows, source: download(compute(rows, source)),
        write=write,
        threads=threads,
        writers=shards,
        file=writer.shard,
    )
    writer.finish()


def fitting_batch(read: Callable[[range], np.ndarray], compute: Callable[[range, Tensor], Values]) -> int:
    """Rows to compute together: BATCH on a CPU; on a GPU, what its free memory holds of a computation."""
    where = device()
    if where.type != "cuda":
        return BATCH
    source = torch.from_numpy(read(range(1))).to(where)
    source = source.expand(TRIED, *source.shape[1:]).contiguous()
    return fitting_rows(lambda: compute(range(TRIED), source), TRIED, where, BATCH, LARGEST)


def fitting_rows(work: Callable[[], object], rows: int, where: torch.device, least: int, most: int) -> int:
    """Rows that the free memory of a GPU holds of a work, judged by a trial: a power of two, `least` to `most`.

    Args:
        work: the work on a few rows.
        rows: how many these are.
        where: the GPU.
        least, most: bounds of the result.
    """
    peak = peak_memory(work, where)
    torch.cuda.empty_cache()  # what PyTorch keeps of the trial is free, too
    free, _ = torch.cuda.mem_get_info(where)
    return rows_in(free, peak / rows, least, most)


def working_rows(work: Callable[[int], object], rows: int) -> int:
    """The first of `rows`, half of them, … for which a work on so many does not fail.

    Memory is not all that a batch can be too large for: some kernels count the values of a tensor in 32 bits.
    """
    while rows > 1:
        try:
            work(rows)
            return rows
        except RuntimeError:
            rows //= 2
    return rows


def rows_in(free: float, row: float, least: int, most: int) -> int:
    """Rows that fit in the free bytes of a GPU, at `row` bytes each: a power of two, `least` to `most`.

    Example:
        >>> rows_in(70e9, 300e6, 16, 128), rows_in(1e9, 300e6, 16, 128), rows_in(1e9, 300e6, 1, 128)
        (64, 16, 1)
    """
    return min(most, max(least, power_of_two(int(SHARE * free / max(row, 1)))))
