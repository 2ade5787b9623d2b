"""Tables as Markdown, LaTeX and CSV."""

import csv
from pathlib import Path

import pytest

from depthg.report.tables.contents import plan_table
from depthg.report.tables.formats import latex, markdown, write_table
from depthg.report.tables.results import Value
from depthg.report.tables.sheet import Sheet, make_sheet, number, signed
from depthg.report.tables.table import Difference, fill_table


@pytest.fixture
def written(config, finish):
    """The three files of a table in which one experiment has been run, by suffix."""
    finish("coco", "stego", acc=[50.0, 52.0], miou=[23.0, 24.0])
    write_table(plan_table(config, "table1"), Path("results/tables/table1.md"))
    return {path.suffix: path.read_text() for path in Path("results/tables").iterdir()}


def test_markdown_row_by_row(written):
    lines = written[".md"].splitlines()
    assert lines[0].startswith("Scores: coco. Percent.") and "after the CRF" in lines[0]
    assert lines[2] == (
        "| System | Backbone | acc.: paper | acc.: ours | Δ acc. | mIoU: paper | mIoU: ours | Δ mIoU | Seeds |"
    )
    assert lines[4] == "| IIC | R18+FPN | 21.8 | – | – | – | – | – | – |"
    assert lines[5] == "| STEGO | ViT-S/8 | 48.3 | 51.0 ± 1.4 | +2.7 | 24.5 | 23.5 ± 0.7 | −1.0 | 0, 1 |"
    assert lines[6] == "| Ours | – | 56.3 | not run | – | – | not run | – | – |"
    assert lines[7] == "| MiDaS | – | 53.0 | not available here | – | – | not available here | – | – |"
    assert "- Ours: as printed." in lines
    assert any(line.startswith("- MiDaS: not available here: config.yaml: unknown depth") for line in lines)


def test_markdown_elsewhere(config, finish):
    finish("demo", "stego", acc=[40.0], miou=[20.0])
    finish("demo", "ours", acc=[43.5], miou=[19.0], unsupervised_crf=None)
    planned = plan_table(config, "table1", "demo")
    lines = markdown(make_sheet(planned, fill_table(planned))).splitlines()
    assert "difference to the row of stego, paired by seed, with its 95 % confidence interval" in lines[0]
    assert lines[2] == "| System | Backbone | acc. | Δ acc. | mIoU | Δ mIoU | Seeds |"
    assert lines[4] == "| STEGO | cnn | 40.0 | – | 20.0 | – | 0 |"
    assert lines[5] == "| own | cnn | 1.0 \\* | −39.0 | 1.0 \\* | −19.0 | 0 |"
    assert "- \\* without CRF." in lines and "56.3" not in "".join(lines)


def test_csv_has_a_field_for_everything(written):
    records = list(csv.DictReader(written[".csv"].splitlines()))
    stego = records[1]
    assert (stego["system"], stego["experiment"], stego["seeds"], stego["state"]) == (
        "STEGO",
        "stego",
        "0 1",
        "",
    )
    assert float(stego["acc_std"]) == pytest.approx(2**0.5) and stego["acc_difference"] == "2.7"
    assert (stego["acc_paper"], stego["acc_mean"], stego["acc_crf"]) == ("48.3", "51.0", "1")
    assert records[2]["state"] == "not run" and records[2]["acc_mean"] == ""
    assert records[0]["acc_paper"] == "21.8" and records[0]["experiment"] == ""


def test_csv_of_one_seed_has_no_deviation(config, finish):
    finish("coco", "stego", acc=[50.0], miou=[24.0])
    write_table(plan_table(config, "table1"), Path("table1.md"))
    stego = list(csv.DictReader(Path("table1.csv").read_text().splitlines()))[1]
    assert (stego["acc_mean"], stego["acc_std"]) == ("50.0", "")


def test_latex_is_a_table_of_as_many_columns(written):
    lines = written[".tex"].splitlines()
    assert r"\begin{tabular}{llrrrrrrr}" in lines
    assert (
        r"STEGO & ViT-S/8 & 48.3 & 51.0 $\pm$ 1.4 & +2.7 & 24.5 & 23.5 $\pm$ 0.7 & $-$1.0 & 0, 1 \\" in lines
    )
    assert written[".tex"].isascii()


def test_special_characters_are_plain_text():
    sheet = Sheet("a_b", ["x", "y", "z"], [["50 % & #1", "a|b*", "C:\\d ~ {e}^2"]], ["line\nbreak <b>"])
    assert (
        r"50 \% \& \#1 & a|b* & C:\textbackslash{}d \textasciitilde{} \{e\}\textasciicircum{}2 \\"
        in latex(sheet)
    )
    assert r"\caption{a\_b line break <b>}" in latex(sheet)
    assert r"| 50 % & #1 | a\|b\* | C:\\d ~ {e}^2 |" in markdown(sheet)
    assert "\n- line break \\<b>\n" in markdown(sheet)


@pytest.mark.parametrize(
    ("difference", "text"),
    [
        (Difference(1.25), "+1.2"),
        (Difference(-0.31), "−0.3"),
        (Difference(-0.04), "+0.0"),
        (Difference(3.0, -2.01, 8.01), "+3.0 [−2.0, +8.0]"),
        (None, "–"),
    ],
)
def test_differences_have_a_sign(difference, text):
    assert signed(difference) == text


def test_one_seed_has_no_spread():
    assert number(Value(40.04, 0.0, True), 1) == "40.0"
    assert number(Value(40.04, 1.26, False), 3) == "40.0 ± 1.3 *"
