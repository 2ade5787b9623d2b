"""Charts as SVG pictures that follow the reader's light or dark mode, each with the text that says what it shows."""

import base64
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure

from depthg.report.page.intervals import Interval

INK = "#010203"  # stands for the colour of text, which the page sets
LIGHT, DARK = "#1d2026", "#e8eaee"  # ink in light and in dark mode
COLORS = ("#2f7fd6", "#d4622a", "#23936a", "#b352a0", "#8a7a1f", "#6f6fd8", "#c9403a", "#3d8f9c")
WIDTH = 4.0  # inches: as wide as a phone, so that text has its own size there
STYLE: Any = {
    "text.parse_math": False,  # names may hold $
    "svg.fonttype": "none",
    "svg.hashsalt": "depthg",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 9,
    "axes.titlelocation": "left",
    "legend.frameon": False,
    "legend.fontsize": 8,
    **dict.fromkeys(("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color"), INK),
}
THEME = f"<style>svg{{color:{LIGHT}}}@media(prefers-color-scheme:dark){{svg{{color:{DARK}}}}}</style>"


@dataclass(frozen=True)
class Chart:
    """A picture as a data URI, its alternative text, and its width and height in pixels."""

    source: str
    alt: str
    width: int
    height: int


def chart(draw: Callable[..., tuple[Figure, str]]) -> Callable[..., Chart]:
    """Let a function that draws a figure and says what it shows return a chart."""

    @wraps(draw)
    def drawn(*arguments: Any, **options: Any) -> Chart:
        stream = io.StringIO()
        with rc_context(STYLE):
            figure, alt = draw(*arguments, **options)
            figure.savefig(stream, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
        text = stream.getvalue().replace(INK, "currentColor")
        head, tag, rest = text[text.index("<svg") :].partition(">")
        source = base64.b64encode(f"{head}{tag}{THEME}{rest}".encode()).decode()
        width, height = (round(1.6 * 72 * side) for side in figure.get_size_inches())
        return Chart(f"data:image/svg+xml;base64,{source}", alt, width, height)

    return drawn


def color_of(place: int) -> str:
    """The colour of the experiment at a place of the list."""
    return COLORS[place % len(COLORS)]


@chart
def draw_scores(
    title: str, scores: Mapping[str, Interval | None], floor: float | None, paper: Mapping[str, float]
) -> tuple[Figure, str]:
    """A row an experiment: seeds as dots, mean as a bar with its interval, the paper's figure as a diamond."""
    figure = Figure(figsize=(WIDTH, 0.7 + 0.32 * len(scores)), layout="constrained")
    axis = figure.subplots()
    for row, (name, score) in enumerate(scores.items()):
        if score is None:
            continue
        axis.hlines(row, score.low, score.high, color=color_of(row), linewidth=3)
        axis.plot(score.mean, row, "|", color=color_of(row), markersize=13, markeredgewidth=3)
        axis.plot(score.values, [row] * len(score.values), "o", color=color_of(row), markersize=4)
        if name in paper:
            axis.plot(paper[name], row, "D", markerfacecolor="none", markeredgecolor=INK, markersize=7)
    if floor is not None:
        axis.axvline(floor, color=INK, linewidth=1, linestyle=":")
    axis.set_yticks(range(len(scores)), scores)
    axis.set_ylim(len(scores) - 0.5, -0.5)
    axis.set_xlabel(f"{title}, percent")
    said = [f"{name} {score.text}" for name, score in scores.items() if score]
    return figure, f"{title} in percent: {'; '.join(said)}."


@chart
def draw_classes(iou: Mapping[str, Mapping[str, float | None]]) -> tuple[Figure, str]:
    """Bars of the IoU of each class, one an experiment: experiment → class → percent, or None."""
    classes = list(dict.fromkeys(name for values in iou.values() for name in values))
    height = 0.8 / max(len(iou), 1)
    figure = Figure(figsize=(WIDTH, 0.9 + len(classes) * (0.13 * len(iou) + 0.1)), layout="constrained")
    axis = figure.subplots()
    for place, (name, values) in enumerate(iou.items()):
        lengths = [values.get(one) or 0 for one in classes]
        rows = np.arange(len(classes)) + (place + 0.5) * height - 0.4
        axis.barh(rows, lengths, 0.9 * height, color=color_of(place), label=name)
    axis.set_yticks(range(len(classes)), classes)
    axis.set_ylim(len(classes) - 0.5, -0.5)
    axis.set_xlabel("IoU, percent")
    figure.legend(loc="outside upper left", ncols=3)
    best = {name: max(iou, key=lambda one: iou[one].get(name) or 0) for name in classes}
    said = "; ".join(f"{name}: best {best[name]}, {iou[best[name]].get(name) or 0:.0f}" for name in classes)
    return figure, f"IoU of each class in percent, by experiment. {said}."


@chart
def draw_confusion(shares: np.ndarray, rows: Sequence[str], columns: Sequence[str]) -> tuple[Figure, str]:
    """A matrix of shares in [0, 1] of each true class (a row) by the class predicted (a column)."""
    side = max(WIDTH, 0.26 * len(columns) + 1.4)
    figure = Figure(
        figsize=(side, side * 0.25 + 0.75 * side * len(rows) / len(columns)), layout="constrained"
    )
    axis = figure.subplots()
    rgb = np.array([int(COLORS[0][place : place + 2], 16) / 255 for place in (1, 3, 5)])
    axis.imshow(np.dstack([np.broadcast_to(rgb, (*shares.shape, 3)), 0.7 * shares]), aspect="auto")
    if len(columns) <= 12:
        for row, column in np.argwhere(shares >= 0.005):
            text = f"{100 * shares[row, column]:.0f}"
            axis.text(column, row, text, ha="center", va="center", fontsize=8)
    axis.set_xticks(range(len(columns)), columns, rotation=90)
    axis.set_yticks(range(len(rows)), rows)
    axis.set(xlabel="predicted", ylabel="true")
    wrong = shares.copy()
    np.fill_diagonal(wrong, 0)
    worst = np.column_stack(np.unravel_index(wrong.argsort(axis=None)[::-1][:3], wrong.shape))
    said = [f"{wrong[r, c]:.0%} of {rows[r]} is taken for {columns[c]}" for r, c in worst if wrong[r, c] > 0]
    return figure, f"Confusion matrix in percent of the true class. Largest errors: {'; '.join(said)}."


@chart
def draw_curves(
    name: str, groups: Mapping[str, Mapping[str, Sequence[tuple[int, float]]]]
) -> tuple[Figure, str]:
    """A panel a group of curves over training steps: group → curve → pairs of step and value."""
    figure = Figure(figsize=(WIDTH, 1.75 * len(groups)), layout="constrained")
    panels = figure.subplots(len(groups), sharex=True, squeeze=False)[:, 0]
    said = []
    for axis, (group, curves) in zip(panels, groups.items(), strict=True):
        for place, (curve, points) in enumerate(curves.items()):
            steps, values = np.array(points).T
            mark = "o-" if len(points) < 20 else "-"
            axis.plot(steps, values, mark, color=color_of(place), label=curve, linewidth=1.2, markersize=3)
            said.append(f"{group} {curve} {values[0]:.3g} to {values[-1]:.3g}")
        axis.set_title(group)
        axis.legend(loc="upper left", bbox_to_anchor=(1, 1))
    panels[-1].set_xlabel("step")
    return figure, f"Training of {name}, from its first to its last step: {'; '.join(said)}."


@chart
def draw_histograms(name: str, terms: Mapping[str, Mapping[str, Any]]) -> tuple[Figure, str]:
    """A panel a loss term: the targets of its pairs; those above the shift are pulled together, the others apart."""
    figure = Figure(figsize=(WIDTH, 1.45 * len(terms)), layout="constrained")
    for axis, (term, found) in zip(
        figure.subplots(len(terms), squeeze=False)[:, 0], terms.items(), strict=True
    ):
        edges = np.array(found["edges"])
        colors = [COLORS[1] if left >= found["shift"] else COLORS[0] for left in edges[:-1]]
        axis.bar(edges[:-1], found["shares"], np.diff(edges), align="edge", color=colors)
        axis.axvline(found["shift"], color=INK, linewidth=1)
        axis.set_title(f"{term}: {found['pulled']:.0%} of pairs pulled (above b = {found['shift']:g})")
        axis.set_yticks([])
    said = "; ".join(f"{term} {found['pulled']:.0%}" for term, found in terms.items())
    return figure, f"Targets of all pairs of tokens by loss term of {name}. Share pulled together: {said}."
