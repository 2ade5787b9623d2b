"""The device that a stage computes on, and its precision: a GPU in mixed precision, else the CPU in float32."""

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
    """A tensor copied to the device `where`; the copy to a GPU is asynchronous."""
    if where.type == "cuda":  # an asynchronous copy needs pinned memory
        with torch.cuda.device(where):
            values = values.pin_memory()
    return values.to(where, non_blocking=True)


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


def mixed_precision() -> AbstractContextManager:
    """A context manager: bfloat16 autocast on a GPU, no change (float32) on a CPU."""
    if torch.cuda.is_available():
        return torch.autocast("cuda", torch.bfloat16)
    return nullcontext()


def fast_float32() -> None:
    """Let a GPU multiply float32 in TF32, for depth networks: bfloat16 has only 8 bits of precision."""
    if torch.cuda.is_available():
        torch.set_float32_matmul_precision("high")
        torch.backends.cudnn.allow_tf32 = True
