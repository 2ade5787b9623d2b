"""Logits of both probes at every pixel of a validation crop."""

from pathlib import Path

import torch
from torch import Tensor

from benchmarks.measure import Row, alternate
from benchmarks.straightforward import pixel_logits
from depthg.evaluation.linear import Linear
from depthg.evaluation.predict import upsample
from depthg.evaluation.probes import Probes

CROPS, GRID, SIDE = 8, (40, 40), 320
CODE_DIM, CLASSES = 70, 27


def measured(root: Path) -> list[Row]:
    """Rows for label maps at pixel resolution and, cheaper than what is scored, at token resolution."""
    torch.manual_seed(0)
    centroids = torch.nn.functional.normalize(torch.randn(CLASSES, CODE_DIM), dim=1)
    probes = Probes(centroids, Linear(torch.randn(CLASSES, CODE_DIM), torch.randn(CLASSES)))
    codes = torch.randn(CROPS, GRID[0] * GRID[1], CODE_DIM)
    works = {
        "ours": lambda: _of_pixels(probes, codes),
        "tokens": lambda: _of_tokens(probes, codes),
        "reference": lambda: _from_large_codes(probes, codes),
    }
    costs = alternate(works)
    size = f"{CROPS} crops, 40×40 codes of {CODE_DIM} channels, {CLASSES} clusters and classes"
    against = "codes enlarged to 320 px, then logits"
    return [
        Row(
            "label maps",
            f"{size}; logits enlarged",
            costs["ours"],
            costs["reference"],
            against,
            CROPS,
            "crops",
        ),
        Row(
            "label maps",
            f"{size}; 40×40 only",
            costs["tokens"],
            costs["reference"],
            against,
            CROPS,
            "crops",
            note="another, coarser map: what evaluation would cost at the resolution of the tokens",
        ),
    ]


@torch.inference_mode()
def _of_pixels(probes: Probes, codes: Tensor) -> list[Tensor]:
    logits = probes.logits(codes)
    return [
        upsample(value[crop], GRID, (SIDE, SIDE)).argmax(0)
        for value in logits.values()
        for crop in range(CROPS)
    ]


@torch.inference_mode()
def _of_tokens(probes: Probes, codes: Tensor) -> list[Tensor]:
    return [value.argmax(-1) for value in probes.logits(codes).values()]


@torch.inference_mode()
def _from_large_codes(probes: Probes, codes: Tensor) -> list[Tensor]:
    assert probes.linear is not None
    each = (pixel_logits(code, GRID, SIDE, probes.centroids, probes.linear) for code in codes)
    return [value.argmax(0) for both in each for value in both]
