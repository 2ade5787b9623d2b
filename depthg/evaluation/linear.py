"""The linear probe: multinomial logistic regression on detached codes, with its loss at label resolution."""

from collections.abc import Sequence
from contextlib import closing
from functools import partial
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from depthg.data.classes import VOID, check_labels
from depthg.evaluation.codes import CodeReader, RowCache
from depthg.models.adam import AdamW, Group
from depthg.runtime.device import send
from depthg.runtime.prefetch import prefetch
from depthg.runtime.progress import track
from depthg.store.reader import Store

PIXELS = 1024  # sampled per crop and step


class Linear(NamedTuple):
    """Weight float32 [K, Q] and bias float32 [K] of a linear probe: logits = codes · weightᵀ + bias."""

    weight: Tensor
    bias: Tensor


def sample_logits(logits: Tensor, positions: Tensor, size: Sequence[int]) -> Tensor:
    """Read bilinearly upsampled logits at single pixels.

    Equals `interpolate(logits, size, mode="bilinear", align_corners=False)` at these pixels, without the full map.

    Args:
        logits: float [B, K, h, w].
        positions: pixel indices int64 [B, n], row · width + column of the upsampled map.
        size: height and width of the upsampled map.

    Returns:
        float [B, n, K], at least float32.
    """
    height, width = size
    x = (positions % width + 0.5) * 2 / width - 1
    y = (positions // width + 0.5) * 2 / height - 1
    wide = torch.promote_types(logits.dtype, torch.float32)  # bfloat16 cannot tell neighbouring pixels apart
    points = torch.stack([x, y], dim=-1)[:, :, None].to(wide)  # [B, n, 1, 2]
    sampled = functional.grid_sample(
        logits.to(wide), points, mode="bilinear", padding_mode="border", align_corners=False
    )
    return sampled[..., 0].transpose(1, 2)


def draw_pixels(labels: np.ndarray, count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Sample valid pixels of each crop, with weights for an unbiased mean over all valid pixels of the batch.

    The weights of a crop's samples sum to its share of the valid pixels. The weighted sum of any quantity at the
    samples is then an unbiased estimate of its mean over the valid pixels of the batch.

    Args:
        labels: uint16 [B, H, W], 255 = void.
        count: samples per crop, with replacement.
        rng: random generator.

    Returns:
        positions: int64 [B, count], row · W + column.
        weights: weight of each sample, float32 [B, 1]; 0 for a crop without valid pixels.
    """
    positions = np.zeros((len(labels), count), np.int64)
    valid = np.zeros(len(labels))
    for crop, label in enumerate(labels):
        known = label != VOID
        valid[crop] = candidates = np.count_nonzero(known)
        if candidates:
            drawn = rng.integers(candidates, size=count)
            # to list the candidates takes ten times as long as to count them, and most crops have no void
            positions[crop] = drawn if candidates == label.size else np.flatnonzero(known)[drawn]
    weights = valid / max(valid.sum(), 1) / count
    return positions, weights[:, None].astype(np.float32)


class Pixels(NamedTuple):
    """Sampled pixels of a batch: position int64 [B, n], class id int64 [B, n] (255 = void), weight float32 [B, 1]."""

    positions: Tensor
    labels: Tensor
    weights: Tensor


def sample_pixels(labels: np.ndarray, rng: np.random.Generator) -> Pixels:
    """Sample `PIXELS` valid pixels of each crop from label maps uint16 [B, H, W] (255 = void)."""
    positions, weights = draw_pixels(labels, PIXELS, rng)
    found = np.take_along_axis(labels.reshape(len(labels), -1), positions, axis=1).astype(np.int64)
    return Pixels(*map(torch.from_numpy, (positions, found, weights)))


def linear_loss(
    probe: Linear, codes: Tensor, pixels: Pixels, grid: tuple[int, int], size: Sequence[int]
) -> Tensor:
    """Mean cross-entropy of the upsampled logits over all valid pixels, estimated from a sample.

    Args:
        probe: linear probe of K classes.
        codes: float32 [B, P, Q].
        pixels: the sample, on the device of the codes.
        grid: rows and columns of tokens (h, w), h · w = P.
        size: height and width of the label maps.

    Returns:
        Scalar.
    """
    logits = functional.linear(codes, *probe).transpose(1, 2).unflatten(2, grid)
    sampled = sample_logits(logits, pixels.positions, size)
    entropy = functional.cross_entropy(
        sampled.transpose(1, 2), pixels.labels, reduction="none", ignore_index=VOID
    )
    return (entropy * pixels.weights).sum()


def fit_linear(
    reader: CodeReader, crops: Store, classes: int, steps: int, batch: int, rate: float, seed: int
) -> Linear | None:
    """Fit the linear probe with Adam, starting from zero (the problem is convex).

    Args:
        reader: codes of the training crops.
        crops: store with `labels` uint16 [M, S, S] of the same crops.
        classes: number of classes K.
        steps: number of Adam steps.
        batch: crops per step, drawn at random.
        rate: learning rate.
        seed: seed of the run; step k uses a generator seeded with (seed, k).

    Returns:
        The probe, or None if no step saw a labelled pixel.

    Raises:
        DepthGError: a label is neither a class id below K nor void.

    Example:
        >>> reader = open_reader(TokenStore(features), model)
        >>> probe = fit_linear(reader, Store(crops), classes=27, steps=3000, batch=32, rate=5e-3, seed=0)
        >>> logits = torch.nn.functional.linear(reader.codes([0]), *probe)  # [1, P, 27]
    """
    first = reader.codes([0])
    where, size = first.device, crops.shape("labels")
    probe = Linear(
        torch.zeros(classes, first.shape[-1], device=where, requires_grad=True),
        torch.zeros(classes, device=where, requires_grad=True),
    )
    optimizer, labelled = AdamW(Group(probe, rate)), False
    labels = RowCache(partial(_read_labels, crops, classes))

    def draw(step: int) -> tuple[np.ndarray, Pixels]:
        rng = np.random.default_rng([seed, step])
        rows = rng.permutation(len(reader))[:batch]
        return rows, sample_pixels(np.stack(labels(rows)), rng)

    with closing(prefetch(draw, range(steps))) as drawn:
        for rows, pixels in track(drawn, steps, "linear probe"):
            labelled |= bool(pixels.weights.any())
            optimizer.zero_grad()
            there = Pixels(*(send(values, where) for values in pixels))
            linear_loss(probe, reader.codes(rows), there, reader.grid, size).backward()
            optimizer.step()
    return Linear(*(values.detach().cpu() for values in probe)) if labelled else None


def _read_labels(crops: Store, classes: int, rows: list[int]) -> list[np.ndarray]:
    """Checked labels uint16 [S, S] of crops."""
    labels = crops.read("labels", rows)
    check_labels(labels, classes, str(crops.path))
    return [label.copy() for label in labels]  # a view would keep the whole batch in memory
