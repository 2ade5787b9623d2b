"""How many clusters? A curve of their stability by number, without labels.

The images are halved and the codes of each half clustered: where the two agree, the clusters do not depend on which
images were seen. Few, coarse clusters are the most stable, so that the number suggested is rather small; a peak at a
larger number is a finer division that is stable, too. docs/report.md says how well it does where the classes are known.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from depthg.data.spaced import evenly_spaced
from depthg.errors import DepthGError
from depthg.models.checkpoint import load_model
from depthg.report.figures.panels import save
from depthg.runtime.files import write_json
from depthg.runtime.progress import info, track
from depthg.store.reader import Store
from depthg.store.tokens import TokenStore
from depthg.training.inputs import Inputs
from depthg.training.stability import StabilityCriterion

TRIED = 24  # numbers of clusters, at most; of a wider range evenly spaced ones


@dataclass(frozen=True)
class Stability:
    """What was found for each number of clusters, and what follows.

    Attributes:
        clusters: the numbers tried, ascending.
        agreement: mean adjusted Rand index of the clusters of two halves, at most 1.
        spread: half the difference of the ways to halve.
        fit: correlation of being in one cluster with the cosine of two tokens, in [−1, 1].
        score: mean of agreement · fit², by which weights are selected, too.
        suggested: the number of the highest score.
        peaks: numbers whose agreement is higher than those of the next smaller and larger number tried.
    """

    clusters: list[int]
    agreement: list[float]
    spread: list[float]
    fit: list[float]
    score: list[float]
    suggested: int
    peaks: list[int]


def draw_stability(
    features: Path,
    neighbors: Path,
    schedule: Path | None,
    model: Path,
    numbers: tuple[int, int],
    out: Path,
    threads: int = 2,
) -> None:
    """Write the curve as PNG and its values beside it as JSON, and print the suggestion.

    Args:
        features: feature store of the training crops.
        neighbors: neighbour store, which knows the images of the crops.
        schedule: store of the scheduled crops, if the features are of these.
        model: trained head, model.safetensors.
        numbers: smallest and largest number of clusters.
        out: PNG to write.
        threads: numbers that are tried at once; the result does not depend on it.

    Raises:
        DepthGError: the numbers are no range from 2 upwards, a store is missing, or there is only one image.
    """
    tried = numbers_between(*numbers)
    tokens = TokenStore(features)
    inputs = Inputs(tokens, Store(neighbors), schedule=Store(schedule) if schedule else None)
    found = measure(
        StabilityCriterion(inputs, 0, tried[0]), model, tried, tokens.shape("tokens")[-1], threads
    )
    save(_figure(found), out)
    write_json(out.with_suffix(".json"), asdict(found))
    peaks = ", ".join(map(str, found.peaks)) or "none"
    hint = "a hint, and a lower bound: most stable for what they tell apart are"
    info(f"{out}: {hint} {found.suggested} clusters; peaks of agreement: {peaks}, to be looked at")


def numbers_between(low: int, high: int) -> list[int]:
    """Up to `TRIED` numbers from `low` to `high`, evenly spaced.

    Raises:
        DepthGError: `low` is below 2, or above `high`.

    Example:
        >>> numbers_between(2, 5)
        [2, 3, 4, 5]
    """
    if not 2 <= low <= high:
        raise DepthGError(f"stability of {low}-{high} clusters: give a range from 2 upwards, as 2-20")
    return evenly_spaced(high - low + 1, TRIED, first=low)


def measure(
    criterion: StabilityCriterion, model: Path, tried: list[int], channels: int, threads: int
) -> Stability:
    """Cluster the codes of a model on the halves of a criterion, for each number of clusters."""
    codes, cosines = criterion.look(load_model(model, channels))

    def of(clusters: int) -> list[tuple[float, float]]:
        return [criterion.agreement_and_fit(codes, cosines, half, clusters) for half in criterion.splits]

    with ThreadPoolExecutor(threads) as pool:  # k-means takes one thread each
        values = np.array(list(track(pool.map(of, tried), len(tried), "stability")))  # [numbers, splits, 2]
    agreement, fit = values[..., 0], values[..., 1]
    mean, score = agreement.mean(axis=1), (agreement * fit**2).mean(axis=1)
    return Stability(
        clusters=tried,
        agreement=mean.round(4).tolist(),
        spread=(np.ptp(agreement, axis=1) / 2).round(4).tolist(),
        fit=fit.mean(axis=1).round(4).tolist(),
        score=score.round(4).tolist(),
        suggested=tried[int(score.argmax())],
        peaks=[tried[k] for k in range(1, len(tried) - 1) if mean[k] > max(mean[k - 1], mean[k + 1])],
    )


def _figure(found: Stability) -> Figure:
    figure = Figure(figsize=(6, 4.2), facecolor="white", layout="constrained")
    above, below = figure.subplots(2, sharex=True)
    above.errorbar(found.clusters, found.agreement, found.spread, marker="o", capsize=3, color="#2f7fd6")
    above.set_title("agreement of the clusters of two halves of the images", fontsize=9, loc="left")
    below.plot(found.clusters, found.score, marker="o", color="#d4622a")
    below.set_title(
        f"agreement · fit², highest for {found.suggested} clusters (dotted), a lower bound",
        fontsize=9,
        loc="left",
    )
    below.set_xlabel("number of clusters")
    below.xaxis.set_major_locator(MaxNLocator(integer=True))
    for axis in (above, below):
        axis.axvline(found.suggested, color="black", linewidth=1, linestyle=":")
    return figure
