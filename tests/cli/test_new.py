"""`depthg new`: a project that the shipped workflow runs."""

import numpy as np
import pytest
import yaml
from PIL import Image

from depthg.cli import main
from depthg.config import load_project


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "my photos: 'summer'"
    folder.mkdir()
    for number in range(3):
        pixels = np.full((40, 60, 3), 40 * number, np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.png")
    return folder


def test_a_project_is_written(photos, tmp_path, capsys):
    project = tmp_path / "project"
    assert main(["new", str(project), "--images", str(photos)]) == 0
    assert f"cd {project} && snakemake results/mine/stego/metrics.json" in capsys.readouterr().out
    assert load_project(project / "config.yaml").datasets["mine"].root == str(photos)
    assert yaml.safe_load((project / "profiles/default/config.yaml").read_text())["cores"] == "all"
    assert len((project / "Snakefile").read_text().splitlines()) < 30


def test_the_shipped_settings_lie_below(photos, tmp_path, monkeypatch, capsys):
    main(["new", str(tmp_path / "p"), "--images", str(photos)])
    monkeypatch.chdir(tmp_path / "p")
    assert main(["config", "show", "mine", "ours"]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["sampling:", "fps", "#", "experiments:", "ours"] in lines
    assert ["clusters:", "12", "#", "datasets:", "mine:", "settings"] in lines


def test_a_project_is_not_overwritten(photos, tmp_path, capsys):
    (tmp_path / "config.yaml").write_text("dataset: mine\n")
    assert main(["new", str(tmp_path), "--images", str(photos)]) == 1
    assert "config.yaml: there is a project already" in capsys.readouterr().err
    assert not (tmp_path / "Snakefile").exists()


@pytest.mark.parametrize("name", ["nowhere", "empty"])
def test_images_that_are_not_there(name, tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    assert main(["new", str(tmp_path / "p"), "--images", str(tmp_path / name)]) == 1
    assert f"{tmp_path / name}: " in capsys.readouterr().err
    assert not (tmp_path / "p").exists()
