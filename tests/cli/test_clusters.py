"""`depthg clusters` as it is typed."""

import shutil

import matplotlib.image
import pytest

from depthg.cli import main
from tests.report.conftest import PlantedResults


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    return PlantedResults(tmp_path_factory.mktemp("clusters")).run(labelled=True)


@pytest.fixture
def folder(finished, tmp_path):
    """A copy of the results, beside the resources they were made from."""
    (tmp_path / "resources").symlink_to(finished.parents[2] / "resources")
    return shutil.copytree(finished, tmp_path / "results/planted/kmeans")


def test_shown_named_and_merged(folder, capsys):
    assert main(["clusters", "show", str(folder)]) == 0
    assert "cluster 0; " in capsys.readouterr().out
    assert {path.name for path in (folder / "clusters").iterdir()} == {
        *("overview.png", "0.png", "1.png", "2.png", "3.png")
    }
    assert main(["clusters", "name", str(folder), "1=dirt road", "--colours", "1=#010203"]) == 0
    assert main(["clusters", "merge", str(folder), "3", "into", "dirt road"]) == 0
    assert "4 clusters make 3: 0 cluster 0, 1 dirt road" in capsys.readouterr().out
    assert main(["clusters", "show", str(folder)]) == 0
    assert "1: dirt road (with 3); " in capsys.readouterr().out
    assert not (folder / "clusters/3.png").exists()
    overview = matplotlib.image.imread(folder / "clusters/overview.png")[..., :3]
    assert ((overview * 255).round() == (1, 2, 3)).all(axis=-1).any()


def test_a_folder_without_results_is_told_in_one_line(tmp_path, capsys):
    assert main(["clusters", "show", str(tmp_path)]) == 1
    error = capsys.readouterr().err
    assert (
        "metrics.json: missing or not JSON: give the folder of an experiment" in error
        and error.count("\n") == 1
    )


def test_names_of_another_training_are_refused(folder, capsys):
    assert main(["clusters", "name", str(folder), "0=sky"]) == 0
    (folder / "clusters.yaml").write_text(
        (folder / "clusters.yaml").read_text().replace("probe: ", "probe: 0")
    )
    assert main(["clusters", "merge", str(folder), "1", "into", "sky"]) == 1
    assert "another probe" in capsys.readouterr().err
