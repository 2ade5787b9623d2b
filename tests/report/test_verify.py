"""`depthg verify`: a whole run has no fault; each damage and each mixture is named, with what to make again."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from depthg.cli import main
from depthg.config.settings import TrainSettings
from depthg.evaluation.collect import collect
from depthg.models.checkpoint import Model, load_model, save_model
from depthg.models.sealed import PROBES, save_sealed
from depthg.store.arrays import Array
from depthg.store.writer import Writer

HEADER = dict.fromkeys(
    ("dataset", "experiment", "backbone", "depth", "preset", "configuration_hash", "versions", "git_commit"),
    "x",
)
SCORES = {"accuracy": 40.0, "miou": 30.0, "per_class": {"road": 30.0}}


def make_seed(folder, seed: int) -> None:
    """The files of a seed, each with the digests of what it was made from."""
    folder.mkdir(parents=True)
    model = Model(TrainSettings(code_dim=4), 5)
    model.made_from = {"seed": seed}
    save_model(model, folder / "model.safetensors")
    head = load_model(folder / "model.safetensors").digest
    save_sealed(
        {"centroids": np.eye(3, 4, dtype=np.float32)}, folder / "probes.safetensors", PROBES, {"model": head}
    )
    np.savez_compressed(folder / "predictions.npz", images=np.zeros((2, 8, 8), np.uint8))
    made_from = {"settings": "s", "features": "f", "crops": "c", "model": head}
    counts = {"images": 7, "pixels": 70}
    scores = {"unsupervised": SCORES, "reasons": {}, "matching": {}, "counts": counts, "made_from": made_from}
    (folder / "metrics.json").write_text(json.dumps(scores))


@pytest.fixture
def made(tmp_path):
    """A store, and the results of an experiment of two seeds."""
    writer = Writer(tmp_path / "resources/a.zarr", 3, {"ids": Array((4,), "int32", compress=False)}, {})
    writer.write(range(3), ids=np.zeros((3, 4)))
    writer.finish()
    own = tmp_path / "results/mini/own"
    for seed in (0, 1):
        make_seed(own / f"seed{seed}", seed)
    collect([own / "seed0", own / "seed1"], own / "metrics.json", HEADER, {})
    return tmp_path


def flip(path, place: int) -> None:
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)


def test_what_is_whole_has_no_fault(made, capsys):
    model = made / "results/mini/own/model"  # of a seed, for use elsewhere: no result of an experiment
    model.mkdir()
    shutil.copy(made / "results/mini/own/seed0/model.safetensors", model / "head.safetensors")
    assert main(["verify", str(made)]) == 0
    printed = capsys.readouterr().out
    assert "a.zarr: all 3 rows of ids agree" in printed and ": 3 results belong to what" in printed


@pytest.mark.parametrize(
    ("file", "place", "named"),
    [
        ("own/seed0/model.safetensors", -3, "model.safetensors: damaged: its weights"),
        ("own/seed1/probes.safetensors", -3, "probes.safetensors: damaged: its weights"),
        ("own/seed1/probes.safetensors", 3, "probes.safetensors: not a file of depthg's, or cut off"),
        ("own/seed0/predictions.npz", 80, "predictions.npz: damaged"),
    ],
)
def test_a_flipped_bit_is_named_with_what_to_make_again(made, capsys, file, place, named):
    flip(made / "results/mini" / file, place)
    assert main(["verify", str(made)]) == 1
    error = capsys.readouterr().err
    assert named in error and f"--force {made / 'results/mini' / file}`" in error and error.count("\n") == 1


def test_folders_that_are_linked_to_another_disk_are_checked(made, tmp_path, capsys):
    for name in ("resources", "results/mini"):
        (made / name).rename(tmp_path / f"disk-{Path(name).name}")
        (made / name).symlink_to(tmp_path / f"disk-{Path(name).name}")
    (made / "resources/loop").symlink_to(made)
    assert main(["verify", str(made / "resources/.")]) == 0
    flip(made / "resources/a.zarr/ids/c.0.0", 3)
    flip(made / "results/mini/own/seed0/model.safetensors", -3)
    for name in ("resources", "results"):
        assert main(["verify", str(made / name)]) == 1
    assert "its weights" in capsys.readouterr().err


def test_a_changed_score_is_named(made, capsys):
    path = made / "results/mini/own/metrics.json"
    path.write_text(path.read_text().replace("40.0", "41.0"))
    assert main(["verify", str(made / "results")]) == 1
    assert "own/metrics.json: unsupervised is not what its seeds say" in capsys.readouterr().err


def test_a_model_of_another_run_is_refused_by_collect_and_named(made, capsys):
    own = made / "results/mini/own"
    shutil.copy(own / "seed0/model.safetensors", own / "seed1")
    assert main(["verify", str(own)]) == 1
    named = "seed1/probes.safetensors was made from another model than the one there now"
    assert named in capsys.readouterr().err
    command = ["collect", "--runs", str(own / "seed0"), str(own / "seed1"), "--header", json.dumps(HEADER)]
    assert main([*command, "--durations", "none", "--out", str(own / "metrics.json")]) == 1
    assert named in capsys.readouterr().err


def test_seeds_of_other_features_are_not_averaged(made, capsys):
    path = made / "results/mini/own/seed1/metrics.json"
    path.write_text(path.read_text().replace('"features": "f"', '"features": "g"'))
    assert main(["verify", str(made)]) == 1
    assert "seed1/metrics.json was made from another features than" in capsys.readouterr().err


def test_several_faults_are_all_told(made, capsys):
    flip(made / "resources/a.zarr/ids/c.0.0", 30)
    flip(made / "results/mini/own/seed0/model.safetensors", -3)
    assert main(["verify", str(made)]) == 1
    out, error = capsys.readouterr()
    assert "a.zarr: ids: row 0: damaged" in out and "model.safetensors: damaged" in out
    assert f"`depthg verify --reopen {made / 'resources/a.zarr'}`" in error


def test_a_folder_without_anything_to_check(tmp_path, capsys):
    assert main(["verify", str(tmp_path)]) == 1
    assert "nothing to check" in capsys.readouterr().err
