"""The device that a stage computes on, a GPU or the CPU, and copies to and from it."""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache

import numpy as np
import torch
from torch import Tensor

from depthg.errors import DepthGError
from depthg.runtime.gpus import claim_gpu
from depthg.runtime.progress import info, warn


@cache
def device() -> torch.device:
    """The GPU that this process has claimed, or the CPU."""
    if not torch.cuda.is_available():
        return torch.device("cpu")
    names = [str(torch.cuda.get_device_properties(i).uuid) for i in range(torch.cuda.device_count())]
    claimed = torch.device("cuda", claim_gpu(names))
    torch.cuda.set_device(claimed)
    return claimed


def as_tensor(array: np.ndarray) -> Tensor:
    """An array as a tensor: the same memory, or a copy if it is read-only or torch cannot walk through it."""
    return torch.from_numpy(np.require(array, requirements=["C", "W"]))


def send(values: Tensor, where: torch.device) -> Tensor:
    """A tensor on the device `where`; the copy to a GPU is asynchronous, and one that is there stays."""
    if where.type == "cuda" and not values.is_cuda:  # an asynchronous copy needs pinned memory
        with torch.cuda.device(where):
            values = values.pin_memory()
    return values.to(where, non_blocking=True)


def download(values: Mapping[str, Tensor]) -> Callable[[], dict[str, np.ndarray]]:
    """Begin to copy tensors to the CPU, beside what a GPU computes next; the result waits for the copies."""
    if not any(value.is_cuda for value in values.values()):
        return lambda: {name: value.cpu().numpy() for name, value in values.items()}
    stream = _downloads()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        copies = {name: _pinned_like(value).copy_(value, non_blocking=True) for name, value in values.items()}
        copied = torch.cuda.Event(blocking=True)  # who waits for it sleeps
        copied.record(stream)
    for value in values.values():
        if value.is_cuda:
            value.record_stream(stream)  # its memory is free for others only after the copy

    def wait() -> dict[str, np.ndarray]:
        copied.synchronize()
        return {name: value.numpy() for name, value in copies.items()}

    return wait


@cache
def _downloads() -> torch.cuda.Stream:
    return torch.cuda.Stream()


def _pinned_like(value: Tensor) -> Tensor:
    """Pinned memory for a tensor; PyTorch keeps what is no longer used for the next one."""
    return torch.empty(value.shape, dtype=value.dtype, pin_memory=True)


def peak_memory(work: Callable[[], object], where: torch.device) -> int:
    """Bytes that a work takes on a GPU at its most, besides what is there before."""
    torch.cuda.reset_peak_memory_stats(where)
    before = torch.cuda.memory_allocated(where)
    work()
    return torch.cuda.max_memory_allocated(where) - before


def announce(what: str) -> None:
    """Tell the user when the stage `what` runs on the CPU because torch sees no GPU.

    Raises:
        DepthGError: there is no GPU and DEPTHG_NEEDS_GPU is set, as on a cluster, where a CPU run would be too slow.
    """
    if torch.cuda.is_available():
        return
    allotted = os.environ.get("CUDA_VISIBLE_DEVICES", "")
    given = f"CUDA_VISIBLE_DEVICES={allotted}, but " if allotted else ""
    if os.environ.get("DEPTHG_NEEDS_GPU"):
        raise DepthGError(
            f"{what}: {given}torch {torch.__version__} sees no GPU, and DEPTHG_NEEDS_GPU is set: see what "
            "`nvidia-smi` says there, or unset it to compute on the CPU"
        )
    (warn if allotted else info)(f"{what}: {given}torch sees no GPU: computing on the CPU")


def fast_float32() -> None:
    """Let a GPU multiply float32 in TF32, for depth networks: bfloat16 has only 8 bits of precision."""
    if torch.cuda.is_available():
        torch.set_float32_matmul_precision("high")
        torch.backends.cudnn.allow_tf32 = True


@contextmanager
def exact_float32() -> Iterator[None]:
    """Multiply float32 in full, also on a card: TF32 has no more digits than float16."""
    before = torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32
    torch.set_float32_matmul_precision("highest")
    torch.backends.cudnn.allow_tf32 = False
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before[0])
        torch.backends.cudnn.allow_tf32 = before[1]
