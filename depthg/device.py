"""The device that a stage computes on: a GPU where there is one, in mixed precision."""

from contextlib import AbstractContextManager, nullcontext

import torch


def device() -> torch.device:
    """The first GPU, or the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


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
