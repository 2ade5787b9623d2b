"""A configuration with tables, and results as runs would leave them."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from depthg.config import Config, load_config
from depthg.config.settings import ClusterSettings, EvaluateSettings, TrainSettings
from depthg.evaluation.collect import collect
from depthg.evaluation.evaluate import evaluate
from depthg.evaluation.probes import fit_probes
from depthg.models.checkpoint import Model, save_model
from depthg.report.tables.contents import plan_table
from tests.evaluation.conftest import Planted

ROWS = [
    {"system": "IIC", "backbone": "R18+FPN", "paper": {"acc": 21.8}},
    {"system": "STEGO", "backbone": "ViT-S/8", "experiment": "stego", "paper": {"acc": 48.3, "miou": 24.5}},
    {
        "system": "Ours",
        "elsewhere": "own",
        "experiment": "ours",
        "paper": {"acc": 56.3},
        "note": "as printed",
    },
    {"system": "MiDaS", "experiment": "ours+depth=midas", "paper": {"acc": 53.0}},
    {"system": "ViT-B", "experiment": "ours+backbone=large"},
    {"system": "plane", "experiment": "ours+geometry=plane"},
    {"system": "attention", "experiment": "mixed"},
]
CONTENT = {
    "datasets": {
        "coco": {"settings": {"backbone": "small", "depth": "zoe", "seeds": [0, 1]}},
        "demo": {"settings": {"backbone": "cnn", "depth": "exact"}},
    },
    "backbones": {
        "small": {"model": "vit_small_patch8_224"},
        "large": {"model": "vit_base_patch8_224"},
        "cnn": {"model": "resnet50"},
    },
    "depth_sources": {
        "zoe": {"source": "kbr"},
        "exact": {"source": "files", "name": "exact", "larger": "farther"},
    },
    "geometries": {"plane": {"control": "plane"}},
    "experiments": {
        "stego": {},
        "ours": {"sampling": "fps"},
        "mixed": {"lhp": "attention"},
    },
    "tables": {
        "table1": {"title": "Scores", "dataset": "coco", "reference": "stego", "rows": ROWS},
        "table9": {"title": "Elsewhere", "dataset": "moon", "reference": "stego", "rows": ROWS},
    },
}


@pytest.fixture
def config() -> Config:
    return load_config(CONTENT)


@pytest.fixture
def finish(config, tmp_path, monkeypatch) -> Callable[..., Path]:
    """Write the metrics.json of an experiment, in a working directory of the test's own."""
    monkeypatch.chdir(tmp_path)

    def finish(dataset: str, experiment: str, acc: list[float], miou: list[float], **changes) -> Path:
        def score(values: list[float]) -> dict:
            mean = sum(values) / len(values)
            spread = sum((value - mean) ** 2 for value in values) / max(len(values) - 1, 1)
            return {"mean": mean, "std": spread**0.5, "values": values}

        plain = {"accuracy": score([1.0]), "miou": score([1.0])}
        block = {"accuracy": score(acc), "miou": score(miou)}
        runs = [row.run for row in plan_table(config, "table1", dataset).rows if row.run]
        own = next(run for run in runs if run.experiment == experiment)
        content = {
            "seeds": list(range(len(acc))),
            "configuration_hash": own.configuration_hash,
            "unsupervised": plain,
            "linear": plain,
            "unsupervised_crf": block,
            "linear_crf": block,
        }
        path = Path(own.metrics)
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(content | changes))
        return path

    return finish


class PlantedResults(Planted):
    """The planted data set, laid out as the workflow lays it."""

    def features(self, split: str) -> Path:
        return self.root / f"resources/planted/{split}/features/vit.zarr"

    def crops(self, split: str) -> Path:
        return self.root / f"resources/planted/{split}/crops.zarr"

    def run(self, labelled: bool) -> Path:
        """Run an experiment on it: k-means on tokens, without CRF. Its folder."""
        folder = self.root / "results/planted/kmeans"
        seed, self.classes = folder / "seed0", self.root / "resources/planted/classes.csv"
        self.plant("train", self.labels(12))
        self.plant("val", self.labels(5))
        rows = "0,road,128,64,128\n1,sky,70,130,180\n2,tree,107,142,35\n" if labelled else ""
        self.classes.write_text(f"id,name,red,green,blue\n{rows}")
        seed.mkdir(parents=True)
        save_model(Model(TrainSettings(head="identity"), self.channels), seed / "model.safetensors")
        stores, probes = (self.features("val"), self.crops("val")), seed / "probes.safetensors"
        fit_probes(
            self.features("train"),
            self.crops("train"),
            self.classes,
            seed / "model.safetensors",
            probes,
            ClusterSettings(clusters=4, linear_steps=0),
            seed=0,
        )
        shown = EvaluateSettings(crf=False, pictures=2)
        evaluate(*stores, self.classes, seed / "model.safetensors", probes, seed, shown, workers=1)
        header = {"dataset": "planted", "experiment": "kmeans", "backbone": "vit", "depth": None}
        header |= {
            "preset": "paper",
            "configuration_hash": "0",
            "versions": {"python": "3"},
            "git_commit": None,
        }
        collect([seed], folder / "metrics.json", header, {"train/crops": 1.0, "kmeans/seed0/train": 60.0})
        return folder


@pytest.fixture(scope="module")
def labelled_results(tmp_path_factory) -> Path:
    """The folder of an experiment with labels; not to be changed."""
    return PlantedResults(tmp_path_factory.mktemp("labelled")).run(labelled=True)


@pytest.fixture(scope="module")
def unlabelled_results(tmp_path_factory) -> Path:
    """The folder of an experiment without labels; not to be changed."""
    return PlantedResults(tmp_path_factory.mktemp("unlabelled")).run(labelled=False)


@pytest.fixture
def copied(labelled_results, tmp_path) -> Path:
    """A copy of the folder of an experiment with labels, to be changed, beside the resources it was made from."""
    (tmp_path / "resources").symlink_to(labelled_results.parents[2] / "resources")
    return shutil.copytree(labelled_results, tmp_path / "results/planted/kmeans")
