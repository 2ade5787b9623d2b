"""The report as one file: whole without a network, readable by people who cannot see, with and without labels."""

import contextlib
import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from depthg.cli import main
from depthg.errors import DepthGError
from depthg.report.page.page import find_experiments
from tests.evaluation.conftest import write_store

VOID = {"meta", "link", "img", "br", "input"}
PLAIN = {"self": {"shift": 0.1, "pulled": 0.25, "edges": [0.0, 0.1, 0.2], "shares": [0.75, 0.25]}}


class Page(HTMLParser):
    """The elements of a page, all of which must be closed in order."""

    def __init__(self, text: str):
        super().__init__()
        self.found, self.open = [], []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def all(self, tag: str) -> list[dict]:
        return [attributes for name, attributes in self.found if name == tag]


def report(results: Path, *options: str) -> str:
    """The report of the data set that results of an experiment are of, as `depthg report` writes it."""
    with contextlib.chdir(results.parents[2]):
        assert main(["report", "planted", *options]) == 0
    return (results.parent / "report/index.html").read_text()


@pytest.fixture(scope="module")
def labelled(labelled_results) -> str:
    return report(labelled_results)


@pytest.fixture(scope="module")
def unlabelled(unlabelled_results) -> str:
    return report(unlabelled_results)


@pytest.mark.parametrize("text", ["labelled", "unlabelled"])
def test_the_page_is_whole_in_itself_and_can_be_read_aloud(text, request):
    page = Page(request.getfixturevalue(text))
    sources = [image["src"] for image in page.all("img") if "src" in image]
    assert sources and all(source.startswith("data:image/") for source in sources)
    assert all(image["alt"] for image in page.all("img") if "src" in image)
    assert not any("href" in link and link["href"].startswith("http") for link in page.all("a"))
    assert all("src" not in script for script in page.all("script"))
    assert page.all("html") == [{"lang": "en"}] and len(page.all("h1")) == len(page.all("main")) == 1
    names = [one["id"] for _, one in page.found if "id" in one]
    assert len(names) == len(set(names))
    targets = {link["href"][1:] for link in page.all("a")} | {
        one["aria-labelledby"] for one in page.all("section")
    }
    assert targets <= set(names)


def test_with_labels_there_are_scores_classes_and_the_worst(labelled, labelled_results):
    metrics = json.loads((labelled_results / "metrics.json").read_text())
    assert f"<td>{metrics['unsupervised']['miou']['mean']:.1f}</td>" in labelled
    assert "Confusion of kmeans" in labelled and "IoU of each class in percent" in labelled
    assert "Worst and best images of kmeans" in labelled and "ground truth: " in labelled
    assert "nearest class: " in labelled and "no scores" not in labelled
    assert "mIoU, paper" not in labelled
    assert len(re.findall('class="cluster"', labelled)) == 4
    assert "2 patches of" in labelled or "3 patches of" in labelled or "5 patches of" in labelled


def test_without_labels_the_page_says_so_and_shows_clusters(unlabelled):
    assert "There are no scores: no labels." in unlabelled
    assert (
        "ground truth" not in unlabelled
        and "nearest class" not in unlabelled
        and "<td>–</td>" not in unlabelled
    )
    assert len(re.findall('class="cluster"', unlabelled)) == 4 and "cluster 3" in unlabelled


def test_the_papers_figures_stand_beside_ours(copied):
    text = report(copied, "--paper", '{"kmeans": {"miou": 24.5}}')
    assert "<td>24.5</td>" in text and "diamonds the paper" in text


def test_times_versions_settings_and_citation_are_told(labelled):
    assert '<th scope="row">kmeans/seed0/train</th><td>60.0</td>' in labelled
    assert '<th scope="row">python</th><td>3</td>' in labelled
    assert "@inproceedings{sick2024depthg," in labelled


def test_training_and_histograms_are_drawn_if_they_are_there(copied):
    lines = [
        {"step": s, "total": 1 - s, "self": 0.5 * s, "lambda_depth": 0.2, "learning_rate": 0.1}
        for s in (0, 1)
    ]
    (copied / "seed0/history.jsonl").write_text("\n".join(map(json.dumps, lines)))
    (copied / "correlations.json").write_text(json.dumps(PLAIN))
    text = report(copied)
    assert "loss total 1 to 0; loss self 0 to 0.5; weight λ depth 0.2 to 0.2" in text
    assert "Share pulled together: self 25%" in text


def test_names_and_merges_of_clusters_are_followed(copied):
    for words in (["name", str(copied), "2=<b>sand</b>"], ["merge", str(copied), "3", "into", "2"]):
        assert main(["clusters", *words]) == 0
    text = report(copied)
    assert "2: &lt;b&gt;sand&lt;/b&gt; (with 3)" in text and "<b>sand" not in text
    assert len(re.findall('class="cluster"', text)) == 3


def test_of_results_whose_stores_are_gone_the_rest_is_shown(copied, capsys):
    (copied.parents[2] / "resources").unlink()
    classes = copied.parents[2] / "resources/planted/classes.csv"
    classes.parent.mkdir(parents=True)
    classes.write_text("id,name,red,green,blue\n0,road,1,2,3\n1,sky,4,5,6\n2,tree,7,8,9\n")
    text = report(copied)
    assert "not there any more" in text and "Confusion of kmeans" in text
    assert "warning: " in capsys.readouterr().out


def test_depth_is_shown_without_the_features_that_points_are_sampled_from(labelled_results, tmp_path):
    own = shutil.copytree(labelled_results, tmp_path / "results/planted/kmeans")
    val = tmp_path / "resources/planted/val"
    shutil.copytree(labelled_results.parents[2] / "resources", tmp_path / "resources")
    write_store(val / "depth/exact.zarr", {"depth": np.linspace(0, 1, 5 * 32 * 32).reshape(5, 32, 32)})
    metrics = json.loads((own / "metrics.json").read_text()) | {"depth": "exact"}
    (own / "metrics.json").write_text(json.dumps(metrics))
    text = report(own)
    assert "Depth, near is light" in text and "64 tokens that farthest-point sampling" in text
    shutil.rmtree(val / "features")
    text = report(own)
    assert "Depth, near is light" in text and "farthest-point sampling in" not in text


def test_nothing_that_was_run_is_told_in_one_line(tmp_path):
    with pytest.raises(
        DepthGError, match=r"no experiment was run: `snakemake --cores 2 .*auto/metrics\.json`"
    ):
        find_experiments(tmp_path, [])


def test_the_floor_comes_first(tmp_path):
    for name in ("auto", "kmeans", "stego"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "metrics.json").touch()
    assert [folder.name for folder in find_experiments(tmp_path, [])] == ["kmeans", "auto", "stego"]
    assert [folder.name for folder in find_experiments(tmp_path, ["stego", "auto"])] == ["stego", "auto"]
