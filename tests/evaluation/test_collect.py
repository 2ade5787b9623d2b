import json

import pytest

from depthg.errors import DepthGError
from depthg.evaluation.collect import collect

HEADER = {
    "git_commit": "abc",
    "dataset": "demo",
    "experiment": "ours",
    "backbone": "dino_vits8",
    "depth": "exact",
    "preset": "paper",
    "configuration_hash": "123",
    "versions": {"torch": "2"},
}


def block(accuracy: float, miou: float, road: float | None) -> dict:
    return {"accuracy": accuracy, "miou": miou, "per_class": {"road": road, "sky": None}}


def write_seed(root, seed: int, accuracy: float, road: float | None):
    scores = block(accuracy, accuracy / 2, road)
    metrics = {
        "unsupervised": scores,
        "unsupervised_crf": None,
        "linear": scores,
        "linear_crf": None,
        "reasons": {"unsupervised_crf": "crf is off", "linear_crf": "crf is off"},
        "matching": {"0": "road", "1": None},
        "counts": {"images": 7, "pixels": 70},
    }
    folder = root / f"seed{seed}"
    folder.mkdir()
    (folder / "metrics.json").write_text(json.dumps(metrics))
    return folder


def run(root, folders, durations=None) -> dict:
    collect(folders, root / "metrics.json", HEADER, durations or {})
    return json.loads((root / "metrics.json").read_text())


def test_mean_and_sample_deviation_by_hand(tmp_path):
    folders = [
        write_seed(tmp_path, 10, 44.0, 30.0),
        write_seed(tmp_path, 2, 40.0, None),
        write_seed(tmp_path, 3, 42.0, 35.0),
    ]
    result = run(tmp_path, folders)
    assert result["seeds"] == [2, 3, 10]
    assert result["unsupervised"]["accuracy"] == {"mean": 42.0, "std": 2.0, "values": [40.0, 42.0, 44.0]}
    assert result["unsupervised"]["miou"] == {"mean": 21.0, "std": 1.0, "values": [20.0, 21.0, 22.0]}
    assert result["linear"]["per_class"] == {"road": 32.5, "sky": None}
    assert result["matching"]["10"] == {"0": "road", "1": None}


def test_fixed_form(tmp_path):
    result = run(tmp_path, [write_seed(tmp_path, 0, 40.0, 30.0)], {"train": 2.04, "cluster": 1})
    assert list(result) == [
        "dataset",
        "experiment",
        "backbone",
        "depth",
        "preset",
        "seeds",
        "n_images",
        "unsupervised",
        "unsupervised_crf",
        "linear",
        "linear_crf",
        "reasons",
        "matching",
        "made_from",
        "configuration_hash",
        "versions",
        "git_commit",
        "durations",
    ]
    assert result["n_images"] == 7
    assert result["unsupervised"]["accuracy"] == {"mean": 40.0, "std": 0.0, "values": [40.0]}
    assert result["unsupervised_crf"] is None
    assert result["reasons"] == {"unsupervised_crf": "crf is off", "linear_crf": "crf is off"}
    assert list(result["durations"].items()) == [("cluster", 1), ("train", 2.0)]


def test_order_of_the_folders_changes_no_byte(tmp_path):
    folders = [write_seed(tmp_path, seed, 40.0 + seed, 30.0) for seed in range(3)]
    run(tmp_path, folders)
    first = (tmp_path / "metrics.json").read_bytes()
    run(tmp_path, folders[::-1])
    assert (tmp_path / "metrics.json").read_bytes() == first


def test_a_block_that_one_seed_lacks_is_null(tmp_path):
    folders = [write_seed(tmp_path, seed, 40.0, 30.0) for seed in range(2)]
    metrics = json.loads((folders[1] / "metrics.json").read_text())
    metrics |= {"linear": None, "reasons": {"linear": "no linear probe"}}
    (folders[1] / "metrics.json").write_text(json.dumps(metrics))
    result = run(tmp_path, folders)
    assert result["linear"] is None
    assert result["reasons"]["linear"] == "no linear probe"


def test_a_folder_that_is_no_seed_is_named(tmp_path):
    with pytest.raises(DepthGError, match="not the folder of a seed"):
        run(tmp_path, [tmp_path / "first"])


def test_a_seed_without_metrics_is_named(tmp_path):
    with pytest.raises(DepthGError, match=r"seed1.metrics\.json: missing"):
        run(tmp_path, [tmp_path / "seed1"])


def test_further_blocks_are_collected_where_every_seed_has_them(tmp_path):
    folders = [write_seed(tmp_path, seed, 40.0, 30.0) for seed in range(2)]
    for seed, folder in enumerate(folders):
        metrics = json.loads((folder / "metrics.json").read_text())
        metrics["many_to_one"] = block(50.0 + 2 * seed, 30.0, 20.0)
        if seed:  # the other one was evaluated by an earlier version
            metrics |= {"many_to_one_crf": None, "reasons": {"many_to_one_crf": "crf is off"}}
        (folder / "metrics.json").write_text(json.dumps(metrics))
    result = run(tmp_path, folders)
    assert result["many_to_one"]["accuracy"]["mean"] == 51
    assert result["many_to_one"]["per_class"] == {"road": 20, "sky": None}
    assert "many_to_one_crf" not in result and "many_to_one_crf" not in result["reasons"]
