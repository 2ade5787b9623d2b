"""Each benchmark in miniature, as its provider ships it, from `snakemake` to metrics.json."""

import copy
import json
from zipfile import ZipFile

import numpy as np
import pytest

from depthg.config.sections import Dataset
from depthg.data import loader
from depthg.data.folder import companion
from depthg.store.reader import Store


def _add_depth(kind, root):
    """A depth map for every image, where the source `files` looks for it."""
    for files in loader(kind, kind).find(root, Dataset()).files.values():
        for image, _ in files:
            path = companion(root, image, "depth/sensor", ".npy")
            path.parent.mkdir(parents=True, exist_ok=True)
            np.save(path, np.add.outer(np.arange(30), np.random.default_rng(0).random(40)))


@pytest.fixture
def benchmark_of(project):
    """A function that adds a benchmark's miniature to the project."""
    kept = copy.deepcopy(project.config)

    def add(kind, root):
        _add_depth(kind, root)
        settings = project.config["datasets"]["mini"]["settings"]
        project.config["datasets"][kind] = {"root": str(root), "settings": settings}
        return project

    yield add
    project.config = kept


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "classes", "crops"), [("cocostuff", 27, 15), ("cityscapes", 27, 15), ("potsdam", 3, 6)]
)
def test_scores_of_a_miniature(benchmark_of, request, kind, classes, crops):
    project = benchmark_of(kind, request.getfixturevalue(kind))
    target = f"results/{kind}/ours_3dlhp/metrics.json"
    done = project.snakemake(target)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"warning: {kind}: " in done.stdout + done.stderr  # of the number of images
    metrics = json.loads((project.folder / target).read_text())
    assert len(metrics["linear"]["per_class"]) == classes
    store = Store(project.folder / f"resources/{kind}/train/crops.zarr")
    assert len(store) == crops and set(np.unique(store.read("labels"))) <= {*range(classes), 255}


def test_a_zip_to_unpack_is_told_before_anything_runs(benchmark_of, cityscapes):
    project = benchmark_of("cityscapes", cityscapes)
    with ZipFile(cityscapes / "gtFine_trainvaltest.zip", "w"):
        (cityscapes / "gtFine").rename(cityscapes / "elsewhere")
    done = project.snakemake("results/cityscapes/ours/metrics.json", "--dry-run")
    told = done.stdout + done.stderr
    assert done.returncode == 1
    assert "unpack gtFine_trainvaltest.zip with `depthg data unpack cityscapes`" in told
