"""What `depthg status` reads from the disk."""

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from depthg.errors import DepthGError
from depthg.report.status import progress
from depthg.report.status.progress import Progress, store_progress, training_progress
from depthg.report.status.text import status_lines
from depthg.runtime.parent import SNAKEMAKE
from depthg.store.arrays import Array
from depthg.store.lock import Lock
from depthg.store.writer import Writer

ARRAYS = {"tokens": Array((4,), "float32", compress=False)}


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """An empty folder to work in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write_rows(store: str, rows: int, of: int) -> Writer:
    """The writer of a store after so many of its rows."""
    writer = Writer(Path(store), of, ARRAYS, {})
    writer.write(range(rows), tokens=np.zeros((rows, 4), "float32"))
    return writer


def status(*targets: str) -> list[tuple[str, str]]:
    """Path → state and progress, of each line that has a path."""
    lines = (line.split() for line in status_lines(targets, Path("config.yaml")) if "/" in line)
    return [(words[-1], " ".join(words[:-1])) for words in lines]


def log(path: str, text: str) -> None:
    file = Path("logs", path)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def test_a_store_in_the_making_and_after():
    writer = write_rows("resources/mine/train/crops.zarr", 3, of=4)
    assert status() == [("resources/mine/train/crops.zarr", "running 3 of 4 rows, 75%")]
    writer._lock.release()  # as if its process had ended
    assert status("mine") == [("resources/mine/train/crops.zarr", "begun 3 of 4 rows, 75%")]
    writer.write(range(3, 4), tokens=np.ones((1, 4), "float32"))
    writer.finish()
    assert status("resources/mine") == [("resources/mine/train/crops.zarr", "made 4 rows")]


def test_stores_in_folders_that_are_linked_to_another_disk(folder):
    write_rows("disk/crops.zarr", 3, of=4)._lock.release()
    for dataset in ("mine", "yours"):
        Path("resources", dataset).mkdir(parents=True)
        Path("resources", dataset, "train").symlink_to(folder / "disk")
        Path("resources", dataset, "loop").symlink_to(folder / "resources" / dataset)
    assert [path for path, _ in status()] == [
        "resources/mine/train/crops.zarr",
        "resources/yours/train/crops.zarr",
    ]


def test_a_lock_of_a_dead_process_holds_nothing():
    write_rows("resources/mine/train/crops.zarr", 1, of=4)._lock.release()
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    Path("resources/mine/train/crops.zarr.lock").write_text(
        json.dumps({"host": socket.gethostname(), "pid": ended.pid})
    )
    assert status() == [("resources/mine/train/crops.zarr", "begun 1 of 4 rows, 25%")]


def test_steps_of_a_training_from_its_history_or_its_checkpoint(folder):
    assert training_progress(folder, 300) is None
    torch.save(
        {"run": "0f1e2d3c", "step": 70_000, "history": [], "model": {"w": torch.ones(3)}}, "checkpoint.pt"
    )
    assert training_progress(folder, 100_000) == Progress(70_000, 100_000, "steps")
    Path("history.jsonl").write_text('{"step": 0}\n{"step": 70129}\n')
    assert str(training_progress(folder, 100_000)) == "70,130 of 100,000 steps, 70%"
    Path("checkpoint.pt").write_bytes(b"PK broken")
    assert str(training_progress(folder, None)) == "70,130 steps"


def test_a_store_that_is_just_being_begun_has_no_progress(folder):
    (folder / "x.zarr/tokens").mkdir(parents=True)
    (folder / "x.zarr/tokens/zarr.json").write_text('{"shape": [')
    assert store_progress(folder / "x.zarr") is None


def test_an_experiment_before_while_and_after_it_failed():
    shared = [
        "resources/demo/train/images.csv",
        "resources/demo/train/crops.zarr",
        "resources/demo/val/crops.zarr",
        "resources/demo/train/features/demo_vit8.zarr",
        "resources/demo/val/features/demo_vit8.zarr",
        "resources/demo/train/neighbors/demo_vit8.zarr",
    ]
    seed = "results/demo/stego/seed0"
    files = ("model.safetensors", "probes.safetensors", "metrics.json")
    own = [
        *(f"{seed}/{file}" for file in files),
        "results/demo/stego/figure.png",
        "results/demo/stego/metrics.json",
    ]
    go_on = (own[-1], "to go on: snakemake")
    before = status("demo/stego")
    assert before == [(shared[0], "next"), *((path, "to do") for path in [*shared[1:], *own]), go_on]

    Path(seed).mkdir(parents=True)
    Path(seed, "history.jsonl").write_text('{"step": 29}\n')
    lock = Lock(Path(seed, "training.lock"), Path(seed))
    assert dict(status("results/demo/stego/metrics.json"))[own[0]] == "running 30 of 300 steps, 10%"

    lock.release()
    log("demo/stego/seed0/train.log", "error: interrupted: the same command goes on where it stopped\n")
    assert dict(status("demo/stego"))[own[0]] == "begun 30 of 300 steps, 10%"
    log("demo/stego/seed0/train.log", "error: the loss is not finite\n")
    lines = "\n".join(status_lines(["demo/stego"], Path("config.yaml"))).splitlines()
    place = next(number for number, line in enumerate(lines) if line.endswith(own[0]))
    assert lines[place].startswith("failed") and lines[place + 1].strip() == "error: the loss is not finite"


def test_a_projected_backbone_is_made_of_another():
    Path("config.yaml").write_text("backbones: {pca: {of: demo_vit8, channels: 8}}\n")
    paths = list(dict(status("demo/stego+backbone=pca")))
    assert paths[3:9] == [
        "resources/demo/train/features/demo_vit8.zarr",
        "resources/demo/val/features/demo_vit8.zarr",
        "resources/demo/train/axes/pca.npy",
        "resources/demo/train/features/pca.zarr",
        "resources/demo/val/features/pca.zarr",
        "resources/demo/train/neighbors/pca.zarr",
    ]


def test_a_job_without_a_lock_of_its_own_runs_while_its_process_lives():
    evaluation = "results/demo/stego/seed0/metrics.json"
    log("demo/stego/seed0/evaluate.log", "")
    Path(".snakemake/runs").mkdir(parents=True)
    Path(evaluation).parent.mkdir(parents=True)
    run = Lock(Path(f".snakemake/runs/here-{os.getpid()}.run"), Path(".snakemake"))
    holds = "from depthg.runtime.joblog import hold_log; hold_log(); print('holds', flush=True); input()"
    with Path("logs/demo/stego/seed0/evaluate.log").open("w") as stream:
        job = subprocess.Popen(
            [sys.executable, "-c", holds],
            stdin=subprocess.PIPE,
            stdout=stream,
            env=os.environ | {SNAKEMAKE: str(os.getpid())},
        )
    while "holds" not in Path("logs/demo/stego/seed0/evaluate.log").read_text():
        time.sleep(0.02)
    assert status("demo") == [(evaluation, "running")] and dict(status("demo/stego"))[evaluation] == "running"
    job.kill()
    job.communicate()
    assert dict(status("demo/stego"))[evaluation] == "to do"  # though another run goes on
    assert list(status_lines([], Path("config.yaml")))[-1] == "a run of Snakemake goes on here"
    run.release()


@pytest.mark.parametrize(
    ("target", "found"),
    [
        ("demo", ["demo/train/crops", "demo/train/crops2"]),
        ("resources/demo", ["demo/train/crops", "demo/train/crops2"]),
        ("./resources//demo/", ["demo/train/crops", "demo/train/crops2"]),
        ("resources/demo/train/crops.zarr", ["demo/train/crops"]),
        ("resources/demo/train/crops.zarr/complete.json", ["demo/train/crops"]),
        ("resources", ["demo/train/crops", "demo/train/crops2", "demo_released/train/crops"]),
        ("", ["demo/train/crops", "demo/train/crops2", "demo_released/train/crops"]),
    ],
)
def test_a_target_is_a_folder_and_no_beginning_of_a_name(target, found):
    for name in ("demo/train/crops", "demo/train/crops2", "demo_released/train/crops"):
        write_rows(f"resources/{name}.zarr", 1, of=4)._lock.release()
    assert [path for path, _ in status(target)] == [f"resources/{name}.zarr" for name in found]


def test_an_experiment_may_be_named_by_any_path_to_it(folder):
    named = status("demo/stego")
    for target in ("results/demo/stego", "./results/demo/stego", str(folder / "results/demo/stego/seed0")):
        assert status(target) == named


def test_unknown_names_are_told_with_near_ones():
    with pytest.raises(DepthGError, match="unknown experiment 'steg': did you mean 'stego'"):
        status("demo/steg")
    with pytest.raises(DepthGError, match="unknown dataset 'dmo': did you mean 'demo'"):
        status("dmo/stego")
    with pytest.raises(DepthGError, match="mine: nothing of it is there yet"):
        status("mine")


def test_files_of_a_training_have_the_names_that_it_gives_them():
    from depthg.training import loop

    assert (progress.HISTORY, progress.CHECKPOINT) == (loop.HISTORY, loop.CHECKPOINT)
