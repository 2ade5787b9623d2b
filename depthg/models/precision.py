"""The precision in which a frozen backbone runs: float16 on a GPU; on a CPU, bfloat16 where that is clearly faster."""

import time
from copy import deepcopy

import torch
from torch import Tensor

from depthg.models.backbones import DenseBackbone
from depthg.runtime.progress import info

# Tokens of float16 are closer to those of float32 (8 street scenes of 224 px): 1 − cosine is 2.6e-7 on average for the
# demo's ViT and 7e-6 for ResNet-50, against 1.4e-5 and 1e-3 in bfloat16.
ON_GPU = torch.float16
FASTER = 1.25  # less than that is not worth tokens of 8 bits; matrix units (AMX) gave 1.6 and 1.9
SECONDS = 1.0  # of the comparison
LEAST = 0.02  # seconds of a pass that is worth a comparison


def named_precision(name: str | None) -> torch.dtype | None:
    """The dtype of a name in the configuration; None for `auto`, or without a name."""
    return getattr(torch, name) if name and name != "auto" else None


def choose_precision(backbone: DenseBackbone, images: Tensor) -> torch.dtype:
    """The dtype for the weights of a backbone in float32; the user is told if a CPU uses another one than that.

    Args:
        backbone: the backbone, on its device.
        images: a few crops uint8 [B, S, S, 3] on the same device, to compare speeds with.
    """
    if images.is_cuda:
        return ON_GPU
    if _seconds(backbone, images) < LEAST:
        return torch.float32
    ratio = _times_as_fast(backbone, deepcopy(backbone).in_precision(torch.bfloat16), images)
    if ratio < FASTER:
        return torch.float32
    info(f"features of {backbone.name}: bfloat16, {ratio:.1f} times as fast as float32 on this machine")
    return torch.bfloat16


def _times_as_fast(one: DenseBackbone, other: DenseBackbone, images: Tensor) -> float:
    """How many times as fast the other backbone is: the best of passes in turn, as other work only slows them down."""
    _seconds(other, images)  # what only the first pass does
    times: dict[DenseBackbone, list[float]] = {one: [], other: []}
    end = time.perf_counter() + SECONDS
    while time.perf_counter() < end or len(times[other]) < 2:
        for backbone, found in times.items():
            found.append(_seconds(backbone, images))
    return min(times[one]) / min(times[other])


@torch.inference_mode()
def _seconds(backbone: DenseBackbone, images: Tensor) -> float:
    start = time.perf_counter()
    backbone(images)
    return time.perf_counter() - start
