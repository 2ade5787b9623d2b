"""Charts follow light and dark mode, can be read against both, and say in words what they show."""

import base64
import xml.etree.ElementTree as ET

import numpy as np
import pytest

from depthg.report.page import charts
from depthg.report.page.intervals import interval
from depthg.report.tables.results import Value

PAPERS = {"light": "#ffffff", "dark": "#15171b"}  # backgrounds in report.css
SCORES = {"kmeans": interval(Value(45.0, 1.0, True, (44.0, 45.0, 46.0))), "own": None}


def text_of(chart: charts.Chart) -> str:
    head, _, data = chart.source.partition(",")
    assert head == "data:image/svg+xml;base64"
    return base64.b64decode(data).decode()


def luminance(color: str) -> float:
    """Relative luminance in [0, 1], by WCAG 2."""
    rgb = np.array([int(color[place : place + 2], 16) for place in (1, 3, 5)]) / 255
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def contrast(one: str, other: str) -> float:
    light, dark = sorted([luminance(one), luminance(other)], reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_contrast_is_that_of_the_standard():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("mode", PAPERS)
def test_colours_stand_out_from_both_backgrounds(mode):
    assert min(contrast(color, PAPERS[mode]) for color in charts.COLORS) >= 3
    assert contrast({"light": charts.LIGHT, "dark": charts.DARK}[mode], PAPERS[mode]) >= 7


def test_a_chart_is_svg_whose_ink_is_that_of_the_page():
    text = text_of(charts.draw_scores("mIoU", SCORES, 45.0, {"kmeans": 40.0}))
    ET.fromstring(text)
    assert "currentColor" in text and charts.INK not in text and "prefers-color-scheme:dark" in text
    assert "kmeans</text>" in text  # letters, not outlines


def test_the_same_chart_has_the_same_bytes():
    first, again = (charts.draw_scores("mIoU", SCORES, None, {}) for _ in range(2))
    assert first == again


def test_scores_are_said_with_their_interval():
    assert charts.draw_scores("mIoU", SCORES, None, {}).alt == "mIoU in percent: kmeans 45.0 [42.5, 47.5]."


def test_the_best_experiment_of_each_class_is_said():
    iou = {"a": {"sky": 80.0, "car": None}, "b": {"sky": 70.0, "car": 5.0}}
    assert charts.draw_classes(iou).alt.endswith("sky: best a, 80; car: best b, 5.")


def test_the_largest_confusions_are_said():
    shares = np.array([[0.9, 0.1, 0.0], [0.4, 0.35, 0.25]])
    alt = charts.draw_confusion(shares, ["sky", "car"], ["sky", "car", "no class"]).alt
    assert alt.endswith(
        "40% of car is taken for sky; 25% of car is taken for no class; 10% of sky is taken for car."
    )


def test_many_classes_are_drawn_without_numbers():
    names = [f"class {k}" for k in range(27)]
    assert ">100</text>" not in text_of(charts.draw_confusion(np.eye(27), names, names))
    assert ">100</text>" in text_of(charts.draw_confusion(np.eye(3), names[:3], names[:3]))


def test_a_name_with_dollars_is_no_formula():
    assert "$a^b$</text>" in text_of(charts.draw_scores("mIoU", {"$a^b$": SCORES["kmeans"]}, None, {}))


def test_one_seed_has_no_interval():
    one = interval(Value(45.0, 0.0, True, (45.0,)))
    assert one.text == "45.0" and one.low == one.high == 45
    assert interval(None) is None
