"""`depthg new`: a project that the shipped workflow runs."""

import re

import numpy as np
import pytest
import yaml
from PIL import Image

from depthg.cli import main
from depthg.config import load_project


@pytest.fixture(autouse=True)
def measured(monkeypatch, request):
    """The trial of this machine takes seconds; one test waits for it. The hub is not asked."""
    monkeypatch.setattr("depthg.cli.new.cached", lambda hub_id, file: None)
    monkeypatch.setattr("depthg.cli.new.why_unreachable", lambda: None)
    if "slow" not in request.keywords:
        monkeypatch.setattr("depthg.cli.new.first_hours", lambda config_file, found: 0.5)


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
    assert f"cd {project} && snakemake results/mine/auto/metrics.json" in capsys.readouterr().out
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


def test_a_folder_of_images_in_the_project_moves_with_it(tmp_path, photos):
    photos.rename(tmp_path / "photos")
    assert main(["new", str(tmp_path), "--images", str(tmp_path / "photos")]) == 0
    assert yaml.safe_load((tmp_path / "config.yaml").read_text())["datasets"]["mine"]["root"] == "photos"


def test_profiles_for_clusters_lie_where_the_documentation_says(photos, tmp_path, request):
    main(["new", str(tmp_path / "p"), "--images", str(photos)])
    own, shipped = (
        root / "workflow/profiles/slurm/config.yaml" for root in (tmp_path / "p", request.config.rootpath)
    )
    assert own.read_text() == shipped.read_text()


def test_a_project_among_the_images_is_refused(photos, capsys):
    assert main(["new", str(photos / "p"), "--images", str(photos)]) == 1
    assert "lies in the folder of images" in capsys.readouterr().err
    (photos / "images").mkdir()
    for image in photos.glob("*.png"):
        image.rename(photos / "images" / image.name)
    assert main(["new", str(photos), "--images", str(photos)]) == 0
    assert yaml.safe_load((photos / "config.yaml").read_text())["datasets"]["mine"]["root"] == "."


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("nowhere", "no such folder: give --images"),
        ("empty", "images found: 0, at least 2"),
        ("0.png", "no such folder"),
    ],
)
def test_images_that_are_not_there(name, reason, photos, tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    (photos / "0.png").rename(tmp_path / "0.png")
    assert main(["new", str(tmp_path / "p"), "--images", str(tmp_path / name)]) == 1
    assert f"{tmp_path / name}: {reason}" in capsys.readouterr().err
    assert not (tmp_path / "p").exists()


def test_a_folder_that_cannot_be_written(photos, tmp_path, capsys):
    (tmp_path / "file").touch()
    assert main(["new", str(tmp_path / "file/p"), "--images", str(photos)]) == 1
    assert "Not a directory: choose a folder that you may write" in capsys.readouterr().err


def test_what_is_found_is_said_and_written(photos, tmp_path, capsys):
    Image.new("RGB", (300, 20)).save(photos / "wide.tif")
    (photos / "broken.jpg").write_bytes(b"no image")
    (photos / "notes.xcf").touch()
    (photos / "depth/kinect").mkdir(parents=True)
    (photos / "depth/kinect/0.npy").touch()
    assert main(["new", str(tmp_path / "p"), "--images", str(photos)]) == 0
    said, written = capsys.readouterr().out, (tmp_path / "p/config.yaml").read_text()
    for line in (
        "5 images (3 png, 1 jpg, 1 tif): 4 to train on, 1 to validate",
        "sizes: 60 × 40 to 300 × 20 pixels, of 4 that were opened",
        f"1 cannot be opened, such as {photos / 'broken.jpg'}",
        "no labels: the result is a picture of the segments",
        "depth maps: kinect (1 files)",
        "ignored files: 1 .xcf",
    ):
        assert line in said and f"# {line}" in written
    assert "about 30.0 min, besides fetching dino_vits8 once" in said
    assert "#   kinect: {source: files, name: kinect, larger: farther}   # or nearer" in written
    load_project(tmp_path / "p/config.yaml")


def test_weights_that_cannot_be_fetched_are_told_at_once_with_the_remedy(
    photos, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr("depthg.cli.new.why_unreachable", lambda: "it is away")
    assert main(["new", str(tmp_path / "p"), "--images", str(photos)]) == 0
    said = capsys.readouterr()
    assert (
        "cannot be fetched here (it is away): where there is a network, run `depthg weights fetch dino"
        in said.out
    )
    monkeypatch.setattr("depthg.cli.new.cached", lambda hub_id, file: photos)
    assert main(["new", str(tmp_path / "q"), "--images", str(photos)]) == 0
    said = capsys.readouterr()
    assert said.out.splitlines()[-1] == "about 30.0 min" and not said.err


def test_the_example_of_a_backbone_of_ones_own_is_valid(photos, tmp_path):
    main(["new", str(tmp_path / "p"), "--images", str(photos)])
    file = tmp_path / "p/config.yaml"
    lines = file.read_text().splitlines()
    first = lines.index("# backbones:")
    lines[first : first + 2] = [line.removeprefix("# ") for line in lines[first : first + 2]]
    file.write_text("\n".join(lines).replace("backbone: dino_vits8", "backbone: mine"))
    config = load_project(file)
    assert config.network(config.resolve("mine", "auto").backbone).weights == "path/to/weights.safetensors"


@pytest.mark.parametrize(
    ("count", "most"), [(2, (4, 4, 5)), (3, (9, 7, 10)), (5, (19, 7, 16)), (9, (30, 7, 16))]
)
def test_few_images_get_settings_that_they_can_fill(photos, tmp_path, count, most):
    for number in range(3, count):
        Image.new("RGB", (60, 40)).save(photos / f"{number}.png")
    if count == 2:
        (photos / "2.png").unlink()
    assert main(["new", str(tmp_path / "p"), "--images", str(photos)]) == 0
    config = load_project(tmp_path / "p/config.yaml")
    settings = config.resolve("mine", "auto")
    assert (settings.keep, settings.neighbors, settings.batch) == most
    assert config.resolve("mine", "ours").batch == min(5 * (count - 1), 32)  # one validates
    assert settings.selection == ("last" if count == 2 else "stability")  # one is left to train on


def test_names_of_files_cannot_write_into_the_configuration(photos, tmp_path):
    (photos / "a.jpg\ndataset: stolen").touch()
    (photos / "x\ny.jpg").write_bytes(b"")
    assert main(["new", str(tmp_path / "p"), "--images", str(photos)]) == 0
    assert load_project(tmp_path / "p/config.yaml").dataset == "mine"


@pytest.mark.slow
def test_the_time_is_measured(photos, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("depthg.report.plan.probe.MIN_SECONDS", 0.0)
    assert main(["new", str(tmp_path / "p"), "--images", str(photos)]) == 0
    *_, last = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r"about [\d.]+ (s|min|h), besides fetching dino_vits8 once", last)
