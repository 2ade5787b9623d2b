"""The device that a stage computes on: a GPU where there is one, in mixed precision."""

import os
from contextlib import AbstractContextManager, nullcontext
from functools import cache

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


def send(values: Tensor, where: torch.device) -> Tensor:
    """The same values on a device. Nothing waits for a GPU: it takes them when it comes to it."""
    if where.type == "cuda":  # by itself it can from pinned memory only
        with torch.cuda.device(where):
            values = values.pin_memory()
    return values.to(where, non_blocking=True)


def announce(what: str) -> None:
    """Tell that `what`, which is meant for a GPU, is computed without one.

    Raises:
        DepthGError: so it is, and DEPTHG_NEEDS_GPU is set: a job on a cluster had better fail than crawl.
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


def mixed_precision() -> AbstractContextManager:
    """bfloat16 autocast on a GPU; full precision on a CPU, few of which gain by less."""
    if torch.cuda.is_available():
        return torch.autocast("cuda", torch.bfloat16)
    return nullcontext()


def fast_float32() -> None:
    """Let a GPU multiply in TF32, for what bfloat16 is too coarse: a depth map in it would have 8 bits."""
    if torch.cuda.is_available():
        torch.set_float32_matmul_precision("high")
        torch.backends.cudnn.allow_tf32 = True
