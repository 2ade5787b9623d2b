"""A model trained on scheduled crops is the one trained on all."""

import shutil

import pytest
from safetensors.numpy import load_file

from depthg.store.reader import Store

from .conftest import SETTINGS, Project, make_photos

MODEL = "results/mini/ours_3dlhp/seed{}/model.safetensors"


def run(project: Project, *targets: str) -> None:
    for target in targets:
        done = project.snakemake(target)
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
def test_scheduled_crops_make_the_same_model(project, tmp_path):
    make_photos(tmp_path / "photos", train=6, val=3)
    shutil.copy(project.folder / "tiny.safetensors", tmp_path)
    own = Project(tmp_path)
    short = SETTINGS | {"steps": 2, "batch": 3, "seeds": [4]}
    models = {}
    for training_crops in ("all", "scheduled"):
        own.config["datasets"]["mini"]["settings"] = short | {"training_crops": training_crops}
        run(own, MODEL.format(4))
        models[training_crops] = load_file(tmp_path / MODEL.format(4))
        shutil.rmtree(tmp_path / "results")
    one, other = models.values()
    assert one.keys() == other.keys() and all((one[name] == other[name]).all() for name in one)
    assert 6 <= len(Store(tmp_path / "resources/mini/scheduled/features/tiny.zarr")) <= 12  # of 30
    run(own, "results/mini/ours_3dlhp/metrics.json", "results/mini/figures/sampling.png")
    done = own.snakemake(MODEL.format(7))
    assert done.returncode == 1 and "list all seeds under `seeds`" in done.stdout + done.stderr
