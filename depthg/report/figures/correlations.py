"""Histogram of the target correlation of each loss term, split at its shift: pairs attracted and pairs repelled.

Needs neither labels nor training. A term that attracts (or repels) nearly all pairs carries little information about
which pairs belong together. Which share works best is not known: docs/depth.md.
"""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import nn

from depthg.config.settings import TrainSettings
from depthg.losses.terms import UnitVectors
from depthg.models.centring import Centring
from depthg.report.figures.panels import save
from depthg.runtime.files import write_json
from depthg.runtime.progress import info, track
from depthg.training.batches import Batches
from depthg.training.guidance import active_terms
from depthg.training.inputs import Inputs
from depthg.training.objective import targets

BATCHES = 20
BINS = 100
PULLED, PUSHED = "#d95f02", "#7570b3"


def draw_correlations(inputs: Inputs, settings: TrainSettings, out: Path) -> None:
    """Write a PNG with one histogram per term, and print the share of pairs that each term attracts.

    The histograms are written beside it, as .json: term → `shift`, `pulled` (share in [0, 1]), `edges` [n + 1] and
    `shares` [n] of pairs.

    Terms are those of step 0 of the training; features are without dropout.
    """
    found = term_values(inputs, settings)
    figure = Figure(figsize=(3.2 * max(len(found), 1), 2.6), facecolor="white", layout="constrained")
    axes = figure.subplots(1, max(len(found), 1), squeeze=False)[0]
    histograms: dict[str, dict[str, Any]] = {}
    for axis, (name, (shift, values)) in zip(axes, found.items(), strict=False):
        share = pulled_share(values, shift)
        counts, edges = np.histogram(values, BINS)
        shares = counts / counts.sum()
        kept = {"edges": edges.round(6).tolist(), "shares": shares.round(6).tolist()}
        histograms[name] = {"shift": shift, "pulled": round(share, 6), **kept}
        colors = [PULLED if left >= shift else PUSHED for left in edges[:-1]]
        axis.bar(edges[:-1], shares, np.diff(edges), align="edge", color=colors)
        axis.axvline(shift, color="black", linewidth=1)
        axis.set_title(f"{name}: {share:.0%} of pairs above b = {shift:g}", fontsize=9)
        axis.set_yticks([])
        info(f"{name}: pulls {share:.1%} of pairs together; mean F − b = {values.mean() - shift:+.3f}")
    save(figure, out)
    write_json(out.with_suffix(".json"), histograms)


def term_values(inputs: Inputs, settings: TrainSettings) -> dict[str, tuple[float, np.ndarray]]:
    """Shift of each term, and the targets of all token pairs in the first `BATCHES` batches of seed 0, float32 [·]."""
    terms, batches = active_terms(settings, 0), Batches(inputs, settings, 0)
    prepared = nn.Identity() if inputs.mean_token is None else Centring(inputs.mean_token)
    found: dict[str, list[np.ndarray]] = {name: [] for name in terms}
    for step in track(range(BATCHES), BATCHES, "correlations"):
        batch = batches(step).to(torch.device("cpu"))
        sides = batch.anchor, batch.neighbor
        features = UnitVectors(*(side.sampled(prepared(side.tokens)) for side in sides))
        for name, of_term in targets(settings, terms, batch, features).items():
            found[name] += [target.flatten().numpy() for target in of_term]
    return {name: (term.shift, np.concatenate(found[name])) for name, term in terms.items()}


def pulled_share(values: np.ndarray, shift: float) -> float:
    """Share of pairs in [0, 1] whose target exceeds the shift: their codes are attracted (Eq. 2, 6)."""
    return float((values > shift).mean())
